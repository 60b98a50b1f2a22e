/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of an NTFS volume that are replaced, made and renamed, on an overlay. mkntfs
 * and ntfscp make the volumes; ntfsfix, ntfscat, ntfsls, ntfsinfo and ntfssecaudit judge a copy to which the
 * overlay's changes were applied.
 */
#include "image-fixture.h"

#include <time.h>

#include <base/overlay.h>
#include <base/text.h>

#include "volumes/ntfs-edit.h"

#define VOLUME_SIZE (16 * MiB)
#define FILE_SIZE   (MiB + 123)
#define LIMIT	    (32 * MiB)		/* of changes */
#define TIME	    INT64_C(1600000000) /* Sun Sep 13 12:26:40 2020 */

/* Leaks when a mount fails: see test-volume-map.c. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libntfs-3g.so";
}

static void skip_without_tools(void)
{
	static const char *const tools[] = { "mkntfs",	    "ntfscp", "ntfscat",
					     "ntfsinfo",    "ntfsls", "ntfsfix",
					     "ntfssecaudit" };

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (!have_tool(tools[i]))
			skip();
}

/* "ntfs", with File.bin of FILE_SIZE in it, and its overlay. */
static struct overlay *open_overlay(size_t limit)
{
	struct block_source *volume = NULL;
	struct overlay *overlay = NULL;
	struct err err = { 0 };

	assert_succeeds(source_file_open("ntfs", &volume, &err));
	assert_succeeds(overlay_new(volume, true, limit, &overlay, &err));
	return overlay;
}

static struct overlay *make_volume(void)
{
	AUTO_FREE uint8_t *bytes = malloc(FILE_SIZE);
	AUTO_CLOSE int fd = open("ntfs", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	skip_without_tools();
	assert_int_equal(ftruncate(fd, VOLUME_SIZE), 0);
	run_tool("mkntfs", "-F", "-Q", "-q", "ntfs");
	fill_pattern(bytes, FILE_SIZE, 9);
	write_file("content", bytes, FILE_SIZE);
	run_tool("ntfscp", "-f", "ntfs", "content", "File.bin");
	return open_overlay(LIMIT);
}

static int apply_change(uint64_t offset, const void *bytes, size_t length, void *context,
			struct err *err)
{
	assert_int_equal(pwrite(*(int *)context, bytes, length, (off_t)offset), length);
	return 0;
}

/* Closes the volume and applies the changes to a copy, "after", which ntfsfix must like. */
static void apply(struct ntfs **ntfs, struct overlay *overlay)
{
	AUTO_CLOSE int fd = -1;
	struct err err = { 0 };

	assert_succeeds(ntfs_edit_close(ntfs, &err));
	run_tool("cp", "ntfs", "after");
	fd = open("after", O_RDWR | O_CLOEXEC);
	assert_succeeds(overlay_changes(overlay, apply_change, &fd, &err));
	run_tool("ntfsfix", "-n", "after");
	/* no cluster lost or used twice */
	run_tool("ntfsresize", "--info", "--force", "after");
}

static void assert_content(const char *path, const uint8_t *bytes, size_t length)
{
	AUTO_FREE char *command =
		text_format("LC_ALL=C.UTF-8 ntfscat -f after '%s' | cmp - wanted", path);

	write_file("wanted", bytes, length);
	run_tool("sh", "-c", command);
}

static void assert_said(const char *command, const char *pattern)
{
	AUTO_FREE char *line =
		text_format("LC_ALL=C.UTF-8 %s | tr -s '\\t ' ' ' | grep -q -- '%s'",
			    command, pattern);

	run_tool("sh", "-c", line);
}

static void assert_info(const char *path, const char *pattern)
{
	AUTO_FREE char *command = text_format("ntfsinfo -f -F '%s' after", path);

	assert_said(command, pattern);
}

static void assert_security(const char *path, const char *pattern)
{
	AUTO_FREE char *command = text_format("ntfssecaudit -vv after '%s'", path);

	assert_said(command, pattern);
}

static void a_file_gets_a_content_of_any_length(void **state)
{
	/* resident, one cluster, not a multiple of one, larger than before, empty */
	static const size_t lengths[] = { 5, 4096, 70001, 3 * MiB + 1, 0 };
	AUTO_FREE uint8_t *bytes = malloc(3 * MiB + 1);

	fill_pattern(bytes, 3 * MiB + 1, 77);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		AUTO(overlay_freep) struct overlay *overlay = make_volume();
		AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
		struct err err = { 0 };

		assert_succeeds(ntfs_open_overlay(overlay, &ntfs, &err));
		assert_succeeds(ntfs_replace_file(ntfs, "file.BIN", bytes, lengths[i],
						  TIME, &err));
		apply(&ntfs, overlay);
		assert_content("File.bin", bytes, lengths[i]);
		assert_info("File.bin", "File Altered Time: Sun Sep 13 12:26:40 2020");
		run_tool("sh", "-c", "ntfscat -f ntfs File.bin | cmp - content");
	}
}

