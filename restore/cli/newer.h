/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files on a disk that were written after a backup, and that a restore would erase: searched on its
 * NTFS volumes, in a reader process, before anything is written.
 */
#pragma once

#include <partition/disks.h>
#include <restore/files.h>

#include "progress.h"

#define NEWER_MAX 100000 /* kept of one disk; more are counted */

struct newer_file {
	unsigned slot; /* of the partition */
	char *path;
	uint64_t size;
	int64_t modified; /* 100 ns since 1970 */
};

struct newer_list {
	struct reader *reader; /* over the disk's partitions */
	uint64_t users, bytes; /* files of people and programs, and what they come to */
	uint64_t others;       /* of Windows itself: logs, caches, page files; not kept */
	size_t count;
	struct newer_file
		*files;	  /* the first NEWER_MAX of the former, by partition and path */
	char *unsearched; /* partitions that could not be searched, and why; lines */
};

/* all: those of Windows, too. since: seconds since 1970. */
int newer_find(const struct disk *disk, int64_t since, bool all,
	       struct progress_display *display, struct newer_list *ret,
	       struct err *err) MUST_CHECK;
void newer_clear(struct newer_list *list);

/* What a plan says of it, on standard output; nothing where there are none. */
void newer_tell(const struct disk *disk, int64_t since, struct progress_display *display);
