/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differencing images: an image that holds only the changes against another one, its
 * parent. A parent is looked for by its id, in the folder of its child alone: the paths that
 * a child carries come from outside, and only their last part is used, to choose between
 * copies. image-parent.c finds, image-merge.c shows both as one disk.
 */
#pragma once

#include "image-kind.h"

/* Hyper-V's manager makes chains of some few; each costs memory and, for each read, time. */
#define IMAGE_CHAIN_MAX 32u

/* An image and those that were opened before it because they build on it. */
struct image_family {
	struct tree *tree;  /* borrowed; NULL: there is no folder to look into */
	const char *folder; /* in tree; borrowed */
	unsigned count;
	struct guid ids[IMAGE_CHAIN_MAX];
};

/* What a differencing image says about its parent. */
struct image_parent {
	struct guid ids[2]; /* either is the parent; one that is zero says nothing */
	char *path;	    /* for people, and its last part as a hint; "": not named; owned */
};

/* Opens the parent of child, whose id and names are in info; both must be of kind. Adds a
 * note to info. -ENOENT: it is not in the folder; -ENOTSUP: there is no folder, or two could
 * be it, or the chain is too long; -ELOOP: it is its own ancestor. */
int image_parent_open(const struct image_kind *kind, struct image_family *family,
		      const struct block_source *child, struct image_parent *parent,
		      struct image_info *info, struct block_source **ret,
		      struct err *err) MUST_CHECK;

/* Where a piece of a differencing image's disk comes from. */
enum image_piece { PIECE_OWN, PIECE_ZERO, PIECE_PARENT };

/* The piece at offset: one kind, *ret_length of up to length bytes. */
typedef int image_piece_at(struct block_source *child, uint64_t offset, uint64_t length,
			   enum image_piece *ret, uint64_t *ret_length, struct err *err);

/* child over parent, both taken over, on failure too. What lies behind a smaller parent's end
 * reads as zeros. */
int image_merge_new(struct block_source *child, image_piece_at *piece_at,
		    struct block_source *parent, struct block_source **ret,
		    struct err *err) MUST_CHECK;

/* -- bitmaps: a bit per sector, 1: the sector is the image's own ---- */

enum bit_order { BITS_HIGH_FIRST /* VHD */, BITS_LOW_FIRST /* VHDX */ };

/* How many of count bits from first on are like the first of them; *ret_set: what that is. */
uint64_t bitmap_run(const uint8_t *bits, enum bit_order order, uint64_t first,
		    uint64_t count, bool *ret_set);

/* The bitmap of the block that was asked for last: reads come in order. */
struct bitmap_cache {
	uint8_t *bits; /* owned */
	uint64_t block; /* whose they are; valid with filled */
	bool filled;
};

/* Makes cache->bits the length bytes at offset of file; length is the same for all blocks. */
int bitmap_cache_fill(struct bitmap_cache *cache, struct block_source *file, uint64_t block,
		      uint64_t offset, size_t length, struct err *err) MUST_CHECK;
