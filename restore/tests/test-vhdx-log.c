/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of a VHDX: what is replayed and what is left. Where the log is one that qemu knows, it
 * replays a copy of the file and must read the same. */
#include "vhdx-log-fixture.h"

/* -- what is replayed ---- */

static void data_and_zeros_of_an_entry_are_seen(void **state)
{
	static const struct change changes[] = {
		{ X_BLOCK_0 + 8192, 0, 77 },
		{ X_BLOCK_0 + 64 * KiB, 32 * KiB, 0 },
	};
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();

	put_entry(image, 0, &(struct entry){ 5, 0, changes, 2 });
	fill_pattern(content + 8192, SECTOR, 77);
	memset(content + 64 * KiB, 0, 32 * KiB);
	expect_content(image, content, 1, SECTOR + 32 * KiB);
}

static void the_file_is_not_written(void **state)
{
	static const struct change changes[] = { { X_BLOCK_0, 0, 77 } };
	AUTO_FREE uint8_t *image = make_dirty(), *after = malloc(X_FILE);
	AUTO(source_freep) struct block_source *disk = NULL;
	struct block_source *file = NULL;
	struct image_info info;
	struct err err = { 0 };
	uint8_t sector[SECTOR];
	int fd;

	put_entry(image, 0, &(struct entry){ 5, 0, changes, 1 });
	write_file("ours.vhdx", image, X_FILE);
	assert_int_equal(chmod("ours.vhdx", 0400), 0);
	assert_succeeds(source_file_open("ours.vhdx", &file, &err));
	assert_succeeds(image_open(file, &info, &disk, &err));
	assert_succeeds(source_read(disk, sector, 0, SECTOR, &err));
	fd = open("ours.vhdx", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, after, X_FILE), X_FILE);
	close(fd);
	assert_memory_equal(after, image, X_FILE);
}

static void later_changes_win_over_earlier_ones(void **state)
{
	static const struct change first[] = {
		{ X_BLOCK_0, 0, 1000 },
		{ X_BLOCK_0 + 4096, 0, 1001 },
		{ X_BLOCK_0 + 16384, 16384, 0 },
	};
	static const struct change second[] = {
		{ X_BLOCK_0 + 4096, 8192, 0 },
		{ X_BLOCK_0 + 20480, 0, 1002 },
	};
	static const struct change third[] = {
		{ X_BLOCK_0 + 8192, 0, 1003 },
		{ X_BLOCK_0 + 8192, 0, 1004 },
	};
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	uint32_t position = put_entry(image, 0, &(struct entry){ 5, 0, first, 3 });

	position = put_entry(image, position, &(struct entry){ 6, 0, second, 2 });
	put_entry(image, position, &(struct entry){ 7, 0, third, 2 });
	fill_pattern(content, SECTOR, 1000);
	memset(content + 4096, 0, 4096);
	fill_pattern(content + 8192, SECTOR, 1004);
	memset(content + 16384, 0, 16384);
	fill_pattern(content + 20480, SECTOR, 1002);
	expect_content(image, content, 3, 12288 + 16384);
}

/* More than 126 descriptors need a second sector for them. */
static void many_descriptors_go_on_in_the_next_sector(void **state)
{
	struct change changes[200];
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		changes[i] = (struct change){ X_BLOCK_0 + i * SECTOR, 0, 500 + i };
		fill_pattern(content + i * SECTOR, SECTOR, 500 + i);
	}
	put_entry(image, 0, &(struct entry){ 5, 0, changes, ARRAY_SIZE(changes) });
	expect_our_content(image, content, 1, 200 * SECTOR);
}

static void a_sequence_goes_on_around_the_end_of_the_ring(void **state)
{
	struct change changes[100];
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	uint32_t start = LOG_SIZE - 3 * SECTOR, position;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		changes[i] = (struct change){ X_BLOCK_0 + i * SECTOR, 0, 500 + i };
		fill_pattern(content + i * SECTOR, SECTOR, 500 + i);
	}
	/* the first entry itself lies around the end, the second one behind it */
	position = put_entry(image, start, &(struct entry){ 8, start, changes, 60 });
	assert_int_equal(position, 58 * SECTOR);
	put_entry(image, position, &(struct entry){ 9, start, changes + 60, 40 });
	expect_our_content(image, content, 2, 100 * SECTOR);
}

