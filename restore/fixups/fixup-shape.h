/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A volume of the backup as it will lie in its new partition, before any byte of it is changed:
 * of another length where it is resized, with bytes that moved at their new places, or blank
 * where it is made anew. Fix-ups work on overlays over it.
 */
#pragma once

#include <base/block-source.h>

/* Bytes of the image that belong to another place of the new volume. */
struct patch_move {
	uint64_t to, from, length; /* bytes; to: in the new volume, from: in the image */
};

/* The first of count moves, by to, ascending, that ends behind offset; count: none. */
size_t patch_move_find(const struct patch_move *moves, size_t count, uint64_t offset);

struct shape;

/* image is borrowed; blank: nothing of it is in the new volume. size: bytes. */
int shape_new(struct block_source *image, uint64_t size, bool blank, struct shape **ret,
	      struct err *err) MUST_CHECK;

/* Closing it frees the shape. */
struct block_source *shape_source(struct shape *shape);

int shape_move(struct shape *shape, const struct patch_move *move, struct err *err) MUST_CHECK;
/* By to, ascending; valid until the next shape_move(). */
const struct patch_move *shape_moves(struct shape *shape, size_t *ret_count);
