/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The partitions of a disk as files of a tree, without looking into them: "2" is the one in slot 2,
 * "volume" the whole disk where it has no table. */
#pragma once

#include <base/tree.h>

#define PARTITION_TREE_WHOLE "volume"

/* disk is taken over, on failure too. */
int partition_tree_new(struct block_source *disk, struct tree **ret, struct err *err) MUST_CHECK;
