/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHDX images that are damaged, one rule each: copies, every field in turn, cut, differencing. */
#include "vhdx-fixture.h"

/* -- two headers, two region tables ---- */

static void the_header_with_the_higher_number_counts(void **state)
{
	for (unsigned newer = 0; newer < 2; newer++) {
		AUTO_FREE uint8_t *image = make_vhdx();
		AUTO(source_freep) struct block_source *disk = NULL;
		uint8_t *header = image + (newer ? X_HEADER_2 : X_HEADER_1);
		struct image_info info;
		struct err err = { 0 };
		char text[GUID_TEXT_SIZE];

		x_make_header(header, 1000);
		put_guid(header + 32, "99999999-9999-9999-9999-999999999999");
		x_fix(header, 4096);
		assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
		assert_string_equal(guid_format(&info.unique_id, text),
				    "99999999-9999-9999-9999-999999999999");
		assert_string_equal(info.notes, "");
	}
}

struct copy_case {
	uint64_t flip; /* byte of the file to spoil; 0: none */
	const char *notes;
};

static void one_sound_copy_is_enough_and_it_is_noted(void **state)
{
	static const struct copy_case cases[] = {
		{ X_HEADER_1 + 100, "first header is damaged: not used" },
		{ X_HEADER_1, "first header is damaged: not used" },
		{ X_HEADER_2 + 100, "second header is damaged: not used" },
		{ X_REGIONS_1 + 5000, "first region table is damaged: its copy is used" },
		{ X_REGIONS_2 + 5000, "second region table is damaged: not used" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_vhdx(), *content = make_vhdx_content();
		AUTO_FREE uint8_t *read = NULL;
		AUTO(source_freep) struct block_source *disk = NULL;
		struct image_info info;
		struct err err = { 0 };

		image[cases[i].flip] ^= 0x40;
		assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
		assert_string_equal(info.notes, cases[i].notes);
		read = read_all(disk);
		assert_memory_equal(read, content, X_DISK);
	}
}

static void two_unsound_copies_are_refused(void **state)
{
	AUTO_FREE uint8_t *headers = make_vhdx(), *regions = make_vhdx();

	headers[X_HEADER_1 + 100] ^= 1;
	headers[X_HEADER_2 + 100] ^= 1;
	expect_refusal(headers, X_FILE, X_NAME, -EBADMSG,
		       "'C.vhdx': checksums of both VHDX headers are wrong");
	regions[X_REGIONS_1 + 100] ^= 1;
	regions[X_REGIONS_2 + 100] ^= 1;
	expect_refusal(regions, X_FILE, X_NAME, -EBADMSG,
		       "'C.vhdx': checksums of both VHDX region tables are wrong");
}

/* disk2vhd writes the same header twice. */
static void equal_headers_with_one_number_are_fine(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx();
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	memcpy(image + X_HEADER_2, image + X_HEADER_1, 4096);
	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	assert_string_equal(info.notes, "both headers have the same sequence number");
}

static void copies_that_contradict_each_other_are_refused(void **state)
{
	AUTO_FREE uint8_t *headers = make_vhdx(), *regions = make_vhdx();

	x_make_header(headers + X_HEADER_2, 7);
	put_le(headers + X_HEADER_2 + 72, 8, 5 * MiB);
	x_fix(headers + X_HEADER_2, 4096);
	expect_refusal(headers, X_FILE, X_NAME, -EBADMSG,
		       "'C.vhdx': two different VHDX headers with the sequence number 7");
	put_le(regions + X_REGIONS_2 + X_REGION_BAT + 16, 8, X_BLOCK_5);
	x_fix(regions + X_REGIONS_2, 65536);
	expect_refusal(regions, X_FILE, X_NAME, -EBADMSG,
		       "'C.vhdx': the two VHDX region tables differ");
}

/* -- every field spoiled in turn ---- */

enum place { IN_FILE, IN_HEADERS, IN_REGIONS };

struct spoil {
	enum place place;
	uint64_t offset;
	unsigned width;
	uint64_t value;
	int code;
	const char *text;
};

/* Checksums are right again afterwards, so that the rule behind them is what refuses. */
static void spoil(uint8_t *image, const struct spoil *spoil)
{
	static const uint64_t starts[][2] = {
		[IN_FILE] = { 0, 0 },
		[IN_HEADERS] = { X_HEADER_1, X_HEADER_2 },
		[IN_REGIONS] = { X_REGIONS_1, X_REGIONS_2 },
	};

	for (unsigned i = 0; i < 2; i++) {
		uint8_t *start = image + starts[spoil->place][i];

		put_le(start + spoil->offset, spoil->width, spoil->value);
		if (spoil->place == IN_HEADERS)
			x_fix(start, 4096);
		if (spoil->place == IN_REGIONS)
			x_fix(start, 65536);
	}
}

static void expect_spoils(const struct spoil *spoils, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE uint8_t *image = make_vhdx();

		spoil(image, &spoils[i]);
		expect_refusal(image, X_FILE, X_NAME, spoils[i].code, spoils[i].text);
	}
}

