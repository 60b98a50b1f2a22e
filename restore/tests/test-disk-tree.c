/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The NTFS volumes of a disk as a tree. Volumes are made by mkntfs and filled by ntfscp; folders,
 * compressed files and shadow copies are tried in qemu-tests.
 */
#include "image-fixture.h"

#include <restore/disk-tree.h>

/* As in test-volume-map.c: what libntfs-3g loses itself when it cannot mount. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libntfs-3g.so";
}

#define VOLUME	   (32 * MiB)
#define CONTENT	   (2 * MiB + 123)
#define VSS_HEADER 0x1e00

static bool have_tools(void)
{
	return have_tool("mkntfs") && have_tool("ntfscp");
}

static void make_volume(void)
{
	AUTO_FREE uint8_t *bytes = malloc(CONTENT);
	AUTO_CLOSE int fd = open("ntfs", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, VOLUME), 0);
	fill_pattern(bytes, CONTENT, 9);
	write_file("content", bytes, CONTENT);
	run_tool("mkntfs", "-F", "-Q", "-q", "-s", "512", "-c", "4096", "ntfs");
	run_tool("ntfscp", "-f", "ntfs", "content", "File.bin");
}

static void spoil(uint64_t offset, const void *bytes, size_t length)
{
	AUTO_CLOSE int fd = open("ntfs", O_RDWR | O_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, length, (off_t)offset), length);
}

static int open_tree(struct tree **ret, struct err *err)
{
	struct disk_tree_disk disk = { .label = "sdb" };

	assert_int_equal(source_file_open("ntfs", &disk.disk, err), 0);
	disk.disk->sector_size = 512;
	return disk_tree_new(&disk, 1, NULL, "disk:X", ret, err);
}

static int note_entry(const struct tree_entry *entry, void *context, struct err *err)
{
	size_t used = strlen(context);

	snprintf((char *)context + used, 200 - used, "%s%s %llu; ", entry->name,
		 entry->is_folder ? "/" : "", (unsigned long long)entry->size);
	return 0;
}

static void a_volume_without_a_table_is_one_folder(void **state)
{
	AUTO(tree_freep) struct tree *tree = NULL;
	char seen[200] = "", below[200] = "";
	struct err err = { 0 };

	if (!have_tools())
		skip();
	make_volume();
	assert_succeeds(open_tree(&tree, &err));
	assert_succeeds(tree_list(tree, "", note_entry, seen, &err));
	assert_string_equal(seen, "sdb volume/ 0; ");
	assert_succeeds(tree_list(tree, "sdb volume", note_entry, below, &err));
	assert_string_equal(below, "File.bin 2097275; ");
}

static void a_file_reads_as_it_was_written_and_outlives_the_tree(void **state)
{
	AUTO(source_freep) struct block_source *file = NULL;
	AUTO_FREE uint8_t *content = malloc(CONTENT), *read = NULL;
	struct tree *tree = NULL;
	struct err err = { 0 };

	if (!have_tools())
		skip();
	make_volume();
	assert_succeeds(open_tree(&tree, &err));
	assert_succeeds(tree_open(tree, "sdb volume/fILE.bin", &file, &err));
	tree_close(tree);
	assert_string_equal(file->name, "disk:X/sdb volume/fILE.bin");
	assert_int_equal(file->size, CONTENT);
	read = read_all(file);
	fill_pattern(content, CONTENT, 9);
	assert_memory_equal(read, content, CONTENT);
	for (size_t at = 0; at + 1000 < CONTENT; at += 99999) {
		assert_succeeds(source_read(file, read, at, 1000, &err));
		assert_memory_equal(read, content + at, 1000);
	}
}

static void what_is_not_there_or_no_file_is_told(void **state)
{
	static const struct {
		const char *path;
		int code;
		const char *text;
	} cases[] = {
		{ "sdc volume/x", -ENOENT, "'disk:X': no volume 'sdc volume'" },
		{ "sdb volume/x", -ENOENT, "'disk:X: sdb volume': no file 'x'" },
		{ "sdb volume/File.bin/x", -ENOENT,
		  "'disk:X: sdb volume': no file 'File.bin/x'" },
		{ "sdb volume", -EISDIR, "'disk:X: sdb volume': '' is a folder" },
	};
	AUTO(tree_freep) struct tree *tree = NULL;
	struct err err = { 0 };
	char seen[200] = "";

	if (!have_tools())
		skip();
	make_volume();
	assert_succeeds(open_tree(&tree, &err));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct block_source *file = NULL;

		assert_failed(tree_open(tree, cases[i].path, &file, &err), cases[i].code,
			      cases[i].text);
	}
	assert_failed(tree_list(tree, "sdb volume/File.bin", note_entry, seen, &err),
		      -ENOTDIR, "'disk:X: sdb volume': 'File.bin' is no folder");
}

static void damaged_shadow_copies_do_not_hide_the_volume(void **state)
{
	AUTO(tree_freep) struct tree *tree = NULL;
	uint8_t header[128] = { 0 };
	char seen[200] = "";
	struct err err = { 0 };

	if (!have_tools())
		skip();
	make_volume();
	put_guid(header, "3808876b-c176-4e48-b7ae-04046e6cc752");
	put_le(header + 16, 4, 1);
	put_le(header + 20, 4, 1);
	put_le(header + 24, 8, VSS_HEADER);
	put_le(header + 48, 8, 20 * MiB); /* nothing is there */
	spoil(VSS_HEADER, header, sizeof(header));
	assert_succeeds(open_tree(&tree, &err));
	assert_succeeds(tree_list(tree, "", note_entry, seen, &err));
	assert_string_equal(seen, "sdb volume/ 0; ");
}