/* What stands before the tail has been written to its place before, and may be stale. */
static void entries_before_the_tail_are_left(void **state)
{
	static const struct change stale[] = { { X_BLOCK_0, 0, 1 },
					       { X_BLOCK_0 + 4096, 0, 2 } };
	static const struct change fresh[] = { { X_BLOCK_0 + 8192, 0, 900 } };
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	uint32_t second = put_entry(image, 0, &(struct entry){ 5, 0, stale, 2 });

	put_entry(image, second, &(struct entry){ 6, second, fresh, 1 });
	memcpy(image + X_BLOCK_0, content, SECTOR);
	fill_pattern(content + 8192, SECTOR, 900);
	expect_our_content(image, content, 1, SECTOR);
}

static void a_torn_last_entry_is_left(void **state)
{
	static const struct change whole[] = { { X_BLOCK_0, 0, 900 } };
	static const struct change torn[] = { { X_BLOCK_0 + 4096, 0, 901 } };
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	uint32_t second = put_entry(image, 0, &(struct entry){ 5, 0, whole, 1 });

	put_entry(image, second, &(struct entry){ 6, 0, torn, 1 });
	memset(image + X_LOG + second + SECTOR + 2048, 0,
	       2048); /* half a sector not written */
	fill_pattern(content, SECTOR, 900);
	expect_content(image, content, 1, SECTOR);
}

static void the_highest_of_several_sequences_counts(void **state)
{
	static const struct change low[] = { { X_BLOCK_0, 0, 900 } };
	static const struct change high[] = { { X_BLOCK_0 + 4096, 0, 901 } };
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();

	put_entry(image, 0, &(struct entry){ 50, 0, high, 1 });
	put_entry(image, 64 * KiB, &(struct entry){ 20, 64 * KiB, low, 1 });
	fill_pattern(content + 4096, SECTOR, 901);
	expect_content(image, content, 1, SECTOR);
}

static void entries_of_another_log_are_left(void **state)
{
	static const struct change ours[] = { { X_BLOCK_0, 0, 900 } };
	static const struct change foreign[] = { { X_BLOCK_0, 0, 901 } };
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	uint32_t second = put_entry(image, 0, &(struct entry){ 5, 0, ours, 1 });

	put_entry(image, second, &(struct entry){ 6, 0, foreign, 1, .guid = old_guid });
	fill_pattern(content, SECTOR, 900);
	expect_content(image, content, 1, SECTOR);
}

/* What the ring held a lap ago begins where the last entry ends: whole, ours, but old. */
static void an_entry_of_an_earlier_lap_is_left(void **state)
{
	static const struct change fresh[] = { { X_BLOCK_0, 0, 900 } };
	static const struct change old[] = { { X_BLOCK_0, 0, 901 } };
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	uint32_t second = put_entry(image, 0, &(struct entry){ 70, 0, fresh, 1 });

	put_entry(image, second, &(struct entry){ 30, 0, old, 1 });
	fill_pattern(content, SECTOR, 900);
	expect_our_content(image, content, 1, SECTOR);
}

static void an_entry_without_changes_is_sound(void **state)
{
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();

	put_entry(image, 0, &(struct entry){ 5, 0, NULL, 0 });
	expect_content(image, content, 1, 0);
}

/* The table in its place is stale: it names a block that is nowhere. */
static void regions_metadata_and_table_are_read_through_the_log(void **state)
{
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content();
	AUTO_FREE uint8_t *good = make_vhdx();
	AUTO(source_freep) struct block_source *disk = NULL;
	static const uint64_t places[] = { X_REGIONS_1, X_METADATA, X_METADATA + 64 * KiB,
					   X_BAT };
	struct change changes[ARRAY_SIZE(places)] = { 0 };
	AUTO_FREE uint8_t *read = NULL;
	struct image_info info;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		changes[i] = (struct change){ places[i], 0, 0 };
	put_entry(image, 0, &(struct entry){ 5, 0, changes, ARRAY_SIZE(places) });
	/* the data sectors and descriptors get what belongs in these places */
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint8_t *descriptor = image + X_LOG + 64 + 32 * i;
		uint8_t *data = image + X_LOG + SECTOR * (i + 1);

		memcpy(descriptor + 8, good + places[i], 8);
		memcpy(descriptor + 4, good + places[i] + 4092, 4);
		memcpy(data + 8, good + places[i] + 8, 4084);
		memset(image + places[i], 0xa5, SECTOR);
	}
	x_fix(image + X_LOG, SECTOR * (ARRAY_SIZE(places) + 1));
	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	read = read_all(disk);
	assert_memory_equal(read, content, X_DISK);
	assert_string_equal(info.notes, "");
}

