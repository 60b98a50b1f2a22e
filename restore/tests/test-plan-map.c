/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several source disks: which disk takes which, what is said about the others, two source disks
 * on one, and new ids. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include <base/cleanup.h>

#include "plan-machine.h"

static void two_named_disks_get_a_plan_each_the_system_disk_last(void **state)
{
	struct machine m;

	set_up_machine(&m);
	{
		const struct plan_named named[2] = { { 0, &m.disks[0] },
						     { 1, &m.disks[1] } };

		assert_int_equal(map_disks(&m, "all", false, named, NULL), 0);
	}
	assert_false(plan_set_refused(&m.set));
	assert_int_equal(m.set.count, 2);
	assert_ptr_equal(m.set.plans[0]->disk, &m.disks[1]);
	assert_ptr_equal(m.set.plans[0]->source_disk, &m.sources[1]);
	assert_ptr_equal(m.set.plans[1]->disk, &m.disks[0]);
	assert_int_equal(m.set.plans[1]->id_change_count, 0);
	tear_down_machine(&m);
}

static void a_data_disk_of_which_nothing_is_chosen_gets_no_plan(void **state)
{
	struct machine m;

	set_up_machine(&m);
	{
		const struct plan_named named[2] = { { -1, &m.disks[0] } };

		assert_int_equal(map_disks(&m, NULL, false, named, NULL), 0);
	}
	assert_false(plan_set_refused(&m.set));
	assert_int_equal(m.set.count, 1);
	assert_ptr_equal(m.set.plans[0]->source_disk, &m.sources[0]);
	tear_down_machine(&m);
}

static void a_disk_that_carries_the_ids_need_not_be_named(void **state)
{
	struct machine m;

	set_up_machine(&m);
	give_ids(&m, 2, 1);
	{
		const struct plan_named named[2] = { { -1, &m.disks[0] } };

		assert_int_equal(map_disks(&m, "all", false, named, NULL), 0);
	}
	assert_false(plan_set_refused(&m.set));
	assert_int_equal(m.set.count, 2);
	assert_ptr_equal(m.set.plans[0]->disk, &m.disks[2]);
	assert_true(is_told(&m, PLAN_NOTE,
			    "'/dev/sdb' (serial B2) is not used: not asked for; name it "
			    "with --disk to use it"));
	tear_down_machine(&m);
}

static void a_disk_that_only_fits_is_proposed_and_refused_until_it_is_named(void **state)
{
	struct machine m;

	set_up_machine(&m);
	{
		const struct plan_named named[2] = { { -1, &m.disks[0] } };

		assert_int_equal(map_disks(&m, "all", false, named, NULL), 0);
	}
	assert_true(plan_set_refused(&m.set));
	assert_true(is_told(&m, PLAN_REFUSAL,
			    "source disk 1: no disk carries its ids; '/dev/sdb' is the "
			    "smallest that is large enough: name it with --disk "
			    "1=serial:B2"));
	tear_down_machine(&m);
}

static void each_disk_that_is_not_used_gets_one_reason(void **state)
{
	struct machine m;

	set_up_machine(&m);
	m.disks[2].protection = DISK_MOUNTED;
	m.disks[2].protection_text =
		(char *)"'/dev/sdc1' is mounted on /mnt\nsecond line";
	{
		const struct plan_named named[2] = { { -1, &m.disks[0] } };

		assert_int_equal(map_disks(&m, "all", false, named, &m.disks[1]), 0);
	}
	assert_true(
		is_told(&m, PLAN_REFUSAL,
			"source disk 1: no disk for it; name one with --disk 1=WHICH, "
			"or choose volumes that are not on it"));
	assert_true(
		is_told(&m, PLAN_NOTE, "'/dev/sdb' (serial B2) is not used: excluded"));
	assert_true(
		is_told(&m, PLAN_NOTE,
			"'/dev/sdc' (serial C3) is not used: '/dev/sdc1' is mounted on "
			"/mnt"));
	assert_true(is_told(&m, PLAN_NOTE,
			    "'/dev/sdd' (serial D4) is not used: too small: it has "
			    "536870912 bytes, 646971392 are needed"));
	tear_down_machine(&m);
}

