/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NTFS volumes through libntfs-3g, for reading: which clusters are used, and files. What
 * changes files is in ntfs-edit.h. Includes nothing of the library, whose types have the names
 * of ours.
 */
#pragma once

#include <base/block-source.h>
#include <base/overlay.h>
#include <base/tree-listing.h>

struct ntfs;

/* volume is borrowed and must outlive *ret. -EBADMSG: the library does not take it for a sound
 * NTFS; what fails in reading volume keeps its own code. */
int ntfs_open(struct block_source *volume, struct ntfs **ret, struct err *err) MUST_CHECK;
void ntfs_close(struct ntfs *ntfs); /* NULL is fine */
DEFINE_FREEP(struct ntfs, ntfs, ntfs_close)

uint64_t ntfs_clusters(const struct ntfs *ntfs);
uint32_t ntfs_cluster_size(const struct ntfs *ntfs); /* bytes */

/* -EBADMSG: $Bitmap is shorter than the volume, has holes, or calls clusters free that the
 * file system itself stands on. */
int ntfs_bitmap_check(struct ntfs *ntfs, struct err *err) MUST_CHECK;

/* length bytes of $Bitmap from offset on: bit n of byte m is cluster 8 * m + n, 1 is used.
 * *ret_absent: nothing of this part is stored on the volume, all bits are 0 and bits is not
 * touched. Within the bits of all clusters, rounded up to bytes. */
int ntfs_bitmap_read(struct ntfs *ntfs, uint64_t offset, uint8_t *bits, size_t length,
		     bool *ret_absent, struct err *err) MUST_CHECK;

/* A file, with what is compressed or sparse as it was before. ntfs is borrowed. -ENOENT;
 * -EISDIR; -ENOTSUP: encrypted, or a reparse point. */
struct ntfs_file;
int ntfs_file_open(struct ntfs *ntfs, const char *path, struct ntfs_file **ret,
		   struct err *err) MUST_CHECK;
void ntfs_file_close(struct ntfs_file *file); /* NULL is fine */
DEFINE_FREEP(struct ntfs_file, ntfs_file, ntfs_file_close)
uint64_t ntfs_file_size(const struct ntfs_file *file); /* bytes */
/* Within its size. */
int ntfs_file_read(struct ntfs_file *file, uint64_t offset, uint8_t *bytes, size_t length,
		   struct err *err) MUST_CHECK;

/* All of it, and a NUL behind it; limit: bytes. -EFBIG, and what ntfs_file_open() says. */
int ntfs_file_read_all(struct ntfs *ntfs, const char *path, size_t limit, uint8_t **ret,
		       size_t *ret_length, struct err *err) MUST_CHECK;

/* The entries of a folder, "" is the root, without the file system's own files, without
 * folders that are links. Size and time are those of the file, not those that the folder
 * keeps, which Windows lets grow old. */
int ntfs_list(struct ntfs *ntfs, const char *path, struct tree_listing *ret,
	      struct err *err) MUST_CHECK;
