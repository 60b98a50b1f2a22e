/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHD images that must read as their disks, the last ones made by qemu-img. Damaged ones are in
 * test-vhd-damage.c. */
#include "vhd-fixture.h"

/* -- what is sound ---- */

static void a_dynamic_image_of_a_windows_backup_reads_as_its_disk(void **state)
{
	AUTO_FREE uint8_t *image = make_dynamic(), *content = make_content(),
			  *read = NULL;
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	char text[GUID_TEXT_SIZE];
	struct err err = { 0 };

	assert_succeeds(open_bytes(image, FILE_SIZE, NAME, &info, &disk, &err));
	assert_string_equal(info.format, "vhd");
	assert_string_equal(info.subformat, "dynamic");
	assert_int_equal(info.virtual_size, DISK);
	assert_int_equal(info.file_size, FILE_SIZE);
	assert_int_equal(info.block_size, BLOCK);
	assert_int_equal(info.allocated, 2 * BLOCK);
	assert_int_equal(info.sector_size, 512);
	assert_int_equal(info.physical_sector_size, 512);
	assert_string_equal(info.creator, "vsim 1.1 Wi2k");
	assert_string_equal(info.notes, "");
	assert_string_equal(guid_format(&info.unique_id, text),
			    "10111213-1415-1617-1819-1a1b1c1d1e1f");
	assert_int_equal(disk->size, DISK);
	assert_int_equal(disk->sector_size, 512);
	assert_string_equal(disk->name, NAME);
	read = read_all(disk);
	assert_memory_equal(read, content, DISK);
}

static void extents_tell_stored_blocks_from_absent_ones(void **state)
{
	AUTO_FREE uint8_t *image = make_dynamic();
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct extent extents[8];
	struct err err = { 0 };
	size_t count;

	assert_succeeds(open_bytes(image, FILE_SIZE, NAME, &info, &disk, &err));
	assert_succeeds(source_extents(disk, 512, DISK - 512, extents, 8, &count, &err));
	assert_int_equal(count, 4);
	assert_int_equal(extents[0].offset, 512);
	assert_int_equal(extents[0].length, BLOCK - 512);
	assert_int_equal(extents[0].kind, EXTENT_DATA);
	assert_int_equal(extents[1].kind, EXTENT_ABSENT);
	assert_int_equal(extents[1].length, BLOCK);
	assert_int_equal(extents[2].kind, EXTENT_DATA);
	assert_int_equal(extents[3].kind, EXTENT_ABSENT);
	assert_int_equal(extents[3].length, DISK - 3 * BLOCK);
	/* no room for more: cut, not wrong */
	assert_succeeds(source_extents(disk, 512, DISK - 512, extents, 1, &count, &err));
	assert_int_equal(count, 1);
	assert_int_equal(extents[0].length, BLOCK - 512);
}

static void reads_may_start_and_end_anywhere(void **state)
{
	AUTO_FREE uint8_t *image = make_dynamic(), *content = make_content();
	AUTO_FREE uint8_t *read = malloc(DISK);
	AUTO(source_freep) struct block_source *disk = NULL;
	static const uint64_t cuts[] = { 0,	    1,	       511,	  512,
					 BLOCK - 1, BLOCK,     BLOCK + 1, 2 * BLOCK - 1,
					 2 * BLOCK, 3 * BLOCK, DISK - 1,  DISK };
	struct image_info info;
	struct err err = { 0 };

	assert_succeeds(open_bytes(image, FILE_SIZE, NAME, &info, &disk, &err));
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		for (size_t k = i; k < ARRAY_SIZE(cuts); k++) {
			assert_succeeds(source_read(disk, read, cuts[i],
						    cuts[k] - cuts[i], &err));
			assert_memory_equal(read, content + cuts[i], cuts[k] - cuts[i]);
		}
	}
}

static void a_last_block_cut_at_the_end_of_the_disk_is_fine(void **state)
{
	AUTO_FREE uint8_t *image = make_dynamic();
	AUTO(source_freep) struct block_source *disk = NULL;
	uint8_t first = 0;
	struct image_info info;
	struct err err = { 0 };

	/* block 3 in place of block 0, which is the last in the file; the disk ends after
	 * half of it, and there the footer comes */
	memset(image + TABLE, 0xff, 4);
	put_be(image + TABLE + 12, 4, BLOCK_0 / 512);
	make_footer(image + FOOTER - BLOCK / 2, 3, DISK);
	assert_succeeds(
		open_bytes(image, FOOTER - BLOCK / 2 + 512, NAME, &info, &disk, &err));
	assert_succeeds(source_read(disk, &first, 3 * BLOCK, 1, &err));
	assert_int_equal(first, image[BLOCK_0 + 512]);
}

static void a_fixed_image_is_its_own_disk(void **state)
{
	AUTO_FREE uint8_t *image = calloc(1, MiB + 512), *read = NULL;
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	fill_pattern(image, MiB, 5);
	make_footer(image + MiB, 2, MiB);
	assert_succeeds(open_bytes(image, MiB + 512, "no-extension", &info, &disk, &err));
	assert_string_equal(info.subformat, "fixed");
	assert_int_equal(info.allocated, MiB);
	assert_int_equal(info.block_size, 0);
	assert_int_equal(disk->size, MiB);
	read = read_all(disk);
	assert_memory_equal(read, image, MiB);
}

