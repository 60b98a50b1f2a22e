/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NTFS volumes, read-only, through libntfs-3g: which clusters are used, and files. Includes
 * nothing of the library, whose types have the names of ours.
 */
#pragma once

#include <base/block-source.h>

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

/* See volume_read_file(). */
int ntfs_read_file(struct ntfs *ntfs, const char *path, size_t limit, uint8_t **ret,
		   size_t *ret_length, struct err *err) MUST_CHECK;
