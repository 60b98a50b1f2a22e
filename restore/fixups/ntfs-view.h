/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A virtual NTFS volume on which a program of ntfs-3g works (ntfsresize): a file that shows
 * a volume of the backup, at another size if need be, while all that is written to it stays
 * in memory. Nothing reaches a disk.
 *
 * Data that ntfsresize merely relocates is never read. A first look (--info) reads all of the
 * metadata; what it did not touch is file content, and a later read of that behind the new end
 * gets marks instead of bytes. Where marks are written back, a move is noted:
 * the engine then copies from the image, once, straight to the new place. A mark that turns up
 * anywhere else ends the run with -EXDEV; it can be repeated with real bytes.
 */
#pragma once

#include <base/block-source.h>
#include <base/overlay.h>

struct ntfs_view;

/* Bytes that lie elsewhere than in the image. */
struct ntfs_move {
	uint64_t to, from; /* in the new volume, in the image */
	uint64_t length;
};

/* Mounts the file system in a namespace of this process alone: to be done while it still is
 * root (or may make user namespaces). *ret_fd: its end of it. -ENOTSUP without FUSE. */
int ntfs_view_mount(int *ret_fd, struct err *err) MUST_CHECK;

/* fd is taken over, on failure too; volume is borrowed. size: of the file, at least the
 * volume's. */
int ntfs_view_new(struct block_source *volume, uint64_t size, int fd, struct ntfs_view **ret,
		  struct err *err) MUST_CHECK;
void ntfs_view_free(struct ntfs_view *view); /* NULL is fine */
DEFINE_FREEP(struct ntfs_view, ntfs_view, ntfs_view_free)

/* Forgets all changes. new_end: what is behind it and was not read since ntfs_view_new() is
 * shown as marks; UINT64_MAX: nothing. */
int ntfs_view_begin(struct ntfs_view *view, uint64_t new_end, struct err *err) MUST_CHECK;

/* From now on the file has this size, and no marks are shown. */
void ntfs_view_cut(struct ntfs_view *view, uint64_t size);

/* Runs a program, whose last argument is NTFS_VIEW_FILE, and serves it. *ret_output (may be
 * NULL) gets up to 4000 bytes of what it said. */
#define NTFS_VIEW_FILE "/mnt/volume"
int ntfs_view_run(struct ntfs_view *view, const char *const *argv, char **ret_output,
		  struct err *err) MUST_CHECK;

/* What was changed: pages of 4096 bytes, ascending, and moves. */
int ntfs_view_changes(struct ntfs_view *view, overlay_visit *visit, void *context,
		      struct err *err) MUST_CHECK;
const struct ntfs_move *ntfs_view_moves(const struct ntfs_view *view, size_t *ret_count);