static void what_is_new_inherits_its_folders_security(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = make_volume();
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	const uint8_t text[] = "a catalog";
	struct err err = { 0 };

	assert_succeeds(ntfs_open_overlay(overlay, &ntfs, &err));
	assert_succeeds(ntfs_create_folder(ntfs, "", "Läden", TIME, &err));
	assert_succeeds(ntfs_create_folder(ntfs, "läden", "Inner", TIME, &err));
	assert_succeeds(ntfs_create_file(ntfs, "Läden/inner", "New.bin", text,
					 sizeof(text), TIME, &err));
	apply(&ntfs, overlay);
	assert_content("Läden/Inner/New.bin", text, sizeof(text));
	/* mkntfs gives the root four pairs of entries: one for itself, one for heirs, of which
	 * files get the access, and folders both. */
	assert_security("Läden/Inner", "ACE cnt 8");
	assert_security("Läden/Inner", "Inherit only ACE");
	assert_security("Läden/Inner/New.bin", "ACE cnt 4");
	assert_security("Läden/Inner/New.bin", "Acc rgts 0x1f01ff");
	assert_security("Läden/Inner/New.bin", "Authenticated Users SID");
	assert_info("Läden/Inner/New.bin",
		    "File Creation Time: Sun Sep 13 12:26:40 2020");
	assert_info("Läden/Inner/New.bin", "File attributes: ARCHIVE");
	assert_info("Läden", "File Altered Time: Sun Sep 13 12:26:40 2020");
}

static void a_renamed_file_keeps_content_times_and_security(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = make_volume();
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	AUTO_FREE uint8_t *bytes = malloc(FILE_SIZE);
	struct err err = { 0 };

	fill_pattern(bytes, FILE_SIZE, 9);
	assert_succeeds(ntfs_open_overlay(overlay, &ntfs, &err));
	assert_succeeds(
		ntfs_replace_file(ntfs, "File.bin", bytes, FILE_SIZE, TIME, &err));
	assert_succeeds(ntfs_rename_file(ntfs, "", "File.bin", "File.bin.2026-11-20",
					 TIME + 86400, &err));
	apply(&ntfs, overlay);
	assert_content("File.bin.2026-11-20", bytes, FILE_SIZE);
	assert_info("File.bin.2026-11-20", "File Altered Time: Sun Sep 13 12:26:40 2020");
	assert_info("File.bin.2026-11-20", "MFT Changed Time: Mon Sep 14 12:26:40 2020");
	assert_info("File.bin.2026-11-20", "Number of Hard Links: 1 ");
	run_tool("sh", "-c", "ntfsls after | grep -qx File.bin.2026-11-20");
	run_tool("sh", "-c", "! ntfsls after | grep -qx File.bin");
}

static void a_name_that_is_taken_or_not_for_windows_is_refused(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = make_volume();
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	struct err err = { 0 };

	assert_succeeds(ntfs_open_overlay(overlay, &ntfs, &err));
	assert_failed(ntfs_create_file(ntfs, "", "FILE.BIN", "x", 1, TIME, &err), -EEXIST,
		      "'ntfs': 'FILE.BIN' exists");
	assert_failed(ntfs_create_file(ntfs, "", "a:b", "x", 1, TIME, &err), -EINVAL,
		      "'a:b' is no file name for Windows");
	assert_failed(ntfs_create_file(ntfs, "None", "a", "x", 1, TIME, &err), -ENOENT,
		      "'ntfs': no file 'None'");
	assert_failed(ntfs_create_folder(ntfs, "File.bin", "a", TIME, &err), -ENOTDIR,
		      "'ntfs': 'File.bin' is no folder");
	assert_succeeds(ntfs_create_folder(ntfs, "", "Folder", TIME, &err));
	assert_failed(ntfs_rename_file(ntfs, "", "File.bin", "folder", TIME, &err),
		      -EEXIST, "'ntfs': 'folder' exists");
	assert_failed(ntfs_replace_file(ntfs, "Folder", "", 0, TIME, &err), -EISDIR,
		      "'ntfs': 'Folder' is a folder");
	/* none of that was a change half done */
	apply(&ntfs, overlay);
}

