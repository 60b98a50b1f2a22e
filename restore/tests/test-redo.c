/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A change of a volume that no power cut tears (state/redo.h): on the disk with a write cache of the
 * crash harness, cut at every operation of the write, and at every one of a finish.
 */
#include "redo-fixture.h"

#define DISK	(512 * KiB)
#define PLACE	(64 * KiB)
#define VOLUME	(384 * KiB)
#define PATCHES 5

/* Ranges that are free before and after, in the volume; too small one by one. */
static struct patch_move rooms[] = {
	{ 40960, 40960, 8192 },
	{ 102400, 102400, 16384 },
	{ 204800, 204800, 32768 },
	{ 303104, 303104, 4096 },
};

static struct patch patches[PATCHES];

/* first: where the first patch lies, in the page of the boot sector or behind it. */
static void scene_start(struct redo_scene *scene, uint32_t sector_size, uint64_t first)
{
	static const struct {
		uint64_t offset;
		uint32_t length;
	} shapes[PATCHES] = {
		{ 0, 4096 },	   { 53248, 8192 },  { 65536, 4096 },
		{ 262144, 12288 }, { 389120, 4096 },
	};

	*scene = (struct redo_scene){ .size = DISK,
				      .place = PLACE,
				      .volume = VOLUME,
				      .old = malloc(DISK),
				      .new = malloc(DISK) };
	crash_disk_init(&scene->disk, DISK, sector_size);
	fill_pattern(scene->old, DISK, 3);
	memcpy(scene->new, scene->old, DISK);
	for (size_t i = 0; i < PATCHES; i++) {
		struct patch *patch = &patches[i];
		uint64_t offset = i ? shapes[i].offset : first;

		*patch = (struct patch){ offset, shapes[i].length,
					 malloc(shapes[i].length) };
		fill_pattern(patch->bytes, patch->length, 100 + i);
		patch->before = crc32c(0, scene->old + PLACE + offset, patch->length);
		memcpy(scene->new + PLACE + offset, patch->bytes, patch->length);
	}
	scene->list = (struct patch_list){ PATCHES, patches, ARRAY_SIZE(rooms), rooms };
	crash_disk_reset(&scene->disk, scene->old);
}

static void scene_end(struct redo_scene *scene)
{
	for (size_t i = 0; i < PATCHES; i++)
		free(patches[i].bytes);
	free(scene->old);
	free(scene->new);
	crash_disk_clear(&scene->disk);
}

static void
a_cut_leaves_the_old_volume_the_new_one_or_one_that_can_be_finished(void **state)
{
	static const struct {
		uint32_t sector_size;
		uint64_t first;
	} kinds[] = { { 512, 0 }, { 512, 8192 }, { 4096, 0 }, { 4096, 8192 } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct redo_scene scene;

		scene_start(&scene, kinds[i].sector_size, kinds[i].first);
		redo_cut(&scene, scene.old, false);
		scene_end(&scene);
	}
	assert_in_range(redo_cuts, 1000, 1000000);
}

static void a_failing_operation_leaves_the_same(void **state)
{
	struct redo_scene scene;

	scene_start(&scene, 512, 0);
	for (size_t failing = 1;; failing++) {
		struct err err = { 0 };
		int r;

		crash_disk_reset(&scene.disk, scene.old);
		scene.disk.failing = failing;
		scene.disk.done = 0;
		r = redo_run(&scene, &scene.disk, &scene.list, &err);
		if (!scene.disk.failed) {
			assert_succeeds(r);
			break;
		}
		assert_int_not_equal(r, 0);
		scene.disk.failing = 0;
		scene.disk.failed = false;
		if (redo_is_half(&scene, scene.disk.bytes))
			assert_succeeds(redo_run(&scene, &scene.disk, NULL, &err));
		assert_true(redo_is_like(&scene, scene.disk.bytes, scene.new) ||
			    redo_is_like(&scene, scene.disk.bytes, scene.old));
	}
	scene_end(&scene);
}

static void a_volume_that_has_changed_meanwhile_is_not_touched(void **state)
{
	struct redo_scene scene;
	struct err err = { 0 };

	scene_start(&scene, 512, 0);
	scene.old[PLACE + 65536 + 77] ^= 1;
	crash_disk_reset(&scene.disk, scene.old);
	assert_failed(redo_run(&scene, &scene.disk, &scene.list, &err), -ESTALE,
		      "the volume has changed since this was worked out, at byte 65536: "
		      "nothing was written; begin again");
	assert_memory_equal(scene.disk.bytes, scene.old, DISK);
	scene_end(&scene);
}

static void a_volume_without_room_for_the_log_is_not_touched(void **state)
{
	struct redo_scene scene;
	struct err err = { 0 };

	scene_start(&scene, 512, 0);
	scene.list.move_count = 2;
	assert_failed(redo_run(&scene, &scene.disk, &scene.list, &err), -ENOSPC,
		      "the volume has no room for the record of the change: its 26 "
		      "largest free ranges have 24576 bytes, 36864 are needed");
	assert_memory_equal(scene.disk.bytes, scene.old, DISK);
	scene_end(&scene);
}

/* What could not be finished must not be begun. */
static void expect_not_begun(struct redo_scene *scene, const char *text)
{
	struct err err = { 0 };

	assert_failed(redo_run(scene, &scene->disk, &scene->list, &err), -EBADMSG, text);
	assert_memory_equal(scene->disk.bytes, scene->old, DISK);
	scene_end(scene);
}

