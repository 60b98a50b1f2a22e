/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the initramfs consists of, as pure data: nodes by path, each with its mode and its
 * content, link target or device number. The tree owns them all. Everything belongs to
 * root and has one and the same time: see cpio.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>
#include <base/cleanup.h>

enum node_kind { NODE_FOLDER, NODE_FILE, NODE_LINK, NODE_CHARACTER };

/* The bytes of a file: mapped (of a package's file) or allocated. Owned by whoever has
 * it. */
struct content {
	uint8_t *bytes; /* NULL where length is 0 */
	size_t length;
	bool mapped;
};

/* When a node comes in the archive; within a turn ascending by path. */
enum node_turn { TURN_USUAL, TURN_FIRST, TURN_LAST };

struct node {
	char *path; /* without the leading '/' */
	enum node_kind kind;
	unsigned mode;		/* permission bits */
	struct content content; /* NODE_FILE */
	char *target;		/* NODE_LINK */
	unsigned major, minor;	/* NODE_CHARACTER */
	enum node_turn turn;
};

struct root_tree {
	struct node *nodes; /* ascending by path: folders before what is in them */
	size_t count, capacity;
};

void root_tree_clear(struct root_tree *tree);
void content_clear(struct content *content);

/* The node of path ("/a/b" or "a/b"); NULL: there is none. */
const struct node *root_tree_find(const struct root_tree *tree, const char *path);

/*
 * Each adds one node, and folders of mode 0755 above it where there are none. The same
 * node twice is one; a different one under the same path is -EEXIST. Paths are absolute,
 * without
 * "." and ".." and of at most 255 bytes (-EINVAL).
 */
int root_tree_add_folder(struct root_tree *tree, const char *path, unsigned mode,
			 struct err *err) MUST_CHECK;
/* Takes *content over and empties it, on failure too. */
int root_tree_add_file(struct root_tree *tree, const char *path, unsigned mode,
		       struct content *content, struct err *err) MUST_CHECK;
int root_tree_add_link(struct root_tree *tree, const char *path, const char *target,
		       struct err *err) MUST_CHECK;
int root_tree_add_character(struct root_tree *tree, const char *path, unsigned mode,
			    unsigned major, unsigned minor, struct err *err) MUST_CHECK;

/* What is in the tree now comes before all that is added later. */
void root_tree_first(struct root_tree *tree);

/* An empty file that comes last of all: where it is, nothing is missing. */
int root_tree_add_end(struct root_tree *tree, const char *path,
		      struct err *err) MUST_CHECK;

/* Sum of the lengths of all files, in bytes. */
uint64_t root_tree_bytes(const struct root_tree *tree);
