/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A volume in the shape of its new partition: see fixup-shape.h. */
#include "fixup-shape.h"

#include <string.h>

#include <base/checked.h>
#include <base/sorted.h>

struct shape {
	struct block_source source;
	struct block_source *image; /* borrowed */
	bool blank;
	bool sorted;
	size_t count, room;
	struct patch_move *moves;
};

static int compare_moves(const void *a, const void *b)
{
	const struct patch_move *x = a, *y = b;

	return x->to < y->to ? -1 : x->to > y->to;
}

const struct patch_move *shape_moves(struct shape *shape, size_t *ret_count)
{
	if (!shape->sorted && shape->count)
		qsort(shape->moves, shape->count, sizeof(*shape->moves), compare_moves);
	shape->sorted = true;
	*ret_count = shape->count;
	return shape->moves;
}

static bool ends_by(const void *record, const void *offset)
{
	const struct patch_move *move = record;

	return move->to + move->length <= *(const uint64_t *)offset;
}

size_t patch_move_find(const struct patch_move *moves, size_t count, uint64_t offset)
{
	return sorted_find(moves, count, sizeof(*moves), ends_by, &offset);
}

/* The first move that ends behind offset, or NULL. */
static const struct patch_move *move_from(struct shape *shape, uint64_t offset)
{
	size_t count;
	const struct patch_move *moves = shape_moves(shape, &count);
	size_t i = patch_move_find(moves, count, offset);

	return i < count ? &moves[i] : NULL;
}

/* Where in the image the bytes at offset come from; *ret_length: how many of length come from
 * there. false: they are zeros. */
static bool find_bytes(struct shape *shape, uint64_t offset, uint64_t length,
		       uint64_t *ret_from, uint64_t *ret_length)
{
	const struct patch_move *move = move_from(shape, offset);

	if (move && move->to <= offset) {
		*ret_from = move->from + (offset - move->to);
		*ret_length = min_u64(length, move->length - (offset - move->to));
		return true;
	}
	if (move)
		length = min_u64(length, move->to - offset);
	*ret_from = offset;
	*ret_length = length;
	if (shape->blank || offset >= shape->image->size)
		return false;
	*ret_length = min_u64(length, shape->image->size - offset);
	return true;
}

static int shape_read_at(struct block_source *source, void *buffer, uint64_t offset,
			 size_t length, struct err *err)
{
	struct shape *shape = (struct shape *)source;
	uint8_t *to = buffer;
	int r = 0;

	while (r == 0 && length) {
		uint64_t from, step;

		if (find_bytes(shape, offset, length, &from, &step))
			r = source_read(shape->image, to, from, (size_t)step, err);
		else
			memset(to, 0, (size_t)step);
		to += step;
		offset += step;
		length -= (size_t)step;
	}
	return r;
}

static int shape_extents(struct block_source *source, uint64_t offset, uint64_t length,
			 struct extent *extents, size_t max, size_t *ret_count,
			 struct err *err)
{
	struct shape *shape = (struct shape *)source;
	uint64_t from, step;
	bool stored = find_bytes(shape, offset, length, &from, &step);

	if (stored && from == offset)
		return source_extents(shape->image, offset, step, extents, max, ret_count,
				      err);
	extents[0] =
		(struct extent){ offset, step, stored ? EXTENT_DATA : EXTENT_ABSENT };
	*ret_count = 1;
	return 0;
}

static void shape_close(struct block_source *source)
{
	struct shape *shape = (struct shape *)source;

	free(shape->moves);
	free(source->name);
	free(shape);
}

static const struct block_source_ops shape_ops = {
	.read_at = shape_read_at,
	.extents = shape_extents,
	.close = shape_close,
};

int shape_new(struct block_source *image, uint64_t size, bool blank, struct shape **ret,
	      struct err *err)
{
	AUTO_FREE struct shape *shape = calloc(1, sizeof(*shape));
	AUTO_FREE char *name = strdup(image->name);

	if (!shape || !name)
		return err_nomem(err);
	*shape = (struct shape){
		.source = {
			.ops = &shape_ops,
			.size = size,
			.sector_size = image->sector_size,
			.max_parallel = 1,
			.name = TAKE_PTR(name),
		},
		.image = image,
		.blank = blank,
	};
	*ret = TAKE_PTR(shape);
	return 0;
}

struct block_source *shape_source(struct shape *shape)
{
	return &shape->source;
}

int shape_move(struct shape *shape, const struct patch_move *move, struct err *err)
{
	if (shape->count == shape->room) {
		size_t room = shape->room ? shape->room * 2 : 256;
		struct patch_move *moves =
			reallocarray(shape->moves, room, sizeof(*moves));

		if (!moves)
			return err_nomem(err);
		shape->moves = moves;
		shape->room = room;
	}
	shape->moves[shape->count++] = *move;
	shape->sorted = false;
	return 0;
}
