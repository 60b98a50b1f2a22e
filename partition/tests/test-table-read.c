/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GPTs, read: good ones, and each of their fields spoiled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <partition/layout.h>

#include "table-outcome.h"

/* -- GPT ---- */

static void check_good_gpt(size_t sector)
{
	struct disk_image image = image_gpt(sector, SECTORS);
	size_t first = 2 + image.table_sectors;
	OUTCOME o = read_image(&image, 0);
	char text[GUID_TEXT_SIZE];
	const struct disk_partition *p;

	assert_int_equal(o.code, 0);
	assert_string_equal(o.notes, "");
	assert_int_equal(o.layout->style, TABLE_GPT);
	assert_int_equal(o.layout->sector_size, sector);
	assert_int_equal(o.layout->disk_size, sector * SECTORS);
	assert_int_equal(o.layout->slots, 128);
	assert_string_equal(guid_format(&o.layout->disk_id, text),
			    "b4fac9d5-d44b-4c9a-ae0e-47574e783822");
	assert_int_equal(o.layout->count, 4);
	p = &o.layout->partitions[2];
	assert_int_equal(p->slot, 4);
	assert_int_equal(p->offset, (first + 10) * sector);
	assert_int_equal(p->length, 41 * sector);
	assert_string_equal(p->name, "Basic data partition");
	assert_string_equal(partition_type_text(o.layout, p), "basic data");
	p = &o.layout->partitions[3];
	assert_int_equal(p->slot, 5);
	assert_true(p->attributes == UINT64_C(0x8000000000000001));
	assert_string_equal(guid_format(&p->id, text),
			    "7a18b620-7fff-4002-9b96-d83dc601163a");
	assert_string_equal(partition_type_text(o.layout, p), "recovery");
}

static void a_gpt_with_512_byte_sectors_is_read(void **state)
{
	check_good_gpt(512);
}

static void a_gpt_with_4096_byte_sectors_is_found_in_a_file(void **state)
{
	check_good_gpt(4096);
}

static void the_sector_size_can_be_given(void **state)
{
	struct disk_image image = image_gpt(4096, SECTORS);
	OUTCOME right = read_image(&image, 4096);
	OUTCOME wrong = { 0 }, odd = { 0 };

	assert_int_equal(right.code, 0);
	assert_int_equal(right.layout->count, 4);
	image = image_gpt(4096, SECTORS);
	wrong = read_image(&image, 512);
	assert_refused(&wrong,
		       "both copies are damaged or missing: primary: no GPT header at "
		       "LBA 1; backup: no GPT header at LBA 3199");
	image = image_gpt(4096, SECTORS);
	odd = read_image(&image, 1000);
	assert_int_equal(odd.code, -EINVAL);
	assert_contains(odd.err.text,
			"sector size 1000, must be a power of two from 512 to 4096");
}

static void a_header_left_by_another_sector_size_does_not_win(void **state)
{
	struct disk_image image = image_gpt(4096, SECTORS);
	struct disk_image old = image_gpt(512, 8 * SECTORS);

	/* LBA 0 of the new table is its first 512 bytes; the old header is still behind
	 * it. */
	memcpy(image.bytes + 512, old.bytes + 512, 512);
	free(old.bytes);
	OUTCOME o = read_image(&image, 0);

	assert_int_equal(o.code, 0);
	assert_int_equal(o.layout->sector_size, 4096);
	assert_int_equal(o.layout->count, 4);
}

enum { PRIMARY = 1, BACKUP = 2, BOTH = 3, SEAL = 4, SEAL_HEADER = 8 };

struct spoiled_field {
	const char *what;
	int how;   /* which copies, and what is computed anew afterwards */
	int entry; /* slot, or 0 for the header */
	size_t offset;
	size_t width;
	uint64_t value;
	const char *text; /* expected in the error, or, after "note: ", in the notes */
};

