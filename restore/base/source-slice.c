/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A part of another block source: a partition of an image. Owns its parent if told so. */
#include <inttypes.h>
#include <string.h>

#include <base/block-source.h>
#include <base/checked.h>

struct source_slice {
	struct block_source source;
	struct block_source *parent;
	bool owns_parent;
	uint64_t start; /* byte of the parent that is byte 0 of the slice */
};

static int slice_read_at(struct block_source *source, void *buffer, uint64_t offset,
			 size_t length, struct err *err)
{
	struct source_slice *slice = (struct source_slice *)source;

	return source_read(slice->parent, buffer, slice->start + offset, length, err);
}

static int slice_extents(struct block_source *source, uint64_t offset, uint64_t length,
			 struct extent *extents, size_t max, size_t *ret_count,
			 struct err *err)
{
	struct source_slice *slice = (struct source_slice *)source;
	size_t count = 0;
	int r;

	r = source_extents(slice->parent, slice->start + offset, length, extents, max,
			   &count, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		extents[i].offset -= slice->start;
	*ret_count = count;
	return 0;
}

static void slice_close(struct block_source *source)
{
	struct source_slice *slice = (struct source_slice *)source;

	if (slice->owns_parent)
		source_close(slice->parent);
	free(source->name);
	free(slice);
}

static const struct block_source_ops slice_ops = {
	.read_at = slice_read_at,
	.extents = slice_extents,
	.close = slice_close,
};

int source_slice_new(struct block_source *parent, bool owns_parent, uint64_t offset,
		     uint64_t length, const char *name, struct block_source **ret,
		     struct err *err)
{
	AUTO(source_freep) struct block_source *owned = owns_parent ? parent : NULL;
	AUTO_FREE struct source_slice *slice = NULL;
	AUTO_FREE char *own_name = NULL;

	if (!range_within(offset, length, parent->size))
		return err_set(err, -EINVAL,
			       "'%s': %" PRIu64 "+%" PRIu64 " leaves '%s' of %" PRIu64
			       " bytes",
			       name, offset, length, parent->name, parent->size);
	slice = malloc(sizeof(*slice));
	own_name = strdup(name);
	if (!slice || !own_name)
		return err_nomem(err);
	*slice = (struct source_slice){
		.source = {
			.ops = &slice_ops,
			.size = length,
			.sector_size = parent->sector_size,
			.max_parallel = parent->max_parallel,
			.name = TAKE_PTR(own_name),
		},
		.parent = parent,
		.owns_parent = owns_parent,
		.start = offset,
	};
	owned = NULL;
	*ret = (struct block_source *)TAKE_PTR(slice);
	return 0;
}
