/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked of the reader process, over a folder with a real image in it. */
#include "reader-fixture.h"

/* -- blocks ----------------------------------------------------------------------- */

static void blocks_come_back_whole_with_all_slots_in_flight(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	uint64_t offset = 0, seen = 0;
	struct err err = { 0 };

	while (seen < VOLUME_SIZE) {
		struct reader_block block;

		while (offset < VOLUME_SIZE && reader_can_submit(reader, 512)) {
			submit(reader, volume, offset);
			offset += SLOT_SIZE;
		}
		assert_in_range(reader_in_flight(reader), 1, 4);
		assert_int_equal(reader_wait(reader, 10000, &block, &err), 0);
		assert_int_equal(block.volume, volume);
		assert_int_equal(block.length, SLOT_SIZE);
		assert_int_equal((uintptr_t)block.bytes % 4096, 0);
		assert_memory_equal(block.bytes, volume_bytes + block.offset,
				    block.length);
		seen += block.length;
		reader_release(reader, block.slot);
	}
	assert_int_equal(reader_in_flight(reader), 0);
	assert_int_equal(reader_close_volume(reader, volume, &err), 0);
}

static void a_held_slot_is_not_used_again(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	struct reader_block block;
	struct err err = { 0 };

	for (int i = 0; i < 4; i++) {
		submit(reader, volume, (uint64_t)i * SLOT_SIZE);
		assert_int_equal(reader_wait(reader, 10000, &block, &err), 0);
	}
	assert_false(reader_can_submit(reader, 512));
	assert_int_equal(reader_submit(reader, volume, 0, 512, &err), -EBUSY);
	assert_string_equal(err.text, "all 4 slots of the reader are in use");
	reader_release(reader, block.slot);
	assert_true(reader_can_submit(reader, 512));
}

static void reads_outside_of_the_volume_are_refused_before_they_are_sent(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	struct reader_block block;
	struct err err = { 0 };

	assert_int_equal(reader_submit(reader, volume, VOLUME_SIZE - 512, 1024, &err),
			 -EINVAL);
	assert_string_equal(err.text, "'disk.vhd': range 1048064+1024 leaves the volume "
				      "of 1048576 bytes");
	assert_int_equal(reader_submit(reader, volume, UINT64_MAX, 512, &err), -EINVAL);
	assert_int_equal(reader_submit(reader, volume, 0, 0, &err), -EINVAL);
	assert_string_equal(err.text, "a read of 0 bytes, must be from 1 to 262144");
	assert_int_equal(reader_submit(reader, volume, 0, 4 * SLOT_SIZE + 1, &err),
			 -EINVAL);
	assert_int_equal(reader_submit(reader, volume + 1, 0, 512, &err), -EINVAL);
	assert_string_equal(err.text, "volume 1 is not open in the reader");
	assert_int_equal(reader_wait(reader, 0, &block, &err), -EINVAL);
	assert_string_equal(err.text, "no read is in flight");
}

static void one_failed_read_says_why_and_the_others_arrive(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	struct reader_block block;
	struct err err = { 0 };
	char path[256], expected[512];

	snprintf(path, sizeof(path), "%s/disk.vhd", folder);
	assert_int_equal(truncate(path, VOLUME_OFFSET + SLOT_SIZE), 0);
	submit(reader, volume, SLOT_SIZE);
	submit(reader, volume, 0);
	assert_int_equal(reader_wait(reader, 10000, &block, &err), -EIO);
	snprintf(expected, sizeof(expected),
		 "'%s/disk.vhd': file ended at 131072, expected 1114624", folder);
	assert_string_equal(err.text, expected);
	assert_int_equal(reader_wait(reader, 10000, &block, &err), 0);
	assert_int_equal(block.offset, 0);
	remove_folder(NULL);
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_int_equal(make_folder(NULL), 0);
}

/* -- volumes ---------------------------------------------------------------------- */

static void a_missing_image_is_named(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	struct err err = { 0 };
	char expected[512];
	uint64_t length;
	unsigned volume;

	assert_int_equal(reader_open_volume(reader, &missing, &volume, &length, &err),
			 -ENOENT);
	snprintf(expected, sizeof(expected),
		 "'%s/sub/none.vhd': opening for reading: No such file or directory",
		 folder);
	assert_string_equal(err.text, expected);
}

