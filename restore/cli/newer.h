/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files on a disk that were written after a backup, and that a restore would erase: searched on its
 * NTFS volumes, in a reader process, before anything is written.
 */
#pragma once

#include <partition/disks.h>
#include <restore/files.h>
#include <restore/plan.h>

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

struct newer_wishes {
	int64_t since; /* seconds since 1970 */
	bool all;      /* those of Windows, too */
	const struct restore_plan
		*plan; /* but what it keeps in place; NULL: everything */
};

int newer_find(const struct disk *disk, const struct newer_wishes *wishes,
	       struct progress_display *display, struct newer_list *ret,
	       struct err *err) MUST_CHECK;
void newer_clear(struct newer_list *list);

/* Begins what a plan says of it; the menu looks for it. */
#define NEWER_HEADING "newer files: "

/* What a plan says of those that it would erase, on standard output; nothing where there are none. What
 * stays in place is not among them. */
void newer_tell(const struct restore_plan *plan, int64_t since,
		struct progress_display *display);
/* The first of them for machines, a new reference. */
struct json_t *newer_files_json(const struct newer_list *list, size_t most);
/* What a plan says as an object for machines; a new reference, NULL: there is no disk yet. */
struct json_t *newer_json(const struct restore_plan *plan, int64_t since,
			  struct progress_display *display);
