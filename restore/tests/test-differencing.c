/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differencing images: a block or sector that the child does not store is the parent's, and
 * parents are found by their ids in the same folder alone. Windows' own pairs are tried in
 * qemu-tests.
 */
#include "vhd-fixture.h"
#include "vhdx-fixture.h"

#include <base/text.h>
#include <restore/pack.h>

static const char v_parent_id[] =
	"10111213-1415-1617-1819-1a1b1c1d1e1f"; /* the fixture's */

/* The image of this name in the current folder. */
static int open_here(const char *name, struct image_info *info, struct block_source **ret,
		     struct err *err)
{
	AUTO(tree_freep) struct tree *tree = NULL;

	assert_int_equal(tree_local_open(".", &tree, err), 0);
	return image_open_path(tree, name, info, ret, err);
}

static void expect_failure(const char *name, int code, const char *text)
{
	struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	assert_failed(open_here(name, &info, &disk, &err), code, text);
}

/* Reads that begin and end anywhere give what one large read gives. */
static void expect_content(const char *name, const uint8_t *content, size_t size)
{
	AUTO(source_freep) struct block_source *disk = NULL;
	AUTO_FREE uint8_t *read = NULL, *part = malloc(5000);
	struct image_info info;
	struct err err = { 0 };

	assert_succeeds(open_here(name, &info, &disk, &err));
	assert_int_equal(disk->size, size);
	assert_string_equal(info.subformat, "differencing");
	read = read_all(disk);
	assert_memory_equal(read, content, size);
	for (size_t at = 0; at + 5000 <= size; at += 77777) {
		assert_succeeds(source_read(disk, part, at, 5000, &err));
		assert_memory_equal(part, content + at, 5000);
	}
	expect_sound_extents(disk);
}

static void clear_folder(void)
{
	assert_int_equal(system("rm -rf ./*"), 0);
}

/* -- VHD ---- */

/* Big-endian, as VHD has them. */
static void put_vhd_id(uint8_t *at, unsigned number)
{
	memset(at, 0, 16);
	at[0] = 0xc0;
	at[15] = (uint8_t)number;
}

static void set_vhd_id(uint8_t *image, unsigned number, unsigned type)
{
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *footer = image + (i ? FOOTER : 0);

		make_footer(footer, type, DISK);
		put_vhd_id(footer + 68, number);
		fix_footer(footer);
	}
}

/* Is the sector of the child's block 0 its own? */
static bool is_own(size_t sector)
{
	return sector % 3 == 0 || (sector > 100 && sector < 900);
}

/* A child that stores some sectors of block 0 and all of block 3; id number of the parent, 0:
 * the good image's. */
static uint8_t *make_vhd_child(unsigned number, unsigned parent, const char *parent_name)
{
	uint8_t *image = make_dynamic();

	set_vhd_id(image, number, 4);
	for (size_t i = 0; parent_name[i]; i++)
		put_be(image + HEADER + 64 + 2 * i, 2, (uint8_t)parent_name[i]);
	for (unsigned i = 0; i < 16; i++)
		image[HEADER + 40 + i] = (uint8_t)(0x10 + i);
	if (parent)
		put_vhd_id(image + HEADER + 40, parent);
	fix_header(image + HEADER);
	put_be(image + TABLE + 8, 4, UINT32_MAX);
	put_be(image + TABLE + 12, 4, BLOCK_2 / 512);
	memset(image + BLOCK_0, 0, STORED);
	memset(image + BLOCK_2, 0xff, 512);
	fill_pattern(image + BLOCK_0 + 512, BLOCK, 50 + number);
	fill_pattern(image + BLOCK_2 + 512, BLOCK, 70 + number);
	for (size_t i = 0; i < BLOCK / 512; i++)
		if (is_own(i))
			image[BLOCK_0 + i / 8] |= (uint8_t)(0x80 >> i % 8);
	return image;
}

