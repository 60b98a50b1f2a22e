/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHDX without a log to replay: one good image, every field spoiled in turn, and whole
 * images of qemu-img. The log is in test-vhdx-log.c. */
#include "vhdx-fixture.h"

/* -- what is sound ---- */

static void a_dynamic_image_reads_as_its_disk(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx(), *content = make_vhdx_content(),
			  *read = NULL;
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	char text[GUID_TEXT_SIZE];
	struct err err = { 0 };

	assert_succeeds(open_bytes(image, X_FILE, "x", &info, &disk, &err));
	assert_string_equal(info.format, "vhdx");
	assert_string_equal(info.subformat, "dynamic");
	assert_int_equal(info.virtual_size, X_DISK);
	assert_int_equal(info.file_size, X_FILE);
	assert_int_equal(info.block_size, X_BLOCK);
	assert_int_equal(info.allocated, 2 * X_BLOCK);
	assert_int_equal(info.sector_size, 512);
	assert_int_equal(info.physical_sector_size, 4096);
	assert_int_equal(info.log_entries, 0);
	assert_string_equal(info.creator, "made by hand");
	assert_string_equal(info.notes, "");
	assert_string_equal(guid_format(&info.unique_id, text), x_data_guid);
	assert_int_equal(disk->size, X_DISK);
	assert_int_equal(disk->sector_size, 512);
	read = read_all(disk);
	assert_memory_equal(read, content, X_DISK);
}

static void states_tell_absent_from_zero_and_data(void **state)
{
	static const enum extent_kind kinds[] = { EXTENT_DATA,	 EXTENT_ABSENT,
						  EXTENT_ABSENT, EXTENT_ZERO,
						  EXTENT_ABSENT, EXTENT_DATA };
	AUTO_FREE uint8_t *image = make_vhdx();
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	for (unsigned i = 0; i < X_BLOCKS; i++) {
		struct extent extent;
		size_t count;

		assert_succeeds(source_extents(disk, i * X_BLOCK, 4096, &extent, 1,
					       &count, &err));
		assert_int_equal(extent.kind, kinds[i]);
	}
	expect_sound_extents(disk);
}

static void reads_may_start_and_end_anywhere(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx(), *content = make_vhdx_content();
	AUTO_FREE uint8_t *read = malloc(X_DISK);
	AUTO(source_freep) struct block_source *disk = NULL;
	static const uint64_t cuts[] = { 0,	      1,	   4095,
					 X_BLOCK - 1, X_BLOCK,	   X_BLOCK + 1,
					 3 * X_BLOCK, 4 * X_BLOCK, 5 * X_BLOCK - 1,
					 5 * X_BLOCK, X_DISK - 1,  X_DISK };
	struct image_info info;
	struct err err = { 0 };

	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		for (size_t k = i; k < ARRAY_SIZE(cuts); k++) {
			assert_succeeds(source_read(disk, read, cuts[i],
						    cuts[k] - cuts[i], &err));
			assert_memory_equal(read, content + cuts[i], cuts[k] - cuts[i]);
		}
	}
}

/* Opens the image over a source whose reads from the n-th on fail. */
static int open_failing_from(const uint8_t *image, unsigned n, struct block_source **ret,
			     struct err *err)
{
	struct block_source *file = NULL, *flaky = NULL;
	struct image_info info;

	assert_int_equal(source_memory_new(image, X_FILE, X_NAME, &file, err), 0);
	assert_int_equal(source_flaky_new(file, n, -EIO, true, &flaky, err), 0);
	return image_open(flaky, &info, ret, err);
}

static void neighbours_in_the_file_are_read_in_one_piece(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx(), *read = malloc(2 * MiB);
	struct block_source *disk = NULL;
	struct err err = { 0 };
	unsigned n = 1;

	put_le(image + X_BAT, 8, X_BLOCK_5 | 6);
	put_le(image + X_BAT + 8, 8, X_BLOCK_0 | 6);
	put_le(image + X_BAT + 40, 8, 0);
	while (open_failing_from(image, n, &disk, &err) < 0)
		n++;
	source_close(disk);
	/* opening takes n - 1 reads, so that there is one left */
	assert_succeeds(open_failing_from(image, n + 1, &disk, &err));
	assert_succeeds(source_read(disk, read, 0, 2 * MiB, &err));
	assert_memory_equal(read, image + X_BLOCK_5, 2 * MiB);
	source_close(disk);
}