static void a_file_that_has_yet_to_grow_reads_as_zeros_there(void **state)
{
	static const struct change table[] = { { X_BAT, 0, 0 } };
	AUTO_FREE uint8_t *image = make_dirty(), *content = make_vhdx_content(),
			  *read = NULL;
	AUTO(source_freep) struct block_source *disk = NULL;
	uint8_t *descriptor = image + X_LOG + 64, *data = image + X_LOG + SECTOR;
	struct image_info info;
	struct err err = { 0 };

	put_entry(image, 0, &(struct entry){ 5, 0, table, 1, .last = X_FILE + 2 * MiB });
	memcpy(descriptor + 8, image + X_BAT, 8);
	memcpy(descriptor + 4, image + X_BAT + 4092, 4);
	memcpy(data + 8, image + X_BAT + 8, 4084);
	put_le(data + 8, 8, X_FILE | 6); /* block 1: in the space to come */
	x_fix(image + X_LOG, 2 * SECTOR);
	assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
	assert_string_equal(info.notes,
			    "log lets the file grow by 2097152 bytes, read as zeros");
	assert_int_equal(info.allocated, 3 * X_BLOCK);
	read = read_all(disk);
	assert_memory_equal(read, content, X_DISK);
}

static void without_its_id_in_the_header_a_log_is_left(void **state)
{
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };
	AUTO_FREE uint8_t *image = make_vhdx(), *content = make_vhdx_content();

	put_entry(image, 0, &(struct entry){ 5, 0, changes, 1 });
	expect_content(image, content, 0, 0);
}

/* Many changes in random places against the simplest way to apply them. */
static void random_changes_end_in_what_applying_them_one_by_one_gives(void **state)
{
	unsigned seed = 20240607;

	for (unsigned round = 0; round < 20; round++) {
		AUTO_FREE uint8_t *image = make_dirty(), *plain = make_vhdx();
		AUTO(source_freep) struct block_source *disk = NULL;
		AUTO_FREE uint8_t *read = NULL;
		uint32_t position = (uint32_t)rand_r(&seed) % 256 * SECTOR,
			 start = position;
		struct image_info info;
		struct err err = { 0 };

		for (uint64_t sequence = 10; sequence < 16; sequence++) {
			struct change changes[30];

			for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
				uint64_t sector = (uint64_t)rand_r(&seed) % 100;
				uint64_t length = (uint64_t)rand_r(&seed) % 8;
				uint8_t *target = plain + X_BLOCK_0 + sector * SECTOR;

				length = length > 3 ? 0 : length * SECTOR;
				changes[i] =
					(struct change){ X_BLOCK_0 + sector * SECTOR,
							 length, sequence * 100 + i };
				if (length)
					memset(target, 0, length);
				else
					fill_pattern(target, SECTOR, sequence * 100 + i);
			}
			position = put_entry(image, position,
					     &(struct entry){ sequence, start, changes,
							      ARRAY_SIZE(changes) });
		}
		assert_succeeds(open_bytes(image, X_FILE, X_NAME, &info, &disk, &err));
		read = malloc(X_BLOCK);
		assert_succeeds(source_read(disk, read, 0, X_BLOCK, &err));
		assert_memory_equal(read, plain + X_BLOCK_0, X_BLOCK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_and_zeros_of_an_entry_are_seen),
		cmocka_unit_test(the_file_is_not_written),
		cmocka_unit_test(later_changes_win_over_earlier_ones),
		cmocka_unit_test(many_descriptors_go_on_in_the_next_sector),
		cmocka_unit_test(a_sequence_goes_on_around_the_end_of_the_ring),
		cmocka_unit_test(entries_before_the_tail_are_left),
		cmocka_unit_test(a_torn_last_entry_is_left),
		cmocka_unit_test(the_highest_of_several_sequences_counts),
		cmocka_unit_test(entries_of_another_log_are_left),
		cmocka_unit_test(an_entry_of_an_earlier_lap_is_left),
		cmocka_unit_test(an_entry_without_changes_is_sound),
		cmocka_unit_test(regions_metadata_and_table_are_read_through_the_log),
		cmocka_unit_test(a_file_that_has_yet_to_grow_reads_as_zeros_there),
		cmocka_unit_test(without_its_id_in_the_header_a_log_is_left),
		cmocka_unit_test(
			random_changes_end_in_what_applying_them_one_by_one_gives),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
