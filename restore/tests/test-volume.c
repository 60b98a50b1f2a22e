/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a volume is: boot sectors written by hand and every field of them spoiled, boot sectors
 * of mkntfs and mkfs.fat, and real ones of the folder that SAMPLES names.
 */
#include "image-fixture.h"

#include <restore/volume.h>

#define VOLUME (512 * MiB)

static void make_ntfs(uint8_t *boot)
{
	memset(boot, 0, 4096);
	memcpy(boot + 3, "NTFS    ", 8);
	put_le(boot + 11, 2, 512);
	boot[13] = 8;
	put_le(boot + 28, 4, 2048);
	put_le(boot + 40, 8, VOLUME / 512 - 1);
	put_le(boot + 48, 8, 4);
	put_le(boot + 56, 8, 5000);
	boot[64] = 0xf6;
	put_le(boot + 72, 8, UINT64_C(0x1122334455667788));
	put_le(boot + 510, 2, 0xaa55);
}

static void make_fat32(uint8_t *boot)
{
	memset(boot, 0, 4096);
	memcpy(boot, "\xeb\x58\x90MSDOS5.0", 11);
	put_le(boot + 11, 2, 512);
	boot[13] = 1;
	put_le(boot + 14, 2, 32);
	boot[16] = 2;
	boot[21] = 0xf8;
	put_le(boot + 28, 4, 2048);
	put_le(boot + 32, 4, 204800);
	put_le(boot + 36, 4, 1576);
	put_le(boot + 67, 4, 0xcafe1234);
	put_le(boot + 510, 2, 0xaa55);
}

static void make_exfat(uint8_t *boot)
{
	memset(boot, 0, 4096);
	memcpy(boot + 3, "EXFAT   ", 8);
	put_le(boot + 64, 8, 2048);
	put_le(boot + 72, 8, VOLUME / 512);
	put_le(boot + 100, 4, 0xabcdef01);
	boot[108] = 9;
	boot[109] = 3;
	put_le(boot + 510, 2, 0xaa55);
}

static void make_refs(uint8_t *boot)
{
	memset(boot, 0, 4096);
	memcpy(boot + 3, "ReFS", 4);
	memcpy(boot + 16, "FSRS", 4);
	put_le(boot + 24, 8, VOLUME / 512);
	put_le(boot + 32, 4, 512);
	put_le(boot + 36, 4, 128);
	put_le(boot + 56, 8, 77);
}

static void boot_sectors_tell_what_a_volume_is(void **state)
{
	static const struct {
		void (*make)(uint8_t *boot);
		struct volume_info info;
	} cases[] = {
		{ make_ntfs,
		  { FS_NTFS, 512, 4096, VOLUME - 512, MiB,
		    UINT64_C(0x1122334455667788) } },
		{ make_fat32, { FS_FAT32, 512, 512, 100 * MiB, MiB, 0xcafe1234 } },
		{ make_exfat, { FS_EXFAT, 512, 4096, VOLUME, MiB, 0xabcdef01 } },
		{ make_refs, { FS_REFS, 512, 65536, VOLUME, 0, 77 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t boot[4096];
		struct volume_info info;
		struct err err = { 0 };

		cases[i].make(boot);
		assert_succeeds(volume_identify(boot, VOLUME, &info, &err));
		assert_int_equal(info.fs, cases[i].info.fs);
		assert_int_equal(info.sector_size, cases[i].info.sector_size);
		assert_int_equal(info.cluster_size, cases[i].info.cluster_size);
		assert_int_equal(info.fs_size, cases[i].info.fs_size);
		assert_int_equal(info.hidden_bytes, cases[i].info.hidden_bytes);
		assert_int_equal(info.serial, cases[i].info.serial);
	}
}

static void what_is_not_known_is_no_error(void **state)
{
	static const char *const starts[] = { "", "-FVE-FS-", "NTFT    ", "ReFS" };
	uint8_t boot[4096];
	struct volume_info info;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		memset(boot, 0, sizeof(boot));
		memcpy(boot + 3, starts[i], strlen(starts[i]));
		assert_succeeds(volume_identify(boot, VOLUME, &info, &err));
		assert_int_equal(info.fs, FS_UNKNOWN);
		assert_int_equal(info.cluster_size, 0);
	}
	/* a FAT without one of the things that only FATs have is something else */
	make_fat32(boot);
	boot[21] = 0;
	assert_succeeds(volume_identify(boot, VOLUME, &info, &err));
	assert_int_equal(info.fs, FS_UNKNOWN);
	memset(boot, 0xff, sizeof(boot));
	assert_succeeds(volume_identify(boot, VOLUME, &info, &err));
	assert_int_equal(info.fs, FS_UNKNOWN);
}

struct spoil {
	void (*make)(uint8_t *boot);
	size_t offset;
	unsigned width;
	uint64_t value;
	const char *text;
};

static void expect_refusals(const struct spoil *spoils, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t boot[4096];
		struct volume_info info;
		struct err err = { 0 };

		spoils[i].make(boot);
		put_le(boot + spoils[i].offset, spoils[i].width, spoils[i].value);
		assert_failed(volume_identify(boot, VOLUME, &info, &err), -EBADMSG,
			      spoils[i].text);
	}
}