static void a_fixed_image_says_so(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx();
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	put_le(image + X_PARAMETERS + 4, 4, 1);
	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	assert_string_equal(info.subformat, "fixed");
}

static void sectors_of_4096_bytes_are_shown(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx(), *content = make_vhdx_content(),
			  *read = NULL;
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	put_le(image + X_LOGICAL, 4, 4096);
	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	assert_int_equal(info.sector_size, 4096);
	assert_int_equal(disk->sector_size, 4096);
	read = read_all(disk);
	assert_memory_equal(read, content, X_DISK);
}

/* With blocks of 256 MiB and sectors of 512 bytes, every 17th entry is one of a sector
 * bitmap: block 16 has entry 17. It holds 1 MiB of the disk. */
static void entries_of_sector_bitmaps_are_stepped_over(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx(), *read = malloc(MiB);
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	put_le(image + X_PARAMETERS, 4, 256 * MiB);
	put_le(image + X_DISK_SIZE, 8, 16 * 256 * MiB + MiB);
	memset(image + X_BAT, 0, 64);
	put_le(image + X_BAT + 16 * 8, 8, UINT64_MAX); /* the bitmap's: not looked at */
	put_le(image + X_BAT + 17 * 8, 8, X_BLOCK_0 | 6);
	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	assert_succeeds(source_read(disk, read, 16 * 256 * MiB, MiB, &err));
	assert_memory_equal(read, image + X_BLOCK_0, MiB);
}

