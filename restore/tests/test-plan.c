/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>

#include "plan-fixture.h"

/* The text of the first finding of a rule with that severity; NULL: none. */
static const char *finding(const struct fixture *f, const char *rule,
			   enum plan_severity severity)
{
	for (size_t i = 0; i < f->plan->finding_count; i++)
		if (strcmp(f->plan->findings[i].rule, rule) == 0 &&
		    f->plan->findings[i].severity == severity)
			return f->plan->findings[i].text;
	return NULL;
}

static void assert_refused(const struct fixture *f, const char *rule, const char *text)
{
	const char *found = finding(f, rule, PLAN_REFUSAL);

	assert_true(plan_refused(f->plan));
	assert_non_null(found);
	assert_string_equal(found, text);
}

static void every_partition_keeps_its_place_slot_and_ids(void **state)
{
	struct fixture f;

	set_up(&f);
	make_plan(&f);
	assert_false(plan_refused(f.plan));
	assert_int_equal(f.plan->after->style, TABLE_GPT);
	assert_true(guid_equal(&f.plan->after->disk_id, &f.source.disk_id.value));
	assert_int_equal(f.plan->after->count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct disk_partition *p = &f.plan->after->partitions[i];

		assert_int_equal(p->slot, i + 1);
		assert_int_equal(p->offset, f.partitions[i].offset.value);
		assert_int_equal(p->length, f.partitions[i].length.value);
		assert_true(guid_equal(&p->id, &f.partitions[i].id.value));
		assert_true(guid_equal(&p->type, &f.partitions[i].type.value));
	}
	assert_null(f.plan->partitions[1].volume);
	assert_string_equal(
		finding(&f, "empty-partitions", PLAN_NOTE),
		"partition 2 (Microsoft reserved) has no image and is created empty");
	plan_free(f.plan);
}

static void partitions_are_ordered_by_slot_not_by_place(void **state)
{
	struct fixture f;

	set_up(&f);
	f.partitions[0].slot = known(3);
	f.partitions[2].slot = known(1);
	make_plan(&f);
	assert_int_equal(f.plan->after->partitions[0].offset, 117 * MiB);
	assert_string_equal(f.plan->partitions[0].volume->image_path, "c.vhdx");
	assert_int_equal(f.plan->after->partitions[2].slot, 3);
	assert_string_equal(f.plan->partitions[2].volume->image_path, "Esp.vhdx");
	plan_free(f.plan);
}

static void the_journal_lies_between_table_and_first_partition(void **state)
{
	struct fixture f;

	set_up(&f);
	make_plan(&f);
	assert_true(f.plan->journal_offset >= 17408);
	assert_true(f.plan->journal_offset + 2 * f.plan->journal_slot_length <= MiB);
	assert_int_equal(f.plan->journal_offset % 4096, 0);
	f.partitions[1].offset = known(34 * 512); /* as old Windows put its MSR */
	f.partitions[1].length = known(512);
	make_plan(&f);
	assert_int_equal(f.plan->journal_slot_length, 0);
	assert_non_null(finding(&f, "journal-has-room", PLAN_NOTE));
	plan_free(f.plan);
}

static void equal_input_gives_an_equal_hash_and_any_change_another(void **state)
{
	struct fixture f;
	char hash[PLAN_HASH_SIZE], again[PLAN_HASH_SIZE];

	set_up(&f);
	make_plan(&f);
	plan_hash(f.plan, hash);
	make_plan(&f);
	assert_string_equal(plan_hash(f.plan, again), hash);
	f.disks[0].path =
		(char *)"/dev/nvme1n1"; /* the name may move, the disk is the same */
	make_plan(&f);
	assert_string_equal(plan_hash(f.plan, again), hash);
	f.disks[0].serial = (char *)"A2";
	make_plan(&f);
	assert_string_not_equal(plan_hash(f.plan, again), hash);
	plan_free(f.plan);
}

static void a_disk_one_sector_too_small_is_refused_with_the_exact_minimum(void **state)
{
	struct fixture f;
	uint64_t minimum;

	set_up(&f);
	make_plan(&f);
	minimum = f.plan->minimum_size;
	assert_int_equal(minimum, 117 * MiB + 1000 * MiB + 512 + 33 * 512);
	f.disks[0].size = minimum;
	make_plan(&f);
	assert_false(plan_refused(f.plan));
	f.disks[0].size = minimum - 512;
	make_plan(&f);
	assert_refused(&f, "target-is-large-enough",
		       "'/dev/nvme0n1' is too small: it has 1171276288 bytes (1.1 GiB), "
		       "this layout "
		       "needs 1171276800 bytes (1.1 GiB), 512 more");
	plan_free(f.plan);
}