static void a_disk_without_ntfs_is_refused_with_what_it_holds(void **state)
{
	struct tree *tree = NULL;
	struct err err = { 0 };
	static const uint8_t zeros[512];

	if (!have_tools())
		skip();
	make_volume();
	spoil(0, zeros, sizeof(zeros));
	assert_failed(open_tree(&tree, &err), -ENOENT,
		      "'disk:X': no NTFS or exFAT volume to read a backup from");
}

static void a_volume_with_a_damaged_boot_sector_is_refused_with_the_reason(void **state)
{
	struct tree *tree = NULL;
	struct err err = { 0 };
	static const uint8_t sectors_of_520[] = { 0x08, 0x02 };

	if (!have_tools())
		skip();
	make_volume();
	spoil(11, sectors_of_520, sizeof(sectors_of_520));
	assert_failed(open_tree(&tree, &err), -ENOENT,
		      "'disk:X': no NTFS or exFAT volume to read a backup from; sdb "
		      "volume: damaged: NTFS boot sector: sector size 520, must be a "
		      "power of two from 512 to 4096");
}

static void a_source_that_fails_keeps_its_own_code(void **state)
{
	struct tree *tree = NULL;
	struct err err = { 0 };

	if (!have_tools())
		skip();
	make_volume();
	for (unsigned n = 1; n < 200; n++) {
		struct disk_tree_disk disk = { .label = "sdb" };
		struct block_source *file = NULL;
		char seen[200] = "";
		int r;

		assert_succeeds(source_file_open("ntfs", &file, &err));
		file->sector_size = 512;
		assert_succeeds(
			source_flaky_new(file, n, -ECONNRESET, true, &disk.disk, &err));
		r = disk_tree_new(&disk, 1, NULL, "disk:X", &tree, &err);
		if (r == 0) {
			r = tree_list(tree, "sdb volume", note_entry, seen, &err);
			tree_close(tree);
		}
		if (r == 0)
			return;
		assert_int_equal(r, -ECONNRESET);
	}
	fail_msg("still fails after 200 reads");
}

static void paths_tell_disk_and_shadow_copy(void **state)
{
	static const struct {
		const char *path, *label;
		bool is_shadow;
	} cases[] = {
		{ "nvme0n1 partition 3/Backups/x", "nvme0n1", false },
		{ "sdb volume", "sdb", false },
		{ "sdb partition 1, shadow copy of 2026-08-30 21:00:05/x", "sdb", true },
		{ "folder/sdb volume, shadow copy of", NULL, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *label = disk_tree_label(cases[i].path);

		assert_int_equal(disk_tree_is_shadow(cases[i].path), cases[i].is_shadow);
		if (cases[i].label)
			assert_string_equal(label, cases[i].label);
		else
			assert_null(label);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_volume_without_a_table_is_one_folder),
		cmocka_unit_test(a_file_reads_as_it_was_written_and_outlives_the_tree),
		cmocka_unit_test(what_is_not_there_or_no_file_is_told),
		cmocka_unit_test(damaged_shadow_copies_do_not_hide_the_volume),
		cmocka_unit_test(a_disk_without_ntfs_is_refused_with_what_it_holds),
		cmocka_unit_test(
			a_volume_with_a_damaged_boot_sector_is_refused_with_the_reason),
		cmocka_unit_test(a_source_that_fails_keeps_its_own_code),
		cmocka_unit_test(paths_tell_disk_and_shadow_copy),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