/* What the child's disk holds, over its parent's. */
static void apply_vhd_child(uint8_t *content, unsigned number)
{
	AUTO_FREE uint8_t *own = malloc(BLOCK);

	assert_non_null(own);
	fill_pattern(own, BLOCK, 50 + number);
	for (size_t i = 0; i < BLOCK / 512; i++)
		if (is_own(i))
			memcpy(content + 512 * i, own + 512 * i, 512);
	fill_pattern(own, BLOCK, 70 + number);
	memcpy(content + 3 * BLOCK, own, DISK - 3 * BLOCK);
}

static void put_vhd_child(const char *name, unsigned number, unsigned parent,
			  const char *parent_name)
{
	AUTO_FREE uint8_t *image = make_vhd_child(number, parent, parent_name);

	write_file(name, image, FILE_SIZE);
}

static void put_vhd_parent(const char *name)
{
	AUTO_FREE uint8_t *image = make_dynamic();

	write_file(name, image, FILE_SIZE);
}

static void what_a_vhd_does_not_store_is_its_parents(void **state)
{
	AUTO_FREE uint8_t *content = make_content();
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	clear_folder();
	put_vhd_parent("base.vhd");
	put_vhd_child("C.vhd", 1, 0, "D:\\old\\place\\BASE.VHD");
	apply_vhd_child(content, 1);
	expect_content("C.vhd", content, DISK);
	assert_succeeds(open_here("C.vhd", &info, &disk, &err));
	assert_string_equal(
		info.notes,
		"changes against its parent 'base.vhd', which is read with it");
}

static void pack_here(const char *name, const char *packed)
{
	const struct pack_options options = { .level = 1 };
	struct pack_result result;
	struct err err = { 0 };

	assert_succeeds(pack_file(name, packed, &options, &result, &err));
}

static void parents_and_children_may_be_packed(void **state)
{
	AUTO_FREE uint8_t *content = make_content();

	clear_folder();
	put_vhd_parent("base.vhd");
	put_vhd_child("C.vhd", 1, 0, "D:\\BASE.VHD");
	apply_vhd_child(content, 1);
	pack_here("base.vhd", "base.vhd.zst");
	pack_here("C.vhd", "C.vhd.zst");
	/* the parent and its packed copy are one parent, under whatever name */
	expect_content("C.vhd", content, DISK);
	assert_int_equal(unlink("base.vhd"), 0);
	expect_content("C.vhd.zst", content, DISK);
	pack_here("C.vhd", "other.vhd.zst");
	assert_int_equal(rename("base.vhd.zst", "renamed.vhd.zst"), 0);
	expect_content("other.vhd.zst", content, DISK);
}

static void a_chain_is_followed_by_ids_whatever_the_files_are_called(void **state)
{
	AUTO_FREE uint8_t *content = make_content();

	clear_folder();
	put_vhd_parent("one.avhd");
	put_vhd_child("two.vhd", 2, 0, "renamed.vhd");
	put_vhd_child("three.vhd", 3, 2, "");
	write_file("damaged.vhd", content, 4096);
	apply_vhd_child(content, 2);
	apply_vhd_child(content, 3);
	expect_content("three.vhd", content, DISK);
}

static void an_absent_parent_is_named_with_its_id(void **state)
{
	AUTO_FREE char *other = text_format(
		"'./C.vhd': differencing image, and its parent '..\\x\\base.vhd' {%s} is "
		"not in its folder: the 'base.vhd' there has the id "
		"{c0000000-0000-0000-0000-000000000009}, it is another image or was "
		"changed "
		"since",
		v_parent_id);

	clear_folder();
	put_vhd_child("C.vhd", 1, 2, "");
	expect_failure(
		"C.vhd", -ENOENT,
		"'./C.vhd': differencing image, and its parent '(not named)' "
		"{c0000000-0000-0000-0000-000000000002} is not in its folder: copy "
		"it there");
	assert_int_equal(mkdir("x", 0700), 0);
	put_vhd_parent("x/base.vhd"); /* a path is no way out of the folder */
	put_vhd_child("C.vhd", 1, 0, "..\\x\\base.vhd");
	put_vhd_child("base.vhd", 9, 2, "");
	expect_failure("C.vhd", -ENOENT, other);
}

