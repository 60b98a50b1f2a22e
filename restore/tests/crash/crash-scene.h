/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small machine, its backup, and restores of it: what the crash harness cuts the power of.
 * Everything is made once for each shape of disk and used again for thousands of restores.
 */
#pragma once

#include <restore/restore.h>

#include "crash-disk.h"
#include "crash-reader.h"
#include "engine/restore-job.h"

struct crash_shape {
	const char *name;
	enum table_style style;
	uint32_t sector_size;
	bool wipe;
};

struct crash_scene {
	const struct crash_shape *shape;
	struct backup_volume volumes[2];
	struct source_partition sources[3];
	struct backup_version version;
	struct backup_machine machine;
	struct disk target;
	struct disk_layout *after;
	struct plan_partition partitions[3];
	struct restore_plan plan;
	struct crash_image images[2];
	uint64_t size;	/* of the disk */
	uint64_t total; /* with the journal's mirror behind it */
	uint8_t *old;	/* another system's disk */
	uint8_t *whole; /* the restored one; its journal's slots do not count */
	struct crash_disk disk;
	bool delta; /* restores compare first */
	bool ignores_free; /* of the volumes what is stored counts */
};

void crash_scene_make(struct crash_scene *scene, const struct crash_shape *shape);
void crash_scene_clear(struct crash_scene *scene);

struct crash_outcome {
	int code;
	struct err err;
	uint64_t resumed; /* bytes */
	bool warned, resumable;
	bool whole; /* a comparison found nothing to write */
};

/* Runs a restore on scene->disk as it is. */
struct crash_outcome crash_restore(struct crash_scene *scene, bool resume);

bool crash_in_slots(const struct crash_scene *scene, uint64_t offset);
/* Where the mirror of the journal is, in the same memory. */
bool crash_in_mirror(const struct crash_scene *scene, uint64_t offset);
/* The n-th allocation from now on fails; 0: none. Answers how many there were before. */
size_t crash_fail_allocation(size_t number);
