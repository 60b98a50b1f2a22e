/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which bytes of a volume matter, and its files. The volumes are made by mkntfs and mkfs.fat;
 * ntfscat, which reads $Bitmap its own way, is the judge.
 */
#include "image-fixture.h"

#include <restore/volume.h>

/* libntfs-3g 2022.10.3 loses the attribute it is at when ntfs_device_mount() fails. What we
 * lose shows all the same: our own structure is what holds a volume of the library. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libntfs-3g.so";
}

static void make_file(const char *path, uint64_t size)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
}

/* "content": 3 MiB and a bit. */
static void make_content_file(void)
{
	AUTO_FREE uint8_t *bytes = malloc(3 * MiB + 123);

	fill_pattern(bytes, 3 * MiB + 123, 9);
	write_file("content", bytes, 3 * MiB + 123);
}

/* A volume with a file in it. */
static void make_ntfs(const char *sector_size, const char *cluster_size, uint64_t size)
{
	make_file("ntfs", size);
	run_tool("mkntfs", "-F", "-Q", "-q", "-s", sector_size, "-c", cluster_size,
		 "ntfs");
	make_content_file();
	run_tool("ntfscp", "-f", "ntfs", "content", "File.bin");
}

static struct block_source *open_volume(const char *path, struct volume_info *info)
{
	struct block_source *volume = NULL;
	uint8_t boot[4096];
	struct err err = { 0 };

	assert_succeeds(source_file_open(path, &volume, &err));
	assert_succeeds(source_read(volume, boot, 0, sizeof(boot), &err));
	assert_succeeds(volume_identify(boot, volume->size, info, &err));
	return volume;
}

static bool have_tools(void)
{
	return have_tool("mkntfs") && have_tool("ntfscp") && have_tool("ntfscat");
}

/* -- the map against ntfscat ---- */

/* The bytes of $Bitmap. The caller frees them. */
static uint8_t *read_bitmap(size_t *ret_length)
{
	AUTO_CLOSE int output =
		open("bitmap", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const char *const argv[] = { "ntfscat", "-f", "-i", "6", "ntfs", NULL };
	struct spawn spawn = { .argv = argv, .output_fd = output };
	struct err err = { 0 };
	uint8_t *bytes;

	assert_succeeds(spawn_run(&spawn, NULL, &err));
	*ret_length = (size_t)lseek(output, 0, SEEK_CUR);
	bytes = malloc(*ret_length);
	assert_int_equal(pread(output, bytes, *ret_length, 0), *ret_length);
	return bytes;
}

static bool bit_is_set(const uint8_t *bits, uint64_t bit)
{
	return bits[bit / 8] >> bit % 8 & 1;
}

struct totals {
	uint64_t data, zero, free;
};

/* Every cluster of the range against the judge's bit, every byte's extent against its kind. */
static void check_range(const struct volume_range *range, const struct volume_info *info,
			const uint8_t *bits, struct block_source *volume)
{
	uint64_t clusters = info->fs_size / info->cluster_size;
	uint64_t first = range->offset / info->cluster_size;
	uint64_t last = (range->offset + range->length - 1) / info->cluster_size;

	for (uint64_t cluster = first; cluster <= last; cluster++) {
		bool boot = cluster * info->cluster_size < 8192;
		bool used = cluster >= clusters || boot || bit_is_set(bits, cluster);

		assert_int_equal(range->kind != RANGE_FREE, used);
	}
	for (uint64_t at = range->offset;
	     range->kind != RANGE_FREE && at < range->offset + range->length;) {
		struct extent extent;
		struct err err = { 0 };
		size_t count;

		assert_succeeds(source_extents(volume, at,
					       range->offset + range->length - at,
					       &extent, 1, &count, &err));
		assert_int_equal(range->kind == RANGE_DATA, extent.kind == EXTENT_DATA);
		at += extent.length;
	}
}

/* Walks the whole map, max ranges at a time. */
static struct totals check_map(size_t max)
{
	AUTO(source_freep) struct block_source *volume = NULL;
	AUTO(volume_map_freep) struct volume_map *map = NULL;
	struct volume_range ranges[32];
	struct volume_info info;
	struct totals totals = { 0 };
	size_t length, count = 1;
	AUTO_FREE uint8_t *bits = read_bitmap(&length);
	struct err err = { 0 };
	uint64_t at = 0;

	volume = open_volume("ntfs", &info);
	assert_true(length * 8 >= info.fs_size / info.cluster_size);
	assert_succeeds(volume_map_open(volume, &info, &map, &err));
	while (count) {
		assert_succeeds(volume_map_next(map, at, ranges, max, &count, &err));
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(ranges[i].offset, at);
			assert_true(ranges[i].length > 0);
			check_range(&ranges[i], &info, bits, volume);
			at += ranges[i].length;
			totals.data +=
				ranges[i].kind == RANGE_DATA ? ranges[i].length : 0;
			totals.zero +=
				ranges[i].kind == RANGE_ZERO ? ranges[i].length : 0;
			totals.free +=
				ranges[i].kind == RANGE_FREE ? ranges[i].length : 0;
		}
	}
	assert_int_equal(at, volume->size);
	return totals;
}