static void every_spoiled_field_of_headers_and_regions_is_refused(void **state)
{
	static const struct spoil spoils[] = {
		{ IN_FILE, 0, 1, 'V', -EBADMSG,
		  "'C.vhdx': does not start with 'vhdxfile': not a VHDX, or damaged" },
		{ IN_HEADERS, 66, 2, 2, -ENOTSUP,
		  "'C.vhdx': VHDX format version 2, known is 1" },
		{ IN_HEADERS, 68, 4, MiB + 4096, -EBADMSG,
		  "'C.vhdx': VHDX log of 1052672 bytes at 1048576, must be whole MiB" },
		{ IN_HEADERS, 72, 8, MiB + 4096, -EBADMSG,
		  "'C.vhdx': VHDX log of 1048576 bytes at 1052672, must be whole MiB" },
		{ IN_HEADERS, 72, 8, 6 * MiB, -EBADMSG,
		  "'C.vhdx': VHDX log at 6291456+1048576 leaves the file of 6291456 "
		  "bytes" },
		{ IN_HEADERS, 72, 8, 0, -EBADMSG,
		  "'C.vhdx': VHDX log at 0 overlaps the header area" },
		{ IN_HEADERS, 72, 8, X_METADATA, -EBADMSG,
		  "'C.vhdx': VHDX metadata region at 2097152 overlaps the log" },
		{ IN_REGIONS, 8, 4, 2048, -EBADMSG,
		  "'C.vhdx': VHDX region table of 2048 entries, at most 2047" },
		{ IN_REGIONS, 8, 4, 1, -EBADMSG,
		  "'C.vhdx': VHDX region table names no metadata region" },
		{ IN_REGIONS, 8, 4, 0, -EBADMSG,
		  "'C.vhdx': VHDX region table names no BAT region" },
		{ IN_REGIONS, X_REGION_BAT, 1, 0xff, -ENOTSUP,
		  "'C.vhdx': VHDX needs the region "
		  "{2dc277ff-f623-4200-9d64-115e9bfd4a08}, which "
		  "is not known" },
		{ IN_REGIONS, X_REGION_BAT + 16, 8, X_BAT + 4096, -EBADMSG,
		  "'C.vhdx': VHDX BAT region of 1048576 bytes at 3149824, must be whole "
		  "MiB and "
		  "not empty" },
		{ IN_REGIONS, X_REGION_BAT + 24, 4, 4096, -EBADMSG,
		  "'C.vhdx': VHDX BAT region of 4096 bytes at 3145728, must be whole MiB "
		  "and not "
		  "empty" },
		{ IN_REGIONS, X_REGION_METADATA + 24, 4, 0, -EBADMSG,
		  "'C.vhdx': VHDX metadata region of 0 bytes at 2097152, must be whole "
		  "MiB and "
		  "not empty" },
		{ IN_REGIONS, X_REGION_BAT + 16, 8, 0, -EBADMSG,
		  "'C.vhdx': VHDX BAT region at 0 overlaps the header area" },
		{ IN_REGIONS, X_REGION_BAT + 16, 8, X_LOG, -EBADMSG,
		  "'C.vhdx': VHDX BAT region at 1048576 overlaps the log" },
		{ IN_REGIONS, X_REGION_BAT + 16, 8, X_METADATA, -EBADMSG,
		  "'C.vhdx': VHDX BAT region at 2097152 overlaps the metadata region" },
		{ IN_REGIONS, X_REGION_BAT + 24, 4, 4 * MiB, -EBADMSG,
		  "'C.vhdx': VHDX BAT region at 3145728+4194304 leaves the file of "
		  "6291456 "
		  "bytes" },
		{ IN_REGIONS, X_REGION_METADATA + 16, 8, -MiB, -EBADMSG,
		  "'C.vhdx': VHDX metadata region at 18446744073708503040+1048576 leaves "
		  "the file "
		  "of 6291456 bytes" },
	};

	expect_spoils(spoils, ARRAY_SIZE(spoils));
}