static const struct spoiled_field spoiled_fields[] = {
	{ "primary signature", PRIMARY, 0, 0, 1, 'X',
	  "note: primary is damaged (no GPT header at LBA 1), read from the backup at "
	  "LBA 399" },
	{ "both signatures", BOTH, 0, 0, 1, 'X',
	  "primary: no GPT header at LBA 1; backup: no GPT header at LBA 399" },
	{ "backup signature", BACKUP, 0, 0, 1, 'X', "note: GPT: no backup header" },
	{ "primary header CRC", PRIMARY, 0, HEADER_GUID, 1, 0,
	  "note: primary is damaged (header CRC" },
	{ "backup header CRC", BACKUP, 0, HEADER_GUID, 1, 0,
	  "note: backup at LBA 399 is damaged: header CRC" },
	{ "both header CRCs", BOTH, 0, HEADER_GUID, 1, 0, "backup: header CRC" },
	{ "primary entries CRC", PRIMARY, 1, ENTRY_LAST, 1, 40,
	  "note: primary is damaged (entries CRC" },
	{ "backup entries CRC", BACKUP, 1, ENTRY_LAST, 1, 40,
	  "note: backup at LBA 399 is damaged: entries CRC" },
	{ "both entries CRCs", BOTH, 1, ENTRY_LAST, 1, 40, "primary: entries CRC" },
	{ "stale backup", BACKUP | SEAL, 1, ENTRY_LAST, 1, 40,
	  "note: backup at LBA 399 is stale" },
	{ "revision", BOTH | SEAL_HEADER, 0, HEADER_REVISION, 4, 0x20000,
	  "revision 00020000, must be 00010000" },
	{ "header size 0", BOTH | SEAL_HEADER, 0, HEADER_SIZE, 4, 0,
	  "header size 0, must be 92 to 512" },
	{ "header size 513", BOTH | SEAL_HEADER, 0, HEADER_SIZE, 4, 513,
	  "header size 513" },
	{ "my_lba", BOTH | SEAL_HEADER, 0, HEADER_MY_LBA, 8, 7,
	  "header says that it lies at LBA 7, it is at 1" },
	{ "entry size 0", BOTH | SEAL_HEADER, 0, HEADER_ENTRY_SIZE, 4, 0,
	  "entry size 0, must be 128" },
	{ "entry size 64", BOTH | SEAL_HEADER, 0, HEADER_ENTRY_SIZE, 4, 64,
	  "entry size 64" },
	{ "entry size 192", BOTH | SEAL_HEADER, 0, HEADER_ENTRY_SIZE, 4, 192,
	  "entry size 192" },
	{ "entry size 2^31", BOTH | SEAL_HEADER, 0, HEADER_ENTRY_SIZE, 4, 0x80000000,
	  "entry size 2147483648" },
	{ "no entries", BOTH | SEAL_HEADER, 0, HEADER_COUNT, 4, 0,
	  "0 entries, must be 1 to 1024" },
	{ "many entries", BOTH | SEAL_HEADER, 0, HEADER_COUNT, 4, 0xffffffff,
	  "4294967295 entries" },
	{ "more entries than fit", BOTH | SEAL_HEADER, 0, HEADER_COUNT, 4, 129,
	  "entries at LBA 2+33, must lie within 2 to 34" },
	{ "entries in the header", BOTH | SEAL_HEADER, 0, HEADER_ENTRIES_LBA, 8, 1,
	  "entries at LBA 1+32" },
	{ "entries nowhere", BOTH | SEAL_HEADER, 0, HEADER_ENTRIES_LBA, 8, UINT64_MAX,
	  "entries at LBA 18446744073709551615+32" },
	{ "first usable", BOTH | SEAL_HEADER, 0, HEADER_FIRST, 8, 390,
	  "first usable LBA 390 is behind the last, 366" },
	{ "last usable", BOTH | SEAL_HEADER, 0, HEADER_LAST, 8, 400,
	  "last usable LBA 400, the disk ends at 400" },
	{ "last usable 2^64", BOTH | SEAL_HEADER, 0, HEADER_LAST, 8, UINT64_MAX,
	  "it is cut off" },
	{ "backup in the middle", PRIMARY | SEAL_HEADER, 0, HEADER_ALTERNATE, 8, 100,
	  "other header at LBA 100, must be behind the last usable LBA" },
	{ "backup behind the end", PRIMARY | SEAL_HEADER, 0, HEADER_ALTERNATE, 8, 4000,
	  "note: GPT: no backup header: LBA 4000 is behind the disk's end, 400" },
	{ "alternate of the backup", BACKUP | SEAL_HEADER, 0, HEADER_ALTERNATE, 8, 2,
	  "note: other header at LBA 2, must be 1" },
	{ "size 0", BOTH | SEAL, 1, ENTRY_LAST, 8, 33,
	  "GPT partition 1: first LBA 34, last 33: size 0" },
	{ "beyond the disk", BOTH | SEAL, 1, ENTRY_LAST, 8, 400,
	  "GPT partition 1: last LBA 400, the disk ends at 400" },
	{ "beyond 2^64", BOTH | SEAL, 1, ENTRY_LAST, 8, UINT64_MAX,
	  "last LBA 18446744073709551615" },
	{ "in the backup table", BOTH | SEAL, 5, ENTRY_LAST, 8, 367,
	  "GPT partition 5: LBA 104 to 367 leaves the usable area, 34 to 366" },
	{ "in the table", BOTH | SEAL, 1, ENTRY_FIRST, 8, 1, "leaves the usable area" },
	{ "overlap", BOTH | SEAL, 1, ENTRY_LAST, 8, 44,
	  "partitions 1 (17408+5632) and 4 (22528+20992) overlap" },
	{ "equal ids", BOTH | SEAL, 1, ENTRY_ID, 0, 0,
	  "note: partitions 1 and 2 have the same id" },
	{ "name", BOTH | SEAL, 1, ENTRY_NAME, 2, 0xd800,
	  "note: partition 1: name is not UTF-16" },
};

