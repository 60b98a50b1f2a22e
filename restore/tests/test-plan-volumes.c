/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which volumes are written, and when a disk keeps its table. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include <base/cleanup.h>

#include "plan-fixture.h"

/* The machine of the fixture with a data volume D: behind C:, labelled "Accounts". */
struct machine {
	struct fixture f;
	struct backup_volume volumes[3];
	struct source_partition partitions[4];
};

static void set_up_machine(struct machine *m)
{
	struct fixture *f = &m->f;

	set_up(f);
	memcpy(m->volumes, f->volumes, sizeof(f->volumes));
	set_volume(&m->volumes[2], "d.vhdx", "D:", ROLE_DATA, 100 * MiB);
	m->volumes[2].critical = known(0);
	m->volumes[2].label =
		(struct value_text){ (char *)"Accounts", ORIGIN_BOOT_SECTOR };
	m->volumes[2].volume_guid = known_guid(0x77);
	set_partition(f, 0, 1200 * MiB, 100 * MiB, &partition_type_basic_data, 2);
	m->partitions[3] = f->partitions[0];
	m->partitions[3].slot = known(4);
	m->partitions[3].id = known_guid(0x23);
	set_partition(f, 0, MiB, 100 * MiB, &partition_type_esp, 0);
	memcpy(m->partitions, f->partitions, sizeof(f->partitions));
	f->source.partition_count = 4;
	f->source.partitions = m->partitions;
	f->version.volume_count = 3;
	f->version.volumes = m->volumes;
}

static void tear_down_machine(struct machine *m)
{
	plan_free(m->f.plan);
	layout_free(m->f.disks[0].layout);
}

static bool has_finding(const struct fixture *f, const char *text)
{
	for (size_t i = 0; i < f->plan->finding_count; i++)
		if (strcmp(f->plan->findings[i].text, text) == 0)
			return true;
	return false;
}

/* The letters of the volumes that are written: "E" for the ESP. */
static void assert_written(const struct machine *m, const char *wanted)
{
	char found[8] = "";
	size_t count = 0;

	for (size_t i = 0; m->f.plan->after && i < m->f.plan->after->count; i++) {
		const struct backup_volume *v = m->f.plan->partitions[i].volume;

		if (v)
			found[count++] =
				v->role == ROLE_ESP ? 'E' : v->access_path.value[0];
	}
	assert_string_equal(found, wanted);
}

static void volumes_are_chosen_by_role_letter_label_and_guid(void **state)
{
	static const struct {
		const char *volumes, *written;
	} cases[] = {
		{ NULL, "EC" },	     { "critical", "EC" },
		{ "all", "ECD" },    { "C:", "C" },
		{ "c", "C" },	     { "C:\\, esp", "EC" },
		{ "accounts", "D" }, { "{11111177-1111-1111-1111-111111111111}", "D" },
	};
	struct machine m;

	set_up_machine(&m);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_plan_of(&m.f, cases[i].volumes);
		assert_false(plan_refused(m.f.plan));
		assert_written(&m, cases[i].written);
	}
	m.volumes[2].critical = known(1);
	make_plan(&m.f);
	assert_written(&m, "ECD");
	tear_down_machine(&m);
}

static void a_name_that_matches_no_volume_is_refused(void **state)
{
	struct machine m;

	set_up_machine(&m);
	make_plan_of(&m.f, "C:,Q:");
	assert_true(plan_refused(m.f.plan));
	assert_true(has_finding(&m.f,
				"volume 'Q:' is not in the backup; it has ESP, C:, D:"));
	tear_down_machine(&m);
}

static void on_another_disk_what_was_not_chosen_is_created_empty(void **state)
{
	struct machine m;

	set_up_machine(&m);
	make_plan(&m.f);
	assert_false(m.f.plan->in_place);
	assert_int_equal(m.f.plan->after->count, 4);
	assert_ptr_equal(m.f.plan->partitions[3].left_out, &m.volumes[2]);
	assert_true(has_finding(&m.f, "partition 4 (basic data) is not among the chosen "
				      "volumes and is created empty"));
	tear_down_machine(&m);
}

