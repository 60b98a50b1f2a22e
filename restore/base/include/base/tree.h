/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A tree of folders and files that may hold backups: a local folder, a share. Read-only.
 * Paths are relative to the root of the tree, in UTF-8, separated by '/', "" is the root.
 *
 * Names come from outside: tree_list leaves out (with a line in the debug log) names that are
 * empty, ".", "..", contain '/' or '\\' or are not UTF-8, since no backup has such names; it
 * fails with -E2BIG after TREE_MAX_ENTRIES entries in one folder. Paths with such parts are
 * refused with -EINVAL.
 */
#pragma once

#include <base/block-source.h>

#define TREE_MAX_ENTRIES 1000000 /* of one folder: more is an attack or a mistake */

struct tree_entry {
	const char *name; /* valid during the call */
	bool is_folder;
	uint64_t size;	 /* bytes; 0 for folders */
	int64_t mtime_s; /* seconds since 1970, UTC; 0 where unknown */
};

/* Non-zero ends the listing with that value. */
typedef int tree_visit(const struct tree_entry *entry, void *context, struct err *err);

struct tree;

struct tree_ops {
	int (*list)(struct tree *tree, const char *path, tree_visit *visit, void *context,
		    struct err *err);
	int (*open)(struct tree *tree, const char *path, struct block_source **ret,
		    struct err *err);
	void (*close)(struct tree *tree); /* frees everything, the tree itself too */
	void (*expect)(struct tree *tree, const char *path); /* may be NULL */
	int (*previous)(struct tree *tree, tree_visit *visit, void *context,
			struct err *err); /* may be NULL */
};

struct tree {
	const struct tree_ops *ops;
	char *name; /* as the user wrote it, without secrets; for messages; owned */
	int lost; /* errno value with which the connection to it was lost; nothing that was said
		     since then is to be believed. 0: there is one, or none is needed */
};

/* Visits what is in the folder ("" is the root), in any order. -EINVAL: the path leads out of the
 * tree; else as its storage tells, or what the visitor returned. */
int tree_list(struct tree *tree, const char *path, tree_visit *visit, void *context,
	      struct err *err) MUST_CHECK;

/* path will probably be listed soon; what is expected last is wanted first. A hint. */
void tree_expect(struct tree *tree, const char *path);

/* Older states of the whole tree that its storage keeps ("previous versions" of a share), in any
 * order; none where the tree knows of none. A path that begins with the name of one leads into
 * it: "@GMT-2026.08.30-21.00.05/folder/file". At most TREE_MAX_PREVIOUS are visited. */
int tree_list_previous(struct tree *tree, tree_visit *visit, void *context,
		       struct err *err) MUST_CHECK;
#define TREE_MAX_PREVIOUS 512 /* as many as Windows keeps of a volume */

/* "@GMT-YYYY.MM.DD-HH.MM.SS", in UTC: how SMB names them ([MS-SMB2] 2.2.32.2). */
#define TREE_PREVIOUS_LENGTH 24
bool tree_is_previous_name(const char *name, size_t length);

/* The file as a source; its name is tree name + path. Several may be open at once. */
int tree_open(struct tree *tree, const char *path, struct block_source **ret,
	      struct err *err) MUST_CHECK;
void tree_close(struct tree *tree); /* NULL is fine */
DEFINE_FREEP(struct tree, tree, tree_close)

/* A local folder. Symbolic links are not followed below it. */
int tree_local_open(const char *path, struct tree **ret, struct err *err) MUST_CHECK;

/* "a/b" from its parts; "" as folder gives the name alone. The caller frees it. NULL: no
 * memory. */
char *tree_path_join(const char *folder, const char *name);

/* Reads a whole small file. -EFBIG beyond limit. The buffer has a NUL after its last byte. */
int tree_read_file(struct tree *tree, const char *path, size_t limit, uint8_t **ret,
		   size_t *ret_length, struct err *err) MUST_CHECK;