static void spoil(struct disk_image *image, const struct spoiled_field *field)
{
	for (int backup = 0; backup < 2; backup++) {
		uint8_t *at = field->entry
				      ? image_entry(image, backup, (size_t)field->entry)
				      : image_header(image, backup);

		if (!(field->how & (backup ? BACKUP : PRIMARY)))
			continue;
		put_number(at + field->offset, field->value, field->width);
		if (!field->width)
			memcpy(at + ENTRY_ID, at + 128 + ENTRY_ID, 16);
		if (field->how & SEAL)
			image_seal(image, backup);
		if (field->how & SEAL_HEADER)
			image_seal_header(image, backup);
	}
}

static void each_spoiled_field_is_told(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(spoiled_fields); i++) {
		const struct spoiled_field *field = &spoiled_fields[i];
		struct disk_image image = image_gpt(512, SECTORS);

		spoil(&image, field);
		OUTCOME o = read_image(&image, 512);

		if (strncmp(field->text, "note: ", 6) != 0) {
			assert_refused(&o, field->text);
			continue;
		}
		if (o.code < 0)
			fail_msg("%s: refused: %s", field->what, o.err.text);
		assert_contains(o.notes, field->text + 6);
		assert_int_equal(o.layout->count, 4);
		/* Of two copies the right one was taken. */
		assert_int_equal(o.layout->partitions[0].length, 10 * 512);
	}
}

static void an_impossible_primary_is_not_replaced_by_a_good_backup(void **state)
{
	struct disk_image image = image_gpt(512, SECTORS);

	put_number(image_header(&image, 0) + HEADER_LAST, 100000, 8);
	put_number(image_header(&image, 0) + HEADER_ALTERNATE, 100033, 8);
	image_seal_header(&image, 0);
	OUTCOME o = read_image(&image, 512);

	assert_refused(&o, "last usable LBA 100000, the disk ends at 400");
}

static void damaged_entries_are_not_replaced_by_those_of_another_table(void **state)
{
	struct disk_image image = image_gpt(512, SECTORS);

	image_entry(&image, 0, 1)[ENTRY_LAST] = 40;
	image_entry(&image, 1, 1)[ENTRY_LAST] = 41;
	image_seal(&image, 1);
	OUTCOME o = read_image(&image, 512);

	assert_refused(&o, "the backup is of another table");
}

