/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files around libntfs-3g share (ntfs.c, ntfs-bitmap.c, ntfs-edit.c and
 * ntfs-device.c): the only ones that know the library.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <time.h>

#include <ntfs-3g/types.h>

#include <ntfs-3g/attrib.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/volume.h>

#include <base/overlay.h>

#include "ntfs.h"

struct ntfs {
	struct block_source *source; /* borrowed */
	struct overlay *overlay; /* takes what is written, borrowed; NULL: read-only */
	uint64_t position;	 /* of the next read() or write() */
	struct err failure;	 /* of the source, in the last call; code 0: none */
	struct err broken;	 /* a change stopped half-way: the overlay is of no use */
	struct ntfs_device *device;
	ntfs_volume *volume;
};

/* A file that is open: see ntfs.h. */
struct ntfs_file {
	struct ntfs *ntfs; /* borrowed */
	char *path;
	ntfs_inode *inode;
	ntfs_attr *data;
};

extern struct ntfs_device_operations ntfs_block_source_operations;

/* flags: NTFS_MNT_ of the library. */
int ntfs_open_with(struct block_source *volume, struct overlay *overlay,
		   unsigned long flags, struct ntfs **ret, struct err *err) MUST_CHECK;

/* Before each call: what it leaves behind shall be its own. */
void ntfs_forget_failure(struct ntfs *ntfs);

/* A call of the library failed in the middle of a change: nothing more is changed. */
int ntfs_change_failed(struct ntfs *ntfs, const char *path, const char *what,
		       struct err *err);

/* Content of an open file, in pieces; then, once, the last unit of what is compressed. */
int ntfs_put_bytes(struct ntfs_file *file, uint64_t offset, const uint8_t *bytes,
		   size_t length, struct err *err) MUST_CHECK;
int ntfs_end_bytes(struct ntfs_file *file, struct err *err) MUST_CHECK;
/* After a call failed: what of the source failed, else what the library says. */
int ntfs_library_failed(struct ntfs *ntfs, const char *what, struct err *err);

/* Looks a path up; "" is the root. -ENOENT. The caller closes it. */
int ntfs_find_inode(struct ntfs *ntfs, const char *path, ntfs_inode **ret,
		    struct err *err) MUST_CHECK;

static inline void ntfs_inode_freep(ntfs_inode **inode)
{
	if (*inode)
		ntfs_inode_close(*inode);
}

static inline void ntfs_attr_freep(ntfs_attr **attr)
{
	if (*attr)
		ntfs_attr_close(*attr);
}
