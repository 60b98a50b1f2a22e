/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHDX images that must read as their disks, some made by qemu-img. Damaged ones are in
 * test-vhdx-damage.c, the log is in test-vhdx-log.c. */
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

static void neighbours_on_the_disk_may_lie_anywhere_in_the_file(void **state)
{
	AUTO_FREE uint8_t *image = make_vhdx(), *read = NULL;
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	put_le(image + X_BAT + 8, 8, X_BLOCK_5 | 6);
	put_le(image + X_BAT + 40, 8, 0);
	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	read = read_all(disk);
	assert_memory_equal(read, image + X_BLOCK_0, X_BLOCK);
	assert_memory_equal(read + X_BLOCK, image + X_BLOCK_5, X_BLOCK);
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

/* In blocks of 32 MiB, none of which is stored. */
static void claim_64_tib(uint8_t *image)
{
	put_le(image + X_PARAMETERS, 4, 32 * MiB);
	put_le(image + X_DISK_SIZE, 8, 64 * TiB);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *table = image + (i ? X_REGIONS_2 : X_REGIONS_1);

		put_le(table + X_REGION_BAT + 24, 4, 17 * MiB);
		x_fix(table, 65536);
	}
	memset(image + X_BAT, 0, X_FILE - X_BAT);
}

/* The table is kept in pages of 8192 entries; after 128 blocks comes the entry of a bitmap, with
 * which page 127 begins. */
static void blocks_at_the_edges_of_empty_pages_of_the_table_are_found(void **state)
{
	static const uint64_t entries[] = { 8191,	  8192,		  3 * 8192,
					    5 * 8192 - 1, 127 * 8192 + 1, 2113534 };
	AUTO_FREE uint8_t *image = make_vhdx();
	AUTO(source_freep) struct block_source *disk = NULL;
	struct extent extents[16];
	AUTO_CLOSE int fd = -1;
	struct block_source *file = NULL;
	struct image_info info;
	struct err err = { 0 };
	uint64_t end = 0, last = 0;
	size_t count = 0, next = 0;
	uint8_t bytes[8];

	claim_64_tib(image);
	write_file("edges.vhdx", image, X_FILE);
	fd = open("edges.vhdx", O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		uint64_t place = (20 + 32 * i) * MiB;

		put_le(bytes, 8, place | 6);
		assert_int_equal(pwrite(fd, bytes, 8, (off_t)(X_BAT + entries[i] * 8)),
				 8);
		assert_int_equal(pwrite(fd, &i, 1, (off_t)place), 1);
		assert_int_equal(ftruncate(fd, (off_t)(place + 32 * MiB)), 0);
	}
	assert_succeeds(source_file_open("edges.vhdx", &file, &err));
	assert_succeeds(image_open(file, &info, &disk, &err));
	assert_int_equal(info.allocated, ARRAY_SIZE(entries) * 32 * MiB);
	assert_succeeds(source_extents(disk, 0, disk->size, extents, 16, &count, &err));
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(extents[i].offset, end);
		end += extents[i].length;
		for (last = extents[i].offset;
		     extents[i].kind == EXTENT_DATA && last < end;
		     last += 32 * MiB, next++) {
			uint64_t block = entries[next] - entries[next] / 129;

			assert_int_equal(last, block * 32 * MiB);
			assert_succeeds(source_read(disk, bytes, last, 1, &err));
			assert_int_equal(bytes[0], next);
		}
	}
	assert_int_equal(end, 64 * TiB);
	assert_int_equal(next, ARRAY_SIZE(entries));
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

	claim_64_tib(image);
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
		cmocka_unit_test(neighbours_on_the_disk_may_lie_anywhere_in_the_file),
		cmocka_unit_test(a_fixed_image_says_so),
		cmocka_unit_test(sectors_of_4096_bytes_are_shown),
		cmocka_unit_test(entries_of_sector_bitmaps_are_stepped_over),
		cmocka_unit_test(a_last_block_cut_at_the_end_of_the_disk_is_fine),
		cmocka_unit_test(every_failing_read_is_told),
		cmocka_unit_test(images_of_qemu_read_as_the_disk_they_were_made_from),
		cmocka_unit_test(
			blocks_at_the_edges_of_empty_pages_of_the_table_are_found),
		cmocka_unit_test(a_disk_of_64_tib_opens_and_reads),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