static void every_impossible_value_of_ntfs_is_refused(void **state)
{
	static const struct spoil spoils[] = {
		{ make_ntfs, 11, 2, 0,
		  "NTFS boot sector: sector size 0, must be a power of two from 512 to "
		  "4096" },
		{ make_ntfs, 11, 2, 8192,
		  "NTFS boot sector: sector size 8192, must be a power of two from 512 "
		  "to 4096" },
		{ make_ntfs, 13, 1, 0,
		  "NTFS boot sector: cluster size 0, must be a power of two up to "
		  "2097152" },
		{ make_ntfs, 13, 1, 3,
		  "NTFS boot sector: cluster size 1536, must be a power of two up to "
		  "2097152" },
		{ make_ntfs, 13, 1, 0xf3,
		  "NTFS boot sector: cluster size 4194304, must be a power of two up to "
		  "2097152" },
		{ make_ntfs, 13, 1, 129,
		  "NTFS boot sector: cluster size 0, must be a power of two up to "
		  "2097152" },
		{ make_ntfs, 40, 8, 0,
		  "NTFS boot sector: 0 sectors of 512 bytes, the volume has 536870912 "
		  "bytes" },
		{ make_ntfs, 40, 8, VOLUME / 512 + 1,
		  "NTFS boot sector: 1048577 sectors of 512 bytes, the volume has "
		  "536870912 "
		  "bytes" },
		{ make_ntfs, 40, 8, UINT64_MAX,
		  "NTFS boot sector: 18446744073709551615 sectors of 512 bytes, the "
		  "volume has "
		  "536870912 bytes" },
		{ make_ntfs, 48, 8, 131071,
		  "NTFS boot sector: $MFT at cluster 131071, its copy at 5000, there are "
		  "131071 "
		  "clusters" },
		{ make_ntfs, 56, 8, UINT64_MAX,
		  "NTFS boot sector: $MFT at cluster 4, its copy at "
		  "18446744073709551615, there "
		  "are 131071 clusters" },
		{ make_ntfs, 64, 1, 0, "NTFS boot sector: file records of size 0" },
	};

	expect_refusals(spoils, ARRAY_SIZE(spoils));
}

static void every_impossible_value_of_other_file_systems_is_refused(void **state)
{
	static const struct spoil spoils[] = {
		{ make_fat32, 32, 4, VOLUME / 512 + 1,
		  "FAT boot sector: 1048577 sectors of 512 bytes, the volume has "
		  "536870912 "
		  "bytes" },
		{ make_fat32, 32, 4, 0,
		  "FAT boot sector: 0 sectors of 512 bytes, the volume has 536870912 "
		  "bytes" },
		{ make_fat32, 36, 4, 102400,
		  "FAT boot sector: tables of 204832 sectors in a file system of "
		  "204800" },
		{ make_exfat, 108, 1, 8,
		  "exFAT boot sector: sectors of 2^8 bytes, clusters of 2^3 sectors, "
		  "must be 9 to "
		  "12 and at most 25" },
		{ make_exfat, 109, 1, 26,
		  "exFAT boot sector: sectors of 2^9 bytes, clusters of 2^26 sectors, "
		  "must be 9 "
		  "to 12 and at most 25" },
		{ make_exfat, 109, 1, 17,
		  "exFAT boot sector: cluster size 67108864, must be a power of two up "
		  "to "
		  "33554432" },
		{ make_exfat, 72, 8, VOLUME,
		  "exFAT boot sector: 536870912 sectors of 512 bytes, the volume has "
		  "536870912 "
		  "bytes" },
		{ make_refs, 32, 4, 0,
		  "ReFS boot sector: sector size 0, must be a power of two from 512 to "
		  "4096" },
		{ make_refs, 36, 4, 0,
		  "ReFS boot sector: cluster size 0, must be a power of two up to "
		  "65536" },
		{ make_refs, 24, 8, UINT64_MAX,
		  "ReFS boot sector: 18446744073709551615 sectors of 512 bytes, the "
		  "volume has "
		  "536870912 bytes" },
	};

	expect_refusals(spoils, ARRAY_SIZE(spoils));
}

/* -- programs that make file systems ---- */

static void identify_file(const char *path, struct volume_info *ret)
{
	AUTO(source_freep) struct block_source *file = NULL;
	uint8_t boot[4096];
	struct err err = { 0 };

	assert_succeeds(source_file_open(path, &file, &err));
	assert_succeeds(source_read(file, boot, 0, sizeof(boot), &err));
	assert_succeeds(volume_identify(boot, file->size, ret, &err));
}

