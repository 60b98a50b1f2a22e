/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Searching trees that no honest server shows: endless folders, folders that cannot be read,
 * connections that end. Trees with real images are tried in qemu-tests.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <restore/backup.h>

/* A tree that exists only in what it answers. */
struct fake_tree {
	struct tree tree;
	unsigned deepest;	/* folders below each other that were listed */
	const char *bad_folder; /* cannot be listed, or NULL */
	int bad_code;
	bool endless;			  /* every folder has a folder */
	const struct tree_entry *entries; /* of the root */
	size_t count;
	unsigned opened;
};

static unsigned depth_of(const char *path)
{
	unsigned depth = path[0] != '\0';

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static int fake_list(struct tree *tree, const char *path, tree_visit *visit,
		     void *context, struct err *err)
{
	struct fake_tree *fake = (struct fake_tree *)tree;
	struct tree_entry folder = { .name = "more", .is_folder = true };
	int r = 0;

	if (depth_of(path) > fake->deepest)
		fake->deepest = depth_of(path);
	if (fake->bad_folder && strcmp(path, fake->bad_folder) == 0)
		return err_set(err, fake->bad_code, "'%s': trouble", path);
	for (size_t i = 0; path[0] == '\0' && i < fake->count && r == 0; i++)
		r = visit(&fake->entries[i], context, err);
	return r == 0 && fake->endless ? visit(&folder, context, err) : r;
}

/* Files are full of zeros. */
static int fake_open(struct tree *tree, const char *path, struct block_source **ret,
		     struct err *err)
{
	static const uint8_t zeros[65536];

	((struct fake_tree *)tree)->opened++;
	return source_memory_new(zeros, sizeof(zeros), path, ret, err);
}

static void fake_close(struct tree *tree)
{
}

static const struct tree_ops fake_ops = { fake_list, fake_open, fake_close };

static struct fake_tree make_tree(void)
{
	return (struct fake_tree){ .tree = { &fake_ops, (char *)"fake" } };
}

static int scan(struct fake_tree *fake, struct backup **ret, struct err *err)
{
	*ret = NULL;
	return backup_scan(&fake->tree, NULL, NULL, ret, err);
}

static void endless_folders_are_followed_to_a_depth_of_64(void **state)
{
	struct fake_tree fake = make_tree();
	struct backup *backup;
	struct err err = { 0 };

	fake.endless = true;
	assert_int_equal(scan(&fake, &backup, &err), -ENOENT);
	assert_int_equal(fake.deepest, 64);
	assert_string_equal(err.text,
			    "'fake': no backup in 65 folders (1 more lie below 64 others "
			    "and were not looked at) with 0 files; choose the folder "
			    "that holds WindowsImageBackup or a folder above it");
}

static void a_folder_that_cannot_be_read_is_counted(void **state)
{
	static const struct tree_entry entries[] = {
		{ .name = "a", .is_folder = true },
		{ .name = "b", .is_folder = true },
	};
	struct fake_tree fake = make_tree();
	struct backup *backup;
	struct err err = { 0 };

	fake.entries = entries;
	fake.count = 2;
	fake.bad_folder = "a";
	fake.bad_code = -EACCES;
	assert_int_equal(scan(&fake, &backup, &err), -ENOENT);
	assert_non_null(
		strstr(err.text, "no backup in 3 folders (1 could not be read) with 0"));
	assert_non_null(strstr(err.text, "; why the first was not read: "));
}

static void a_root_that_cannot_be_read_is_the_error(void **state)
{
	struct fake_tree fake = make_tree();
	struct backup *backup;
	struct err err = { 0 };

	fake.bad_folder = "";
	fake.bad_code = -EACCES;
	assert_int_equal(scan(&fake, &backup, &err), -EACCES);
	assert_string_equal(err.text, "'': trouble");
}

static void a_lost_connection_ends_the_scan(void **state)
{
	static const struct tree_entry entries[] = { { .name = "a", .is_folder = true } };
	struct fake_tree fake = make_tree();
	struct backup *backup;
	struct err err = { 0 };

	fake.entries = entries;
	fake.count = 1;
	fake.bad_folder = "a";
	fake.bad_code = -ECONNABORTED;
	assert_int_equal(scan(&fake, &backup, &err), -ECONNABORTED);
	assert_string_equal(err.text, "'a': trouble");
}

static void files_that_are_no_images_are_no_backup(void **state)
{
	static const struct tree_entry entries[] = {
		{ .name = "disk.vhdx", .size = 65536 },
		{ .name = "SDT65CB.tmp" },
	};
	struct fake_tree fake = make_tree();
	struct backup *backup;
	struct err err = { 0 };

	fake.entries = entries;
	fake.count = 2;
	assert_int_equal(scan(&fake, &backup, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no backup in 1 folders with 2 files"));
}

static void an_image_named_by_the_backup_that_is_none_is_damaged(void **state)
{
	static const struct tree_entry entries[] = {
		{ .name = "Esp.vhdx", .size = 65536, .mtime_s = 1788210000 },
	};
	AUTO(backup_freep) struct backup *backup = NULL;
	struct fake_tree fake = make_tree();
	const struct backup_version *version;
	struct err err = { 0 };

	fake.entries = entries;
	fake.count = 1;
	assert_int_equal(scan(&fake, &backup, &err), 0);
	assert_int_equal(backup->machine_count, 1);
	assert_string_equal(backup->machines[0].name, "fake");
	version = &backup->machines[0].versions[0];
	assert_int_equal(version->health, HEALTH_DAMAGED);
	assert_int_equal(version->time.value, 1788210000);
	assert_string_equal(version->id, "08/31/2026-21:00");
	assert_int_equal(version->volumes[0].role, ROLE_ESP);
	assert_non_null(version->volumes[0].reason);
}

/* Profile disks of many users, for example. */
static void a_folder_of_a_hundred_disks_is_no_set_and_none_is_opened(void **state)
{
	struct tree_entry entries[100];
	char names[100][32];
	struct fake_tree fake = make_tree();
	struct backup *backup;
	struct err err = { 0 };

	for (unsigned i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "UVHD-%u.vhdx", i);
		entries[i] = (struct tree_entry){ .name = names[i], .size = 1 << 30 };
	}
	fake.entries = entries;
	fake.count = 100;
	assert_int_equal(scan(&fake, &backup, &err), -ENOENT);
	assert_int_equal(fake.opened, 0);
}

static int cancel(const struct scan_progress *progress, void *context)
{
	unsigned *calls = context;

	return ++*calls == 3;
}

static void a_report_that_is_not_zero_cancels(void **state)
{
	struct fake_tree fake = make_tree();
	struct backup *backup = NULL;
	struct err err = { 0 };
	unsigned calls = 0;

	fake.endless = true;
	assert_int_equal(backup_scan(&fake.tree, cancel, &calls, &backup, &err),
			 -ECANCELED);
	assert_int_equal(calls, 3);
	assert_null(backup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endless_folders_are_followed_to_a_depth_of_64),
		cmocka_unit_test(a_folder_that_cannot_be_read_is_counted),
		cmocka_unit_test(a_root_that_cannot_be_read_is_the_error),
		cmocka_unit_test(a_lost_connection_ends_the_scan),
		cmocka_unit_test(files_that_are_no_images_are_no_backup),
		cmocka_unit_test(an_image_named_by_the_backup_that_is_none_is_damaged),
		cmocka_unit_test(
			a_folder_of_a_hundred_disks_is_no_set_and_none_is_opened),
		cmocka_unit_test(a_report_that_is_not_zero_cancels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