static void a_full_volume_breaks_the_change_and_says_so_to_the_end(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = make_volume();
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	AUTO_FREE uint8_t *bytes = calloc(1, VOLUME_SIZE);
	static const char text[] = "'ntfs': the volume is full: no room for 'Large'";
	struct err err = { 0 };

	assert_succeeds(ntfs_open_overlay(overlay, &ntfs, &err));
	assert_failed(ntfs_create_file(ntfs, "", "Large", bytes, VOLUME_SIZE, TIME, &err),
		      -ENOSPC, text);
	assert_failed(ntfs_replace_file(ntfs, "File.bin", "x", 1, TIME, &err), -ENOSPC,
		      text);
	assert_failed(ntfs_edit_close(&ntfs, &err), -ENOSPC, text);
	run_tool("sh", "-c", "ntfscat -f ntfs File.bin | cmp - content");
}

static void changes_beyond_the_overlays_limit_are_an_error(void **state)
{
	AUTO(overlay_freep) struct overlay *first = make_volume();
	AUTO_FREE uint8_t *bytes = calloc(1, 4 * MiB);

	/* wherever the limit strikes */
	for (size_t limit = 8 * KiB; limit <= 4 * MiB; limit *= 2) {
		AUTO(overlay_freep) struct overlay *overlay = open_overlay(limit);
		AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
		struct err err = { 0 };
		int r;

		r = ntfs_open_overlay(overlay, &ntfs, &err);
		if (r == 0)
			r = ntfs_create_file(ntfs, "", "Large", bytes, 4 * MiB, TIME,
					     &err);
		assert_int_equal(r, -ENOSPC);
		assert_non_null(strstr(err.text, "changes"));
		if (ntfs)
			assert_int_equal(ntfs_edit_close(&ntfs, &err), -ENOSPC);
	}
}

static int hash_change(uint64_t offset, const void *bytes, size_t length, void *context,
		       struct err *err)
{
	uint64_t *sum = context;
	const uint8_t *next = bytes;

	*sum = *sum * 31 + offset;
	for (size_t i = 0; i < length; i++)
		*sum = *sum * 1099511628211U ^ next[i];
	return 0;
}

static void equal_changes_give_equal_bytes_at_any_time(void **state)
{
	AUTO(overlay_freep) struct overlay *first = make_volume();
	uint64_t sums[2] = { 0 };

	for (size_t i = 0; i < 2; i++) {
		AUTO(overlay_freep) struct overlay *overlay = open_overlay(LIMIT);
		AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
		struct err err = { 0 };

		assert_succeeds(ntfs_open_overlay(overlay, &ntfs, &err));
		assert_succeeds(ntfs_create_folder(ntfs, "", "A", TIME, &err));
		assert_succeeds(ntfs_create_file(ntfs, "A", "B", "xyz", 3, TIME, &err));
		assert_succeeds(ntfs_rename_file(ntfs, "A", "B", "C", TIME, &err));
		assert_succeeds(ntfs_replace_file(ntfs, "File.bin", "x", 1, TIME, &err));
		assert_succeeds(ntfs_edit_close(&ntfs, &err));
		assert_succeeds(overlay_changes(overlay, hash_change, &sums[i], &err));
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	assert_true(sums[0] == sums[1]);
}

static void a_volume_that_hibernates_is_not_changed(void **state)
{
	AUTO(overlay_freep) struct overlay *first = make_volume();
	AUTO(overlay_freep) struct overlay *overlay = NULL;
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	uint8_t page[4096] = "hibr";
	struct err err = { 0 };

	write_file("hiberfil", page, sizeof(page));
	run_tool("ntfscp", "-f", "ntfs", "hiberfil", "hiberfil.sys");
	overlay = open_overlay(LIMIT);
	assert_failed(
		ntfs_open_overlay(overlay, &ntfs, &err), -EBUSY,
		"'ntfs': NTFS was not closed by Windows (in use, or hibernated): it is "
		"not changed; let Windows start and shut down once");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_gets_a_content_of_any_length),
		cmocka_unit_test(what_is_new_inherits_its_folders_security),
		cmocka_unit_test(a_renamed_file_keeps_content_times_and_security),
		cmocka_unit_test(a_name_that_is_taken_or_not_for_windows_is_refused),
		cmocka_unit_test(a_full_volume_breaks_the_change_and_says_so_to_the_end),
		cmocka_unit_test(changes_beyond_the_overlays_limit_are_an_error),
		cmocka_unit_test(equal_changes_give_equal_bytes_at_any_time),
		cmocka_unit_test(a_volume_that_hibernates_is_not_changed),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