static void every_spoiled_field_of_the_metadata_is_refused(void **state)
{
	static const struct spoil spoils[] = {
		{ IN_FILE, X_METADATA, 1, 'M', -EBADMSG,
		  "'C.vhdx': VHDX metadata region without 'metadata'" },
		{ IN_FILE, X_METADATA + 10, 2, 2048, -EBADMSG,
		  "'C.vhdx': VHDX metadata table of 2048 entries, at most 2047" },
		{ IN_FILE, X_METADATA + 10, 2, 3, -EBADMSG,
		  "'C.vhdx': VHDX metadata has no item 'physical sector size'" },
		{ IN_FILE, X_METADATA + X_ITEM(0), 1, 0, -ENOTSUP,
		  "'C.vhdx': VHDX needs the metadata item "
		  "{caa16700-fa36-4d43-b3b6-33f0aa44e76b}, "
		  "which is not known" },
		{ IN_FILE, X_METADATA + X_ITEM(0) + 24, 4, 1, -EBADMSG,
		  "'C.vhdx': VHDX metadata has no item 'file parameters'" },
		{ IN_FILE, X_METADATA + X_ITEM(1) + 20, 4, 4, -EBADMSG,
		  "'C.vhdx': VHDX metadata item 'virtual disk size' of 4 bytes, must "
		  "have 8" },
		{ IN_FILE, X_METADATA + X_ITEM(1) + 16, 4, 65535, -EBADMSG,
		  "'C.vhdx': VHDX metadata item 'virtual disk size' at 65535, must lie "
		  "behind the table of 64 KiB" },
		{ IN_FILE, X_METADATA + X_ITEM(1) + 16, 4, MiB - 7, -EBADMSG,
		  "'C.vhdx': VHDX metadata item 'virtual disk size' at 1048569+8 leaves "
		  "the region of 1048576 bytes" },
		{ IN_FILE, X_METADATA + X_ITEM(2) + 16, 4, 65536 + 12, -EBADMSG,
		  "'C.vhdx': VHDX metadata items 'logical sector size' and 'virtual disk "
		  "size' "
		  "overlap" },
		{ IN_FILE, X_PARAMETERS, 4, 0, -EBADMSG,
		  "'C.vhdx': VHDX block size 0, must be a power of two" },
		{ IN_FILE, X_PARAMETERS, 4, 512 * MiB, -EBADMSG,
		  "'C.vhdx': VHDX block size 536870912, must be at most 256 MiB" },
		{ IN_FILE, X_PARAMETERS, 4, 3 * MiB, -EBADMSG,
		  "'C.vhdx': VHDX block size 3145728, must be a power of two" },
		{ IN_FILE, X_LOGICAL, 4, 1024, -EBADMSG,
		  "'C.vhdx': VHDX logical sector size 1024, must be 512 or 4096" },
		{ IN_FILE, X_PHYSICAL, 4, 0, -EBADMSG,
		  "'C.vhdx': VHDX physical sector size 0, must be 512 or 4096" },
		{ IN_FILE, X_DISK_SIZE, 8, 0, -EBADMSG,
		  "'C.vhdx': VHDX disk of no bytes" },
		{ IN_FILE, X_DISK_SIZE, 8, X_DISK + 1, -EBADMSG,
		  "'C.vhdx': VHDX disk size 5767169, must be a multiple of its sectors "
		  "of 512" },
		{ IN_FILE, X_DISK_SIZE, 8, 65 * TiB, -EBADMSG,
		  "'C.vhdx': VHDX disk size 71468255805440, the format's limit is 64 "
		  "TiB" },
		{ IN_FILE, X_DISK_SIZE, 8, 256 * GiB, -EBADMSG,
		  "'C.vhdx': VHDX BAT region of 1048576 bytes, a disk of 274877906944 "
		  "bytes in "
		  "blocks of 1048576 needs 2097656" },
	};

	expect_spoils(spoils, ARRAY_SIZE(spoils));
}