static void a_dump_that_is_cut_off_is_not_trusted(void **state)
{
	struct disk_image image = image_gpt(512, SECTORS);

	image.size = 64 * 512;
	OUTCOME o = read_image(&image, 0);

	assert_refused(
		&o,
		"last usable LBA 366, the disk ends at 64: it is cut off or was copied "
		"from a larger one; backup: no GPT header at LBA 63");
}

static void a_disk_that_grew_is_read_with_a_note(void **state)
{
	struct disk_image image = image_gpt(512, SECTORS),
			  larger = image_blank(512, SECTORS + 8);

	memcpy(larger.bytes, image.bytes, image.size);
	free(image.bytes);
	OUTCOME o = read_image(&larger, 0);

	assert_int_equal(o.code, 0);
	assert_string_equal(
		o.notes,
		"GPT: the disk is larger than its table says: backup header expected "
		"at LBA 399, the disk's last is 407\n");
}

static void a_protective_mbr_without_gpt_is_damage(void **state)
{
	struct disk_image image = image_blank(512, SECTORS);

	mbr_put_entry(image.bytes, 0, 0, 0xee, 1, SECTORS - 1);
	OUTCOME o = read_image(&image, 0);

	assert_refused(&o, "both copies are damaged or missing");
}

static void a_hybrid_mbr_is_noted(void **state)
{
	struct disk_image image = image_gpt(512, SECTORS);

	mbr_put_entry(image.bytes, 1, 0x80, 0x07, 44, 41);
	OUTCOME o = read_image(&image, 0);

	assert_int_equal(o.code, 0);
	assert_int_equal(o.layout->style, TABLE_GPT);
	assert_string_equal(o.notes,
			    "hybrid MBR: its entries are ignored, the GPT counts\n");
}

static void a_gpt_without_protective_mbr_does_not_count(void **state)
{
	struct disk_image image = image_gpt(512, SECTORS);

	memset(image.bytes, 0, 512);
	OUTCOME o = read_image(&image, 0);

	assert_int_equal(o.code, 0);
	assert_int_equal(o.layout->style, TABLE_NONE);
	assert_string_equal(o.notes,
			    "a GPT header without protective MBR, ignoring it\n");
}

static void a_read_error_is_passed_on(void **state)
{
	for (unsigned n = 1; n <= 5; n++) {
		struct disk_image image = image_gpt(512, SECTORS);
		AUTO(source_freep) struct block_source *flaky = NULL;
		struct disk_layout *layout = NULL;
		struct err err = { 0 };

		assert_int_equal(source_flaky_new(image_source(&image, 512), n, -EIO,
						  false, &flaky, &err),
				 0);
		flaky->sector_size = 512;
		assert_int_equal(layout_read(flaky, 0, &layout, NULL, &err), -EIO);
		assert_null(layout);
		free(image.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gpt_with_512_byte_sectors_is_read),
		cmocka_unit_test(a_gpt_with_4096_byte_sectors_is_found_in_a_file),
		cmocka_unit_test(the_sector_size_can_be_given),
		cmocka_unit_test(a_header_left_by_another_sector_size_does_not_win),
		cmocka_unit_test(each_spoiled_field_is_told),
		cmocka_unit_test(an_impossible_primary_is_not_replaced_by_a_good_backup),
		cmocka_unit_test(
			damaged_entries_are_not_replaced_by_those_of_another_table),
		cmocka_unit_test(a_dump_that_is_cut_off_is_not_trusted),
		cmocka_unit_test(a_disk_that_grew_is_read_with_a_note),
		cmocka_unit_test(a_protective_mbr_without_gpt_is_damage),
		cmocka_unit_test(a_hybrid_mbr_is_noted),
		cmocka_unit_test(a_gpt_without_protective_mbr_does_not_count),
		cmocka_unit_test(a_read_error_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