static void an_intact_disk_keeps_its_table_and_what_was_not_chosen(void **state)
{
	struct machine m;

	set_up_machine(&m);
	make_intact(&m.f);
	make_plan(&m.f);
	assert_false(plan_refused(m.f.plan));
	assert_true(m.f.plan->in_place);
	assert_written(&m, "EC");
	assert_true(m.f.plan->partitions[1].kept); /* MSR */
	assert_true(m.f.plan->partitions[3].kept);
	assert_false(m.f.plan->partitions[2].kept);
	assert_true(m.f.plan->journal_slot_length > 0);
	tear_down_machine(&m);
}

static void a_partition_that_no_backup_knows_is_kept_too(void **state)
{
	struct machine m;
	struct disk_partition *p;

	set_up_machine(&m);
	make_intact(&m.f);
	p = layout_add(m.f.disks[0].layout);
	*p = m.f.disks[0].layout->partitions[3];
	p->slot = 5;
	p->id = known_guid(0x99).value;
	p->offset = 1400 * MiB;
	make_plan_of(&m.f, "all");
	assert_true(m.f.plan->in_place);
	assert_int_equal(m.f.plan->after->count, 5);
	assert_true(m.f.plan->partitions[4].kept);
	assert_written(&m, "ECD");
	tear_down_machine(&m);
}

static void an_intact_disk_of_which_all_is_chosen_gets_a_new_table(void **state)
{
	struct machine m;

	set_up_machine(&m);
	make_intact(&m.f);
	make_plan_of(&m.f, "all");
	assert_false(m.f.plan->in_place);
	tear_down_machine(&m);
}

static void other_id(struct machine *m)
{
	m->f.disks[0].layout->disk_id.b[3] ^= 1;
}

static void other_partition_id(struct machine *m)
{
	m->f.disks[0].layout->partitions[3].id.b[3] ^= 1;
}

static void moved(struct machine *m)
{
	m->f.disks[0].layout->partitions[3].offset += MiB;
}

static void shorter(struct machine *m)
{
	m->f.disks[0].layout->partitions[2].length -= MiB;
}

static void one_absent(struct machine *m)
{
	m->f.disks[0].layout->count = 3;
}

static void smaller(struct machine *m)
{
	m->f.source.size = known(3 * GiB);
}

static void other_style(struct machine *m)
{
	m->f.disks[0].layout->style = TABLE_MBR;
}

static void other_sectors(struct machine *m)
{
	m->f.disks[0].layout->sector_size = 4096;
}

static void unreadable(struct machine *m)
{
	layout_free(m->f.disks[0].layout);
	m->f.disks[0].layout = NULL;
}

static void anything_that_differs_makes_a_disk_not_intact(void **state)
{
	static void (*const spoil[])(struct machine *) = {
		other_id, other_partition_id, moved,	     shorter,	 one_absent,
		smaller,  other_style,	      other_sectors, unreadable,
	};

	for (size_t i = 0; i < ARRAY_SIZE(spoil); i++) {
		struct machine m;

		set_up_machine(&m);
		make_intact(&m.f);
		spoil[i](&m);
		make_plan(&m.f);
		if (m.f.plan->in_place)
			fail_msg("case %zu", i);
		tear_down_machine(&m);
	}
}

static void the_printed_plan_says_what_stays(void **state)
{
	struct machine m;
	AUTO_FREE char *text = NULL;

	set_up_machine(&m);
	make_intact(&m.f);
	make_plan(&m.f);
	text = plan_text(m.f.plan);
	assert_non_null(strstr(text, "Now on it:\n"));
	assert_non_null(strstr(text, "stays as it is, not chosen: D:\n"));
	assert_non_null(strstr(text, "its table stays"));
	tear_down_machine(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volumes_are_chosen_by_role_letter_label_and_guid),
		cmocka_unit_test(a_name_that_matches_no_volume_is_refused),
		cmocka_unit_test(on_another_disk_what_was_not_chosen_is_created_empty),
		cmocka_unit_test(an_intact_disk_keeps_its_table_and_what_was_not_chosen),
		cmocka_unit_test(a_partition_that_no_backup_knows_is_kept_too),
		cmocka_unit_test(an_intact_disk_of_which_all_is_chosen_gets_a_new_table),
		cmocka_unit_test(anything_that_differs_makes_a_disk_not_intact),
		cmocka_unit_test(the_printed_plan_says_what_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
