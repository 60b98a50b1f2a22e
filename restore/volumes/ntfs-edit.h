/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changing the files of an NTFS volume, for fix-ups. What changes goes to an overlay and
 * nowhere else. A change that stops half-way (no room, a read that fails) breaks the volume:
 * every later change and ntfs_edit_close() tell the same error, and the overlay is to be
 * thrown away: then the volume is as it was.
 *
 * Equal input gives equal bytes: a restore that is resumed runs the fix-ups again. The caller
 * therefore says what time it is, as seconds since 1970.
 *
 * Paths have '/' between names, and need not have Windows' capital letters.
 */
#pragma once

#include "ntfs.h"

/* The volume that overlay shows, whose changes it takes; borrowed. To be closed with
 * ntfs_edit_close(). -EBUSY where Windows did not close the volume, or hibernates on it: then
 * nothing is changed. */
int ntfs_open_overlay(struct overlay *overlay, struct ntfs **ret,
		      struct err *err) MUST_CHECK;

/* Replaces bytes within a file that exists; its size and times stay. -EINVAL where they do
 * not lie in it; else as ntfs_file_open(). */
int ntfs_write_file(struct ntfs *ntfs, const char *path, uint64_t offset,
		    const void *bytes, size_t length, struct err *err) MUST_CHECK;

/* Gives a file that exists a new content of any length, 0 too; its name and its security
 * descriptor stay. */
int ntfs_replace_file(struct ntfs *ntfs, const char *path, const void *bytes,
		      size_t length, int64_t time, struct err *err) MUST_CHECK;

/* A new file or folder in a folder ("" is the root). It inherits the folder's security
 * descriptor as in Windows. -EEXIST: the name is there; -EINVAL: no name for Windows;
 * -ENOENT: no such folder. */
int ntfs_create_file(struct ntfs *ntfs, const char *folder, const char *name,
		     const void *bytes, size_t length, int64_t time,
		     struct err *err) MUST_CHECK;
int ntfs_create_folder(struct ntfs *ntfs, const char *folder, const char *name,
		       int64_t time, struct err *err) MUST_CHECK;

/* Another name for a file within its folder; content, times of the content and security
 * descriptor stay. -EEXIST: new_name is there. */
int ntfs_rename_file(struct ntfs *ntfs, const char *folder, const char *name,
		     const char *new_name, int64_t time, struct err *err) MUST_CHECK;

/* Writes what the library still holds, and closes. Only after success does the overlay show a
 * whole volume. *ntfs is NULL afterwards, on failure too. */
int ntfs_edit_close(struct ntfs **ntfs, struct err *err) MUST_CHECK;