/* A fixed image whose first sector happens to be a footer, as when it holds an image. */
static void the_start_of_a_fixed_image_is_content(void **state)
{
	AUTO_FREE uint8_t *image = calloc(1, MiB + 512), *read = NULL;
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	make_footer(image, 3, DISK);
	make_footer(image + MiB, 2, MiB);
	assert_succeeds(open_bytes(image, MiB + 512, NAME, &info, &disk, &err));
	assert_string_equal(info.notes, "");
	read = read_all(disk);
	assert_memory_equal(read, image, MiB);
}

static void the_footer_of_old_virtual_pc_has_511_bytes(void **state)
{
	AUTO_FREE uint8_t *image = calloc(1, MiB + 512);
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	make_footer(image + MiB, 2, MiB);
	assert_succeeds(open_bytes(image, MiB + 511, NAME, &info, &disk, &err));
	assert_int_equal(disk->size, MiB);
}

struct size_case {
	const char *creator;
	unsigned cylinders, heads, sectors;
	uint64_t expected_size;
	const char *notes;
};

static void the_size_is_what_the_creators_own_guests_see(void **state)
{
	static const struct size_case cases[] = {
		{ "vsim", 210, 4, 17, DISK, "" },
		{ "win ", 210, 4, 17, DISK, "" },
		{ "d2v ", 210, 4, 17, DISK, "" },
		{ "qem2", 210, 4, 17, DISK, "" },
		{ "vpc ", 210, 4, 17, 210 * 4 * 17 * 512,
		  "size by geometry, as its creator counts; the footer's size field says "
		  "7340032 "
		  "bytes" },
		{ "qemu", 210, 4, 17, 210 * 4 * 17 * 512,
		  "size by geometry, as its creator counts; the footer's size field says "
		  "7340032 "
		  "bytes" },
		{ "vpc ", 65535, 16, 255, DISK, "" }, /* the most that geometry can say */
		{ "vpc ", 0, 0, 0, DISK, "" },
		{ "vpc ", 211, 4, 17, DISK, "" }, /* rounded up: the field is exact */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dynamic();
		AUTO(source_freep) struct block_source *disk = NULL;
		struct image_info info;
		struct err err = { 0 };

		for (unsigned k = 0; k < 2; k++) {
			uint8_t *footer = image + (k ? FOOTER : 0);

			memcpy(footer + 28, cases[i].creator, 4);
			put_be(footer + 56, 2, cases[i].cylinders);
			footer[58] = (uint8_t)cases[i].heads;
			footer[59] = (uint8_t)cases[i].sectors;
			fix_footer(footer);
		}
		assert_succeeds(open_bytes(image, FILE_SIZE, NAME, &info, &disk, &err));
		assert_int_equal(disk->size, cases[i].expected_size);
		assert_string_equal(info.notes, cases[i].notes);
	}
}

static void every_failing_read_is_told(void **state)
{
	AUTO_FREE uint8_t *image = make_dynamic();

	expect_every_failing_read_to_be_told(image, FILE_SIZE, NAME);
}

/* -- qemu-img ---- */

static void images_of_qemu_read_as_the_disk_they_were_made_from(void **state)
{
	static const char *const options[] = { "subformat=dynamic",
					       "subformat=dynamic,force_size",
					       "subformat=fixed",
					       "subformat=fixed,force_size" };

	if (!have_tool("qemu-img"))
		skip();
	make_raw("raw", 37 * MiB + 512 * 3);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		AUTO(source_freep) struct block_source *disk = NULL;
		struct block_source *file = NULL;
		struct image_info info;
		struct err err = { 0 };

		run_tool("qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o",
			 options[i], "raw", "q.vhd");
		/* without force_size qemu rounds up to whole cylinders: judge by its
		 * reading */
		run_tool("qemu-img", "convert", "-f", "vpc", "-O", "raw", "q.vhd",
			 "back");
		assert_succeeds(source_file_open("q.vhd", &file, &err));
		assert_succeeds(image_open(file, &info, &disk, &err));
		expect_same_as_file(disk, "back");
		expect_sound_extents(disk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dynamic_image_of_a_windows_backup_reads_as_its_disk),
		cmocka_unit_test(extents_tell_stored_blocks_from_absent_ones),
		cmocka_unit_test(reads_may_start_and_end_anywhere),
		cmocka_unit_test(a_last_block_cut_at_the_end_of_the_disk_is_fine),
		cmocka_unit_test(a_fixed_image_is_its_own_disk),
		cmocka_unit_test(the_start_of_a_fixed_image_is_content),
		cmocka_unit_test(the_footer_of_old_virtual_pc_has_511_bytes),
		cmocka_unit_test(the_size_is_what_the_creators_own_guests_see),
		cmocka_unit_test(every_failing_read_is_told),
		cmocka_unit_test(images_of_qemu_read_as_the_disk_they_were_made_from),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
