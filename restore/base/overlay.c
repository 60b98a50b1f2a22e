/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changed pages over a source: see base/overlay.h. The pages are kept in one array sorted
 * by offset: fix-ups change some thousand pages, mostly in ascending order, and
 * everything that reads them (the merged view, the extents, the list of changes) wants
 * "the next one from here".
 */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/overlay.h>
#include <base/sorted.h>

#define PAGE_SIZE   4096
#define JOIN_LENGTH MiB /* the longest run that overlay_changes() hands out at once */

struct page {
	uint64_t offset;
	uint8_t bytes[PAGE_SIZE];
};

struct overlay {
	struct block_source source; /* the merged view */
	struct block_source *parent;
	bool owns_parent;
	size_t limit;
	struct page **pages; /* ascending by offset */
	size_t count, capacity;
};

static bool page_is_before(const void *record, const void *offset)
{
	const struct page *const *page = record;

	return (*page)->offset < *(const uint64_t *)offset;
}

/* The index of the first page that ends behind offset; count if there is none. */
static size_t first_page_from(const struct overlay *overlay, uint64_t offset)
{
	uint64_t page_offset = align_down(offset, PAGE_SIZE);

	return sorted_find(overlay->pages, overlay->count, sizeof(*overlay->pages),
			   page_is_before, &page_offset);
}

/* The page that holds offset, or NULL: then *ret_unchanged is how many of the length
 * bytes from offset on come before the next changed page. */
static struct page *page_at(const struct overlay *overlay, uint64_t offset,
			    uint64_t length, uint64_t *ret_unchanged)
{
	size_t index = first_page_from(overlay, offset);
	struct page *page = index < overlay->count ? overlay->pages[index] : NULL;

	if (page && page->offset <= offset)
		return page;
	*ret_unchanged = page ? min_u64(length, page->offset - offset) : length;
	return NULL;
}

/* How many of the length bytes from offset on lie in the page of offset. */
static size_t length_in_page(uint64_t offset, uint64_t length)
{
	return (size_t)min_u64(length, PAGE_SIZE - offset % PAGE_SIZE);
}

/* How many bytes of a page lie within the source: all but for the last page. */
static size_t page_length(const struct overlay *overlay, uint64_t page_offset)
{
	return (size_t)min_u64(PAGE_SIZE, overlay->source.size - page_offset);
}

/* -- the merged view ---- */

static int overlay_read_at(struct block_source *source, void *buffer, uint64_t offset,
			   size_t length, struct err *err)
{
	struct overlay *overlay = (struct overlay *)source;
	uint8_t *to = buffer;

	while (length) {
		uint64_t step = 0;
		const struct page *page = page_at(overlay, offset, length, &step);
		int r = 0;

		if (page) {
			step = length_in_page(offset, length);
			memcpy(to, page->bytes + offset % PAGE_SIZE, step);
		} else {
			r = source_read(overlay->parent, to, offset, step, err);
		}
		if (r < 0)
			return r;
		to += step;
		offset += step;
		length -= step;
	}
	return 0;
}

/* Changed pages are data, the rest is what the parent says. */
static int overlay_extents(struct block_source *source, uint64_t offset, uint64_t length,
			   struct extent *extents, size_t max, size_t *ret_count,
			   struct err *err)
{
	struct overlay *overlay = (struct overlay *)source;
	uint64_t end = offset + length;
	size_t count = 0;

	while (offset < end && count < max) {
		uint64_t step = 0;
		size_t more = 1;
		int r = 0;

		if (page_at(overlay, offset, end - offset, &step))
			extents[count] = (struct extent){
				offset, length_in_page(offset, end - offset), EXTENT_DATA
			};
		else
			r = source_extents(overlay->parent, offset, step, extents + count,
					   max - count, &more, err);
		if (r < 0)
			return r;
		count += more;
		offset = extents[count - 1].offset + extents[count - 1].length;
	}
	*ret_count = count;
	return 0;
}

static void overlay_close(struct block_source *source)
{
	struct overlay *overlay = (struct overlay *)source;

	for (size_t i = 0; i < overlay->count; i++)
		free(overlay->pages[i]);
	free(overlay->pages);
	if (overlay->owns_parent)
		source_close(overlay->parent);
	free(source->name);
	free(overlay);
}

static const struct block_source_ops overlay_ops = {
	.read_at = overlay_read_at,
	.extents = overlay_extents,
	.close = overlay_close,
};

/* -- writing ---- */

