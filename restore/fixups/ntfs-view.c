/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The virtual NTFS volume: see ntfs-view.h. The bytes, the marks and the moves are here; the
 * file system that shows them is in ntfs-view-fuse.c.
 */
#include "ntfs-view.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include <base/checked.h>

#include "ntfs-view-fuse.h"

/* Marks and moves are made of pages, as the overlay's changes are. */
#define PAGE UINT64_C(4096)

/* Metadata that ntfsresize rewrites: $LogFile (64 MiB as a rule), $Bitmap, and MFT records of
 * relocated files, 1 KiB each. */
#define CHANGES_MAX ((size_t)GiB)

/* The MFT is read in records of 1 KiB: ask the reader for larger pieces, keep some. */
#define CACHE_BLOCK MiB
#define CACHE_COUNT 16

struct mark {
	uint64_t nonce;
	uint64_t page; /* offset in the image */
};
#define MARKS_PER_PAGE (PAGE / sizeof(struct mark))

/* The image with zeros behind it, through a cache. */
struct cached_source {
	struct block_source source; /* first */
	struct block_source *image;
	unsigned clock;
	struct {
		uint64_t offset;
		unsigned used; /* 0: empty */
		uint8_t *bytes;
	} blocks[CACHE_COUNT];
};

struct ntfs_view {
	struct block_source *image; /* borrowed */
	struct block_source *below; /* struct cached_source */
	struct overlay *changes;
	struct view_server *server;
	uint64_t size;	   /* of the file */
	uint64_t new_end;  /* marks are shown behind it; UINT64_MAX: none */
	bool learning;	   /* what is read is metadata */
	uint8_t *metadata; /* a bit for each page of the image: was read, or written */
	uint8_t *moved;	   /* a bit for each page: a move goes there */
	uint64_t nonce;
	size_t move_count, move_room;
	struct ntfs_move *moves;
	struct err failure; /* of the last run; code 0: none */
};

static bool get_bit(const uint8_t *bits, uint64_t page)
{
	return bits[page / 8] >> page % 8 & 1;
}

static void set_bit(uint8_t *bits, uint64_t page)
{
	bits[page / 8] |= (uint8_t)(1 << page % 8);
}

static bool any_bit(const uint8_t *bits, uint64_t offset, size_t length)
{
	for (uint64_t page = offset / PAGE; page * PAGE < offset + length; page++)
		if (get_bit(bits, page))
			return true;
	return false;
}

/* -- the image, cached and padded ---- */

static int load_block(struct cached_source *cached, uint64_t offset,
		      const uint8_t **ret_bytes, struct err *err)
{
	size_t oldest = 0;
	uint64_t length = min_u64(CACHE_BLOCK, cached->image->size - offset);
	int r;

	for (size_t i = 0; i < CACHE_COUNT; i++) {
		if (cached->blocks[i].used && cached->blocks[i].offset == offset) {
			cached->blocks[i].used = ++cached->clock;
			*ret_bytes = cached->blocks[i].bytes;
			return 0;
		}
		if (cached->blocks[i].used < cached->blocks[oldest].used)
			oldest = i;
	}
	if (!cached->blocks[oldest].bytes)
		cached->blocks[oldest].bytes = malloc(CACHE_BLOCK);
	if (!cached->blocks[oldest].bytes)
		return err_nomem(err);
	cached->blocks[oldest].used = 0;
	r = source_read(cached->image, cached->blocks[oldest].bytes, offset,
			(size_t)length, err);
	if (r < 0)
		return r;
	cached->blocks[oldest].offset = offset;
	cached->blocks[oldest].used = ++cached->clock;
	*ret_bytes = cached->blocks[oldest].bytes;
	return 0;
}

static int cached_read(struct block_source *source, void *buffer, uint64_t offset,
		       size_t length, struct err *err)
{
	struct cached_source *cached = (struct cached_source *)source;
	uint8_t *to = buffer;

	while (length && offset < cached->image->size) {
		uint64_t start = align_down(offset, CACHE_BLOCK);
		uint64_t end = min_u64(start + CACHE_BLOCK, cached->image->size);
		size_t part = (size_t)min_u64(length, end - offset);
		const uint8_t *block;
		int r = load_block(cached, start, &block, err);

		if (r < 0)
			return r;
		memcpy(to, block + (offset - start), part);
		to += part;
		offset += part;
		length -= part;
	}
	memset(to, 0, length);
	return 0;
}