static void a_file_to_be_created_gets_the_size_of_the_source_disk(void **state)
{
	struct fixture f;

	set_up(&f);
	f.disks[0].is_file = true;
	f.disks[0].exists = false;
	f.disks[0].size = 0;
	make_plan(&f);
	assert_false(plan_refused(f.plan));
	assert_int_equal(f.plan->target_size, 2 * GiB);
	plan_free(f.plan);
}

/* -- refusals, each by spoiling one thing ---- */

static void spoil_health(struct fixture *f)
{
	static char *reasons[] = { (
		char *)"'c.vhdx': ends at 4096, its tables say 8192" };

	f->version.health = HEALTH_DAMAGED;
	f->version.reasons = reasons;
	f->version.reason_count = 1;
}

static void spoil_evidence(struct fixture *f)
{
	static struct contradiction contradiction = {
		.what = (char *)"partition 3: length",
		.value_a = (char *)"1",
		.value_b = (char *)"2",
		.a = ORIGIN_ASRSIF,
		.b = ORIGIN_IMAGE_TABLE,
		.fatal = true,
	};

	f->version.contradictions = &contradiction;
	f->version.contradiction_count = 1;
}

static void spoil_image_length(struct fixture *f)
{
	f->volumes[1].length -= 512;
}

static void spoil_placement(struct fixture *f)
{
	f->partitions[0].volume = -1;
}

static void spoil_offset(struct fixture *f)
{
	f->partitions[2].offset.origin = ORIGIN_NONE;
}

static void spoil_disk_id(struct fixture *f)
{
	f->source.disk_id.origin = ORIGIN_NONE;
}

static void spoil_overlap(struct fixture *f)
{
	f->partitions[1].length = known(32 * MiB);
}

static void spoil_sectors(struct fixture *f)
{
	f->disks[0].sector_size = 4096;
	f->volumes[0].fs = (struct volume_info){ FS_FAT32, .sector_size = 512 };
	f->volumes[1].fs =
		(struct volume_info){ FS_NTFS, .sector_size = 512, .cluster_size = 2048 };
}

static void spoil_file_system(struct fixture *f)
{
	spoil_sectors(f);
	f->volumes[1].fs = (struct volume_info){ FS_REFS };
}

static void spoil_protection(struct fixture *f)
{
	f->disks[0].protection = DISK_BOOT_MEDIUM;
	f->disks[0].protection_text = (char *)"this environment was started from it";
}

static void spoil_original(struct fixture *f)
{
	static struct disk_layout original;

	original = (struct disk_layout){ .style = TABLE_GPT,
					 .disk_id = f->source.disk_id.value };
	f->disks[1].layout = &original;
}

static void spoil_disk_count(struct fixture *f)
{
	static struct source_disk disks[2];

	disks[0] = disks[1] = f->source;
	f->version.disks = disks;
	f->version.disk_count = 2;
}