static void a_last_block_cut_at_the_end_of_the_disk_is_fine(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx();
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	put_le(image + X_BAT, 8, 0);
	put_le(image + X_BAT + 40, 8, X_BLOCK_0 | 6);
	assert_succeeds(
		open_bytes(image, X_FILE - 512 * KiB, X_NAME, &info, &disk, &err));
}

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
		  "'C.vhdx': VHDX metadata item 'virtual disk size' at 65535+8, must lie "
		  "behind "
		  "the table of 64 KiB in the region of 1048576 bytes" },
		{ IN_FILE, X_METADATA + X_ITEM(1) + 16, 4, MiB - 7, -EBADMSG,
		  "'C.vhdx': VHDX metadata item 'virtual disk size' at 1048569+8, must "
		  "lie behind "
		  "the table of 64 KiB in the region of 1048576 bytes" },
		{ IN_FILE, X_METADATA + X_ITEM(2) + 16, 4, 65536 + 12, -EBADMSG,
		  "'C.vhdx': VHDX metadata items 'logical sector size' and 'virtual disk "
		  "size' "
		  "overlap" },
		{ IN_FILE, X_PARAMETERS, 4, 0, -EBADMSG,
		  "'C.vhdx': VHDX block size 0, must be a power of two from 1 MiB to 256 "
		  "MiB" },
		{ IN_FILE, X_PARAMETERS, 4, 512 * MiB, -EBADMSG,
		  "'C.vhdx': VHDX block size 536870912, must be a power of two from 1 "
		  "MiB to 256 "
		  "MiB" },
		{ IN_FILE, X_PARAMETERS, 4, 3 * MiB, -EBADMSG,
		  "'C.vhdx': VHDX block size 3145728, must be a power of two from 1 MiB "
		  "to 256 "
		  "MiB" },
		{ IN_FILE, X_LOGICAL, 4, 1024, -EBADMSG,
		  "'C.vhdx': VHDX logical sector size 1024, must be 512 or 4096" },
		{ IN_FILE, X_PHYSICAL, 4, 0, -EBADMSG,
		  "'C.vhdx': VHDX physical sector size 0, must be 512 or 4096" },
		{ IN_FILE, X_DISK_SIZE, 8, 0, -EBADMSG,
		  "'C.vhdx': VHDX disk size 0, must be a multiple of its sectors of 512 "
		  "above 0" },
		{ IN_FILE, X_DISK_SIZE, 8, X_DISK + 1, -EBADMSG,
		  "'C.vhdx': VHDX disk size 5767169, must be a multiple of its sectors "
		  "of 512 "
		  "above 0" },
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
		  "'C.vhdx': block 0 has the unknown state 4" },
		{ IN_FILE, X_BAT + 8, 8, 5, -EBADMSG,
		  "'C.vhdx': block 1 has the unknown state 5" },
		{ IN_FILE, X_BAT + 8, 8, X_BLOCK_0 | 7, -EBADMSG,
		  "'C.vhdx': block 1 is partly in a parent, but the image has none" },
		{ IN_FILE, X_BAT, 8, X_BLOCK_0 | 8 | 6, -EBADMSG,
		  "'C.vhdx': block 0 has reserved bits set in its table entry 0x50000e" },
		{ IN_FILE, X_BAT + 24, 8, 0x80002, -EBADMSG,
		  "'C.vhdx': block 3 has reserved bits set in its table entry 0x80002" },
		{ IN_FILE, X_BAT + 8, 8, X_BLOCK_0 | 6, -EBADMSG,
		  "'C.vhdx': block 1 at 5242880 overlaps another block: two table "
		  "entries share "
		  "it" },
		{ IN_FILE, X_BAT, 8, 6, -EBADMSG,
		  "'C.vhdx': block 0 at 0 overlaps headers, log, BAT or metadata" },
		{ IN_FILE, X_BAT, 8, X_LOG | 6, -EBADMSG,
		  "'C.vhdx': block 0 at 1048576 overlaps headers, log, BAT or metadata" },
		{ IN_FILE, X_BAT, 8, X_METADATA | 6, -EBADMSG,
		  "'C.vhdx': block 0 at 2097152 overlaps headers, log, BAT or metadata" },
		{ IN_FILE, X_BAT, 8, X_BAT | 6, -EBADMSG,
		  "'C.vhdx': block 0 at 3145728 overlaps headers, log, BAT or metadata" },
		{ IN_FILE, X_BAT, 8, X_FILE | 6, -EBADMSG,
		  "'C.vhdx': block 0 lies at 6291456+1048576, beyond the end of the file "
		  "of "
		  "6291456 bytes: cut short" },
		{ IN_FILE, X_BAT, 8, UINT64_C(0xfffffffffff00006), -EBADMSG,
		  "'C.vhdx': block 0 lies at 18446744073708503040+1048576, beyond the "
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
	expect_refusal(
		image, 10 * MiB, X_NAME, -EBADMSG,
		"'C.vhdx': block 1 at 5242880 overlaps another block: two table entries "
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

static void put_utf16(uint8_t *at, const char *text)
{
	for (size_t i = 0; text[i]; i++)
		put_le(at + 2 * i, 2, (uint8_t)text[i]);
}

static void a_differencing_image_is_refused_with_its_parent(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx();
	uint8_t *locator = image + X_METADATA + 70000;
	static const char key[] = "relative_path", value[] = ".\\base.vhdx";

	put_le(image + X_PARAMETERS + 4, 4, 2);
	expect_refusal(
		image, X_FILE, X_NAME, -ENOTSUP,
		"'C.vhdx': differencing VHDX, holds only the changes against its parent "
		"'(not named)': merge them into one image first");
	x_add_item(image, 5, "a8d35f2d-b30b-454d-abf7-d3d84834ab0c", 70000, 300, 4);
	put_le(locator + 18, 2, 1);
	put_le(locator + 20, 4, 100);
	put_le(locator + 24, 4, 200);
	put_le(locator + 28, 2, 2 * strlen(key));
	put_le(locator + 30, 2, 2 * strlen(value));
	put_utf16(locator + 100, key);
	put_utf16(locator + 200, value);
	expect_refusal(
		image, X_FILE, X_NAME, -ENOTSUP,
		"'C.vhdx': differencing VHDX, holds only the changes against its parent "
		"'.\\base.vhdx': merge them into one image first");
	put_le(locator + 24, 4, 290); /* the value leaves the item */
	expect_refusal(
		image, X_FILE, X_NAME, -ENOTSUP,
		"'C.vhdx': differencing VHDX, holds only the changes against its parent "
		"'(not named)': merge them into one image first");
}

/* -- failing reads, qemu-img, size ---- */

static void every_failing_read_is_told(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx();

	expect_every_failing_read_to_be_told(image, X_FILE, X_NAME);
}

static void images_of_qemu_read_as_the_disk_they_were_made_from(void **state)
{
	static const char *const options[] = {
		"subformat=dynamic,block_size=1M",
		"subformat=dynamic,block_size=8M,block_state_zero=off",
		"subformat=fixed,block_size=2M",
		"subformat=dynamic,block_size=256M,log_size=4M",
	};

	if (!have_tool("qemu-img"))
		skip();
	make_raw("raw", 37 * MiB + 512 * 3);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		AUTO(source_freep) struct block_source *disk = NULL;
		struct block_source *file = NULL;
		struct image_info info;
		struct err err = { 0 };

		run_tool("qemu-img", "convert", "-f", "raw", "-O", "vhdx", "-o",
			 options[i], "raw", "q.vhdx");
		assert_succeeds(source_file_open("q.vhdx", &file, &err));
		assert_succeeds(image_open(file, &info, &disk, &err));
		expect_same_as_file(disk, "raw");
		expect_sound_extents(disk);
	}
}

/* A sparse file of 64 TiB at most that claims as much: the table is 512 MiB of holes. */
static void a_disk_of_64_tib_opens_and_reads(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx();
	AUTO(source_freep) struct block_source *disk = NULL;
	AUTO_CLOSE int fd = -1;
	struct block_source *file = NULL;
	struct extent extents[4];
	struct image_info info;
	struct err err = { 0 };
	uint8_t sector[512];
	size_t count;

	put_le(image + X_PARAMETERS, 4, 32 * MiB);
	put_le(image + X_DISK_SIZE, 8, 64 * TiB);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *table = image + (i ? X_REGIONS_2 : X_REGIONS_1);

		put_le(table + X_REGION_BAT + 24, 4, 17 * MiB);
		x_fix(table, 65536);
	}
	memset(image + X_BAT, 0, X_FILE - X_BAT);
	write_file("large.vhdx", image, X_FILE);
	fd = open("large.vhdx", O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 60 * MiB), 0);
	put_le(sector, 8, 20 * MiB | 6);
	/* the last block: 2^21 - 1, behind (2^21 - 1) / 128 bitmaps' entries */
	assert_int_equal(pwrite(fd, sector, 8, X_BAT + (2097151 + 16383) * 8), 8);
	assert_int_equal(pwrite(fd, "last", 4, 20 * MiB), 4);
	assert_succeeds(source_file_open("large.vhdx", &file, &err));
	assert_succeeds(image_open(file, &info, &disk, &err));
	assert_int_equal(disk->size, 64 * TiB);
	assert_int_equal(info.allocated, 32 * MiB);
	assert_succeeds(source_extents(disk, 0, disk->size, extents, 4, &count, &err));
	assert_int_equal(count, 2);
	assert_int_equal(extents[1].length, 32 * MiB);
	assert_succeeds(source_read(disk, sector, 64 * TiB - 32 * MiB, 512, &err));
	assert_memory_equal(sector, "last", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dynamic_image_reads_as_its_disk),
		cmocka_unit_test(states_tell_absent_from_zero_and_data),
		cmocka_unit_test(reads_may_start_and_end_anywhere),
		cmocka_unit_test(neighbours_in_the_file_are_read_in_one_piece),
		cmocka_unit_test(a_fixed_image_says_so),
		cmocka_unit_test(sectors_of_4096_bytes_are_shown),
		cmocka_unit_test(entries_of_sector_bitmaps_are_stepped_over),
		cmocka_unit_test(a_last_block_cut_at_the_end_of_the_disk_is_fine),
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
		cmocka_unit_test(a_differencing_image_is_refused_with_its_parent),
		cmocka_unit_test(every_failing_read_is_told),
		cmocka_unit_test(images_of_qemu_read_as_the_disk_they_were_made_from),
		cmocka_unit_test(a_disk_of_64_tib_opens_and_reads),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