static void open_volumes_are_bounded_and_can_be_closed(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	struct err err = { 0 };
	uint64_t length;
	unsigned volume;

	for (unsigned i = 0; i < READER_MAX_VOLUMES; i++)
		assert_int_equal(open_image(reader), i);
	assert_int_equal(reader_open_volume(reader, &image, &volume, &length, &err),
			 -EMFILE);
	assert_string_equal(err.text, "64 volumes are open in the reader, at most 64");
	assert_int_equal(reader_close_volume(reader, 7, &err), 0);
	assert_int_equal(open_image(reader), 7);
	submit(reader, 7, 0);
	assert_int_equal(reader_close_volume(reader, 7, &err), -EBUSY);
	assert_string_equal(err.text, "'disk.vhd': closed while reads are in flight");
}

static void a_map_covers_the_volume(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	struct volume_range ranges[8];
	struct err err = { 0 };
	uint64_t offset = 0;
	size_t count = 1;

	while (offset < VOLUME_SIZE) {
		assert_int_equal(
			reader_map(reader, volume, offset, ranges, 8, &count, &err), 0);
		assert_in_range(count, 1, 8);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(ranges[i].offset, offset);
			offset += ranges[i].length;
		}
	}
	assert_int_equal(offset, VOLUME_SIZE);
	assert_int_equal(reader_map(reader, volume, offset, ranges, 8, &count, &err), 0);
	assert_int_equal(count, 0);
}

static void a_volume_can_be_read_as_a_source_while_blocks_are_in_flight(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	AUTO(source_freep) struct block_source *source = NULL;
	unsigned volume = open_image(reader);
	static uint8_t bytes[3 * SLOT_SIZE];
	struct reader_block block;
	struct err err = { 0 };

	assert_int_equal(reader_source(reader, volume, &source, &err), 0);
	assert_int_equal(source->size, VOLUME_SIZE);
	submit(reader, volume, 0);
	assert_int_equal(source_read(source, bytes, 4097, sizeof(bytes), &err), 0);
	assert_memory_equal(bytes, volume_bytes + 4097, sizeof(bytes));
	assert_int_equal(reader_wait(reader, 10000, &block, &err), 0);
	assert_memory_equal(block.bytes, volume_bytes, SLOT_SIZE);
}

static void a_file_of_a_volume_without_file_system_is_an_error(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	unsigned volume = open_image(reader);
	uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length;

	assert_true(reader_read_file(reader, volume, "Boot/BCD", &bytes, &length, &err) <
		    0);
	assert_null(bytes);
	assert_int_equal(err.code == -EPIPE || err.code == -EPROTO, false);
}