static void each_rule_refuses_with_its_own_text(void **state)
{
	static const struct {
		void (*spoil)(struct fixture *f);
		const char *rule, *text;
	} cases[] = {
		{ spoil_health, "set-is-whole",
		  "'WindowsImageBackup/SRV01/Backup 2026-08-31 210000': the set is "
		  "damaged: "
		  "'c.vhdx': ends at 4096, its tables say 8192" },
		{ spoil_evidence, "evidence-agrees",
		  "partition 3: length: AsrSif says 1, image says 2; a restore would "
		  "have to "
		  "guess" },
		{ spoil_image_length, "images-fit-partitions",
		  "'c.vhdx' holds 1048576000 bytes, its partition 3 has 1048576512; the "
		  "set's "
		  "documents belong to another backup" },
		{ spoil_placement, "volumes-are-placed",
		  "'Esp.vhdx': no partition of the source disk belongs to this image" },
		{ spoil_offset, "layout",
		  "partition 3 of the source disk ('c.vhdx'): its offset is not known; "
		  "the set's "
		  "XML documents or a BCD store would tell" },
		{ spoil_disk_id, "layout",
		  "the source disk: its GPT disk GUID is not known; an ESP image with a "
		  "BCD store "
		  "or the set's XML documents would tell" },
		{ spoil_overlap, "layout-is-sound", NULL },
		{ spoil_sectors, "sectors",
		  "'C:' has clusters of 2048 bytes, which sectors of 4096 bytes of "
		  "'/dev/nvme0n1' cannot hold; choose a disk with sectors of 512 bytes" },
		{ spoil_file_system, "sectors",
		  "'C:' (ReFS) has sectors of 512 bytes, '/dev/nvme0n1' has sectors of "
		  "4096; only NTFS and FAT are converted" },
		{ spoil_protection, "target-is-allowed",
		  "'/dev/nvme0n1' cannot be the target: this environment was started "
		  "from it" },
		{ spoil_original, "original-is-not-attached",
		  "'/dev/sda' (serial B2) carries the ids of the source disk: two disks "
		  "with equal "
		  "ids cannot be in one machine; detach it, or give this one new ids "
		  "(--ids new)" },
		{ spoil_disk_count, "layout",
		  "'WindowsImageBackup/SRV01/Backup 2026-08-31 210000': the images come "
		  "from 2 "
		  "disks; this version restores one source disk onto one disk" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;

		set_up(&f);
		cases[i].spoil(&f);
		make_plan(&f);
		assert_true(plan_refused(f.plan));
		assert_non_null(finding(&f, cases[i].rule, PLAN_REFUSAL));
		if (cases[i].text)
			assert_refused(&f, cases[i].rule, cases[i].text);
		plan_free(f.plan);
	}
}

/* Its inside is not known: the same size, or not at all. */
static void refs_is_copied_as_it_is_and_says_so_where_it_does_not_fit(void **state)
{
	struct fixture f;

	set_up(&f);
	f.volumes[1].fs = (struct volume_info){ .fs = FS_REFS, .sector_size = 512 };
	make_plan(&f);
	assert_false(plan_refused(f.plan));
	f.disks[0].size = GiB;
	make_plan(&f);
	assert_non_null(finding(&f, "target-is-large-enough", PLAN_REFUSAL));
	assert_string_equal(finding(&f, "fit", PLAN_NOTE),
			    "'C:' is ReFS, which is copied as it is and keeps its "
			    "1048576512 bytes");
	assert_false(f.plan->wants_minimums);
	plan_free(f.plan);
}

static void a_removable_disk_that_was_named_is_allowed(void **state)
{
	struct fixture f;

	set_up(&f);
	f.disks[0].protection = DISK_REMOVABLE;
	make_plan(&f);
	assert_false(plan_refused(f.plan));
	plan_free(f.plan);
}

static void the_printed_plan_fits_80_columns_and_names_ids_and_origins(void **state)
{
	struct fixture f;
	AUTO_FREE char *text = NULL;
	char hash[PLAN_HASH_SIZE];
	size_t column = 0;

	set_up(&f);
	make_plan(&f);
	text = plan_text(f.plan);
	for (const char *c = text; *c; c++) {
		column = *c == '\n' ? 0 : column + 1;
		assert_true(column <= 80 || strstr(text, "WindowsImageBackup"));
	}
	assert_non_null(strstr(text, "11111110-1111-1111-1111-111111111111 (AsrSif)"));
	assert_non_null(strstr(text, "C: from c.vhdx"));
	assert_non_null(strstr(text, plan_hash(f.plan, hash)));
	plan_free(f.plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_partition_keeps_its_place_slot_and_ids),
		cmocka_unit_test(partitions_are_ordered_by_slot_not_by_place),
		cmocka_unit_test(the_journal_lies_between_table_and_first_partition),
		cmocka_unit_test(equal_input_gives_an_equal_hash_and_any_change_another),
		cmocka_unit_test(
			a_disk_one_sector_too_small_is_refused_with_the_exact_minimum),
		cmocka_unit_test(a_file_to_be_created_gets_the_size_of_the_source_disk),
		cmocka_unit_test(each_rule_refuses_with_its_own_text),
		cmocka_unit_test(
			refs_is_copied_as_it_is_and_says_so_where_it_does_not_fit),
		cmocka_unit_test(a_removable_disk_that_was_named_is_allowed),
		cmocka_unit_test(
			the_printed_plan_fits_80_columns_and_names_ids_and_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
