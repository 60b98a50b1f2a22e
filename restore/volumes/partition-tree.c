/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Partitions as files: see restore/partition-tree.h. */
#include <restore/partition-tree.h>

#include <string.h>

#include <base/text.h>
#include <base/tree-listing.h>
#include <partition/layout.h>

struct partition_tree {
	struct tree tree;
	struct block_source *disk; /* owned */
	struct disk_layout *layout;
};

static int add(struct tree_listing *listing, const char *name, uint64_t size,
	       struct err *err)
{
	return tree_listing_add(listing,
				&(struct tree_entry){ .name = name, .size = size }, err);
}

static int partitions_list(struct tree *tree, const char *path, tree_visit *visit,
			   void *context, struct err *err)
{
	struct partition_tree *own = (struct partition_tree *)tree;
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	int r = 0;

	if (path[0])
		return err_set(err, -ENOTDIR, "'%s': '%s' is no folder", tree->name,
			       path);
	if (own->layout->style == TABLE_NONE)
		r = add(&listing, PARTITION_TREE_WHOLE, own->disk->size, err);
	for (size_t i = 0; i < own->layout->count && r == 0; i++) {
		AUTO_FREE char *name = text_format("%u", own->layout->partitions[i].slot);

		r = name ? add(&listing, name, own->layout->partitions[i].length, err)
			 : err_nomem(err);
	}
	return r < 0 ? r : tree_listing_visit(&listing, visit, context, err);
}

static int partitions_open(struct tree *tree, const char *path, struct block_source **ret,
			   struct err *err)
{
	struct partition_tree *own = (struct partition_tree *)tree;

	if (own->layout->style == TABLE_NONE && strcmp(path, PARTITION_TREE_WHOLE) == 0)
		return source_slice_new(own->disk, false, 0, own->disk->size, tree->name,
					ret, err);
	for (size_t i = 0; i < own->layout->count; i++) {
		const struct disk_partition *partition = &own->layout->partitions[i];
		AUTO_FREE char *name = text_format("%u", partition->slot);

		if (!name)
			return err_nomem(err);
		if (strcmp(name, path) != 0)
			continue;
		return source_slice_new(own->disk, false, partition->offset,
					partition->length, tree->name, ret, err);
	}
	return err_set(err, -ENOENT, "'%s': no partition %s", tree->name, path);
}

static void partitions_close(struct tree *tree)
{
	struct partition_tree *own = (struct partition_tree *)tree;

	layout_free(own->layout);
	source_close(own->disk);
	free(tree->name);
	free(own);
}

static const struct tree_ops partition_tree_ops = {
	.list = partitions_list,
	.open = partitions_open,
	.close = partitions_close,
};

int partition_tree_new(struct block_source *disk, struct tree **ret, struct err *err)
{
	struct partition_tree *own = calloc(1, sizeof(*own));
	int r;

	if (!own) {
		source_close(disk);
		return err_nomem(err);
	}
	own->disk = disk;
	own->tree =
		(struct tree){ .ops = &partition_tree_ops, .name = strdup(disk->name) };
	r = own->tree.name ? layout_read(disk, disk->sector_size, &own->layout, NULL, err)
			   : err_nomem(err);
	if (r < 0) {
		partitions_close(&own->tree);
		return r;
	}
	*ret = &own->tree;
	return 0;
}
