/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fitting a layout onto a disk of another size or sector size. Pure: it says where everything
 * would lie; how a file system is made smaller or larger is others' work.
 */
#pragma once

#include <partition/layout.h>

/* What may be done with a partition; parallel to the layout's partitions. */
struct fit_wish {
	uint64_t minimum; /* bytes it can be shrunk to; 0 or its length: not at all */
	uint64_t length;  /* bytes it must have instead of its own; 0: its own */
	bool grow;	  /* extend it to the end of the disk; one partition at most */
	const char *name; /* for messages: "C:", "ESP" */
};

/* Everything behind the first partition that changes starts at such a multiple, as Windows
 * and all other tools place partitions. */
#define FIT_ALIGNMENT (UINT64_C(1) << 20)

/* Does the layout need no change at all: it ends within the disk, and every offset and length
 * is a multiple of the sector size? */
bool layout_fits(const struct disk_layout *layout, uint64_t disk_size, uint32_t sector_size);

/*
 * Places layout on a disk of disk_size bytes with sectors of sector_size; *ret has the same
 * partitions in the same order, ids and slots unchanged.
 *
 *	- where nothing needs to change, nothing does
 *	- partitions in front of the first one that shrinks or grows keep their place
 *	- a recovery partition behind it goes to the end of the disk; others follow closely
 *	- only partitions with a minimum shrink, each in proportion to what it can spare, to whole
 *	  MiB; ESP, MSR and recovery keep their length (rounded up to sectors)
 *
 * -ENOSPC: too small, with the bytes that are needed, there, and missing; *ret_needed (may be
 * NULL) is the least size of a disk. -ENOTSUP: MBR with logical partitions cannot be moved.
 * -EINVAL: a partition that is to grow has one that is no recovery partition behind it.
 */
int layout_fit(const struct disk_layout *layout, const struct fit_wish *wishes,
	       uint64_t disk_size, uint32_t sector_size, struct disk_layout **ret,
	       uint64_t *ret_needed, struct err *err) MUST_CHECK;