static void cycles_and_long_chains_are_refused(void **state)
{
	clear_folder();
	put_vhd_child("C.vhd", 1, 1, "C.vhd");
	expect_failure("C.vhd", -ELOOP,
		       "'./C.vhd': differencing image whose parent 'C.vhd' "
		       "{c0000000-0000-0000-0000-000000000001} is the image itself or "
		       "builds on it");
	put_vhd_child("C.vhd", 1, 2, "D.vhd");
	put_vhd_child("D.vhd", 2, 1, "C.vhd");
	expect_failure("C.vhd", -ELOOP,
		       "'./C.vhd': './D.vhd': differencing image whose parent 'C.vhd' "
		       "{c0000000-0000-0000-0000-000000000001} is the image itself or "
		       "builds on it");
}

static void a_chain_of_32_is_read_and_one_of_33_refused(void **state)
{
	AUTO_FREE uint8_t *content = make_content();
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	clear_folder();
	put_vhd_parent("0.vhd");
	for (unsigned i = 1; i <= 32; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u.vhd", i);
		put_vhd_child(name, i, i - 1, "");
	}
	for (unsigned i = 1; i <= 31; i++)
		apply_vhd_child(content, i);
	expect_content("31.vhd", content, DISK);
	assert_int_equal(open_here("32.vhd", &info, &disk, &err), -ENOTSUP);
	assert_non_null(
		strstr(err.text, "'./1.vhd': chain of more than 32 differencing images"));
}

static void two_copies_of_a_parent_are_told_apart_by_name_or_refused(void **state)
{
	AUTO_FREE uint8_t *content = make_content();
	AUTO_FREE char *text =
		text_format("'./C.vhd': two images, 'a.vhd' and 'b.vhd', have the id "
			    "{%s} of the parent "
			    "'gone.vhd': leave only the right one in the folder",
			    v_parent_id);
	AUTO_FREE uint8_t *copy = make_dynamic();

	clear_folder();
	fill_pattern(copy + BLOCK_0 + 512, BLOCK, 99);
	write_file("a.vhd", copy, FILE_SIZE);
	put_vhd_parent("b.vhd");
	put_vhd_child("C.vhd", 1, 0, "B.VHD");
	apply_vhd_child(content, 1);
	expect_content("C.vhd", content, DISK);
	put_vhd_child("C.vhd", 1, 0, "gone.vhd");
	expect_failure("C.vhd", -ENOTSUP, text);
}

static void a_damaged_parent_makes_the_child_damaged(void **state)
{
	AUTO_FREE uint8_t *parent = make_dynamic();

	clear_folder();
	put_vhd_child("C.vhd", 1, 0, "base.vhd");
	put_be(parent + TABLE, 4, 1);
	write_file("base.vhd", parent, FILE_SIZE);
	expect_failure("C.vhd", -EBADMSG,
		       "'./C.vhd': './base.vhd': VHD block 0 at 512 overlaps the dynamic "
		       "header");
}

/* -- VHDX ---- */

#define X_BITMAP      (6 * MiB)
#define X_CHILD_FILE  (7 * MiB)
#define X_PARENT_FILE (8 * MiB)

static const char x_link[] = "{AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE}"; /* the fixture's */

/* Blocks 0, 1, 2 and 5 are stored. */
static uint8_t *make_x_parent(void)
{
	uint8_t *image = make_vhdx();

	image = realloc(image, X_PARENT_FILE);
	assert_non_null(image);
	put_le(image + X_BAT + 8, 8, 6 * MiB | 6);
	put_le(image + X_BAT + 16, 8, 7 * MiB | 6);
	fill_pattern(image + 6 * MiB, MiB, 11);
	fill_pattern(image + 7 * MiB, MiB, 12);
	return image;
}

