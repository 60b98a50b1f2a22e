/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of an NTFS or FAT volume, for fix-ups: read, made, replaced. What changes goes to
 * an overlay when the edit is closed, or before; after an error it is to be thrown away. An
 * NTFS that Windows did not close, and a FAT whose chains cross, are read all the same: only
 * the first change fails.
 */
#pragma once

#include <base/overlay.h>
#include <restore/volume.h>

struct volume_edit;

/* overlay is borrowed. time: seconds since 1970, of what is changed; equal input gives equal
 * bytes. -ENOTSUP: another file system. */
int volume_edit_open(struct overlay *overlay, const struct volume_info *info, int64_t time,
		     struct volume_edit **ret, struct err *err) MUST_CHECK;
/* Writes what is still held. *edit is NULL afterwards, on failure too. */
int volume_edit_close(struct volume_edit **edit, struct err *err) MUST_CHECK;
/* For the way out of a failure. */
void volume_edit_drop(struct volume_edit *edit); /* NULL is fine */
DEFINE_FREEP(struct volume_edit, volume_edit, volume_edit_drop)

/* "EFI/Microsoft/Boot/BCD", no case. -ENOENT; -EFBIG beyond limit. */
int volume_edit_read(struct volume_edit *edit, const char *path, size_t limit, uint8_t **ret,
		     size_t *ret_length, struct err *err) MUST_CHECK;

/* Makes or replaces a file; its folder exists. -EBUSY: an NTFS that Windows did not close;
 * -EBADMSG: a FAT that is damaged; -ENOSPC. */
int volume_edit_write(struct volume_edit *edit, const char *path, const void *bytes,
		      size_t length, struct err *err) MUST_CHECK;

/* Makes the folder and those that it lies in, where they are missing. */
int volume_edit_make_folder(struct volume_edit *edit, const char *path,
			    struct err *err) MUST_CHECK;