static void cached_close(struct block_source *source)
{
	struct cached_source *cached = (struct cached_source *)source;

	for (size_t i = 0; i < CACHE_COUNT; i++)
		free(cached->blocks[i].bytes);
	free(source->name);
	free(cached);
}

static int cached_new(struct block_source *image, uint64_t size,
		      struct block_source **ret, struct err *err)
{
	static const struct block_source_ops ops = {
		.read_at = cached_read,
		.close = cached_close,
	};
	struct cached_source *cached = calloc(1, sizeof(*cached));

	if (!cached)
		return err_nomem(err);
	cached->source = (struct block_source){
		.ops = &ops,
		.size = size,
		.max_parallel = 1,
		.name = strdup(image->name),
	};
	cached->image = image;
	if (!cached->source.name) {
		free(cached);
		return err_nomem(err);
	}
	*ret = &cached->source;
	return 0;
}

/* -- what the file system asks for ---- */

uint64_t view_size(const struct ntfs_view *view)
{
	return view->size;
}

static void learn(struct ntfs_view *view, uint64_t offset, size_t length)
{
	for (uint64_t page = offset / PAGE; page * PAGE < offset + length; page++)
		set_bit(view->metadata, page);
}

static bool shows_marks(const struct ntfs_view *view, uint64_t offset, size_t length)
{
	return offset >= view->new_end && offset % PAGE == 0 && length % PAGE == 0 &&
	       !any_bit(view->metadata, offset, length);
}

static void write_marks(const struct ntfs_view *view, uint8_t *to, uint64_t offset,
			size_t length)
{
	for (size_t at = 0; at < length; at += sizeof(struct mark)) {
		struct mark mark = { view->nonce, align_down(offset + at, PAGE) };

		memcpy(to + at, &mark, sizeof(mark));
	}
}

/* The part of a read that moves go to comes from where they come from. */
static int read_moved(struct ntfs_view *view, uint8_t *to, uint64_t offset, size_t length,
		      struct err *err)
{
	int r = 0;

	if (!any_bit(view->moved, offset, length))
		return 0;
	for (size_t i = 0; r == 0 && i < view->move_count; i++) {
		const struct ntfs_move *move = &view->moves[i];
		uint64_t from = max_u64(offset, move->to);
		uint64_t end = min_u64(offset + length, move->to + move->length);

		if (from < end)
			r = source_read(view->image, to + (from - offset),
					move->from + (from - move->to), end - from, err);
	}
	return r;
}

int view_read(struct ntfs_view *view, void *buffer, uint64_t offset, size_t length)
{
	int r;

	if (shows_marks(view, offset, length)) {
		write_marks(view, buffer, offset, length);
		return 0;
	}
	if (view->learning)
		learn(view, offset, length);
	r = source_read(overlay_source(view->changes), buffer, offset, length,
			&view->failure);
	if (r == 0)
		r = read_moved(view, buffer, offset, length, &view->failure);
	return r;
}

static int add_move(struct ntfs_view *view, uint64_t to, uint64_t from)
{
	struct ntfs_move *last =
		view->move_count ? &view->moves[view->move_count - 1] : NULL;

	set_bit(view->moved, to / PAGE);
	if (last && last->to + last->length == to && last->from + last->length == from) {
		last->length += PAGE;
		return 0;
	}
	if (!view->moves || view->move_count == view->move_room) {
		size_t room = view->move_room ? view->move_room * 2 : 1024;
		struct ntfs_move *moves = reallocarray(view->moves, room, sizeof(*moves));

		if (!moves)
			return err_nomem(&view->failure);
		view->moves = moves;
		view->move_room = room;
	}
	view->moves[view->move_count++] = (struct ntfs_move){ to, from, PAGE };
	return 0;
}

/* One page that holds nothing but the marks of one page? */
static bool is_marked(const struct ntfs_view *view, const uint8_t *page,
		      uint64_t *ret_from)
{
	struct mark first;

	memcpy(&first, page, sizeof(first));
	if (first.nonce != view->nonce || first.page % PAGE ||
	    !range_within(first.page, PAGE, view->image->size))
		return false;
	for (size_t i = 1; i < MARKS_PER_PAGE; i++)
		if (memcmp(page + i * sizeof(first), &first, sizeof(first)) != 0)
			return false;
	*ret_from = first.page;
	return true;
}