static void every_spoiled_table_entry_is_refused(void **state)
{
	static const struct spoil spoils[] = {
		{ IN_FILE, X_BAT, 8, 4, -EBADMSG,
		  "'C.vhdx': VHDX block 0 has the unknown state 4" },
		{ IN_FILE, X_BAT + 8, 8, 5, -EBADMSG,
		  "'C.vhdx': VHDX block 1 has the unknown state 5" },
		{ IN_FILE, X_BAT + 8, 8, X_BLOCK_0 | 7, -EBADMSG,
		  "'C.vhdx': VHDX block 1 is partly in a parent, but the image has "
		  "none" },
		{ IN_FILE, X_BAT, 8, X_BLOCK_0 | 8 | 6, -EBADMSG,
		  "'C.vhdx': VHDX block 0 has reserved bits set in its table entry "
		  "0x50000e" },
		{ IN_FILE, X_BAT + 24, 8, 0x80002, -EBADMSG,
		  "'C.vhdx': VHDX block 3 has reserved bits set in its table entry "
		  "0x80002" },
		{ IN_FILE, X_BAT + 8, 8, X_BLOCK_0 | 6, -EBADMSG,
		  "'C.vhdx': VHDX block 1 at 5242880 overlaps another block: two table "
		  "entries share "
		  "it" },
		{ IN_FILE, X_BAT, 8, 6, -EBADMSG,
		  "'C.vhdx': VHDX block 0 at 0 overlaps the headers" },
		{ IN_FILE, X_BAT, 8, X_LOG | 6, -EBADMSG,
		  "'C.vhdx': VHDX block 0 at 1048576 overlaps the log" },
		{ IN_FILE, X_BAT, 8, X_METADATA | 6, -EBADMSG,
		  "'C.vhdx': VHDX block 0 at 2097152 overlaps the metadata region" },
		{ IN_FILE, X_BAT, 8, X_BAT | 6, -EBADMSG,
		  "'C.vhdx': VHDX block 0 at 3145728 overlaps the BAT region" },
		{ IN_FILE, X_BAT, 8, X_FILE | 6, -EBADMSG,
		  "'C.vhdx': VHDX block 0 lies at 6291456+1048576, beyond the end of the "
		  "file "
		  "of "
		  "6291456 bytes: cut short" },
		{ IN_FILE, X_BAT, 8, UINT64_C(0xfffffffffff00006), -EBADMSG,
		  "'C.vhdx': VHDX block 0 lies at 18446744073708503040+1048576, beyond "
		  "the "
		  "end of the "
		  "file of 6291456 bytes: cut short" },
	};

	expect_spoils(spoils, ARRAY_SIZE(spoils));
}

static void blocks_larger_than_a_mib_may_not_overlap_in_part(void **state)
{
	AUTO_FREE uint8_t *image = calloc(1, 10 * MiB), *small = make_vhdx();

	memcpy(image, small, X_FILE);
	put_le(image + X_PARAMETERS, 4, 2 * MiB);
	memset(image + X_BAT, 0, 48);
	put_le(image + X_BAT, 8, 4 * MiB | 6);
	put_le(image + X_BAT + 8, 8, 5 * MiB | 6);
	expect_refusal(image, 10 * MiB, X_NAME, -EBADMSG,
		       "'C.vhdx': VHDX block 1 at 5242880 overlaps another block: two "
		       "table entries "
		       "share it");
}

