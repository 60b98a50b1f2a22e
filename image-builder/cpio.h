/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes a root_tree as a cpio archive of the kind "newc", the one that the kernel
 * unpacks, one node after the other until its memory or the archive ends (Documentation/driver-api/early-userspace/buffer-format.rst). The same tree and
 * time give the same bytes: inode numbers count from 1, everything belongs to root.
 */
#pragma once

#include "root-tree.h"

/* Receives the archive piece by piece. */
typedef int cpio_write(const void *bytes, size_t length, void *context, struct err *err);

/* mtime_s: seconds since 1970, the time of every node. -EFBIG: a file of 4 GiB or more.
 */
int cpio_pack(const struct root_tree *tree, uint32_t mtime_s, cpio_write *write,
	      void *context, struct err *err) MUST_CHECK;
