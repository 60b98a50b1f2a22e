/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * exFAT's structures by hand, each field spoiled in turn. Volumes that mkfs.exfat and exfat-fuse
 * made are in qemu-tests.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "volumes/exfat-parse.h"
#include "volumes/file-system.h"

/* 128 clusters of 512 bytes from sector 26 on; the table at 24; root is cluster 2. */
#define CLUSTERS 128u
#define HEAP	 (26u * 512)
#define FAT	 (24u * 512)
#define SIZE	 (HEAP + CLUSTERS * 512)

static uint8_t image[SIZE];

static void put32(uint8_t *at, uint32_t value)
{
	le32 v = put_le32(value);

	memcpy(at, &v, sizeof(v));
}

static void put64(uint8_t *at, uint64_t value)
{
	le64 v = put_le64(value);

	memcpy(at, &v, sizeof(v));
}

static void seal_boot(void)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 11 * 512; i++)
		if (i != 106 && i != 107 && i != 112)
			sum = (sum << 31 | sum >> 1) + image[i];
	put32(image + 11 * 512, sum);
}

static void seal_set(uint8_t *entries, unsigned count)
{
	uint16_t sum = 0;

	for (unsigned i = 0; i < count * 32; i++)
		if (i != 2 && i != 3)
			sum = (uint16_t)((uint16_t)(sum << 15 | sum >> 1) + entries[i]);
	entries[2] = (uint8_t)sum;
	entries[3] = (uint8_t)(sum >> 8);
}

/* A file "a" of 1200 bytes, 700 of them valid; flags 1: by the table, 3: contiguous. */
static void put_file(uint8_t *entries, uint8_t flags, uint32_t first)
{
	memset(entries, 0, 3 * 32);
	entries[0] = EXFAT_FILE;
	entries[1] = 2;
	put32(entries + 12, 46u << 25 | 8u << 21 | 31u << 16 | 21u << 11 | 5u << 5 | 3);
	entries[23] = 0x80 | 8; /* UTC + 2:00 */
	entries[32] = EXFAT_STREAM;
	entries[33] = flags;
	entries[35] = 1;
	put64(entries + 40, 700);
	put32(entries + 52, first);
	put64(entries + 56, 1200);
	entries[64] = EXFAT_NAME;
	entries[66] = 'a';
	seal_set(entries, 3);
}

static uint8_t *cluster(uint32_t number)
{
	return image + HEAP + (number - 2) * 512;
}

static void make_image(uint8_t flags)
{
	memset(image, 0, sizeof(image));
	memcpy(image,
	       "\xeb\x76\x90"
	       "EXFAT   ",
	       11);
	put64(image + 72, SIZE / 512);
	put32(image + 80, FAT / 512);
	put32(image + 84, 2);
	put32(image + 88, HEAP / 512);
	put32(image + 92, CLUSTERS);
	put32(image + 96, 2);
	image[108] = 9;
	image[110] = 1;
	image[510] = 0x55;
	image[511] = 0xaa;
	seal_boot();
	put32(image + FAT + 2 * 4, 0xffffffff);
	/* 10, 20, 11 */
	put32(image + FAT + 10 * 4, 20);
	put32(image + FAT + 20 * 4, 11);
	put32(image + FAT + 11 * 4, 0xffffffff);
	put_file(cluster(2), flags, 10);
	for (unsigned i = 0; i < 512; i++) {
		cluster(10)[i] = 1;
		cluster(20)[i] = 2;
		cluster(11)[i] = 3;
	}
}

static struct block_source *volume;

static int open_volume(void **ret, struct err *err)
{
	int r;

	assert_int_equal(source_memory_new(image, sizeof(image), "sdb", &volume, err), 0);
	r = exfat_files.open(volume, ret, err);
	if (r < 0)
		source_close(volume);
	return r;
}

static void close_volume(void *fs)
{
	exfat_files.close(fs);
	source_close(volume);
}

static int read_a(uint8_t bytes[1200], struct err *err)
{
	void *fs = NULL, *file = NULL;
	int r = open_volume(&fs, err);

	if (r < 0)
		return r;
	r = exfat_files.open_file(fs, "a", &file, err);
	if (r == 0) {
		assert_int_equal(exfat_files.file_size(file), 1200);
		r = exfat_files.read_file(file, 0, bytes, 1200, err);
		exfat_files.close_file(file);
	}
	close_volume(fs);
	return r;
}

static void a_file_is_read_as_the_table_says(void **state)
{
	struct err err = { 0 };
	uint8_t bytes[1200];

	make_image(1);
	assert_int_equal(read_a(bytes, &err), 0);
	assert_int_equal(bytes[511], 1);
	assert_int_equal(bytes[512], 2);
	assert_int_equal(bytes[699], 2);
	assert_int_equal(bytes[700], 0);
	assert_int_equal(bytes[1199], 0);
}

static void a_contiguous_file_needs_no_table(void **state)
{
	struct err err = { 0 };
	uint8_t bytes[1200];

	make_image(3);
	assert_int_equal(read_a(bytes, &err), 0);
	assert_int_equal(bytes[511], 1);
	assert_int_equal(bytes[512], 3);
}