static void an_item_or_region_that_stands_twice_is_refused(void **state)
{
	AUTO_FREE uint8_t *items = make_vhdx(), *regions = make_vhdx();

	x_add_item(items, 5, "8141bf1d-a96f-4709-ba47-f233a8faab5f", 70000, 4, 6);
	expect_refusal(items, X_FILE, X_NAME, -EBADMSG,
		       "'C.vhdx': VHDX metadata has two items 'logical sector size'");
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *table = regions + (i ? X_REGIONS_2 : X_REGIONS_1);

		memcpy(table + 80, table + X_REGION_BAT, 32);
		put_le(table + 8, 4, 3);
		x_fix(table, 65536);
	}
	expect_refusal(regions, X_FILE, X_NAME, -EBADMSG,
		       "'C.vhdx': VHDX has two BAT regions");
}

static void what_is_unknown_but_not_required_is_ignored(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx();
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	x_add_item(image, 5, "01020304-0506-0708-090a-0b0c0d0e0f10", 70000, 4, 0);
	/* a user's item may have any id, also one of the system's */
	x_add_item(image, 6, "8141bf1d-a96f-4709-ba47-f233a8faab5f", 70004, 4, 1);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *table = image + (i ? X_REGIONS_2 : X_REGIONS_1);

		put_guid(table + 80, "01020304-0506-0708-090a-0b0c0d0e0f10");
		put_le(table + 8, 4, 3);
		x_fix(table, 65536);
	}
	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
}

static void an_image_cut_anywhere_is_refused(void **state)
{
	static const uint64_t sizes[] = {
		8,	 519,	     65536, X_HEADER_2 + 4095, X_REGIONS_1, X_REGIONS_2,
		MiB - 1, X_METADATA, X_BAT, X_BLOCK_5,	       X_BLOCK_0,   X_FILE - 1
	};
	AUTO_FREE uint8_t *image = make_vhdx();

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct block_source *disk = NULL;
		struct image_info info;
		struct err err = { 0 };

		assert_int_equal(open_bytes(image, sizes[i], X_NAME, &info, &disk, &err),
				 -EBADMSG);
	}
}

/* -- differencing ---- */

static void a_differencing_image_without_a_folder_is_refused_with_its_parent(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx();
	static const char id[] = "{01020304-0506-0708-090A-0B0C0D0E0F10}";

	put_le(image + X_PARAMETERS + 4, 4, 2);
	expect_refusal(
		image, X_FILE, X_NAME, -EBADMSG,
		"'C.vhdx': differencing image whose parent '(not named)' has no id");
	x_add_locator(image, (const char *[]){ "relative_path", ".\\base.vhdx",
					       "parent_linkage", id, NULL });
	expect_refusal(
		image, X_FILE, X_NAME, -ENOTSUP,
		"'C.vhdx': differencing image, and there is no folder to look for "
		"its parent '.\\base.vhdx' {01020304-0506-0708-090a-0b0c0d0e0f10}");
	/* the first value leaves the item */
	put_le(image + X_LOCATOR + 24, 4, X_LOCATOR_SIZE - 10);
	expect_refusal(image, X_FILE, X_NAME, -ENOTSUP,
		       "'C.vhdx': differencing image, and there is no folder to look for "
		       "its parent '(not named)' {01020304-0506-0708-090a-0b0c0d0e0f10}");
	x_add_locator(image, (const char *[]){ "parent_linkage", "no id", NULL });
	expect_refusal(
		image, X_FILE, X_NAME, -EBADMSG,
		"'C.vhdx': differencing image whose parent '(not named)' has no id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_with_the_higher_number_counts),
		cmocka_unit_test(one_sound_copy_is_enough_and_it_is_noted),
		cmocka_unit_test(two_unsound_copies_are_refused),
		cmocka_unit_test(equal_headers_with_one_number_are_fine),
		cmocka_unit_test(copies_that_contradict_each_other_are_refused),
		cmocka_unit_test(every_spoiled_field_of_headers_and_regions_is_refused),
		cmocka_unit_test(every_spoiled_field_of_the_metadata_is_refused),
		cmocka_unit_test(every_spoiled_table_entry_is_refused),
		cmocka_unit_test(blocks_larger_than_a_mib_may_not_overlap_in_part),
		cmocka_unit_test(an_item_or_region_that_stands_twice_is_refused),
		cmocka_unit_test(what_is_unknown_but_not_required_is_ignored),
		cmocka_unit_test(an_image_cut_anywhere_is_refused),
		cmocka_unit_test(
			a_differencing_image_without_a_folder_is_refused_with_its_parent),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
