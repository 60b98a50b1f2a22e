/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cpio "newc": per node a header of ASCII hexadecimal numbers, the name with its NUL
 * padded to a multiple of 4 with the header, the content padded to a multiple of 4.
 */
#include "cpio.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEADER_LENGTH 110 /* "070701" and 13 fields of 8 digits */
#define ALIGNMENT     4

static const char trailer[] = "TRAILER!!!";

struct pack {
	cpio_write *write;
	void *context;
	uint32_t mtime_s;
};

static const mode_t kind_bits[] = {
	[NODE_FOLDER] = S_IFDIR,
	[NODE_FILE] = S_IFREG,
	[NODE_LINK] = S_IFLNK,
	[NODE_CHARACTER] = S_IFCHR,
};

static int write_padding(const struct pack *pack, size_t length, struct err *err)
{
	static const uint8_t zeros[ALIGNMENT];
	size_t rest = length % ALIGNMENT;

	return rest ? pack->write(zeros, ALIGNMENT - rest, pack->context, err) : 0;
}

/* node NULL: the end mark */
static int write_header(const struct pack *pack, const struct node *node,
			const char *name, uint32_t inode, uint32_t content_length,
			struct err *err)
{
	char header[HEADER_LENGTH + 1];
	size_t name_length = strlen(name) + 1;
	unsigned mode = node ? kind_bits[node->kind] | node->mode : 0;
	int r;

	snprintf(header, sizeof(header),
		 "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", inode,
		 mode, 0, 0, 1, node ? pack->mtime_s : 0, content_length, 0, 0,
		 node ? node->major : 0, node ? node->minor : 0, (uint32_t)name_length,
		 0);
	r = pack->write(header, HEADER_LENGTH, pack->context, err);
	if (r < 0)
		return r;
	r = pack->write(name, name_length, pack->context, err);
	if (r < 0)
		return r;
	return write_padding(pack, HEADER_LENGTH + name_length, err);
}

static int write_node(const struct pack *pack, const struct node *node, uint32_t inode,
		      struct err *err)
{
	const void *bytes =
		node->kind == NODE_LINK ? (void *)node->target : node->content.bytes;
	size_t length =
		node->kind == NODE_LINK ? strlen(node->target) : node->content.length;
	int r;

	if (length > UINT32_MAX)
		return err_set(err, -EFBIG,
			       "'/%s': %zu bytes, cpio holds files below 4 GiB",
			       node->path, length);
	r = write_header(pack, node, node->path, inode, (uint32_t)length, err);
	if (r < 0 || length == 0)
		return r;
	r = pack->write(bytes, length, pack->context, err);
	if (r < 0)
		return r;
	return write_padding(pack, length, err);
}

static int write_turn(const struct pack *pack, const struct root_tree *tree,
		      enum node_turn turn, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < tree->count && r == 0; i++)
		if (tree->nodes[i].turn == turn)
			r = write_node(pack, &tree->nodes[i], (uint32_t)i + 1, err);
	return r;
}

int cpio_pack(const struct root_tree *tree, uint32_t mtime_s, cpio_write *write,
	      void *context, struct err *err)
{
	static const enum node_turn turns[] = { TURN_FIRST, TURN_USUAL, TURN_LAST };
	struct pack pack = { .write = write, .context = context, .mtime_s = mtime_s };

	for (size_t turn = 0; turn < ARRAY_SIZE(turns); turn++) {
		int r = write_turn(&pack, tree, turns[turn], err);

		if (r < 0)
			return r;
	}
	return write_header(&pack, NULL, trailer, 0, 0, err);
}
