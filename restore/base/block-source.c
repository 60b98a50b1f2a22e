/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all block sources have in common: the checks before and after each kind's
 * operations. */
#include <inttypes.h>

#include <base/block-source.h>
#include <base/checked.h>

/* How many extents source_walk() asks for at once: 1.5 KiB of stack. */
#define WALK_BATCH 64

static int check_range(const struct block_source *source, uint64_t offset,
		       uint64_t length, struct err *err)
{
	if (range_within(offset, length, source->size))
		return 0;
	return err_set(err, -EINVAL,
		       "'%s': range %" PRIu64 "+%" PRIu64 " leaves the size of %" PRIu64
		       " bytes",
		       source->name, offset, length, source->size);
}

int source_read(struct block_source *source, void *buffer, uint64_t offset, size_t length,
		struct err *err)
{
	int r = check_range(source, offset, length, err);

	if (r < 0 || length == 0)
		return r;
	return source->ops->read_at(source, buffer, offset, length, err);
}

/* A gap in a kind's answer would leave a part of the disk unwritten: never trust it. */
static bool extents_are_adjacent(const struct extent *extents, size_t count,
				 uint64_t offset, uint64_t length)
{
	uint64_t end = offset + length;

	for (size_t i = 0; i < count; i++) {
		if (extents[i].offset != offset || extents[i].length == 0 ||
		    extents[i].length > end - offset)
			return false;
		offset += extents[i].length;
	}
	return count > 0;
}

int source_extents(struct block_source *source, uint64_t offset, uint64_t length,
		   struct extent *extents, size_t max, size_t *ret_count, struct err *err)
{
	size_t count = 0;
	int r = check_range(source, offset, length, err);

	if (r < 0)
		return r;
	if (max == 0)
		return err_set(err, -EINVAL, "'%s': no room for extents", source->name);
	if (length && !source->ops->extents)
		extents[count++] = (struct extent){ offset, length, EXTENT_DATA };
	else if (length)
		r = source->ops->extents(source, offset, length, extents, max, &count,
					 err);
	if (r < 0)
		return r;
	if (length &&
	    (count > max || !extents_are_adjacent(extents, count, offset, length)))
		return err_set(err, -EIO,
			       "'%s': extents of %" PRIu64 "+%" PRIu64
			       " are not adjacent",
			       source->name, offset, length);
	*ret_count = count;
	return 0;
}

/* Joins extent to pending if they are of one kind; else visits pending and replaces it.
 */
static int walk_step(struct extent *pending, const struct extent *extent,
		     extent_visit *visit, void *context, struct err *err)
{
	int r = 0;

	if (pending->length && pending->kind == extent->kind) {
		pending->length += extent->length;
		return 0;
	}
	if (pending->length)
		r = visit(pending, context, err);
	*pending = *extent;
	return r;
}

int source_walk(struct block_source *source, uint64_t offset, uint64_t length,
		extent_visit *visit, void *context, struct err *err)
{
	struct extent batch[WALK_BATCH], pending = { 0 };
	int r = check_range(source, offset, length, err);

	while (r == 0 && length) {
		size_t count = 0;

		r = source_extents(source, offset, length, batch, WALK_BATCH, &count,
				   err);
		for (size_t i = 0; i < count && r == 0; i++) {
			r = walk_step(&pending, &batch[i], visit, context, err);
			offset += batch[i].length;
			length -= batch[i].length;
		}
	}
	if (r == 0 && pending.length)
		r = visit(&pending, context, err);
	return r;
}

void source_close(struct block_source *source)
{
	if (source)
		source->ops->close(source);
}