static void set_x_ids(uint8_t *image, const char *data_write)
{
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *header = image + (i ? X_HEADER_2 : X_HEADER_1);

		put_guid(header + 32, data_write);
		x_fix(header, 4096);
	}
}

/* Block 0 partly own, 1 and 4 absent, 2 zero, 3 unmapped, 5 own. X_CHILD_FILE bytes. */
static uint8_t *make_x_child(const char *key, const char *link)
{
	uint8_t *image = make_vhdx();

	image = realloc(image, X_CHILD_FILE);
	assert_non_null(image);
	memset(image + X_BITMAP, 0, MiB);
	set_x_ids(image, "77777777-7777-7777-7777-777777777777");
	put_le(image + X_PARAMETERS + 4, 4, 2);
	x_add_locator(image, (const char *[]){ key, link, "relative_path", ".\\base.vhdx",
					       NULL });
	put_le(image + X_BAT, 8, X_BLOCK_0 | 7);
	put_le(image + X_BAT + 8, 8, 0);
	put_le(image + X_BAT + 16, 8, 2);
	put_le(image + X_BAT + 24, 8, 3);
	put_le(image + X_BAT + 32, 8, 0);
	put_le(image + X_BAT + 40, 8, X_BLOCK_5 | 6);
	/* a chunk is 2^23 sectors: 4096 blocks, then its bitmap's entry */
	put_le(image + X_BAT + UINT64_C(8) * 4096, 8, X_BITMAP | 6);
	fill_pattern(image + X_BLOCK_0, MiB, 21);
	fill_pattern(image + X_BLOCK_5, MiB, 25);
	for (size_t i = 0; i < MiB / 512; i++)
		if (is_own(i))
			image[X_BITMAP + i / 8] |= (uint8_t)(1 << i % 8);
	return image;
}

static void put_x_parent(const char *name)
{
	AUTO_FREE uint8_t *image = make_x_parent();

	write_file(name, image, X_PARENT_FILE);
}

static uint8_t *make_x_content(void)
{
	uint8_t *content = calloc(1, X_DISK);
	AUTO_FREE uint8_t *own = malloc(MiB);

	assert_non_null(content);
	assert_non_null(own);
	fill_pattern(content, MiB, 1);
	fill_pattern(own, MiB, 21);
	for (size_t i = 0; i < MiB / 512; i++)
		if (is_own(i))
			memcpy(content + 512 * i, own + 512 * i, 512);
	fill_pattern(content + MiB, MiB, 11);
	fill_pattern(content + 5 * MiB, X_DISK - 5 * MiB, 25);
	return content;
}

static void what_a_vhdx_does_not_store_is_its_parents(void **state)
{
	static const char *const keys[] = { "parent_linkage", "parent_linkage2" };
	AUTO_FREE uint8_t *content = make_x_content();

	clear_folder();
	put_x_parent("base.vhdx");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		AUTO_FREE uint8_t *child = make_x_child(keys[i], x_link);

		write_file("C.vhdx", child, X_CHILD_FILE);
		expect_content("C.vhdx", content, X_DISK);
	}
}

static void behind_a_smaller_parent_a_disk_reads_as_zeros(void **state)
{
	AUTO_FREE uint8_t *content = make_x_content(), *parent = make_x_parent();
	AUTO_FREE uint8_t *child = make_x_child("parent_linkage", x_link);

	clear_folder();
	put_le(parent + X_DISK_SIZE, 8, MiB + 512 * KiB);
	write_file("base.vhdx", parent, X_PARENT_FILE);
	write_file("C.vhdx", child, X_CHILD_FILE);
	memset(content + MiB + 512 * KiB, 0, 512 * KiB);
	expect_content("C.vhdx", content, X_DISK);
}