static void used_clusters_are_those_of_the_bitmap(void **state)
{
	static const struct {
		const char *sector_size, *cluster_size;
	} cases[] = { { "512", "512" },
		      { "512", "4096" },
		      { "512", "65536" },
		      { "512", "2097152" },
		      { "4096", "4096" } };

	if (!have_tools())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct totals totals;

		make_ntfs(cases[i].sector_size, cases[i].cluster_size, 96 * MiB + 4096);
		totals = check_map(32);
		assert_true(totals.data > 3 * MiB);
		assert_true(totals.free > 40 * MiB);
	}
}

static void ranges_may_be_asked_for_one_by_one(void **state)
{
	struct totals one, many;

	if (!have_tools())
		skip();
	make_ntfs("512", "4096", 64 * MiB);
	one = check_map(1);
	many = check_map(32);
	assert_memory_equal(&one, &many, sizeof(one));
}

/* $Bitmap is looked at in windows of 1 MiB, here 32 GiB of the volume each. */
static void a_large_volume_is_walked_in_windows(void **state)
{
	struct totals totals;

	if (!have_tools())
		skip();
	make_ntfs("512", "4096", 70 * GiB);
	totals = check_map(32);
	assert_true(totals.free > 69 * GiB);
	assert_int_equal(totals.data + totals.zero + totals.free, 70 * GiB);
	unlink("ntfs");
}

static void a_free_cluster_that_is_stored_stays_free(void **state)
{
	AUTO_CLOSE int fd = -1;
	AUTO_FREE uint8_t *junk = malloc(MiB);
	struct totals before, after;

	if (!have_tools())
		skip();
	make_ntfs("512", "4096", 64 * MiB);
	before = check_map(32);
	memset(junk, 0xa5, MiB);
	fd = open("ntfs", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, junk, MiB, 40 * MiB), MiB);
	after = check_map(32);
	assert_int_equal(after.free, before.free);
}

/* Like pagefile.sys in a backup: used, but the image stores nothing (FORMAT.md section 2). */
static void a_used_cluster_that_is_absent_is_zero(void **state)
{
	struct totals before, after;

	if (!have_tools())
		skip();
	make_ntfs("512", "4096", 64 * MiB);
	before = check_map(32);
	make_file("zeros", 4 * MiB);
	run_tool("ntfscp", "-f", "ntfs", "zeros", "pagefile.sys");
	run_tool("fallocate", "--dig-holes", "ntfs");
	after = check_map(32);
	assert_true(after.zero >= before.zero + 4 * MiB - 64 * KiB);
}