static void other_disks_do_not_change_the_hash(void **state)
{
	struct machine m;
	char hash[PLAN_HASH_SIZE], again[PLAN_HASH_SIZE];

	set_up_machine(&m);
	{
		const struct plan_named named[2] = { { -1, &m.disks[0] } };

		assert_int_equal(map_disks(&m, NULL, false, named, NULL), 0);
		plan_hash(m.set.plans[0], hash);
		m.f.list.count = 3;
		assert_int_equal(map_disks(&m, NULL, false, named, &m.disks[1]), 0);
		assert_string_equal(plan_hash(m.set.plans[0], again), hash);
		m.disks[0].serial = (char *)"A9";
		assert_int_equal(map_disks(&m, NULL, false, named, NULL), 0);
		assert_string_not_equal(plan_hash(m.set.plans[0], again), hash);
	}
	tear_down_machine(&m);
}

static void what_cannot_be_meant_is_an_error(void **state)
{
	struct machine m;

	set_up_machine(&m);
	{
		const struct plan_named twice[2] = { { 0, &m.disks[0] },
						     { -1, &m.disks[2] } };
		const struct plan_named absent[2] = { { 0, &m.disks[0] },
						      { 7, &m.disks[2] } };
		const struct plan_named one[2] = { { -1, &m.disks[0] } };

		assert_int_equal(map_disks(&m, "all", false, twice, NULL), -EINVAL);
		assert_string_equal(m.err.text, "source disk 0 is given two targets, "
						"'/dev/sda' and '/dev/sdc'");
		assert_int_equal(map_disks(&m, "all", false, absent, NULL), -EINVAL);
		assert_non_null(strstr(m.err.text, "source disk 7: "));
		assert_int_equal(map_disks(&m, "all", false, one, &m.disks[0]), -EINVAL);
		assert_string_equal(m.err.text,
				    "'/dev/sda' is excluded and named as a target");
	}
	tear_down_machine(&m);
}

static void a_disk_without_identity_must_be_named_twice(void **state)
{
	static char text[] = "it has neither serial nor WWN";
	struct machine m;

	set_up_machine(&m);
	m.disks[0].protection = DISK_NO_IDENTITY;
	m.disks[0].protection_text = text;
	{
		const struct plan_named once[2] = { { -1, &m.disks[0] } };
		const struct plan_named twice[2] = { { -1, &m.disks[0] },
						     { -1, &m.disks[0] } };

		assert_int_equal(map_disks(&m, NULL, false, once, NULL), 0);
		assert_true(plan_set_refused(&m.set));
		assert_true(is_told(&m, PLAN_REFUSAL,
				    "'/dev/sda' cannot be the target: it has neither "
				    "serial nor WWN"));
		assert_int_equal(map_disks(&m, NULL, false, twice, NULL), 0);
		assert_false(plan_set_refused(&m.set));
		m.disks[0].protection |= DISK_SAME_IDENTITY;
		assert_int_equal(map_disks(&m, NULL, false, twice, NULL), 0);
		assert_true(plan_set_refused(&m.set));
	}
	tear_down_machine(&m);
}

/* ESP alone on the second disk, C: and D: on others. */
static void the_disk_with_the_efi_system_partition_is_the_system_disk(void **state)
{
	struct machine m;

	set_up_machine(&m);
	m.data[1].volume = 0;
	m.data[1].type.value = partition_type_esp;
	m.data[1].length = known(100 * MiB);
	m.f.partitions[0].volume = -1;
	{
		const struct plan_named named[2] = { { 0, &m.disks[0] },
						     { 1, &m.disks[1] } };

		assert_int_equal(map_disks(&m, NULL, false, named, NULL), 0);
	}
	assert_false(plan_set_refused(&m.set));
	assert_ptr_equal(m.set.plans[1]->disk, &m.disks[1]);
	assert_ptr_equal(m.set.plans[0]->disk, &m.disks[0]);
	tear_down_machine(&m);
}

