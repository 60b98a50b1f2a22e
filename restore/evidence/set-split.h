/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Images of several backup sets that lie in one folder: which belong together. What shows that
 * two belong to one machine: the disk signature in their names; a boot store in one that starts
 * from the other; MountedDevices in one that names the other; documents that list both. Several states of one volume
 * belong to several sets, and those are told apart by the times of the files. Pure.
 */
#pragma once

#include "backup-image.h"
#include "image-name.h"

struct split_image {
	const struct backup_volume *volume; /* as image_look() filled it */
	const struct image_name *name;
	const struct image_finds *finds;
	int64_t mtime_s; /* of the file; 0: unknown */
	bool is_listed;	 /* in the one set of documents that was read */
};

/* Times of files that are nearer to each other tell nothing apart. */
#define SPLIT_SECONDS 60

struct split_result {
	unsigned count;	   /* of sets; 1: nothing to split */
	unsigned machines; /* that they are of */
	bool by_time;	   /* some image was put to a set by its time alone */
};

/* sets: for each image the number of its set; machines: for each set its machine, room for
 * count of both. Sets of one machine are numbered together, the oldest first. */
int set_split(const struct split_image *images, size_t count, unsigned *sets,
	      unsigned *machines, struct split_result *ret, struct err *err) MUST_CHECK;

/* Two images of one volume: the same id, or the same file system at the same place. */
bool split_same_volume(const struct split_image *a, const struct split_image *b);
