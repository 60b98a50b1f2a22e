/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MBRs, read: good ones, each of their fields spoiled, and what looks like one and is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <partition/layout.h>

#include "table-outcome.h"

/* -- MBR ---- */

static struct disk_image image_logical(uint8_t type)
{
	struct disk_image image = image_mbr();

	mbr_put_entry(image.bytes, 3, 0, type, 200, 190);
	mbr_put_entry(image_at(&image, 200), 0, 0, 0x07, 1, 9);
	mbr_put_entry(image_at(&image, 200), 1, 0, 0x05, 49, 11);
	mbr_put_entry(image_at(&image, 249), 0, 0, 0x0b, 1, 10);
	mbr_put_entry(image_at(&image, 249), 1, 0, 0x05, 30, 10);
	mbr_put_entry(image_at(&image, 230), 0, 0, 0x83, 1, 9);
	return image;
}

static void an_mbr_is_read(void **state)
{
	struct disk_image image = image_mbr();
	OUTCOME o = read_image(&image, 0);

	assert_int_equal(o.code, 0);
	assert_string_equal(o.notes, "");
	assert_int_equal(o.layout->style, TABLE_MBR);
	assert_int_equal(o.layout->sector_size, 512);
	assert_int_equal(o.layout->mbr_signature, 0x000deb62);
	assert_int_equal(o.layout->count, 2);
	assert_int_equal(o.layout->partitions[0].offset, 63 * 512);
	assert_int_equal(o.layout->partitions[0].length, 37 * 512);
	assert_true(o.layout->partitions[0].mbr_active);
	assert_int_equal(o.layout->partitions[1].slot, 2);
	assert_false(o.layout->partitions[1].mbr_active);
	assert_int_equal(o.layout->partitions[1].mbr_type, 0x07);
}

static void an_mbr_counts_in_sectors_of_4096_bytes_where_told(void **state)
{
	struct disk_image image = image_blank(4096, SECTORS);

	mbr_put_entry(image.bytes, 0, 0x80, 0x07, 256, 100);
	OUTCOME o = read_image(&image, 4096);

	assert_int_equal(o.code, 0);
	assert_int_equal(o.layout->partitions[0].offset, 256 * 4096);
}

static void logical_partitions_are_read_through_each_kind_of_extended_one(void **state)
{
	static const uint8_t types[] = { 0x05, 0x0f, 0x85 };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct disk_image image = image_logical(types[i]);
		OUTCOME o = read_image(&image, 0);

		assert_int_equal(o.code, 0);
		assert_int_equal(o.layout->count, 6);
		assert_int_equal(o.layout->partitions[2].slot, 4);
		assert_int_equal(o.layout->partitions[2].mbr_kind, MBR_EXTENDED);
		assert_string_equal(
			partition_type_text(o.layout, &o.layout->partitions[2]),
			"extended");
		assert_int_equal(o.layout->partitions[4].slot, 6);
		assert_int_equal(o.layout->partitions[4].mbr_kind, MBR_LOGICAL);
		assert_int_equal(o.layout->partitions[4].offset, 250 * 512);
		assert_int_equal(o.layout->partitions[4].length, 10 * 512);
		assert_int_equal(o.layout->partitions[5].offset, 231 * 512);
	}
}

struct spoiled_entry {
	size_t lba; /* of the MBR or the extended boot record */
	size_t index;
	uint8_t boot, type;
	uint32_t first, sectors;
	const char *text;
};

static const struct spoiled_entry spoiled_entries[] = {
	{ 0, 0, 0, 0x07, 63, 0, "MBR partition 1: size 0" },
	{ 0, 0, 0, 0x07, 0, 63, "MBR partition 1: starts at LBA 0" },
	{ 0, 1, 0, 0x07, 100, 301, "MBR partition 2: LBA 100+301, the disk ends at 400" },
	{ 0, 1, 0, 0x07, 0xffffffff, 0xffffffff,
	  "MBR partition 2: LBA 4294967295+4294967295" },
	{ 0, 1, 0, 0x07, 99, 2, "partitions 1 (32256+18944) and 2 (50688+1024) overlap" },
	{ 0, 1, 0, 0x0f, 100, 50, "2 extended partitions, at most 1 is possible" },
	{ 200, 0, 0, 0x07, 0, 9,
	  "logical partition 5: starts on its own record at LBA 200" },
	{ 200, 0, 0, 0x07, 1, 0, "logical partition 5: size 0" },
	{ 200, 0, 0, 0x05, 1, 9, "logical partition 5: type 05" },
	{ 200, 0, 0, 0x07, 1, 190, "logical partition 5: sectors 1+190 of the extended" },
	{ 200, 0, 0, 0x07, 0xffffffff, 9, "logical partition 5: sectors 4294967295+9" },
	{ 200, 0, 0, 0x07, 1, 30,
	  "logical partition 5 covers the extended boot record at LBA 230" },
	{ 200, 0, 0, 0x07, 52, 3,
	  "partitions 5 (129024+1536) and 6 (128000+5120) overlap" },
	{ 200, 1, 0, 0x07, 49, 11, "extended boot record 1: link of type 07" },
	{ 200, 1, 0, 0x05, 190, 11, "extended boot record 1: leads to sector 190 of" },
	{ 200, 1, 0, 0x05, 20, 11, "extended boot record 2 at LBA 220: signature 0000" },
	{ 230, 1, 0, 0x05, 49, 11,
	  "extended boot record 3: leads back to record 2 at LBA 249" },
	{ 230, 1, 0, 0x05, 0, 11,
	  "extended boot record 3: leads back to record 1 at LBA 200" },
};

