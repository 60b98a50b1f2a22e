/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plan that was printed and is given back as the user's layout makes the same plan. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <jansson.h>

#include <base/cleanup.h>
#include <restore/layout-file.h>

#include "evidence/backup-parts.h"
#include "plan-fixture.h"

/* The fixture's version with a layout of its own, which a layout file replaces and frees. */
static struct backup_version own_version(const struct fixture *f)
{
	struct backup_version version = f->version;

	version.disks = calloc(1, sizeof(*version.disks));
	assert_non_null(version.disks);
	version.disks[0] = f->source;
	version.disks[0].partitions =
		calloc(f->source.partition_count, sizeof(*version.disks[0].partitions));
	assert_non_null(version.disks[0].partitions);
	memcpy(version.disks[0].partitions, f->partitions,
	       f->source.partition_count * sizeof(*f->partitions));
	return version;
}

static void free_disks(struct backup_version *version)
{
	struct backup_version disks = { .disk_count = version->disk_count,
					.disks = version->disks };

	backup_version_clear(&disks);
}

static struct restore_plan *plan_of(struct fixture *f,
				    const struct backup_version *version,
				    const struct plan_wishes *wishes)
{
	struct restore_plan *plan;
	struct err err = { 0 };

	assert_int_equal(fixture_plan(f, version, &f->disks[0], wishes, &plan, &err), 0);
	return plan;
}

/* All that is written; not where it comes from, nor how small it could be. */
static char *deed(const struct restore_plan *plan)
{
	AUTO_FREE char *printed = plan_json(plan);
	json_t *json = json_loads(printed, 0, NULL);
	json_t *after = json_object_get(json, "after"), *value, *entry;
	const char *key;
	char *text;
	size_t i;

	json_object_foreach(after, key, value) if (json_object_get(value, "origin"))
		json_object_set_new(value, "origin", json_null());
	json_array_foreach(json_object_get(after, "partitions"), i, entry)
		json_object_foreach(entry, key,
				    value) if (json_object_get(value, "origin"))
			json_object_set_new(value, "origin", json_null());
	json_object_del(after, "minimum_size");
	json_object_del(json, "findings");
	json_object_del(json, "hash");
	text = json_dumps(json, JSON_SORT_KEYS | JSON_INDENT(1));
	json_decref(json);
	return text;
}

static void give_back_and_compare(struct fixture *f, const struct plan_wishes *wishes)
{
	struct backup_version version = own_version(f);
	struct restore_plan *plan = plan_of(f, &version, wishes), *again;
	AUTO_FREE char *printed = plan_json(plan), *first = deed(plan), *second = NULL;
	const struct plan_wishes none = { 0 };
	struct err err = { 0 };

	assert_false(plan_refused(plan));
	plan_free(plan);
	if (layout_file_apply(printed, strlen(printed), "a.json", &version, &err) < 0)
		fail_msg("%s", err.text);
	again = plan_of(f, &version, &none);
	second = deed(again);
	assert_false(plan_refused(again));
	assert_string_equal(second, first);
	plan_free(again);
	free_disks(&version);
}

static void set_up_ntfs(struct fixture *f)
{
	set_up(f);
	f->volumes[0].fs = (struct volume_info){ .fs = FS_FAT32, .sector_size = 512 };
	f->volumes[1].fs = (struct volume_info){ .fs = FS_NTFS,
						 .sector_size = 512,
						 .cluster_size = 4096 };
}

static void an_unchanged_disk(void **state)
{
	const struct plan_wishes wishes = { 0 };
	struct fixture f;

	set_up_ntfs(&f);
	give_back_and_compare(&f, &wishes);
}

static void a_volume_that_is_shrunk(void **state)
{
	struct plan_minimum minimum;
	const struct plan_wishes wishes = { .minimum_count = 1, .minimums = &minimum };
	struct fixture f;

	set_up_ntfs(&f);
	minimum = (struct plan_minimum){ &f.volumes[1], 400 * MiB, NULL };
	f.disks[0].size = 700 * MiB;
	give_back_and_compare(&f, &wishes);
}

static void a_volume_that_grows(void **state)
{
	const struct plan_wishes wishes = { .grow = "C:" };
	struct fixture f;

	set_up_ntfs(&f);
	f.disks[0].size = 8 * GiB;
	give_back_and_compare(&f, &wishes);
}

static void other_sectors(void **state)
{
	const struct plan_wishes wishes = { 0 };
	struct fixture f;

	set_up_ntfs(&f);
	f.disks[0].size = 2 * GiB;
	f.disks[0].sector_size = 4096;
	give_back_and_compare(&f, &wishes);
}

static void new_ids(void **state)
{
	const struct plan_wishes wishes = { .new_ids = true };
	struct fixture f;

	set_up_ntfs(&f);
	give_back_and_compare(&f, &wishes);
}

static void only_ntfs_gets_another_length(void **state)
{
	static const enum file_system systems[] = { FS_REFS, FS_EXFAT, FS_UNKNOWN,
						    FS_FAT32 };
	const struct plan_wishes none = { 0 };
	struct fixture f;

	for (size_t i = 0; i < ARRAY_SIZE(systems); i++) {
		struct backup_version version;
		struct restore_plan *plan;
		char text[200];
		bool told = false;

		set_up_ntfs(&f);
		f.volumes[1].fs.fs = systems[i];
		version = own_version(&f);
		version.disks[0].partitions[2].new_length = 400 * MiB;
		plan = plan_of(&f, &version, &none);
		assert_true(plan_refused(plan));
		snprintf(text, sizeof(text),
			 "'C:' is %s and shall have 419430400 bytes instead of "
			 "1048576512: "
			 "only NTFS can be shrunk or extended",
			 file_system_text(systems[i]));
		for (size_t n = 0; n < plan->finding_count; n++)
			told |= strcmp(plan->findings[n].text, text) == 0;
		assert_true(told);
		plan_free(plan);
		free_disks(&version);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unchanged_disk),
		cmocka_unit_test(a_volume_that_is_shrunk),
		cmocka_unit_test(a_volume_that_grows),
		cmocka_unit_test(other_sectors),
		cmocka_unit_test(new_ids),
		cmocka_unit_test(only_ntfs_gets_another_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