static int write_moves(struct ntfs_view *view, const uint8_t *bytes, uint64_t offset,
		       size_t length)
{
	int r = 0;

	for (size_t at = 0; r == 0 && at < length; at += PAGE) {
		uint64_t from;

		if (!is_marked(view, bytes + at, &from) ||
		    get_bit(view->moved, (offset + at) / PAGE))
			return err_set(&view->failure, -EXDEV,
				       "'%s': content and metadata cannot be told apart "
				       "at byte %" PRIu64,
				       view->image->name, offset + at);
		r = add_move(view, offset + at, from);
	}
	return r;
}

int view_write(struct ntfs_view *view, const void *bytes, uint64_t offset, size_t length)
{
	uint64_t from;

	if (length >= PAGE && offset % PAGE == 0 && length % PAGE == 0 &&
	    is_marked(view, bytes, &from) && offset + length <= view->new_end)
		return write_moves(view, bytes, offset, length);
	if (memmem(bytes, length, &view->nonce, sizeof(view->nonce)) ||
	    any_bit(view->moved, offset, length))
		return err_set(&view->failure, -EXDEV,
			       "'%s': relocated content was changed at byte %" PRIu64,
			       view->image->name, offset);
	learn(view, offset, length);
	return overlay_write(view->changes, bytes, offset, length, &view->failure);
}

/* -- the view ---- */

int ntfs_view_new(struct block_source *volume, uint64_t size, int fd,
		  struct ntfs_view **ret, struct err *err)
{
	AUTO(ntfs_view_freep) struct ntfs_view *view = calloc(1, sizeof(*view));
	size_t bits = (size_t)(size / PAGE / 8 + 1);
	int r;

	if (!view) {
		close(fd);
		return err_nomem(err);
	}
	r = view_server_new(view, fd, &view->server, err);
	if (r < 0)
		return r;
	view->image = volume;
	view->size = size;
	view->learning = true;
	view->metadata = calloc(bits, 1);
	view->moved = calloc(bits, 1);
	if (!view->metadata || !view->moved)
		return err_nomem(err);
	if (getrandom(&view->nonce, sizeof(view->nonce), 0) != sizeof(view->nonce))
		return err_errno(err, errno, "random bytes");
	r = cached_new(volume, size, &view->below, err);
	if (r == 0)
		r = ntfs_view_begin(view, UINT64_MAX, err);
	if (r < 0)
		return r;
	view->learning = true;
	*ret = TAKE_PTR(view);
	return 0;
}

void ntfs_view_free(struct ntfs_view *view)
{
	if (!view)
		return;
	view_server_free(view->server);
	overlay_free(view->changes);
	source_close(view->below);
	free(view->metadata);
	free(view->moved);
	free(view->moves);
	free(view);
}

int ntfs_view_begin(struct ntfs_view *view, uint64_t new_end, struct err *err)
{
	overlay_free(view->changes);
	view->changes = NULL;
	view->move_count = 0;
	memset(view->moved, 0, (size_t)(view->below->size / PAGE / 8 + 1));
	view->size = view->below->size;
	view->new_end = new_end;
	view->learning = false;
	return overlay_new(view->below, false, CHANGES_MAX, &view->changes, err);
}

void ntfs_view_cut(struct ntfs_view *view, uint64_t size)
{
	view->size = size;
	view->new_end = UINT64_MAX;
}

int ntfs_view_run(struct ntfs_view *view, const char *const *argv, char **ret_output,
		  struct err *err)
{
	int r;

	view->failure = (struct err){ 0 };
	r = view_server_run(view->server, argv, ret_output, err);
	if (view->failure.code)
		return err_set(err, view->failure.code, "%s", view->failure.text);
	return r;
}

struct cut_visit {
	uint64_t size;
	overlay_visit *visit;
	void *context;
};

static int visit_cut(uint64_t offset, const void *bytes, size_t length, void *context,
		     struct err *err)
{
	struct cut_visit *cut = context;

	if (offset >= cut->size)
		return 0;
	length = (size_t)min_u64(length, cut->size - offset);
	return cut->visit(offset, bytes, length, cut->context, err);
}

int ntfs_view_changes(struct ntfs_view *view, overlay_visit *visit, void *context,
		      struct err *err)
{
	struct cut_visit cut = { view->size, visit, context };

	return overlay_changes(view->changes, visit_cut, &cut, err);
}

const struct ntfs_move *ntfs_view_moves(const struct ntfs_view *view, size_t *ret_count)
{
	*ret_count = view->move_count;
	return view->moves;
}