static void each_spoiled_mbr_entry_is_told(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(spoiled_entries); i++) {
		const struct spoiled_entry *e = &spoiled_entries[i];
		struct disk_image image = image_logical(0x0f);

		mbr_put_entry(image_at(&image, e->lba), e->index, e->boot, e->type,
			      e->first, e->sectors);
		OUTCOME o = read_image(&image, 0);

		assert_refused(&o, e->text);
	}
}

static void the_number_of_logical_partitions_is_bounded(void **state)
{
	struct disk_image image = image_blank(512, 1000);

	mbr_put_entry(image.bytes, 0, 0, 0x05, 1, 900);
	for (uint32_t i = 0; i < 129; i++) {
		mbr_put_entry(image_at(&image, 1 + 2 * i), 0, 0, 0x07, 1, 1);
		mbr_put_entry(image_at(&image, 1 + 2 * i), 1, 0, 0x05, 2 * i + 2, 2);
	}
	OUTCOME o = read_image(&image, 0);

	assert_refused(&o, "more than 128 extended boot records, the limit");
}

static void an_empty_extended_partition_is_fine(void **state)
{
	struct disk_image image = image_mbr();

	mbr_put_entry(image.bytes, 3, 0, 0x0f, 200, 190);
	mbr_put_entry(image_at(&image, 200), 0, 0, 0, 0, 0);
	OUTCOME o = read_image(&image, 0);

	assert_int_equal(o.code, 0);
	assert_int_equal(o.layout->count, 3);
}

/* -- no table ---- */

static void assert_no_table(struct disk_image *image)
{
	OUTCOME o = read_image(image, 0);

	assert_int_equal(o.code, 0);
	assert_int_equal(o.layout->style, TABLE_NONE);
	assert_int_equal(o.layout->count, 0);
}

static void a_blank_disk_has_no_table(void **state)
{
	struct disk_image image = image_blank(512, SECTORS);

	assert_no_table(&image);
}

static void a_disk_of_nothing_has_no_table(void **state)
{
	static const size_t sizes[] = { 0, 1, 511 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct disk_image image = image_blank(512, SECTORS);

		image.size = sizes[i];
		assert_no_table(&image);
	}
}

static void the_boot_sector_of_a_volume_is_no_table(void **state)
{
	static const struct {
		size_t offset;
		const char *text;
	} marks[] = { { 3, "NTFS    " }, { 82, "FAT32   " }, { 3, "-FVE-FS-" } };

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		struct disk_image image = image_blank(512, SECTORS);

		memcpy(image.bytes + marks[i].offset, marks[i].text, 8);
		put_number(image.bytes + 510, 0xaa55, 2);
		assert_no_table(&image);
	}
}

static void the_message_of_a_boot_sector_is_no_table(void **state)
{
	struct disk_image image = image_blank(512, SECTORS);

	memcpy(image.bytes + 3, "NTFS    ", 8);
	for (size_t i = MBR_ENTRY; i < 510; i++)
		image.bytes[i] = (uint8_t) "Press Ctrl+Alt+Del to restart"[i % 29];
	put_number(image.bytes + 510, 0xaa55, 2);
	assert_no_table(&image);
}

static void code_of_a_boot_sector_that_looks_like_entries_is_no_table(void **state)
{
	struct disk_image image = image_blank(512, SECTORS);

	memcpy(image.bytes + 3, "NTFS    ", 8);
	mbr_put_entry(image.bytes, 1, 0x80, 0x72, 0x73746172, 0x74);
	OUTCOME o = read_image(&image, 0);

	assert_int_equal(o.code, 0);
	assert_int_equal(o.layout->style, TABLE_NONE);
	assert_int_equal(o.layout->count, 0);
	assert_string_equal(o.notes, "the boot sector of a volume, not a table\n");
}

static void an_mbr_over_a_fat_boot_sector_is_a_table(void **state)
{
	struct disk_image image = image_mbr();

	memcpy(image.bytes + 82, "FAT32   ", 8);
	OUTCOME o = read_image(&image, 0);

	assert_int_equal(o.code, 0);
	assert_int_equal(o.layout->style, TABLE_MBR);
}

static void an_mbr_without_partitions_is_a_table(void **state)
{
	struct disk_image image = image_blank(512, SECTORS);

	put_number(image.bytes + 440, 0x12345678, 4);
	put_number(image.bytes + 510, 0xaa55, 2);
	OUTCOME o = read_image(&image, 0);

	assert_int_equal(o.code, 0);
	assert_int_equal(o.layout->style, TABLE_MBR);
	assert_int_equal(o.layout->mbr_signature, 0x12345678);
	assert_int_equal(o.layout->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_mbr_is_read),
		cmocka_unit_test(an_mbr_counts_in_sectors_of_4096_bytes_where_told),
		cmocka_unit_test(
			logical_partitions_are_read_through_each_kind_of_extended_one),
		cmocka_unit_test(each_spoiled_mbr_entry_is_told),
		cmocka_unit_test(the_number_of_logical_partitions_is_bounded),
		cmocka_unit_test(an_empty_extended_partition_is_fine),
		cmocka_unit_test(a_blank_disk_has_no_table),
		cmocka_unit_test(a_disk_of_nothing_has_no_table),
		cmocka_unit_test(the_boot_sector_of_a_volume_is_no_table),
		cmocka_unit_test(the_message_of_a_boot_sector_is_no_table),
		cmocka_unit_test(
			code_of_a_boot_sector_that_looks_like_entries_is_no_table),
		cmocka_unit_test(an_mbr_over_a_fat_boot_sector_is_a_table),
		cmocka_unit_test(an_mbr_without_partitions_is_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
