/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes to files of an NTFS volume, on an overlay. The volumes are made by mkntfs and
 * ntfscp; ntfscat and ntfsfix are the judges of what the overlay holds.
 */
#include "image-fixture.h"

#include <base/overlay.h>

#include "volumes/ntfs-edit.h"

#define VOLUME_SIZE (16 * MiB)
#define FILE_SIZE   (MiB + 123)
#define CHANGED_AT  (300 * KiB + 7)

/* Leaks when a mount fails: see test-volume-map.c. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libntfs-3g.so";
}

static const char words[] = "the bytes of a patch";

static void skip_without_tools(void)
{
	if (!have_tool("mkntfs") || !have_tool("ntfscp") || !have_tool("ntfscat"))
		skip();
}

static struct overlay *make_volume(void)
{
	AUTO_FREE uint8_t *bytes = malloc(FILE_SIZE);
	AUTO_CLOSE int fd = open("ntfs", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct block_source *volume = NULL;
	struct overlay *overlay = NULL;
	struct err err = { 0 };

	assert_int_equal(ftruncate(fd, VOLUME_SIZE), 0);
	run_tool("mkntfs", "-F", "-Q", "-q", "ntfs");
	fill_pattern(bytes, FILE_SIZE, 9);
	write_file("content", bytes, FILE_SIZE);
	run_tool("ntfscp", "-f", "ntfs", "content", "File.bin");
	assert_succeeds(source_file_open("ntfs", &volume, &err));
	assert_succeeds(overlay_new(volume, true, 4 * MiB, &overlay, &err));
	return overlay;
}

static int apply_change(uint64_t offset, const void *bytes, size_t length, void *context,
			struct err *err)
{
	assert_int_equal(pwrite(*(int *)context, bytes, length, (off_t)offset), length);
	return 0;
}

static void a_change_goes_to_the_overlay_and_nowhere_else(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = NULL;
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	AUTO_FREE uint8_t *expected = malloc(FILE_SIZE), *found = malloc(FILE_SIZE);
	AUTO_CLOSE int fd = -1;
	struct err err = { 0 };

	skip_without_tools();
	overlay = make_volume();
	assert_succeeds(ntfs_open_overlay(overlay, &ntfs, &err));
	assert_succeeds(ntfs_write_file(ntfs, "file.BIN", CHANGED_AT, words,
					sizeof(words), &err));
	ntfs_close(TAKE_PTR(ntfs));
	run_tool("sh", "-c", "ntfscat -f ntfs File.bin | cmp - content");

	fd = open("ntfs", O_RDWR | O_CLOEXEC);
	assert_succeeds(overlay_changes(overlay, apply_change, &fd, &err));
	run_tool("ntfsfix", "-n", "ntfs");
	run_tool("sh", "-c", "ntfscat -f ntfs File.bin > after");
	fill_pattern(expected, FILE_SIZE, 9);
	memcpy(expected + CHANGED_AT, words, sizeof(words));
	close(TAKE_FD(fd));
	fd = open("after", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, found, FILE_SIZE), FILE_SIZE);
	assert_memory_equal(found, expected, FILE_SIZE);
}

static void bytes_that_do_not_lie_in_the_file_are_refused(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = NULL;
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	struct err err = { 0 };

	skip_without_tools();
	overlay = make_volume();
	assert_succeeds(ntfs_open_overlay(overlay, &ntfs, &err));
	assert_failed(
		ntfs_write_file(ntfs, "File.bin", FILE_SIZE - 1, words, 2, &err), -EINVAL,
		"'ntfs': 'File.bin' has 1048699 bytes, 1048698+2 does not lie in it");
	assert_failed(ntfs_write_file(ntfs, "None.bin", 0, words, 2, &err), -ENOENT,
		      "'ntfs': no file 'None.bin'");
}

static void a_volume_that_was_opened_for_reading_is_not_written(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = NULL;
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	struct err err = { 0 };

	skip_without_tools();
	overlay = make_volume();
	assert_succeeds(ntfs_open(overlay_source(overlay), &ntfs, &err));
	assert_failed(ntfs_write_file(ntfs, "File.bin", 0, words, sizeof(words), &err),
		      -EROFS, "'ntfs': is open for reading only");
	ntfs_close(TAKE_PTR(ntfs));
	run_tool("sh", "-c", "ntfscat -f ntfs File.bin | cmp - content");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_goes_to_the_overlay_and_nowhere_else),
		cmocka_unit_test(bytes_that_do_not_lie_in_the_file_are_refused),
		cmocka_unit_test(a_volume_that_was_opened_for_reading_is_not_written),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
