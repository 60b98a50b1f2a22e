/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHD images that are damaged, one rule each: footers, every field in turn, cut, differencing. */
#include "vhd-fixture.h"

/* -- one footer damaged ---- */

static void one_sound_footer_is_enough_and_it_is_noted(void **state)
{
	static const struct {
		uint64_t zero_at;
		size_t zero_length;
		const char *notes;
	} cases[] = {
		{ FOOTER + 100, 1, "" }, /* already 0: nothing spoiled */
		{ FOOTER + 28, 4,
		  "footer at the end is damaged: its copy at the start is used" },
		{ FOOTER, 512,
		  "footer at the end is missing: its copy at the start is used" },
		{ 28, 4, "copy of the footer at the start is damaged: not used" },
		{ 0, 512, "copy of the footer at the start is damaged: not used" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dynamic(), *content = make_content();
		AUTO_FREE uint8_t *read = NULL;
		AUTO(source_freep) struct block_source *disk = NULL;
		struct image_info info;
		struct err err = { 0 };

		memset(image + cases[i].zero_at, 0, cases[i].zero_length);
		assert_succeeds(open_bytes(image, FILE_SIZE, NAME, &info, &disk, &err));
		assert_string_equal(info.notes, cases[i].notes);
		read = read_all(disk);
		assert_memory_equal(read, content, DISK);
	}
}

static void two_unsound_footers_are_refused_by_what_is_left(void **state)
{
	static const struct {
		bool end_mark, start_mark;
		const char *text;
	} cases[] = {
		{ false, false,
		  "'C.vhd': no VHD footer at the end and no copy at the start: cut short "
		  "or not "
		  "a VHD" },
		{ true, false,
		  "'C.vhd': checksum of the VHD footer is wrong and there is no copy at "
		  "the "
		  "start" },
		{ false, true,
		  "'C.vhd': no VHD footer at the end, and the checksum of its copy at "
		  "the start "
		  "is wrong" },
		{ true, true,
		  "'C.vhd': checksums of the VHD footer and of its copy are both wrong" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dynamic();

		memset(image, 0, cases[i].start_mark ? 0 : 8);
		memset(image + FOOTER, 0, cases[i].end_mark ? 0 : 8);
		image[100] ^= 1;
		image[FOOTER + 100] ^= 1;
		expect_refusal(image, FILE_SIZE, NAME, -EBADMSG, cases[i].text);
	}
}

static void footers_that_mean_different_disks_are_refused(void **state)
{
	static const struct {
		size_t offset;
		unsigned width;
		uint64_t value;
		const char *text;
	} cases[] = {
		{ 60, 4, 4, "'C.vhd': footer says disk type 3, its copy at the start 4" },
		{ 48, 8, DISK + 512,
		  "'C.vhd': footer says a disk size of 7340032 bytes, its copy at the "
		  "start "
		  "7340544 (by geometry 7311360 and 7311360)" },
		{ 56, 2, 209,
		  "'C.vhd': footer says a disk size of 7340032 bytes, its copy at the "
		  "start "
		  "7340032 (by geometry 7311360 and 7276544)" },
		{ 68, 1, 0xee,
		  "'C.vhd': footer and its copy at the start have different unique ids: "
		  "parts of "
		  "two images" },
		{ 16, 8, 1024,
		  "'C.vhd': footer says a header at 512, its copy at the start at 1024" },
		{ 60, 4, 9,
		  "copy of the footer: 'C.vhd': VHD disk type 9, must be 2 (fixed), 3 "
		  "(dynamic) "
		  "or 4 (differencing)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dynamic();

		put_be(image + cases[i].offset, cases[i].width, cases[i].value);
		fix_footer(image);
		expect_refusal(image, FILE_SIZE, NAME, -EBADMSG, cases[i].text);
	}
}

/* -- every field spoiled in turn ---- */

enum place { IN_FOOTERS, IN_HEADER, IN_TABLE };

struct spoil {
	enum place place;
	size_t offset;
	unsigned width;
	uint64_t value;
	int code;
	const char *text;
};

/* The checksum is right again afterwards, so that the rule behind it is what refuses. */
static void spoil(uint8_t *image, const struct spoil *spoil)
{
	switch (spoil->place) {
	case IN_FOOTERS:
		for (unsigned i = 0; i < 2; i++) {
			uint8_t *footer = image + (i ? FOOTER : 0);

			put_be(footer + spoil->offset, spoil->width, spoil->value);
			fix_footer(footer);
		}
		break;
	case IN_HEADER:
		put_be(image + HEADER + spoil->offset, spoil->width, spoil->value);
		fix_header(image + HEADER);
		break;
	case IN_TABLE:
		put_be(image + TABLE + spoil->offset, spoil->width, spoil->value);
		break;
	}
}

static void expect_refusals(const struct spoil *spoils, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE uint8_t *image = make_dynamic();

		spoil(image, &spoils[i]);
		expect_refusal(image, FILE_SIZE, NAME, spoils[i].code, spoils[i].text);
	}
}

static void every_spoiled_field_of_the_footers_is_refused(void **state)
{
	static const struct spoil spoils[] = {
		{ IN_FOOTERS, 12, 4, 0x20000, -ENOTSUP,
		  "'C.vhd': VHD format version 0x20000, known is 0x10000" },
		{ IN_FOOTERS, 60, 4, 5, -EBADMSG,
		  "'C.vhd': VHD disk type 5, must be 2 (fixed), 3 (dynamic) or 4 "
		  "(differencing)" },
		{ IN_FOOTERS, 48, 8, 0, -EBADMSG, "'C.vhd': VHD disk of no bytes" },
		{ IN_FOOTERS, 48, 8, DISK + 1, -EBADMSG,
		  "'C.vhd': VHD disk size 7340033, must be a multiple of 512" },
		{ IN_FOOTERS, 48, 8, 3 * TiB, -EBADMSG,
		  "'C.vhd': VHD disk size 3298534883328, the format's limit is 2 TiB" },
		{ IN_FOOTERS, 48, 8, 9 * MiB, -EBADMSG,
		  "'C.vhd': VHD block table of 4 entries, a disk of 9437184 bytes in "
		  "blocks "
		  "of "
		  "2097152 needs 5" },
		{ IN_FOOTERS, 16, 8, FILE_SIZE - 1023, -EBADMSG,
		  "'C.vhd': VHD dynamic header at 4197377 leaves the file of 4198400 "
		  "bytes" },
		{ IN_FOOTERS, 16, 8, UINT64_MAX, -EBADMSG,
		  "'C.vhd': VHD dynamic header at 18446744073709551615 leaves the file "
		  "of 4198400 "
		  "bytes" },
		{ IN_FOOTERS, 16, 8, 1024, -EBADMSG,
		  "'C.vhd': VHD dynamic header without 'cxsparse'" },
	};

	expect_refusals(spoils, ARRAY_SIZE(spoils));
}

static void every_spoiled_field_of_the_header_is_refused(void **state)
{
	static const struct spoil spoils[] = {
		{ IN_HEADER, 0, 1, 'C', -EBADMSG,
		  "'C.vhd': VHD dynamic header without 'cxsparse'" },
		{ IN_HEADER, 24, 4, 0x10001, -ENOTSUP,
		  "'C.vhd': VHD dynamic header version 0x10001, known is 0x10000" },
		{ IN_HEADER, 32, 4, 0, -EBADMSG,
		  "'C.vhd': VHD block size 0, must be a power of two" },
		{ IN_HEADER, 32, 4, UINT64_C(1) << 31, -EBADMSG,
		  "'C.vhd': VHD block size 2147483648, must be from 512 KiB to 256 MiB" },
		{ IN_HEADER, 32, 4, 3 * MiB, -EBADMSG,
		  "'C.vhd': VHD block size 3145728, must be a power of two" },
		{ IN_HEADER, 32, 4, 256 * KiB, -EBADMSG,
		  "'C.vhd': VHD block size 262144, must be from 512 KiB to 256 MiB" },
		{ IN_HEADER, 28, 4, 3, -EBADMSG,
		  "'C.vhd': VHD block table of 3 entries, a disk of 7340032 bytes in "
		  "blocks "
		  "of "
		  "2097152 needs 4" },
		{ IN_HEADER, 28, 4, UINT32_MAX, -EBADMSG,
		  "'C.vhd': VHD block table of 17179869180 bytes at 1536 leaves the file "
		  "of "
		  "4198400 bytes" },
		{ IN_HEADER, 16, 8, FILE_SIZE - 15, -EBADMSG,
		  "'C.vhd': VHD block table of 16 bytes at 4198385 leaves the file of "
		  "4198400 "
		  "bytes" },
		{ IN_HEADER, 16, 8, UINT64_MAX - 8, -EBADMSG,
		  "'C.vhd': VHD block table of 16 bytes at 18446744073709551607 leaves "
		  "the file "
		  "of 4198400 bytes" },
		{ IN_HEADER, 16, 8, 1024, -EBADMSG,
		  "'C.vhd': VHD block table at 1024 overlaps the dynamic header" },
		{ IN_HEADER, 16, 8, 0, -EBADMSG,
		  "'C.vhd': VHD block table at 0 overlaps the copy of the footer" },
		{ IN_HEADER, 16, 8, FOOTER + 8, -EBADMSG,
		  "'C.vhd': VHD block table at 4197384 overlaps the footer" },
	};

	expect_refusals(spoils, ARRAY_SIZE(spoils));
}

static void every_spoiled_entry_of_the_table_is_refused(void **state)
{
	static const struct spoil spoils[] = {
		{ IN_TABLE, 4, 4, BLOCK_0 / 512, -EBADMSG,
		  "'C.vhd': VHD block 1 at 2099712 overlaps another block: two table "
		  "entries "
		  "share "
		  "it" },
		{ IN_TABLE, 4, 4, BLOCK_0 / 512 - 1, -EBADMSG,
		  "'C.vhd': VHD block 1 at 2099200 overlaps another block: two table "
		  "entries "
		  "share "
		  "it" },
		{ IN_TABLE, 0, 4, BLOCK_2 / 512 + 1, -EBADMSG,
		  "'C.vhd': VHD block 2 at 2048 overlaps another block: two table "
		  "entries "
		  "share it" },
		{ IN_TABLE, 0, 4, BLOCK_0 / 512 + 1, -EBADMSG,
		  "'C.vhd': VHD block 0 at 2100224 overlaps the footer" },
		{ IN_TABLE, 0, 4, BLOCK_0 / 512 + 3, -EBADMSG,
		  "'C.vhd': VHD block 0 lies at 2101248+2097664, beyond the end of the "
		  "file "
		  "of "
		  "4198400 bytes: cut short" },
		{ IN_TABLE, 0, 4, UINT32_MAX - 1, -EBADMSG,
		  "'C.vhd': VHD block 0 lies at 2199023254528+2097664, beyond the end of "
		  "the "
		  "file of "
		  "4198400 bytes: cut short" },
		{ IN_TABLE, 0, 4, 0, -EBADMSG,
		  "'C.vhd': VHD block 0 at 0 overlaps the copy of the footer" },
		{ IN_TABLE, 0, 4, 2, -EBADMSG,
		  "'C.vhd': VHD block 0 at 1024 overlaps the dynamic header" },
		{ IN_TABLE, 0, 4, 3, -EBADMSG,
		  "'C.vhd': VHD block 0 at 1536 overlaps the block table" },
	};

	expect_refusals(spoils, ARRAY_SIZE(spoils));
}

/* By some sectors only, in either order of the table. */
static void blocks_that_overlap_in_part_are_refused(void **state)
{
	static const struct {
		uint32_t first, second; /* sectors */
		const char *text;
	} cases[] = {
		{ BLOCK_0 / 512, BLOCK_0 / 512 - 10,
		  "'C.vhd': VHD block 1 at 2094592 overlaps another block: two table "
		  "entries "
		  "share "
		  "it" },
		{ BLOCK_0 / 512 - 10, BLOCK_0 / 512,
		  "'C.vhd': VHD block 1 at 2099712 overlaps another block: two table "
		  "entries "
		  "share "
		  "it" },
		{ BLOCK_0 / 512, BLOCK_0 / 512 - STORED / 512 + 1,
		  "'C.vhd': VHD block 1 at 2560 overlaps another block: two table "
		  "entries "
		  "share it" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dynamic();

		put_be(image + TABLE, 4, cases[i].first);
		put_be(image + TABLE + 4, 4, cases[i].second);
		put_be(image + TABLE + 8, 4, UINT32_MAX);
		expect_refusal(image, FILE_SIZE, NAME, -EBADMSG, cases[i].text);
	}
}

static void a_wrong_checksum_of_the_dynamic_header_is_refused(void **state)
{
	AUTO_FREE uint8_t *image = make_dynamic();

	image[HEADER + 900] ^= 1;
	expect_refusal(image, FILE_SIZE, NAME, -EBADMSG,
		       "'C.vhd': checksum of the VHD dynamic header is wrong");
}

/* Not a refusal: what Windows or others write and what means nothing to us. */
static void fields_without_meaning_for_a_restore_are_ignored(void **state)
{
	static const struct spoil spoils[] = {
		{ IN_FOOTERS, 8, 4, 3, 0, "features: temporary" },
		{ IN_FOOTERS, 24, 4, 0, 0, "time" },
		{ IN_FOOTERS, 40, 8, 512, 0, "original size" },
		{ IN_FOOTERS, 84, 1, 0, 0, "saved state" },
		{ IN_HEADER, 8, 8, 0, 0, "unused offset" },
		{ IN_HEADER, 40, 8, 77, 0, "parent id" },
		{ IN_TABLE, 16, 4, 1, 0, "table entries behind the disk's last block" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
		AUTO_FREE uint8_t *image = make_dynamic();
		AUTO(source_freep) struct block_source *disk = NULL;
		struct image_info info;
		struct err err = { 0 };

		spoil(image, &spoils[i]);
		if (open_bytes(image, FILE_SIZE, NAME, &info, &disk, &err) < 0)
			fail_msg("%s: %s", spoils[i].text, err.text);
	}
}

/* -- cut, differencing, other files ---- */

/* Cut anywhere, the image is refused or, where only the footer is gone, whole. */
static void an_image_cut_anywhere_never_opens_with_less_content(void **state)
{
	AUTO_FREE uint8_t *image = make_dynamic(), *content = make_content();

	/* each sector near the structures, some within the blocks */
	for (uint64_t size = 0, step; size < FILE_SIZE; size += step) {
		AUTO(source_freep) struct block_source *disk = NULL;
		AUTO_FREE uint8_t *read = NULL;
		struct image_info info;
		struct err err = { 0 };

		step = size < 4096 || size + 2048 > FOOTER ? 512 : 62 * KiB + 512;
		if (open_bytes(image, size, NAME, &info, &disk, &err) < 0) {
			assert_int_equal(err.code, -EBADMSG);
			continue;
		}
		assert_true(size >= FOOTER);
		read = read_all(disk);
		assert_memory_equal(read, content, DISK);
	}
}

static void a_fixed_image_that_was_cut_is_refused(void **state)
{
	AUTO_FREE uint8_t *image = calloc(1, MiB + 512);

	make_footer(image + MiB, 2, MiB + 512);
	expect_refusal(
		image, MiB + 512, NAME, -EBADMSG,
		"'C.vhd': fixed VHD of 1049088 bytes, but only 1048576 are there: cut "
		"short");
	/* it starts like a disk, but its name says what it was */
	image[510] = 0x55;
	image[511] = 0xaa;
	expect_refusal(
		image, MiB, "c.VHD", -EBADMSG,
		"'c.VHD': no VHD footer at the end and no copy at the start: cut short "
		"or not a VHD");
	/* a copy at the start belongs to dynamic images only */
	make_footer(image, 2, MiB);
	expect_refusal(
		image, MiB, NAME, -EBADMSG,
		"'C.vhd': no sound VHD footer at the end of a fixed image: cut short");
}

static void a_differencing_image_is_refused_with_its_parent(void **state)
{
	AUTO_FREE uint8_t *image = make_dynamic();
	static const char parent[] = "D:\\base.vhd";

	make_footer(image, 4, DISK);
	make_footer(image + FOOTER, 4, DISK);
	expect_refusal(
		image, FILE_SIZE, NAME, -EBADMSG,
		"'C.vhd': differencing image whose parent '(not named)' has no id");
	for (unsigned i = 0; i < 16; i++)
		image[HEADER + 40 + i] = (uint8_t)(i + 1);
	fix_header(image + HEADER);
	expect_refusal(
		image, FILE_SIZE, NAME, -ENOTSUP,
		"'C.vhd': differencing image, and there is no folder to look for its "
		"parent "
		"'(not named)' {01020304-0506-0708-090a-0b0c0d0e0f10}");
	for (size_t i = 0; parent[i]; i++)
		put_be(image + HEADER + 64 + 2 * i, 2, (uint8_t)parent[i]);
	fix_header(image + HEADER);
	expect_refusal(
		image, FILE_SIZE, NAME, -ENOTSUP,
		"'C.vhd': differencing image, and there is no folder to look for its "
		"parent "
		"'D:\\base.vhd' {01020304-0506-0708-090a-0b0c0d0e0f10}");
}

static void files_without_marks_are_raw_disks_or_nothing(void **state)
{
	AUTO_FREE uint8_t *image = calloc(1, MiB), *read = NULL;
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	expect_refusal(
		image, MiB, "notes.txt", -ENOEXEC,
		"'notes.txt': not a disk image: neither VHDX nor VHD, and a raw disk "
		"would end its first sector in 55 aa");
	expect_refusal(
		image, 0, "empty", -ENOEXEC,
		"'empty': not a disk image: neither VHDX nor VHD, and a raw disk would "
		"end its first sector in 55 aa");
	expect_refusal(
		image, 100, "x.vhdx", -EBADMSG,
		"'x.vhdx': file of 100 bytes ends before its VHDX identifier at 0: cut "
		"short");
	image[510] = 0x55;
	image[511] = 0xaa;
	memcpy(image + 4096, "EFI PART", 8);
	assert_succeeds(open_bytes(image, MiB, "disk", &info, &disk, &err));
	assert_string_equal(info.format, "raw");
	assert_int_equal(disk->size, MiB);
	assert_int_equal(disk->sector_size, 4096);
	read = read_all(disk);
	assert_memory_equal(read, image, MiB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_sound_footer_is_enough_and_it_is_noted),
		cmocka_unit_test(two_unsound_footers_are_refused_by_what_is_left),
		cmocka_unit_test(footers_that_mean_different_disks_are_refused),
		cmocka_unit_test(every_spoiled_field_of_the_footers_is_refused),
		cmocka_unit_test(every_spoiled_field_of_the_header_is_refused),
		cmocka_unit_test(every_spoiled_entry_of_the_table_is_refused),
		cmocka_unit_test(blocks_that_overlap_in_part_are_refused),
		cmocka_unit_test(a_wrong_checksum_of_the_dynamic_header_is_refused),
		cmocka_unit_test(fields_without_meaning_for_a_restore_are_ignored),
		cmocka_unit_test(an_image_cut_anywhere_never_opens_with_less_content),
		cmocka_unit_test(a_fixed_image_that_was_cut_is_refused),
		cmocka_unit_test(a_differencing_image_is_refused_with_its_parent),
		cmocka_unit_test(files_without_marks_are_raw_disks_or_nothing),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
