/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A source that keeps pages of its parent in memory: over a share, what counts for many small
 * reads is how often the server is asked. The least recently used page makes room.
 */
#include <string.h>

#include <base/block-source.h>
#include <base/checked.h>

#define PAGE_SIZE                                                                        \
	(256u << 10)  /* bytes: one round trip; holds a VHDX's heads and tables */
#define PAGE_COUNT 32 /* 8 MiB in all */

struct page {
	uint8_t *bytes;	 /* NULL: free */
	uint64_t offset; /* multiple of PAGE_SIZE */
	size_t length;	 /* less than PAGE_SIZE at the end of the parent */
	uint64_t used;	 /* clock of the last use */
};

struct source_cached {
	struct block_source source;
	struct block_source *parent;
	struct page pages[PAGE_COUNT];
	uint64_t clock;
};

static struct page *oldest_page(struct source_cached *cached)
{
	struct page *oldest = &cached->pages[0];

	for (size_t i = 1; i < PAGE_COUNT; i++)
		if (cached->pages[i].used < oldest->used)
			oldest = &cached->pages[i];
	return oldest;
}

static struct page *find_page(struct source_cached *cached, uint64_t offset)
{
	for (size_t i = 0; i < PAGE_COUNT; i++)
		if (cached->pages[i].length && cached->pages[i].offset == offset)
			return &cached->pages[i];
	return NULL;
}

static int load_page(struct source_cached *cached, uint64_t offset, struct page **ret,
		     struct err *err)
{
	size_t length = min_u64(PAGE_SIZE, cached->source.size - offset);
	struct page *page = find_page(cached, offset);
	int r;

	if (!page) {
		page = oldest_page(cached);
		page->length = 0;
		if (!page->bytes)
			page->bytes = malloc(PAGE_SIZE);
		if (!page->bytes)
			return err_nomem(err);
		r = source_read(cached->parent, page->bytes, offset, length, err);
		if (r < 0)
			return r;
		page->offset = offset;
		page->length = length;
	}
	page->used = ++cached->clock;
	*ret = page;
	return 0;
}

static int cached_read_at(struct block_source *source, void *buffer, uint64_t offset,
			  size_t length, struct err *err)
{
	struct source_cached *cached = (struct source_cached *)source;
	uint8_t *to = buffer;

	if (length >= PAGE_SIZE)
		return source_read(cached->parent, buffer, offset, length, err);
	while (length) {
		uint64_t start = align_down(offset, PAGE_SIZE);
		struct page *page = NULL;
		size_t part;
		int r = load_page(cached, start, &page, err);

		if (r < 0)
			return r;
		part = min_u64(length, start + page->length - offset);
		memcpy(to, page->bytes + (offset - start), part);
		to += part;
		offset += part;
		length -= part;
	}
	return 0;
}

static int cached_extents(struct block_source *source, uint64_t offset, uint64_t length,
			  struct extent *extents, size_t max, size_t *ret_count,
			  struct err *err)
{
	return source_extents(((struct source_cached *)source)->parent, offset, length,
			      extents, max, ret_count, err);
}

static void cached_close(struct block_source *source)
{
	struct source_cached *cached = (struct source_cached *)source;

	for (size_t i = 0; i < PAGE_COUNT; i++)
		free(cached->pages[i].bytes);
	source_close(cached->parent);
	free(source->name);
	free(cached);
}

static const struct block_source_ops cached_ops = {
	.read_at = cached_read_at,
	.extents = cached_extents,
	.close = cached_close,
};

int source_cached_new(struct block_source *parent, struct block_source **ret,
		      struct err *err)
{
	AUTO(source_freep) struct block_source *owned = parent;
	struct source_cached *cached = calloc(1, sizeof(*cached));

	if (!cached)
		return err_nomem(err);
	cached->source = *parent;
	cached->source.ops = &cached_ops;
	cached->source.max_parallel = 1;
	cached->source.name = strdup(parent->name);
	if (!cached->source.name) {
		free(cached);
		return err_nomem(err);
	}
	cached->parent = TAKE_PTR(owned);
	*ret = &cached->source;
	return 0;
}