static void every_spoiled_bitmap_entry_is_refused(void **state)
{
	static const struct {
		uint64_t entry;
		const char *text;
	} cases[] = {
		{ 0, "'./C.vhdx': VHDX sector bitmap 0 has the state 0, but a block is "
		     "partly in "
		     "the parent: must be 6 (stored)" },
		{ X_BITMAP | 16 | 6, "'./C.vhdx': VHDX sector bitmap 0 has reserved bits "
				     "set in its table entry "
				     "0x600016" },
		{ (100 * MiB) | 6, "'./C.vhdx': VHDX sector bitmap 0 lies at "
				   "104857600+1048576, beyond the end of "
				   "the file of 7340032 bytes: cut short" },
		{ X_BAT | 6,
		  "'./C.vhdx': VHDX sector bitmap 0 at 3145728 overlaps the BAT "
		  "region" },
		{ X_BLOCK_0 | 6, "'./C.vhdx': VHDX sector bitmap 0 at 5242880 overlaps "
				 "another block: two table "
				 "entries share it" },
	};

	clear_folder();
	put_x_parent("base.vhdx");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *child = make_x_child("parent_linkage", x_link);

		put_le(child + X_BAT + UINT64_C(8) * 4096, 8, cases[i].entry);
		write_file("C.vhdx", child, X_CHILD_FILE);
		expect_failure("C.vhdx", -EBADMSG, cases[i].text);
	}
}

static void a_table_without_room_for_the_bitmap_is_refused(void **state)
{
	AUTO_FREE uint8_t *child = make_x_child("parent_linkage", x_link);

	clear_folder();
	/* blocks of 1 MiB, 130,000 of them, fit; with a whole last chunk they do not */
	put_le(child + X_DISK_SIZE, 8, 130000 * MiB);
	write_file("C.vhdx", child, X_CHILD_FILE);
	expect_failure(
		"C.vhdx", -EBADMSG,
		"'./C.vhdx': VHDX BAT region of 1048576 bytes, a disk of 136314880000 "
		"bytes in blocks of 1048576 needs 1048832");
}

static void a_parent_with_other_sectors_is_refused(void **state)
{
	AUTO_FREE uint8_t *child = make_x_child("parent_linkage", x_link);
	AUTO_FREE uint8_t *parent = make_x_parent();

	clear_folder();
	put_le(parent + X_LOGICAL, 4, 4096);
	write_file("base.vhdx", parent, X_PARENT_FILE);
	write_file("C.vhdx", child, X_CHILD_FILE);
	expect_failure(
		"C.vhdx", -EBADMSG,
		"'./C.vhdx': differencing image with sectors of 512 bytes, its parent "
		"'./base.vhdx' has 4096");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_vhd_does_not_store_is_its_parents),
		cmocka_unit_test(parents_and_children_may_be_packed),
		cmocka_unit_test(
			a_chain_is_followed_by_ids_whatever_the_files_are_called),
		cmocka_unit_test(an_absent_parent_is_named_with_its_id),
		cmocka_unit_test(cycles_and_long_chains_are_refused),
		cmocka_unit_test(a_chain_of_32_is_read_and_one_of_33_refused),
		cmocka_unit_test(
			two_copies_of_a_parent_are_told_apart_by_name_or_refused),
		cmocka_unit_test(a_damaged_parent_makes_the_child_damaged),
		cmocka_unit_test(what_a_vhdx_does_not_store_is_its_parents),
		cmocka_unit_test(behind_a_smaller_parent_a_disk_reads_as_zeros),
		cmocka_unit_test(every_spoiled_bitmap_entry_is_refused),
		cmocka_unit_test(a_table_without_room_for_the_bitmap_is_refused),
		cmocka_unit_test(a_parent_with_other_sectors_is_refused),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
