/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kinds of file systems behind restore/items.h: a table of functions each (ntfs-items.c,
 * fat-items.c, exfat-items.c), and what they share.
 */
#pragma once

#include <restore/items.h>

struct items_ops {
	const enum file_system *kinds; /* FS_UNKNOWN ends them */
	/* volume is borrowed and must outlive *ret. */
	int (*open)(struct block_source *volume, void **ret, struct err *err);
	void (*close)(void *fs);
	int (*list)(void *fs, const struct item_address *folder, struct item_list *ret,
		    struct err *err);
	int (*find)(void *fs, const struct item_address *address, struct item *ret,
		    struct err *err);
	int (*read)(void *fs, const struct item_address *file, const char *stream,
		    struct block_source **ret, struct err *err);
	/* NULL: cannot. */
	int (*newer)(void *fs, int64_t since, uint64_t *position, items_visit *visit,
		     void *context, struct err *err);
};

extern const struct items_ops ntfs_items, fat_items, exfat_items;

/* The last part of a path. */
const char *item_path_name(const char *path);

/* The error of what is no file, or whose content cannot be had; 0 where it can. */
int item_check_readable(const struct item *item, const char *volume, const char *path,
			struct err *err) MUST_CHECK;
