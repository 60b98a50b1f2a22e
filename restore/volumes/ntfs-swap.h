/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * New content for files that exist on an NTFS volume, and copies of what they held. A file keeps its
 * record, and with that all its names (hard links), its security descriptor and its streams; a copy
 * has the security descriptor, the attributes and the times of the file. On an overlay, with the
 * rules of ntfs-edit.h; content goes through in pieces.
 */
#pragma once

#include <restore/items.h>

#include "ntfs-edit.h"

struct ntfs_look {
	bool is_folder;
	bool replaceable; /* its content lies in the file itself */
	uint64_t size, allocated;
	unsigned names;	   /* hard links, without short names */
	struct item facts; /* times and attributes; owns nothing */
};

/* What is at a path. -ENOENT: nothing. */
int ntfs_look_at(struct ntfs *ntfs, const char *path, struct ntfs_look *ret,
		 struct err *err) MUST_CHECK;

/* Is the content of a file that of source, byte for byte? */
int ntfs_content_equals(struct ntfs *ntfs, const char *path, struct block_source *source,
			bool *ret, struct err *err) MUST_CHECK;

/* A copy of a file under the same last name in another folder. Streams beside the content are not
 * copied. time: as for ntfs_create_file(). */
int ntfs_copy_file(struct ntfs *ntfs, const char *path, const char *folder, int64_t time,
		   struct err *err) MUST_CHECK;

/* The content of source as that of a file; times and attributes (read-only, hidden, system,
 * archive) of facts. facts NULL: those of the file stay. */
int ntfs_fill_file(struct ntfs *ntfs, const char *path, struct block_source *source,
		   const struct item *facts, struct err *err) MUST_CHECK;
