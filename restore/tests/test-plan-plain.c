/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dynamic disks and Storage Spaces: refused, and put onto plain partitions when asked for. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/cleanup.h>

#include "plan-machine.h"

/* The partitions of a version that may be changed: allocated, as a reader's are. */
static void own_partitions(struct source_disk *disk)
{
	struct source_partition *own = calloc(disk->partition_count, sizeof(*own));

	assert_non_null(own);
	memcpy(own, disk->partitions, disk->partition_count * sizeof(*own));
	disk->partitions = own;
}

/* C: of the first disk and D: of the second are dynamic; the documents name no place. */
static void make_dynamic(struct machine *m)
{
	set_up_machine(m);
	own_partitions(&m->sources[0]);
	own_partitions(&m->sources[1]);
	m->sources[0].partitions[2].type.value = partition_type_ldm_data;
	m->sources[0].partitions[2].volume = -1;
	m->sources[1].partitions[0].type.value = partition_type_ldm_metadata;
	m->sources[1].partitions[1].type.value = partition_type_ldm_data;
	m->volumes[1].volume_guid = known_guid(0x77);
}

static void tear_down_dynamic(struct machine *m)
{
	tear_down_machine(m);
	free(m->sources[0].partitions);
	free(m->sources[1].partitions);
}

static void map_all(struct machine *m)
{
	const struct plan_named named[2] = { { -1, &m->disks[2] } };

	assert_int_equal(map_disks(m, "all", false, named, NULL), 0);
}

static void dynamic_disks_are_refused_with_what_can_be_had(void **state)
{
	struct machine m;

	make_dynamic(&m);
	map_all(&m);
	assert_true(plan_set_refused(&m.set));
	assert_true(
		is_told(&m, PLAN_REFUSAL,
			"source disk 0 has partitions of the kind 'dynamic disk data', "
			"which are not recreated; --dynamic plain leaves them out and "
			"restores C:, D: onto plain partitions"));
	tear_down_dynamic(&m);
}

static void their_volumes_get_plain_partitions_behind_the_others(void **state)
{
	const struct restore_plan *plan;
	struct err err = { 0 };
	struct machine m;

	make_dynamic(&m);
	assert_int_equal(plan_make_plain(&m.f.version, &err), 0);
	map_all(&m);
	assert_false(plan_set_refused(&m.set));
	assert_int_equal(m.set.count, 1);
	plan = m.set.plans[0];
	assert_int_equal(plan->after->count, 4);
	assert_true(
		guid_equal(&plan->after->partitions[2].type, &partition_type_basic_data));
	assert_int_equal(plan->after->partitions[2].offset, 117 * MiB);
	assert_int_equal(plan->after->partitions[2].length, 1000 * MiB + 512);
	assert_true(guid_equal(&plan->after->partitions[2].id,
			       &m.volumes[1].volume_guid.value));
	assert_ptr_equal(plan->partitions[2].volume, &m.volumes[1]);
	assert_int_equal(plan->after->partitions[3].offset, 1118 * MiB);
	assert_ptr_equal(plan->partitions[3].volume, &m.volumes[2]);
	assert_true(is_told(&m, PLAN_WARNING,
			    "'C:' was on a dynamic disk or in a storage pool and gets a "
			    "plain partition; if Windows does not start, run 'bcdboot "
			    "C:\\Windows' from its installation medium once"));
	tear_down_dynamic(&m);
}

static void an_mbr_disk_that_is_all_dynamic_gets_an_active_partition(void **state)
{
	const struct restore_plan *plan;
	struct err err = { 0 };
	struct machine m;

	make_dynamic(&m);
	m.f.version.uefi = false;
	m.f.version.disk_count = 1;
	m.sources[0].style.value = TABLE_MBR;
	m.sources[0].mbr_signature = known(0x9546e6c7);
	m.volumes[0].role = ROLE_SYSTEM;
	for (size_t i = 0; i < 3; i++) {
		m.sources[0].partitions[i].mbr_type = known(0x42);
		m.sources[0].partitions[i].volume = -1;
	}
	map_all(&m);
	assert_true(plan_set_refused(&m.set));
	assert_true(
		is_told(&m, PLAN_REFUSAL,
			"source disk 0 has partitions of the kind 'dynamic disk data', "
			"which are not recreated; --dynamic plain leaves them out and "
			"restores system, C:, D: onto plain partitions"));
	assert_int_equal(plan_make_plain(&m.f.version, &err), 0);
	map_all(&m);
	assert_false(plan_set_refused(&m.set));
	plan = m.set.plans[0];
	assert_int_equal(plan->after->count, 3);
	assert_ptr_equal(plan->partitions[0].volume, &m.volumes[0]);
	assert_true(plan->after->partitions[0].mbr_active);
	assert_false(plan->after->partitions[1].mbr_active);
	assert_int_equal(plan->after->partitions[0].mbr_type, 0x07);
	assert_int_equal(plan->after->partitions[0].offset, MiB);
	tear_down_dynamic(&m);
}

static void plain_disks_stay_as_they_are(void **state)
{
	struct err err = { 0 };
	struct machine m;

	set_up_machine(&m);
	assert_int_equal(plan_make_plain(&m.f.version, &err), 0);
	assert_ptr_equal(m.sources[0].partitions, m.f.partitions);
	assert_int_equal(m.sources[0].partition_count, 3);
	assert_int_equal(m.sources[1].partition_count, 2);
	tear_down_machine(&m);
}

static void a_disk_that_keeps_its_table_may_be_dynamic(void **state)
{
	struct machine m;

	set_up_machine(&m);
	m.f.partitions[1].type.value = partition_type_ldm_metadata;
	{
		const struct plan_named named[2] = { { -1, &m.disks[0] } };

		assert_int_equal(map_disks(&m, "C:", false, named, NULL), 0);
		assert_true(plan_set_refused(&m.set));
		m.disks[0].layout = layout_copy(m.set.plans[0]->after);
		assert_int_equal(map_disks(&m, "C:", false, named, NULL), 0);
	}
	assert_false(plan_set_refused(&m.set));
	assert_true(m.set.plans[0]->in_place);
	tear_down_machine(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dynamic_disks_are_refused_with_what_can_be_had),
		cmocka_unit_test(their_volumes_get_plain_partitions_behind_the_others),
		cmocka_unit_test(
			an_mbr_disk_that_is_all_dynamic_gets_an_active_partition),
		cmocka_unit_test(plain_disks_stay_as_they_are),
		cmocka_unit_test(a_disk_that_keeps_its_table_may_be_dynamic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