static void a_file_of_the_tree_is_read_and_nothing_outside_of_it(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	static const char *const outside[] = { "../escape", "/etc/passwd", "no such file",
					       "" };
	AUTO_FREE uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length;

	if (reader_read_file(reader, READER_TREE, BESIDE, &bytes, &length, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(length, strlen(BESIDE_TEXT));
	assert_memory_equal(bytes, BESIDE_TEXT, length);
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		uint8_t *none = NULL;

		assert_true(reader_read_file(reader, READER_TREE, outside[i], &none,
					     &length, &err) < 0);
		assert_null(none);
		assert_int_equal(err.code == -EPIPE || err.code == -EPROTO, false);
	}
}

/* -- scan ------------------------------------------------------------------------- */

static int count_progress(const struct scan_progress *progress, void *context)
{
	assert_non_null(progress->folder);
	(*(unsigned *)context)++;
	return 0;
}

static int cancel_at_once(const struct scan_progress *progress, void *context)
{
	(*(unsigned *)context)++;
	return 1;
}

static void a_scan_reports_and_hands_back_what_was_found(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	AUTO(backup_freep) struct backup *backup = NULL;
	struct err err = { 0 };
	unsigned told = 0;

	if (reader_scan(reader, count_progress, &told, &backup, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(told > 0);
	assert_int_equal(backup->machine_count, 1);
	assert_int_equal(backup->machines[0].versions[0].volume_count, 1);
	assert_string_equal(backup->machines[0].versions[0].volumes[0].image_path,
			    "disk.vhd");
}

static void a_scan_can_be_cancelled_and_the_reader_goes_on(void **state)
{
	AUTO(reader_freep) struct reader *reader = start_reader();
	struct backup *backup = NULL;
	struct err err = { 0 };
	unsigned told = 0;

	assert_int_equal(reader_scan(reader, cancel_at_once, &told, &backup, &err),
			 -ECANCELED);
	assert_null(backup);
	assert_int_equal(told, 1);
	open_image(reader);
}

/* -- over a share ------------------------------------------------------------------ */

#define SPOT (300 * KiB) /* in the volume */

/* Another image in the place of the first one, which looks the same from outside. */
static void exchange_image(const struct stat *old)
{
	const struct timespec times[2] = { old->st_mtim, old->st_mtim };
	uint8_t footer[512], other = (uint8_t)~volume_bytes[SPOT];
	uint32_t sum = 0;
	be32 checksum = { 0 };
	char path[256];
	int fd;

	make_footer(footer, DISK_SIZE);
	footer[68] ^= 1; /* of the unique id */
	memcpy(footer + 64, &checksum, 4);
	for (size_t i = 0; i < 512; i++)
		sum += footer[i];
	checksum = put_be32(~sum);
	memcpy(footer + 64, &checksum, 4);
	snprintf(path, sizeof(path), "%s/disk.vhd", folder);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &other, 1, VOLUME_OFFSET + SPOT), 1);
	assert_int_equal(pwrite(fd, footer, 512, DISK_SIZE), 512);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static struct backup_volume describe_image(struct stat *ret)
{
	struct backup_volume scanned = image;
	char path[256];

	snprintf(path, sizeof(path), "%s/disk.vhd", folder);
	assert_int_equal(stat(path, ret), 0);
	scanned.image.file_size = (uint64_t)ret->st_size;
	scanned.image.mtime_ns = (uint64_t)ret->st_mtim.tv_sec * 1000000000 +
				 (uint64_t)ret->st_mtim.tv_nsec;
	memset(&scanned.image.unique_id, 0x5a, sizeof(scanned.image.unique_id));
	return scanned;
}

/* What memory answers is bytes of the image that was scanned; whether it still is that one, and what the
 * copy writes, comes from the server. */
static void an_image_that_was_exchanged_is_noticed_whatever_is_kept_of_it(void **state)
{
	struct reader_options options = local;
	AUTO(reader_freep) struct reader *reader = NULL;
	AUTO(source_freep) struct block_source *source = NULL;
	struct reader_block block = { 0 };
	struct stat old;
	const struct backup_volume scanned = describe_image(&old);
	struct err err = { 0 };
	uint64_t length;
	unsigned volume = 99;
	uint8_t byte;

	options.local = false;
	assert_int_equal(reader_start(&options, &reader, &err), 0);
	assert_int_equal(reader_open_volume(reader, &scanned, &volume, &length, &err), 0);
	assert_int_equal(reader_source(reader, volume, &source, &err), 0);
	assert_int_equal(source_read(source, &byte, SPOT, 1, &err), 0);
	assert_int_equal(byte, volume_bytes[SPOT]);
	exchange_image(&old);
	assert_int_equal(source_read(source, &byte, SPOT, 1, &err), 0);
	assert_int_equal(byte, volume_bytes[SPOT]);
	assert_int_equal(reader_submit(reader, volume, SPOT, 1, &err), 0);
	assert_int_equal(reader_wait(reader, 60000, &block, &err), 0);
	assert_int_equal(block.bytes[0], (uint8_t)~volume_bytes[SPOT]);
	reader_release(reader, block.slot);
	assert_int_equal(reader_open_volume(reader, &scanned, &volume, &length, &err),
			 -ESTALE);
	assert_string_equal(err.text, "'disk.vhd': got another unique id since it was "
				      "scanned; a backup may be running: "
				      "wait for its end, then scan and plan again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_come_back_whole_with_all_slots_in_flight),
		cmocka_unit_test(a_held_slot_is_not_used_again),
		cmocka_unit_test(
			reads_outside_of_the_volume_are_refused_before_they_are_sent),
		cmocka_unit_test(one_failed_read_says_why_and_the_others_arrive),
		cmocka_unit_test(a_missing_image_is_named),
		cmocka_unit_test(open_volumes_are_bounded_and_can_be_closed),
		cmocka_unit_test(a_map_covers_the_volume),
		cmocka_unit_test(
			a_volume_can_be_read_as_a_source_while_blocks_are_in_flight),
		cmocka_unit_test(a_file_of_a_volume_without_file_system_is_an_error),
		cmocka_unit_test(a_file_of_the_tree_is_read_and_nothing_outside_of_it),
		cmocka_unit_test(a_scan_reports_and_hands_back_what_was_found),
		cmocka_unit_test(a_scan_can_be_cancelled_and_the_reader_goes_on),
		/* the last one: the image is another one afterwards */
		cmocka_unit_test(
			an_image_that_was_exchanged_is_noticed_whatever_is_kept_of_it),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