/* -- other volumes ---- */

static void without_a_bitmap_all_is_used(void **state)
{
	AUTO(source_freep) struct block_source *volume = NULL;
	AUTO(volume_map_freep) struct volume_map *map = NULL;
	AUTO_CLOSE int fd = -1;
	struct volume_range ranges[8];
	struct volume_info info;
	struct err err = { 0 };
	size_t count;

	make_file("plain", 10 * MiB);
	fd = open("plain", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 4 * MiB), 1);
	volume = open_volume("plain", &info);
	assert_int_equal(info.fs, FS_UNKNOWN);
	assert_succeeds(volume_map_open(volume, &info, &map, &err));
	assert_succeeds(volume_map_next(map, 0, ranges, 8, &count, &err));
	assert_int_equal(count, 3);
	assert_int_equal(ranges[0].kind, RANGE_ZERO);
	assert_int_equal(ranges[0].length, 4 * MiB);
	assert_int_equal(ranges[1].kind, RANGE_DATA);
	assert_int_equal(ranges[2].kind, RANGE_ZERO);
	assert_int_equal(ranges[2].offset + ranges[2].length, 10 * MiB);
	assert_succeeds(volume_map_next(map, 10 * MiB, ranges, 8, &count, &err));
	assert_int_equal(count, 0);
	assert_failed(volume_map_next(map, 10 * MiB + 1, ranges, 8, &count, &err),
		      -EINVAL,
		      "'plain': ranges from 10485761 on, the volume has 10485760 bytes");
}

static void expect_map_refusal(const char *text)
{
	AUTO(source_freep) struct block_source *volume = NULL;
	struct volume_map *map = NULL;
	struct volume_info info;
	struct err err = { 0 };

	volume = open_volume("ntfs", &info);
	assert_failed(volume_map_open(volume, &info, &map, &err), -EBADMSG, text);
}

/* Where a cluster of a file lies, by its record in $MFT: the first run. mkntfs puts $Bitmap
 * into one run. */
static uint64_t find_bitmap(int fd)
{
	uint8_t boot[512], record[1024];
	uint64_t mft = 0, cluster = 0;
	size_t at, runs;

	assert_int_equal(pread(fd, boot, 512, 0), 512);
	memcpy(&mft, boot + 48, 8);
	assert_int_equal(pread(fd, record, 1024, (off_t)(mft * 4096 + 6 * 1024)), 1024);
	for (at = record[20]; record[at] != 0x80; at += record[at + 4])
		assert_true(at < 900);
	runs = at + record[at + 32];
	memcpy(&cluster, record + runs + 1 + (record[runs] & 15), record[runs] >> 4);
	return cluster * 4096;
}

static void a_bitmap_that_cannot_be_true_is_refused(void **state)
{
	AUTO_CLOSE int fd = -1;
	uint8_t bits[4096];
	uint64_t offset;

	if (!have_tools())
		skip();
	make_ntfs("512", "4096", 64 * MiB);
	fd = open("ntfs", O_RDWR | O_CLOEXEC);
	offset = find_bitmap(fd);
	assert_int_equal(pread(fd, bits, sizeof(bits), (off_t)offset), sizeof(bits));
	bits[0] &= 0xef; /* cluster 4: $MFT */
	assert_int_equal(pwrite(fd, bits, sizeof(bits), (off_t)offset), sizeof(bits));
	expect_map_refusal(
		"'ntfs': NTFS is damaged: $Bitmap calls cluster 4 free, where $MFT "
		"lies");
	memset(bits, 0, sizeof(bits));
	assert_int_equal(pwrite(fd, bits, sizeof(bits), (off_t)offset), sizeof(bits));
	expect_map_refusal(
		"'ntfs': NTFS is damaged: $Bitmap calls cluster 0 free, where the boot "
		"sector lies");
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   (off_t)offset, sizeof(bits)),
			 0);
	expect_map_refusal(
		"'ntfs': NTFS is damaged: $Bitmap calls cluster 0 free, where the boot "
		"sector lies");
}

