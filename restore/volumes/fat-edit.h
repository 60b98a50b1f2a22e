/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adding files to a copy of a FAT volume, and telling what that changed. */
#pragma once

#include <base/block-source.h>
#include <base/overlay.h>

struct fat_edit;

/* volume is borrowed and must outlive *ret; it is never written. */
int fat_edit_open(struct block_source *volume, struct fat_edit **ret, struct err *err) MUST_CHECK;
void fat_edit_close(struct fat_edit *edit); /* NULL is fine */
DEFINE_FREEP(struct fat_edit, fat_edit, fat_edit_close)

int fat_edit_exists(struct fat_edit *edit, const char *path, bool *ret, struct err *err) MUST_CHECK;

/* Copies the file from to the new file name in folder, which is made if its parent exists.
 * time: seconds since 1970, for what is made; equal input gives equal bytes. -ENOSPC where the
 * volume is full. */
int fat_edit_copy(struct fat_edit *edit, const char *from, const char *folder, const char *name,
		  int64_t time, struct err *err) MUST_CHECK;

/* Calls visit for each run of pages of 4096 bytes (cut at the volume's end) that differs from
 * the volume, ascending. */
int fat_edit_changes(struct fat_edit *edit, overlay_visit *visit, void *context,
		     struct err *err) MUST_CHECK;