static int make_room(struct overlay *overlay, struct err *err)
{
	struct page **grown;
	size_t capacity;

	if (overlay->count >= overlay->limit / PAGE_SIZE)
		return err_set(err, -ENOSPC,
			       "'%s': changes would take more than %zu bytes of memory",
			       overlay->source.name, overlay->limit);
	if (overlay->count < overlay->capacity)
		return 0;
	capacity = overlay->capacity ? 2 * overlay->capacity : 64;
	grown = reallocarray(overlay->pages, capacity, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	overlay->pages = grown;
	overlay->capacity = capacity;
	return 0;
}

/* Adds the page of offset, which is not there yet. Its content is the parent's, or
 * nothing where all of it is about to be written. */
static int page_add(struct overlay *overlay, uint64_t offset, bool whole,
		    struct page **ret, struct err *err)
{
	size_t index = first_page_from(overlay, offset);
	AUTO_FREE struct page *page = NULL;
	int r = make_room(overlay, err);

	if (r < 0)
		return r;
	page = calloc(1, sizeof(*page));
	if (!page)
		return err_nomem(err);
	page->offset = align_down(offset, PAGE_SIZE);
	if (!whole) {
		r = source_read(overlay->parent, page->bytes, page->offset,
				page_length(overlay, page->offset), err);
		if (r < 0)
			return r;
	}
	memmove(overlay->pages + index + 1, overlay->pages + index,
		(overlay->count - index) * sizeof(*overlay->pages));
	overlay->pages[index] = page;
	overlay->count++;
	*ret = TAKE_PTR(page);
	return 0;
}

int overlay_write(struct overlay *overlay, const void *buffer, uint64_t offset,
		  size_t length, struct err *err)
{
	const uint8_t *from = buffer;

	if (!range_within(offset, length, overlay->source.size))
		return err_set(err, -EINVAL,
			       "'%s': write %" PRIu64 "+%zu leaves the size of %" PRIu64
			       " bytes",
			       overlay->source.name, offset, length,
			       overlay->source.size);
	while (length) {
		size_t step = length_in_page(offset, length);
		uint64_t unchanged = 0;
		struct page *page = page_at(overlay, offset, step, &unchanged);

		if (!page) {
			bool whole = step ==
				     page_length(overlay, align_down(offset, PAGE_SIZE));
			int r = page_add(overlay, offset, whole, &page, err);

			if (r < 0)
				return r;
		}
		memcpy(page->bytes + offset % PAGE_SIZE, from, step);
		from += step;
		offset += step;
		length -= step;
	}
	return 0;
}

/* -- the list of changes ---- */

/* Copies the run of adjacent pages from *index on, at most JOIN_LENGTH, and moves *index
 * behind it. Returns its bytes. */
static size_t gather_run(const struct overlay *overlay, size_t *index, uint8_t *buffer)
{
	uint64_t start = overlay->pages[*index]->offset;
	size_t length = 0;

	while (*index < overlay->count && length < JOIN_LENGTH &&
	       overlay->pages[*index]->offset == start + length) {
		size_t step = page_length(overlay, start + length);

		memcpy(buffer + length, overlay->pages[*index]->bytes, step);
		length += step;
		++*index;
	}
	return length;
}

int overlay_changes(struct overlay *overlay, overlay_visit *visit, void *context,
		    struct err *err)
{
	AUTO_FREE uint8_t *buffer = malloc(JOIN_LENGTH);
	size_t index = 0;
	int r = 0;

	if (!buffer)
		return err_nomem(err);
	while (index < overlay->count && r == 0) {
		uint64_t offset = overlay->pages[index]->offset;
		size_t length = gather_run(overlay, &index, buffer);

		r = visit(offset, buffer, length, context, err);
	}
	return r;
}

/* -- life ---- */

int overlay_new(struct block_source *parent, bool owns_parent, size_t limit,
		struct overlay **ret, struct err *err)
{
	AUTO(source_freep) struct block_source *owned = owns_parent ? parent : NULL;
	AUTO_FREE struct overlay *overlay = malloc(sizeof(*overlay));
	AUTO_FREE char *name = strdup(parent->name);

	if (!overlay || !name)
		return err_nomem(err);
	*overlay = (struct overlay){
		.source = {
			.ops = &overlay_ops,
			.size = parent->size,
			.sector_size = parent->sector_size,
			.max_parallel = 1, /* pages may move while one is read */
			.name = TAKE_PTR(name),
		},
		.parent = parent,
		.owns_parent = owns_parent,
		.limit = limit,
	};
	owned = NULL;
	*ret = TAKE_PTR(overlay);
	return 0;
}

struct block_source *overlay_source(struct overlay *overlay)
{
	return &overlay->source;
}

void overlay_free(struct overlay *overlay)
{
	if (overlay)
		source_close(&overlay->source);
}
