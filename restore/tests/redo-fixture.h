/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of a change that no power cut tears share (state/redo.h): it is cut at every
 * operation of the write, on the disk with a write cache of the crash harness, and at every one of a
 * finish.
 */
#pragma once

#include "image-fixture.h"

#include <base/crc32c.h>

#include "crash/crash-disk.h"
#include "state/redo.h"

/* What the harness' disk allocates by, where its tests make allocations fail. */
void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);

void *__real_malloc(size_t size)
{
	return malloc(size);
}

void *__real_realloc(void *old, size_t size)
{
	return realloc(old, size);
}

/* A volume at place of a disk. */
struct redo_scene {
	size_t size;
	uint64_t place, volume;
	struct crash_disk disk;
	uint8_t *old, *new; /* the whole disk, free ranges aside */
	struct patch_list list;
};

static inline int redo_run(const struct redo_scene *scene, struct crash_disk *disk,
			   const struct patch_list *list, struct err *err)
{
	AUTO(gate_freep) struct gate *gate = NULL;
	struct redo_place place = { .offset = scene->place,
				    .length = scene->volume,
				    .sector_size = disk->sector_size };

	assert_int_equal(gate_new(crash_disk_target(disk, 0, scene->size), &gate, err),
			 0);
	place.gate = gate;
	return list ? redo_write(&place, list, 1788210005, err)
		    : redo_finish(&place, err);
}

/* Are the disks equal but for what is free? */
static inline bool redo_is_like(const struct redo_scene *scene, const uint8_t *a,
				const uint8_t *b)
{
	uint64_t at = 0;

	for (size_t i = 0; i <= scene->list.move_count; i++) {
		const struct patch_move *room = &scene->list.moves[i];
		bool last = i == scene->list.move_count;
		uint64_t end = last ? scene->size : scene->place + room->to;

		if (memcmp(a + at, b + at, end - at) != 0)
			return false;
		if (!last)
			at = end + room->length;
	}
	return true;
}

static inline bool redo_is_half(const struct redo_scene *scene, const uint8_t *image)
{
	struct redo_pointer pointer;
	struct err err = { 0 };
	int r = redo_pointer_decode(image + scene->place, &pointer, &err);

	assert_true(r == 0 || r == -ENOEXEC);
	return r == 0;
}

/* Of crash_apply(): the last operation is torn. */
#define REDO_TORN_PATTERN 5

static unsigned redo_cuts;

static inline void redo_cut(struct redo_scene *scene, const uint8_t *before, bool again);

/* Old, new, or finishable; and the last also where the finish is cut, and so on once more. */
static inline void redo_judge(struct redo_scene *scene, const uint8_t *image,
			      unsigned pattern, bool again)
{
	struct crash_disk disk;
	struct err err = { 0 };

	redo_cuts++;
	if (!redo_is_half(scene, image)) {
		assert_true(redo_is_like(scene, image, scene->new) ||
			    (!again && redo_is_like(scene, image, scene->old)));
		return;
	}
	crash_disk_init(&disk, scene->size, scene->disk.sector_size);
	crash_disk_reset(&disk, image);
	assert_succeeds(redo_run(scene, &disk, NULL, &err));
	assert_true(redo_is_like(scene, disk.bytes, scene->new));
	crash_disk_clear(&disk);
	if (!again && (pattern == 0 || pattern == REDO_TORN_PATTERN))
		redo_cut(scene, image, true);
}

/* Cuts the write, or the finish of what `before` has, at every operation. */
static inline void redo_cut(struct redo_scene *scene, const uint8_t *before, bool again)
{
	AUTO_FREE uint8_t *flushed = malloc(scene->size), *image = malloc(scene->size);
	struct crash_disk disk;
	struct err err = { 0 };
	size_t pending = 0;

	crash_disk_init(&disk, scene->size, scene->disk.sector_size);
	crash_disk_reset(&disk, before);
	disk.logging = true;
	assert_succeeds(redo_run(scene, &disk, again ? NULL : &scene->list, &err));
	assert_true(redo_is_like(scene, disk.bytes, scene->new));
	memcpy(flushed, before, scene->size);
	for (size_t at = 0; at <= disk.log.count; at++) {
		/* A finish that is cut is judged after one pattern each: there are many. */
		for (unsigned p = again ? at % 8 : 0; p < (again ? at % 8 + 1 : 8); p++) {
			memcpy(image, flushed, scene->size);
			crash_apply(&disk, pending, at, p, 7, image);
			redo_judge(scene, image, p, again);
		}
		if (at == disk.log.count ||
		    disk.log.operations[at].kind != OPERATION_FLUSH)
			continue;
		for (; pending <= at; pending++)
			operation_apply(&disk.log.operations[pending], flushed);
	}
	for (size_t i = 0; i < disk.log.count; i++)
		free(disk.log.operations[i].bytes);
	free(disk.log.operations);
	disk.log = (struct crash_log){ 0 };
	crash_disk_clear(&disk);
}