static void two_source_disks_go_onto_one_larger_disk(void **state)
{
	struct machine m;
	const struct restore_plan *plan;

	set_up_machine(&m);
	{
		const struct plan_named named[2] = { { 0, &m.disks[2] },
						     { 1, &m.disks[2] } };

		assert_int_equal(map_disks(&m, "all", false, named, NULL), 0);
	}
	assert_false(plan_set_refused(&m.set));
	assert_int_equal(m.set.count, 1);
	plan = m.set.plans[0];
	assert_true(guid_equal(&plan->after->disk_id, &m.sources[0].disk_id.value));
	assert_int_equal(plan->after->count, 4); /* the second MSR is not needed */
	assert_int_equal(plan->after->partitions[3].slot, 4);
	assert_int_equal(plan->after->partitions[3].offset, 1118 * MiB);
	assert_true(guid_equal(&plan->after->partitions[3].id, &m.data[1].id.value));
	assert_ptr_equal(plan->partitions[3].volume, &m.volumes[2]);
	assert_int_equal(plan->id_change_count, 1);
	assert_int_equal(plan->id_changes[0].partition, 3);
	assert_true(guid_equal(&plan->id_changes[0].old_disk_id,
			       &m.sources[1].disk_id.value));
	assert_int_equal(plan->id_changes[0].old_offset, 117 * MiB);
	assert_int_equal(plan->minimum_size, 1618 * MiB + 33 * 512);
	tear_down_machine(&m);
}

static void new_ids_are_new_the_same_each_time_and_others_on_another_disk(void **state)
{
	struct machine m;
	struct guid id;

	set_up_machine(&m);
	give_ids(&m, 3, 0); /* the original is attached */
	for (size_t disk = 0; disk < 3; disk += 2) {
		const struct plan_named named[2] = { { -1, &m.disks[disk] } };
		const struct plan_named again[2] = { { -1, &m.disks[0] } };

		assert_int_equal(map_disks(&m, NULL, false, named, NULL), 0);
		assert_true(plan_set_refused(&m.set));
		assert_int_equal(map_disks(&m, NULL, true, named, NULL), 0);
		assert_false(plan_set_refused(&m.set));
		assert_int_equal(m.set.plans[0]->id_change_count, 3);
		id = m.set.plans[0]->after->disk_id;
		assert_false(guid_equal(&id, &m.sources[0].disk_id.value));
		assert_true(guid_equal(&m.set.plans[0]->id_changes[0].old_id,
				       &m.f.partitions[0].id.value));
		assert_true(guid_equal(&m.set.plans[0]->id_changes[0].new_id,
				       &m.set.plans[0]->after->partitions[0].id));
		assert_int_equal(map_disks(&m, NULL, true, again, NULL), 0);
		assert_int_equal(guid_equal(&id, &m.set.plans[0]->after->disk_id),
				 disk == 0);
	}
	tear_down_machine(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_named_disks_get_a_plan_each_the_system_disk_last),
		cmocka_unit_test(a_data_disk_of_which_nothing_is_chosen_gets_no_plan),
		cmocka_unit_test(a_disk_that_carries_the_ids_need_not_be_named),
		cmocka_unit_test(
			a_disk_that_only_fits_is_proposed_and_refused_until_it_is_named),
		cmocka_unit_test(each_disk_that_is_not_used_gets_one_reason),
		cmocka_unit_test(other_disks_do_not_change_the_hash),
		cmocka_unit_test(what_cannot_be_meant_is_an_error),
		cmocka_unit_test(a_disk_without_identity_must_be_named_twice),
		cmocka_unit_test(
			the_disk_with_the_efi_system_partition_is_the_system_disk),
		cmocka_unit_test(two_source_disks_go_onto_one_larger_disk),
		cmocka_unit_test(
			new_ids_are_new_the_same_each_time_and_others_on_another_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