/* $Boot has 8192 bytes: two clusters here. */
static void the_boot_sectors_are_used_whatever_the_bitmap_says(void **state)
{
	AUTO(source_freep) struct block_source *volume = NULL;
	AUTO(volume_map_freep) struct volume_map *map = NULL;
	AUTO_CLOSE int fd = -1;
	struct volume_range range;
	struct volume_info info;
	struct err err = { 0 };
	uint8_t bits;
	uint64_t offset;
	size_t count;

	if (!have_tools())
		skip();
	make_ntfs("512", "4096", 64 * MiB);
	fd = open("ntfs", O_RDWR | O_CLOEXEC);
	offset = find_bitmap(fd);
	assert_int_equal(pread(fd, &bits, 1, (off_t)offset), 1);
	bits &= 0xfd; /* cluster 1 */
	assert_int_equal(pwrite(fd, &bits, 1, (off_t)offset), 1);
	volume = open_volume("ntfs", &info);
	assert_succeeds(volume_map_open(volume, &info, &map, &err));
	assert_succeeds(volume_map_next(map, 4096, &range, 1, &count, &err));
	assert_int_equal(range.kind, RANGE_DATA);
}

static void an_ntfs_without_its_mft_is_refused_with_a_text(void **state)
{
	AUTO_CLOSE int fd = -1;
	static const uint8_t zeros[65536];

	if (!have_tools())
		skip();
	make_ntfs("512", "4096", 64 * MiB);
	fd = open("ntfs", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 4 * 4096), sizeof(zeros));
	expect_map_refusal(
		"'ntfs': NTFS is damaged: the record of $MFT: it does not begin with "
		"'FILE'");
}

static void a_failing_source_is_told_as_what_it_is(void **state)
{
	struct volume_info info;
	unsigned n = 1;

	if (!have_tools())
		skip();
	make_ntfs("512", "4096", 64 * MiB);
	for (;; n++) {
		AUTO(source_freep) struct block_source *flaky = NULL;
		struct volume_map *map = NULL;
		struct err err = { 0 };

		assert_succeeds(source_flaky_new(open_volume("ntfs", &info), n,
						 -ETIMEDOUT, true, &flaky, &err));
		if (volume_map_open(flaky, &info, &map, &err) == 0) {
			volume_map_free(map);
			break;
		}
		assert_int_equal(err.code, -ETIMEDOUT);
	}
	assert_true(n > 5);
}

/* -- files ---- */

struct file_case {
	const char *path;
	size_t limit;
	int code; /* 0: as "content" */
	const char *text;
};

static void check_files(const char *volume_path, const struct file_case *cases,
			size_t count)
{
	AUTO(source_freep) struct block_source *volume = NULL;
	AUTO_FREE uint8_t *content = malloc(3 * MiB + 123);
	struct volume_info info;

	fill_pattern(content, 3 * MiB + 123, 9);
	volume = open_volume(volume_path, &info);
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE uint8_t *bytes = NULL;
		struct err err = { 0 };
		size_t length = 0;
		int r = volume_read_file(volume, &info, cases[i].path, cases[i].limit,
					 &bytes, &length, &err);

		if (cases[i].code) {
			assert_failed(r, cases[i].code, cases[i].text);
			continue;
		}
		assert_succeeds(r);
		assert_int_equal(length, 3 * MiB + 123);
		assert_memory_equal(bytes, content, length);
	}
}

