/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nodes of the initramfs, kept sorted by path: see root-tree.h. */
#include "root-tree.h"

#include <string.h>
#include <sys/mman.h>

#include <base/sorted.h>

#define PATH_MAX_LENGTH 255 /* more than any package has; keeps cpio names short */

void content_clear(struct content *content)
{
	if (content->mapped)
		munmap(content->bytes, content->length);
	else
		free(content->bytes);
	*content = (struct content){ 0 };
}

static void node_clear(struct node *node)
{
	free(node->path);
	free(node->target);
	content_clear(&node->content);
}

void root_tree_clear(struct root_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		node_clear(&tree->nodes[i]);
	free(tree->nodes);
	*tree = (struct root_tree){ 0 };
}

static bool node_is_before(const void *record, const void *path)
{
	const struct node *node = record;

	return strcmp(node->path, path) < 0;
}

/* The index of path, or of the node before which it belongs. */
static size_t find_place(const struct root_tree *tree, const char *path, bool *ret_found)
{
	size_t place = sorted_find(tree->nodes, tree->count, sizeof(*tree->nodes),
				   node_is_before, path);

	*ret_found = place < tree->count && strcmp(tree->nodes[place].path, path) == 0;
	return place;
}

const struct node *root_tree_find(const struct root_tree *tree, const char *path)
{
	bool found;
	size_t place = find_place(tree, path + (path[0] == '/'), &found);

	return found ? &tree->nodes[place] : NULL;
}

static bool path_is_plain(const char *path)
{
	const char *part = path;

	if (path[0] != '/' || strlen(path) > PATH_MAX_LENGTH)
		return false;
	while (part) {
		size_t length;

		part++;
		length = strcspn(part, "/");
		if (length == 0 || (length == 1 && part[0] == '.') ||
		    (length == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		part = strchr(part, '/');
	}
	return true;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* bytes is NULL where length is 0 */
static bool content_equal(const struct content *a, const struct content *b)
{
	return a->length == b->length &&
	       (!a->bytes || !b->bytes || memcmp(a->bytes, b->bytes, a->length) == 0);
}

static bool node_equal(const struct node *a, const struct node *b)
{
	return a->kind == b->kind && a->mode == b->mode && a->major == b->major &&
	       a->minor == b->minor && text_equal(a->target, b->target) &&
	       content_equal(&a->content, &b->content);
}

static int make_room(struct root_tree *tree, struct err *err)
{
	size_t capacity = tree->capacity ? tree->capacity * 2 : 256;
	struct node *nodes;

	if (tree->nodes && tree->count < tree->capacity)
		return 0;
	nodes = reallocarray(tree->nodes, capacity, sizeof(*nodes));
	if (!nodes)
		return err_nomem(err);
	tree->nodes = nodes;
	tree->capacity = capacity;
	return 0;
}

/* Takes *node over, on failure too; its path is there and plain. */
static int insert(struct root_tree *tree, struct node *node, struct err *err)
{
	bool found;
	size_t place = find_place(tree, node->path, &found);
	int r;

	if (found && tree->nodes) {
		bool same = node_equal(&tree->nodes[place], node);

		r = same ? 0
			 : err_set(err, -EEXIST,
				   "'/%s': is in the image already, and is not the same",
				   node->path);
		node_clear(node);
		return r;
	}
	r = make_room(tree, err);
	if (r < 0) {
		node_clear(node);
		return r;
	}
	memmove(&tree->nodes[place + 1], &tree->nodes[place],
		(tree->count - place) * sizeof(*tree->nodes));
	tree->nodes[place] = *node;
	tree->count++;
	return 0;
}

static int add_parents(struct root_tree *tree, const char *path, struct err *err)
{
	for (const char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		struct node folder = { .kind = NODE_FOLDER, .mode = 0755 };
		const struct node *there;
		int r;

		folder.path = strndup(path + 1, (size_t)(end - path - 1));
		if (!folder.path)
			return err_nomem(err);
		there = root_tree_find(tree, folder.path);
		if (there && there->kind != NODE_FOLDER)
			r = err_set(err, -ENOTDIR,
				    "'%s': '/%s' in the image is not a folder", path,
				    folder.path);
		else
			r = 0;
		if (there || r < 0) {
			node_clear(&folder);
		} else {
			r = insert(tree, &folder, err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* Takes *node over, on failure too; its path is not set yet. */
static int add(struct root_tree *tree, const char *path, struct node *node,
	       struct err *err)
{
	int r;

	if (!path_is_plain(path))
		r = err_set(err, -EINVAL,
			    "'%s': must be an absolute path without '.', '..' and empty "
			    "parts, at most %d bytes",
			    path, PATH_MAX_LENGTH);
	else
		r = add_parents(tree, path, err);
	if (r == 0) {
		node->path = strdup(path + 1);
		if (!node->path)
			r = err_nomem(err);
	}
	if (r < 0) {
		node_clear(node);
		return r;
	}
	return insert(tree, node, err);
}

int root_tree_add_folder(struct root_tree *tree, const char *path, unsigned mode,
			 struct err *err)
{
	struct node node = { .kind = NODE_FOLDER, .mode = mode };

	return add(tree, path, &node, err);
}

int root_tree_add_file(struct root_tree *tree, const char *path, unsigned mode,
		       struct content *content, struct err *err)
{
	struct node node = { .kind = NODE_FILE, .mode = mode, .content = *content };

	*content = (struct content){ 0 };
	return add(tree, path, &node, err);
}

int root_tree_add_link(struct root_tree *tree, const char *path, const char *target,
		       struct err *err)
{
	struct node node = { .kind = NODE_LINK, .mode = 0777, .target = strdup(target) };

	if (!node.target)
		return err_nomem(err);
	return add(tree, path, &node, err);
}

int root_tree_add_character(struct root_tree *tree, const char *path, unsigned mode,
			    unsigned major, unsigned minor, struct err *err)
{
	struct node node = {
		.kind = NODE_CHARACTER, .mode = mode, .major = major, .minor = minor
	};

	return add(tree, path, &node, err);
}

void root_tree_first(struct root_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		tree->nodes[i].turn = TURN_FIRST;
}

int root_tree_add_end(struct root_tree *tree, const char *path, struct err *err)
{
	struct node node = { .kind = NODE_FILE, .mode = 0444, .turn = TURN_LAST };

	return add(tree, path, &node, err);
}

uint64_t root_tree_bytes(const struct root_tree *tree)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < tree->count; i++)
		bytes += tree->nodes[i].content.length;
	return bytes;
}
