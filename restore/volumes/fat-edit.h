/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of a copy of a FAT volume: reading, making, replacing, and what that changed. */
#pragma once

#include <base/overlay.h>
#include <restore/items.h>

struct fat_edit;

/* volume is borrowed and must outlive *ret; it is never written. */
int fat_edit_open(struct block_source *volume, struct fat_edit **ret, struct err *err) MUST_CHECK;
void fat_edit_close(struct fat_edit *edit); /* NULL is fine */
DEFINE_FREEP(struct fat_edit, fat_edit, fat_edit_close)

int fat_edit_exists(struct fat_edit *edit, const char *path, bool *ret, struct err *err) MUST_CHECK;

/* What is at a path; of a file with its attributes (read-only, hidden, system, archive). -ENOENT. */
int fat_edit_look(struct fat_edit *edit, const char *path, struct item *ret,
		  struct err *err) MUST_CHECK;

/* Before the first change. -EBADMSG: the volume is damaged, and a change would spread that. */
int fat_edit_check(struct fat_edit *edit, struct err *err) MUST_CHECK;

/* Copies the file from to the new file name in folder, which is made if its parent exists.
 * time: seconds since 1970, for what is made; equal input gives equal bytes. -ENOSPC where the
 * volume is full. */
int fat_edit_copy(struct fat_edit *edit, const char *from, const char *folder, const char *name,
		  int64_t time, struct err *err) MUST_CHECK;

/* The file from as the new file to, whose folder exists: its content stays where it lies, and it keeps
 * its times and attributes. */
int fat_edit_move(struct fat_edit *edit, const char *from, const char *to, int64_t time,
		  struct err *err) MUST_CHECK;

/* A file that is written is an archive file; read-only, hidden and system of attributes are added. */
int fat_edit_mark(struct fat_edit *edit, const char *path, uint32_t attributes,
		  struct err *err) MUST_CHECK;

/* -ENOENT; -EFBIG beyond limit. */
int fat_edit_read(struct fat_edit *edit, const char *path, size_t limit, uint8_t **ret,
		  size_t *ret_length, struct err *err) MUST_CHECK;

/* Makes or replaces the file; its folder exists. time and -ENOSPC as above. */
int fat_edit_write(struct fat_edit *edit, const char *path, const void *bytes, size_t length,
		   int64_t time, struct err *err) MUST_CHECK;

/* Makes the folder and those that it lies in, where they are missing. */
int fat_edit_make_folder(struct fat_edit *edit, const char *path, int64_t time,
			 struct err *err) MUST_CHECK;

/* Calls visit for each run of pages of 4096 bytes (cut at the volume's end) that differs from
 * the volume, ascending. */
int fat_edit_changes(struct fat_edit *edit, overlay_visit *visit, void *context,
		     struct err *err) MUST_CHECK;