static void files_of_ntfs_are_read_by_path(void **state)
{
	static const struct file_case cases[] = {
		{ "File.bin", 4 * MiB, 0, NULL },
		{ "fILE.BIN", 3 * MiB + 123, 0, NULL },
		{ "/File.bin", 4 * MiB, 0, NULL },
		{ "File.bin", 3 * MiB, -EFBIG,
		  "'ntfs': 'File.bin' has 3145851 bytes, at most 3145728" },
		{ "nothing", MiB, -ENOENT, "'ntfs': no file 'nothing'" },
		{ "nothing/here", MiB, -ENOENT, "'ntfs': no file 'nothing/here'" },
		{ "File.bin/x", MiB, -ENOENT, "'ntfs': no file 'File.bin/x'" },
		{ "$Extend", MiB, -EISDIR, "'ntfs': '$Extend' is a folder" },
	};

	if (!have_tools())
		skip();
	make_ntfs("512", "4096", 64 * MiB);
	check_files("ntfs", cases, ARRAY_SIZE(cases));
}

static void files_of_fat_are_read_by_path(void **state)
{
	static const struct file_case cases[] = {
		{ "EFI/Microsoft/Boot/BCD", 4 * MiB, 0, NULL },
		{ "efi/MICROSOFT/boot/bcd", 3 * MiB + 123, 0, NULL },
		{ "EFI/Microsoft/Boot/BCD", 3 * MiB, -EFBIG,
		  "'fat': 'EFI/Microsoft/Boot/BCD' has more than 3145728 bytes" },
		{ "EFI/Microsoft/Boot/BCD", 1, -EFBIG,
		  "'fat': 'EFI/Microsoft/Boot/BCD' has more than 1 bytes" },
		{ "EFI/nothing", MiB, -ENOENT, "'fat': no file 'EFI/nothing'" },
		{ "no/thing", MiB, -ENOENT, "'fat': no file 'no/thing'" },
		{ "EFI/Microsoft", MiB, -EISDIR, "'fat': 'EFI/Microsoft' is a folder" },
		{ "EFI/*", MiB, -EINVAL, "'EFI/*': not a path of a file" },
		{ "", MiB, -EINVAL, "'': not a path of a file" },
	};
	static const char *const sector_sizes[] = { "-S512", "-S4096" };

	if (!have_tool("mkfs.fat") || !have_tool("mcopy"))
		skip();
	make_content_file();
	for (size_t i = 0; i < ARRAY_SIZE(sector_sizes); i++) {
		unlink("fat");
		make_file("fat", 300 * MiB);
		run_tool("mkfs.fat", "-F32", "-s1", sector_sizes[i], "fat");
		run_tool("mmd", "-i", "fat", "::/EFI", "::/EFI/Microsoft",
			 "::/EFI/Microsoft/Boot");
		run_tool("mcopy", "-i", "fat", "content", "::/EFI/Microsoft/Boot/BCD");
		check_files("fat", cases, ARRAY_SIZE(cases));
	}
}

static void files_of_other_volumes_are_not_read(void **state)
{
	static const struct file_case cases[] = {
		{ "x", MiB, -ENOTSUP, "'other': no files are read from unknown volumes" },
	};

	make_file("other", MiB);
	check_files("other", cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_clusters_are_those_of_the_bitmap),
		cmocka_unit_test(ranges_may_be_asked_for_one_by_one),
		cmocka_unit_test(a_large_volume_is_walked_in_windows),
		cmocka_unit_test(a_free_cluster_that_is_stored_stays_free),
		cmocka_unit_test(a_used_cluster_that_is_absent_is_zero),
		cmocka_unit_test(without_a_bitmap_all_is_used),
		cmocka_unit_test(a_bitmap_that_cannot_be_true_is_refused),
		cmocka_unit_test(the_boot_sectors_are_used_whatever_the_bitmap_says),
		cmocka_unit_test(an_ntfs_without_its_mft_is_refused_with_a_text),
		cmocka_unit_test(a_failing_source_is_told_as_what_it_is),
		cmocka_unit_test(files_of_ntfs_are_read_by_path),
		cmocka_unit_test(files_of_fat_are_read_by_path),
		cmocka_unit_test(files_of_other_volumes_are_not_read),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
