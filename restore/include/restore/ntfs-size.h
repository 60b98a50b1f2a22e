/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes of NTFS volumes, found out before anything is written. */
#pragma once

#include <base/block-source.h>

/* The least length (bytes) of a partition to which ntfsresize can shrink volume; in a child
 * process without privileges. -ENOTSUP: it cannot be shrunk, with what ntfsresize says. */
int ntfs_minimum(struct block_source *volume, uint32_t sector_size, uint64_t *ret,
		 struct err *err) MUST_CHECK;

/* Shrinks volume to length in memory and throws the result away: would it work? */
int ntfs_try_resize(struct block_source *volume, uint32_t sector_size, uint64_t length,
		    struct err *err) MUST_CHECK;