static void a_change_that_could_not_be_finished_is_not_begun(void **state)
{
	struct redo_scene scene;
	struct patch second;

	scene_start(&scene, 512, 0);
	second = patches[1];
	patches[1] = patches[2];
	patches[2] = second;
	expect_not_begun(&scene, "nothing was written: the record of a change is "
				 "impossible: a range at 53248+8192");
	rooms[1].to += 512;
	scene_start(&scene, 512, 0);
	expect_not_begun(&scene, "nothing was written: the record of a change is "
				 "impossible: piece 0 at 102912+4096");
	rooms[1].to -= 512;
}

static void there_is_nothing_to_finish_on_a_volume(void **state)
{
	struct redo_scene scene;
	struct err err = { 0 };

	scene_start(&scene, 512, 0);
	assert_failed(redo_run(&scene, &scene.disk, NULL, &err), -ENOEXEC,
		      "no change is half-way");
	assert_memory_equal(scene.disk.bytes, scene.old, DISK);
	scene_end(&scene);
}

/* -- the format ---------------------------------------------------------------------- */

static struct redo_pointer make_pointer(void)
{
	return (struct redo_pointer){ .sector_size = 512,
				      .record_count = 2,
				      .extent_count = 2,
				      .volume_length = VOLUME,
				      .time = 1788210005,
				      .extents = { { 40960, 8192 }, { 102400, 16384 } } };
}

static void expect_pointer(const struct redo_pointer *pointer, int code, const char *text)
{
	struct redo_pointer found;
	struct err err = { 0 };
	uint8_t sector[512];

	redo_pointer_encode(pointer, sector);
	if (code)
		assert_failed(redo_pointer_decode(sector, &found, &err), code, text);
	else
		assert_succeeds(redo_pointer_decode(sector, &found, &err));
}

static void an_impossible_pointer_is_refused(void **state)
{
	struct redo_pointer good = make_pointer(), bad;
	struct err err = { 0 };
	uint8_t sector[512];

	expect_pointer(&good, 0, NULL);
	redo_pointer_encode(&good, sector);
	sector[100] ^= 1;
	assert_failed(redo_pointer_decode(sector, &bad, &err), -EBADMSG,
		      "the record of a change is damaged: checksum");
	bad = good;
	bad.sector_size = 1024;
	expect_pointer(&bad, -EBADMSG,
		       "the record of a change is impossible: sectors of 1024 bytes, a "
		       "volume of 393216");
	bad = good;
	bad.record_count = REDO_MAX_RECORDS + 1;
	expect_pointer(&bad, -EBADMSG,
		       "the record of a change is impossible: 262145 ranges in 2 pieces");
	bad = good;
	bad.extent_count = 0;
	expect_pointer(&bad, -EBADMSG,
		       "the record of a change is impossible: 2 ranges in 0 pieces");
	bad = good;
	bad.extents[1].offset = 45056;
	expect_pointer(&bad, -EBADMSG,
		       "the record of a change is impossible: piece 1 at 45056+16384");
	bad = good;
	bad.extents[1].length = UINT64_MAX - 4095;
	expect_pointer(&bad, -EBADMSG,
		       "the record of a change is impossible: piece 1 at "
		       "102400+18446744073709547520");
}

static void expect_index(struct redo_record second, uint32_t first_offset, int code,
			 const char *text)
{
	const struct redo_record records[2] = { { first_offset, 4096, 1 }, second };
	struct redo_pointer pointer = make_pointer();
	struct redo_record_disk disk[2];
	AUTO_FREE struct redo_record *found = NULL;
	struct err err = { 0 };

	for (size_t i = 0; i < 2; i++)
		disk[i] = (struct redo_record_disk){ put_le64(records[i].offset),
						     put_le32(records[i].length),
						     put_le32(records[i].crc) };
	pointer.index_crc = crc32c(0, disk, sizeof(disk));
	if (code)
		assert_failed(redo_index_decode(&pointer, (void *)disk, sizeof(disk),
						&found, &err),
			      code, text);
	else
		assert_succeeds(redo_index_decode(&pointer, (void *)disk, sizeof(disk),
						  &found, &err));
}

static void an_impossible_index_is_refused(void **state)
{
	expect_index((struct redo_record){ 8192, 4096, 2 }, 0, 0, NULL);
	expect_index((struct redo_record){ 45056, 4096, 2 }, 0, -EBADMSG,
		     "the record of a change is impossible: a range at 45056+4096");
	expect_index((struct redo_record){ 2048, 4096, 2 }, 0, -EBADMSG,
		     "the record of a change is impossible: a range at 2048+4096");
	expect_index((struct redo_record){ 8193, 4096, 2 }, 0, -EBADMSG,
		     "the record of a change is impossible: a range at 8193+4096");
	expect_index((struct redo_record){ VOLUME, 4096, 2 }, 0, -EBADMSG,
		     "the record of a change is impossible: a range at 393216+4096");
	expect_index((struct redo_record){ 8192, 4096, 2 }, 512, -EBADMSG,
		     "the record of a change is impossible: no boot sector, or more than "
		     "its 24576 bytes");
	expect_index((struct redo_record){ 122880, 24576, 2 }, 0, -EBADMSG,
		     "the record of a change is impossible: no boot sector, or more than "
		     "its 24576 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_cut_leaves_the_old_volume_the_new_one_or_one_that_can_be_finished),
		cmocka_unit_test(a_failing_operation_leaves_the_same),
		cmocka_unit_test(a_volume_that_has_changed_meanwhile_is_not_touched),
		cmocka_unit_test(a_volume_without_room_for_the_log_is_not_touched),
		cmocka_unit_test(a_change_that_could_not_be_finished_is_not_begun),
		cmocka_unit_test(there_is_nothing_to_finish_on_a_volume),
		cmocka_unit_test(an_impossible_pointer_is_refused),
		cmocka_unit_test(an_impossible_index_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
