/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * File systems whose files are read as they lie: what the tree of a disk (disk-tree.c) needs of
 * each. Paths are those of a tree (base/tree.h), "" is the root.
 */
#pragma once

#include <base/block-source.h>
#include <base/tree-listing.h>
#include <restore/volume.h>

struct file_system_ops {
	enum file_system fs;
	/* volume is borrowed and must outlive *ret. -EBADMSG: damaged. */
	int (*open)(struct block_source *volume, void **ret, struct err *err);
	void (*close)(void *fs);
	/* -ENOENT, -ENOTDIR */
	int (*list)(void *fs, const char *path, struct tree_listing *ret, struct err *err);
	/* -ENOENT, -EISDIR; -ENOTSUP: it cannot be read as it lies */
	int (*open_file)(void *fs, const char *path, void **ret, struct err *err);
	void (*close_file)(void *file);
	uint64_t (*file_size)(const void *file); /* bytes */
	/* Within its size. */
	int (*read_file)(void *file, uint64_t offset, uint8_t *bytes, size_t length,
			 struct err *err);
};

extern const struct file_system_ops ntfs_files, exfat_files;

/* NULL: none for this file system. */
const struct file_system_ops *file_system_find(enum file_system fs);