static void volumes_of_mkfs_fat_are_known(void **state)
{
	static const struct {
		const char *bits, *sector_size, *cluster_sectors;
		uint64_t size;
		enum file_system fs;
	} cases[] = {
		{ "-F12", "-S512", "-s4", 4 * MiB, FS_FAT12 },
		{ "-F16", "-S512", "-s2", 32 * MiB, FS_FAT16 },
		{ "-F32", "-S512", "-s1", 100 * MiB, FS_FAT32 },
		{ "-F32", "-S4096", "-s1", 300 * MiB, FS_FAT32 },
	};

	if (!have_tool("mkfs.fat"))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct volume_info info;

		assert_int_equal(truncate("fat", 0), i ? 0 : -1);
		close(open("fat", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		assert_int_equal(truncate("fat", (off_t)cases[i].size), 0);
		run_tool("mkfs.fat", cases[i].bits, cases[i].sector_size,
			 cases[i].cluster_sectors, "-i", "1234abcd", "-h", "2048", "fat");
		identify_file("fat", &info);
		assert_int_equal(info.fs, cases[i].fs);
		assert_int_equal(info.sector_size, atoi(cases[i].sector_size + 2));
		assert_int_equal(info.cluster_size,
				 info.sector_size *
					 (uint32_t)atoi(cases[i].cluster_sectors + 2));
		assert_int_equal(info.serial, 0x1234abcd);
		assert_int_equal(info.hidden_bytes, 2048 * info.sector_size);
		assert_true(info.fs_size <= cases[i].size);
	}
}

static void volumes_of_mkntfs_are_known(void **state)
{
	static const struct {
		const char *sector_size, *cluster_size;
	} cases[] = { { "512", "512" },	    { "512", "4096" },	{ "512", "65536" },
		      { "512", "2097152" }, { "4096", "4096" }, { "4096", "2097152" } };

	if (!have_tool("mkntfs"))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct volume_info info;

		close(open("ntfs", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
		assert_int_equal(truncate("ntfs", 128 * MiB), 0);
		run_tool("mkntfs", "-F", "-Q", "-q", "-s", cases[i].sector_size, "-c",
			 cases[i].cluster_size, "-p", "206848", "ntfs");
		identify_file("ntfs", &info);
		assert_int_equal(info.fs, FS_NTFS);
		assert_int_equal(info.sector_size, atoi(cases[i].sector_size));
		assert_int_equal(info.cluster_size, atoi(cases[i].cluster_size));
		assert_int_equal(info.hidden_bytes, 206848 * info.sector_size);
		assert_true(info.fs_size < 128 * MiB);
		assert_true(info.fs_size > 124 * MiB);
	}
}

/* -- real ones ---- */

static void real_boot_sectors_are_known(void **state)
{
	static const struct {
		const char *name;
		uint32_t cluster_size;
	} cases[] = { { "512", 512 }, { "4k", 4096 }, { "64k", 65536 } };
	const char *samples = getenv("SAMPLES");

	if (!samples) {
		print_message("skipped: SAMPLES names no folder\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(source_freep) struct block_source *file = NULL;
		char path[4096];
		uint8_t boot[4096] = { 0 };
		struct volume_info info;
		struct err err = { 0 };

		snprintf(path, sizeof(path), "%s/ntfs-boot-sectors/%s.boot", samples,
			 cases[i].name);
		assert_succeeds(source_file_open(path, &file, &err));
		assert_succeeds(source_read(file, boot, 0, 512, &err));
		assert_succeeds(volume_identify(boot, UINT64_MAX, &info, &err));
		assert_int_equal(info.fs, FS_NTFS);
		assert_int_equal(info.cluster_size, cases[i].cluster_size);
	}
}

static void every_file_system_has_a_name(void **state)
{
	assert_string_equal(file_system_text(FS_NTFS), "NTFS");
	assert_string_equal(file_system_text(FS_FAT12), "FAT12");
	assert_string_equal(file_system_text(FS_UNKNOWN), "unknown");
	assert_string_equal(file_system_text((enum file_system)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boot_sectors_tell_what_a_volume_is),
		cmocka_unit_test(what_is_not_known_is_no_error),
		cmocka_unit_test(every_impossible_value_of_ntfs_is_refused),
		cmocka_unit_test(every_impossible_value_of_other_file_systems_is_refused),
		cmocka_unit_test(volumes_of_mkfs_fat_are_known),
		cmocka_unit_test(volumes_of_mkntfs_are_known),
		cmocka_unit_test(real_boot_sectors_are_known),
		cmocka_unit_test(every_file_system_has_a_name),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
