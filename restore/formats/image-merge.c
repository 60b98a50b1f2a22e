/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A differencing image and its parent as one disk: see image-parent.h. */
#include "image-parent.h"

#include <string.h>

#include <base/checked.h>

struct merged {
	struct block_source source;
	struct block_source *child, *parent; /* owned */
	image_piece_at *piece_at;
};

static void merged_free(struct merged *merged)
{
	source_close(merged->child);
	source_close(merged->parent);
	free(merged->source.name);
	free(merged);
}
DEFINE_FREEP(struct merged, merged, merged_free)

/* How many of length bytes from offset on the parent has. */
static uint64_t within_parent(const struct merged *merged, uint64_t offset,
			      uint64_t length)
{
	uint64_t size = merged->parent->size;

	return offset >= size ? 0 : min_u64(length, size - offset);
}

static int read_parent(struct merged *merged, uint8_t *out, uint64_t offset,
		       size_t length, struct err *err)
{
	size_t stored = (size_t)within_parent(merged, offset, length);

	memset(out + stored, 0, length - stored);
	return stored ? source_read(merged->parent, out, offset, stored, err) : 0;
}

static int merged_read_at(struct block_source *source, void *buffer, uint64_t offset,
			  size_t length, struct err *err)
{
	struct merged *merged = (struct merged *)source;
	uint8_t *out = buffer;

	while (length) {
		enum image_piece kind = PIECE_ZERO;
		uint64_t part = 0;
		int r = merged->piece_at(merged->child, offset, length, &kind, &part,
					 err);

		if (r == 0 && kind == PIECE_OWN)
			r = source_read(merged->child, out, offset, (size_t)part, err);
		else if (r == 0 && kind == PIECE_PARENT)
			r = read_parent(merged, out, offset, (size_t)part, err);
		else if (r == 0)
			memset(out, 0, (size_t)part);
		if (r < 0)
			return r;
		out += part;
		offset += part;
		length -= (size_t)part;
	}
	return 0;
}

/* -- extents ---- */

struct extent_list {
	struct extent *extents;
	size_t count, max;
};

/* Is there still room? Neighbours of one kind are joined. */
static bool add_extent(struct extent_list *list, uint64_t offset, uint64_t length,
		       enum extent_kind kind)
{
	size_t count = list->count;

	if (count && list->extents[count - 1].kind == kind) {
		list->extents[count - 1].length += length;
		return true;
	}
	if (count == list->max || !list->extents)
		return false;
	list->extents[count] = (struct extent){ offset, length, kind };
	list->count++;
	return true;
}

/* Adds length bytes of the parent. *ret_full: there was no room for all of them. */
static int add_parent(struct merged *merged, struct extent_list *list, uint64_t offset,
		      uint64_t length, bool *ret_full, struct err *err)
{
	uint64_t stored = within_parent(merged, offset, length), end = offset + stored;
	uint64_t behind = length - stored;

	while (offset < end) {
		struct extent found[16];
		size_t count = 0;
		int r = source_extents(merged->parent, offset, end - offset, found,
				       ARRAY_SIZE(found), &count, err);

		if (r < 0)
			return r;
		for (size_t i = 0; i < count; i++) {
			*ret_full = !add_extent(list, found[i].offset, found[i].length,
						found[i].kind);
			if (*ret_full)
				return 0;
			offset += found[i].length;
		}
	}
	*ret_full = behind && !add_extent(list, end, behind, EXTENT_ABSENT);
	return 0;
}

static int merged_extents(struct block_source *source, uint64_t offset, uint64_t length,
			  struct extent *extents, size_t max, size_t *ret_count,
			  struct err *err)
{
	struct merged *merged = (struct merged *)source;
	struct extent_list list = { extents, 0, max };
	bool full = false;

	while (length && !full) {
		enum image_piece kind = PIECE_ZERO;
		uint64_t part = 0;
		int r = merged->piece_at(merged->child, offset, length, &kind, &part,
					 err);

		if (r == 0 && kind == PIECE_PARENT)
			r = add_parent(merged, &list, offset, part, &full, err);
		else if (r == 0)
			full = !add_extent(&list, offset, part,
					   kind == PIECE_OWN ? EXTENT_DATA : EXTENT_ZERO);
		if (r < 0)
			return r;
		offset += part;
		length -= part;
	}
	*ret_count = list.count;
	return 0;
}

static void merged_close(struct block_source *source)
{
	merged_free((struct merged *)source);
}

static const struct block_source_ops merged_ops = {
	.read_at = merged_read_at,
	.extents = merged_extents,
	.close = merged_close,
};

int image_merge_new(struct block_source *child, image_piece_at *piece_at,
		    struct block_source *parent, struct block_source **ret,
		    struct err *err)
{
	AUTO(source_freep) struct block_source *owned_child = child;
	AUTO(source_freep) struct block_source *owned_parent = parent;
	AUTO(merged_freep) struct merged *merged = calloc(1, sizeof(*merged));

	if (!merged)
		return err_nomem(err);
	merged->child = TAKE_PTR(owned_child);
	merged->parent = TAKE_PTR(owned_parent);
	merged->piece_at = piece_at;
	merged->source = (struct block_source){
		.ops = &merged_ops,
		.size = child->size,
		.sector_size = child->sector_size,
		.max_parallel = 1, /* tables and bitmaps are shared */
		.name = strdup(child->name),
	};
	if (!merged->source.name)
		return err_nomem(err);
	*ret = &TAKE_PTR(merged)->source;
	return 0;
}

/* -- bitmaps ---- */

static bool bit_at(const uint8_t *bits, enum bit_order order, uint64_t at)
{
	unsigned shift = order == BITS_HIGH_FIRST ? 7 - at % 8 : at % 8;

	return bits[at / 8] >> shift & 1;
}

uint64_t bitmap_run(const uint8_t *bits, enum bit_order order, uint64_t first,
		    uint64_t count, bool *ret_set)
{
	bool set = bit_at(bits, order, first);
	uint64_t run = 1;

	while (run < count && bit_at(bits, order, first + run) == set)
		run++;
	*ret_set = set;
	return run;
}

int bitmap_cache_fill(struct bitmap_cache *cache, struct block_source *file,
		      uint64_t block, uint64_t offset, size_t length, struct err *err)
{
	int r;

	if (cache->filled && cache->block == block)
		return 0;
	cache->filled = false;
	if (!cache->bits)
		cache->bits = malloc(length);
	if (!cache->bits)
		return err_nomem(err);
	r = source_read(file, cache->bits, offset, length, err);
	if (r < 0)
		return r;
	cache->filled = true;
	cache->block = block;
	return 0;
}