static void a_folder_lists_size_and_time(void **state)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	struct err err = { 0 };
	void *fs = NULL;

	make_image(1);
	assert_int_equal(open_volume(&fs, &err), 0);
	assert_int_equal(exfat_files.list(fs, "", &listing, &err), 0);
	assert_int_equal(listing.count, 1);
	assert_string_equal(listing.entries[0].name, "a");
	assert_int_equal(listing.entries[0].size, 1200);
	/* 2026-08-31 21:05:06 at UTC + 2:00 */
	assert_int_equal(listing.entries[0].mtime_s, 1788203106);
	assert_int_equal(exfat_files.list(fs, "a", &listing, &err), -ENOTDIR);
	assert_string_equal(err.text, "'sdb': 'a' is not a folder");
	assert_int_equal(exfat_files.list(fs, "b", &listing, &err), -ENOENT);
	assert_string_equal(err.text, "'sdb': no 'b'");
	close_volume(fs);
}

static void a_chain_that_leads_nowhere_is_told(void **state)
{
	struct err err = { 0 };
	uint8_t bytes[1200];

	make_image(1);
	put32(image + FAT + 20 * 4, CLUSTERS + 2);
	assert_int_equal(read_a(bytes, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "'sdb': exFAT is damaged: a file of 3 clusters goes on "
			    "at 130 after 2");
	make_image(3);
	put_file(cluster(2), 3, CLUSTERS + 1);
	assert_int_equal(read_a(bytes, &err), -EBADMSG);
	/* a root without an end */
	make_image(1);
	put32(image + FAT + 2 * 4, 2);
	assert_int_equal(read_a(bytes, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "'sdb': exFAT is damaged: a file of 0 clusters goes on "
			    "at 2 after 128");
}

static void damaged_entries_hide_one_file(void **state)
{
	struct err err = { 0 };
	uint8_t bytes[1200];

	make_image(1);
	put_file(cluster(2) + 96, 1, 10);
	cluster(2)[40]++;
	assert_int_equal(read_a(bytes, &err), 0);
	cluster(2)[96 + 40]++;
	assert_int_equal(read_a(bytes, &err), -ENOENT);
}

static int parse(unsigned at, uint8_t value, struct err *err)
{
	uint8_t entries[3 * 32];
	struct exfat_node node;

	put_file(entries, 1, 10);
	entries[at] = value;
	seal_set(entries, 3);
	return exfat_parse_set(entries, 3, &node, err);
}

static void each_field_of_a_file_is_checked(void **state)
{
	struct err err = { 0 };

	assert_int_equal(parse(32, 0xc1, &err), -EBADMSG);
	assert_string_equal(err.text, "an entry of type 0xc1 where the stream is");
	assert_int_equal(parse(33, 0, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "a file of 1200 bytes, 700 of them valid, from cluster 0");
	assert_int_equal(parse(41, 0xff, &err), -EBADMSG);
	assert_int_equal(parse(35, 0, &err), -EBADMSG);
	assert_string_equal(err.text, "a name of 0 characters, 0 are there");
	assert_int_equal(parse(35, 16, &err), -EBADMSG);
	assert_string_equal(err.text, "a name of 16 characters, 15 are there");
	assert_int_equal(parse(64, 0xa0, &err), -EBADMSG);
}

static int parse_boot(unsigned at, uint32_t value, struct err *err)
{
	struct exfat_shape shape;

	make_image(1);
	put32(image + at, value);
	return exfat_parse_boot(image, SIZE, &shape, err);
}

static void each_field_of_the_boot_sector_is_checked(void **state)
{
	struct err err = { 0 };

	assert_int_equal(parse_boot(92, CLUSTERS + 1, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "exFAT boot sector: 129 clusters of 512 bytes from 13312 "
			    "on, the volume has 78848");
	assert_int_equal(parse_boot(92, 0, &err), -EBADMSG);
	assert_int_equal(parse_boot(88, 0x01000000, &err), -EBADMSG);
	assert_int_equal(parse_boot(84, 1, &err), -EBADMSG);
	assert_int_equal(parse_boot(80, 25, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "exFAT boot sector: a table of 1024 bytes at 12800 for "
			    "128 clusters from 13312 on");
	assert_int_equal(parse_boot(108, 0x01000d, &err), -EBADMSG);
	assert_int_equal(parse_boot(108, 0x011109, &err), -EBADMSG);
	assert_int_equal(parse_boot(108, 0x030009, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "exFAT boot sector: sectors of 2^9 bytes, clusters of "
			    "2^0 sectors, 3 tables");
}

static void a_boot_region_with_another_checksum_is_refused(void **state)
{
	struct err err = { 0 };
	void *fs = NULL;

	make_image(1);
	image[600] ^= 1;
	assert_int_equal(open_volume(&fs, &err), -EBADMSG);
	assert_string_equal(err.text, "'sdb': exFAT is damaged: the checksum of the boot "
				      "region is wrong");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_as_the_table_says),
		cmocka_unit_test(a_contiguous_file_needs_no_table),
		cmocka_unit_test(a_folder_lists_size_and_time),
		cmocka_unit_test(a_chain_that_leads_nowhere_is_told),
		cmocka_unit_test(damaged_entries_hide_one_file),
		cmocka_unit_test(each_field_of_a_file_is_checked),
		cmocka_unit_test(each_field_of_the_boot_sector_is_checked),
		cmocka_unit_test(a_boot_region_with_another_checksum_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
