/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files about items of NTFS share (ntfs-item.c: facts of one file; ntfs-items.c: folders,
 * the table; ntfs-stream.c: content; ntfs-newer.c: the whole volume). They know libntfs-3g.
 */
#pragma once

#include "items-fs.h"
#include "ntfs-internal.h"
#include "reparse.h"

/* UTF-8 of a name, in which what is not text, or would be taken for a path, is written as %2F,
 * %uD800. NULL: no memory. */
char *ntfs_name_text(const ntfschar *name, size_t length);

/* The inode of an address. -ENOENT. The caller closes it. */
int ntfs_item_inode(struct ntfs *ntfs, const struct item_address *address,
		    ntfs_inode **ret, struct err *err) MUST_CHECK;

/* Fills in all but the name. The error is about the record; item is valid then, too. */
int ntfs_item_facts(struct ntfs *ntfs, ntfs_inode *inode, struct item *item,
		    struct err *err) MUST_CHECK;

/* What the file's reparse data say. -ENODATA: it has none. */
int ntfs_item_reparse(struct ntfs *ntfs, ntfs_inode *inode, struct reparse *ret,
		      struct err *err) MUST_CHECK;

int64_t ntfs_item_time(ntfs_time time);

/* Content of a file or one of its streams; items_read(). */
int ntfs_item_read(void *fs, const struct item_address *file, const char *stream,
		   struct block_source **ret, struct err *err) MUST_CHECK;
int ntfs_item_newer(void *fs, int64_t since, uint64_t *position, items_visit *visit,
		    void *context, struct err *err) MUST_CHECK;
