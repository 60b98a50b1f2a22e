/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads packed images: see packed.h. */
#include "packed.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/checked.h>

#include "packed-table.h"
#include "zstd-frame.h"

/* What one read of the packed file brings, at most: a read of a share that is fast. Several
 * processes have several images open, and the product promises 256 MiB for all of it. */
#define BATCH_BYTES  (2 * MiB)
#define BATCH_FRAMES 16

/* Frames that were touched in part. There are at least two: one at each end of a read. */
#define KEPT_BYTES (2 * MiB)
#define KEPT_MAX   2

struct kept_frame {
	uint8_t *bytes;	 /* of the table's max_length; NULL: not used yet; owned */
	uint64_t start;	 /* in the unpacked file */
	uint32_t length; /* 0: none */
	uint64_t used;	 /* clock of the last use */
};

struct source_packed {
	struct block_source source;
	struct block_source *file;
	struct packed_table table;
	struct unpacker *unpacker;
	struct kept_frame kept[KEPT_MAX];
	size_t kept_count;
	uint64_t clock;
	uint8_t *stored; /* the frames of one batch; grows to what is needed; owned */
	size_t stored_room;
};

/* Neighbouring frames that are read together. */
struct batch {
	size_t count;
	uint64_t stored; /* bytes */
	struct packed_frame frames[BATCH_FRAMES];
	struct kept_frame
		*kept[BATCH_FRAMES]; /* where those go that are wanted in part */
};

/* -- frames in memory ---- */

static struct kept_frame *find_kept(struct source_packed *packed, uint64_t offset)
{
	for (size_t i = 0; i < packed->kept_count; i++) {
		struct kept_frame *kept = &packed->kept[i];

		if (offset >= kept->start && offset - kept->start < kept->length)
			return kept;
	}
	return NULL;
}

/* The one that was not used for longest; what was in it is dropped. */
static int take_kept(struct source_packed *packed, struct kept_frame **ret,
		     struct err *err)
{
	struct kept_frame *oldest = &packed->kept[0];

	for (size_t i = 1; i < packed->kept_count; i++)
		if (packed->kept[i].used < oldest->used)
			oldest = &packed->kept[i];
	if (!oldest->bytes)
		oldest->bytes = malloc(packed->table.max_length);
	if (!oldest->bytes)
		return err_nomem(err);
	oldest->length = 0;
	oldest->used = ++packed->clock;
	*ret = oldest;
	return 0;
}

/* -- reading ---- */

/* Is all of the frame's content wanted? Then it goes to the caller's buffer at once. */
static bool is_whole(const struct packed_frame *frame, uint64_t offset, size_t length)
{
	return frame->start >= offset &&
	       range_within(frame->start - offset, frame->length, length);
}

static int gather(struct source_packed *packed, uint64_t offset, size_t length,
		  struct batch *batch, struct err *err)
{
	uint64_t next = offset, end = offset + length;

	*batch = (struct batch){ 0 };
	while (next < end && batch->count < BATCH_FRAMES) {
		struct packed_frame *frame = &batch->frames[batch->count];
		int r = packed_table_find(&packed->table, packed->file, next, frame, err);

		if (r < 0)
			return r;
		/* What was found first is read in any case. A frame without content may lie
		 * between two others. */
		if (batch->count &&
		    (batch->stored + frame->stored > BATCH_BYTES ||
		     frame->offset != batch->frames[0].offset + batch->stored ||
		     (!is_whole(frame, offset, length) && find_kept(packed, next))))
			break;
		if (!is_whole(frame, offset, length))
			r = take_kept(packed, &batch->kept[batch->count], err);
		if (r < 0)
			return r;
		batch->stored += frame->stored;
		next = frame->start + frame->length;
		batch->count++;
	}
	return 0;
}

static int read_stored(struct source_packed *packed, const struct batch *batch,
		       struct err *err)
{
	if (packed->stored_room < batch->stored) {
		uint8_t *grown = realloc(packed->stored, batch->stored);

		if (!grown)
			return err_nomem(err);
		packed->stored = grown;
		packed->stored_room = batch->stored;
	}
	return source_read(packed->file, packed->stored, batch->frames[0].offset,
			   batch->stored, err);
}

/* Each frame of the batch to the buffer, which is that of offset, or to where it is kept. */
static int unpack_batch(struct source_packed *packed, const struct batch *batch,
			uint8_t *buffer, uint64_t offset, struct err *err)
{
	struct unpack_task tasks[BATCH_FRAMES];
	const uint8_t *from = packed->stored;

	for (size_t i = 0; i < batch->count; i++) {
		const struct packed_frame *frame = &batch->frames[i];

		tasks[i] = (struct unpack_task){
			.from = from,
			.stored = frame->stored,
			.to = batch->kept[i] ? batch->kept[i]->bytes
					     : buffer + (frame->start - offset),
			.length = frame->length,
			.has_checksum = packed->table.checksums,
			.checksum = frame->checksum,
		};
		from += frame->stored;
	}
	unpacker_run(packed->unpacker, tasks, batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		const struct packed_frame *frame = &batch->frames[i];

		if (tasks[i].fault)
			return err_set(err, -EBADMSG,
				       "'%s': the frame at %" PRIu64 "+%" PRIu32
				       " is damaged: %s",
				       packed->source.name, frame->offset, frame->stored,
				       tasks[i].fault);
		if (!batch->kept[i])
			continue;
		batch->kept[i]->start = frame->start;
		batch->kept[i]->length = frame->length;
	}
	return 0;
}

/* Copies what is kept of the range; *ret: bytes, from the start of the range on. */
static size_t copy_kept(struct source_packed *packed, uint8_t *to, uint64_t offset,
			size_t length)
{
	struct kept_frame *kept = find_kept(packed, offset);
	uint64_t skip;
	size_t part;

	if (!kept)
		return 0;
	skip = offset - kept->start;
	part = (size_t)min_u64(length, kept->length - skip);
	memcpy(to, kept->bytes + skip, part);
	kept->used = ++packed->clock;
	return part;
}

/* The first bytes of the range that are not kept; *ret_done: how many. */
static int read_batch(struct source_packed *packed, uint8_t *to, uint64_t offset,
		      size_t length, size_t *ret_done, struct err *err)
{
	const struct packed_frame *last;
	struct batch batch;
	uint64_t end;
	int r = gather(packed, offset, length, &batch, err);

	if (r == 0)
		r = read_stored(packed, &batch, err);
	if (r == 0)
		r = unpack_batch(packed, &batch, to, offset, err);
	if (r < 0)
		return r;
	last = &batch.frames[batch.count - 1];
	end = min_u64(last->start + last->length, offset + length);
	for (size_t i = 0; i < batch.count; i++) {
		const struct kept_frame *kept = batch.kept[i];
		uint64_t from, until;

		if (!kept)
			continue;
		from = max_u64(kept->start, offset);
		until = min_u64(kept->start + kept->length, end);
		memcpy(to + (from - offset), kept->bytes + (from - kept->start),
		       until - from);
	}
	*ret_done = (size_t)(end - offset);
	return 0;
}

static int packed_read_at(struct block_source *source, void *buffer, uint64_t offset,
			  size_t length, struct err *err)
{
	struct source_packed *packed = (struct source_packed *)source;
	uint8_t *to = buffer;

	while (length) {
		size_t done = copy_kept(packed, to, offset, length);
		int r = 0;

		if (!done)
			r = read_batch(packed, to, offset, length, &done, err);
		if (r < 0)
			return r;
		to += done;
		offset += done;
		length -= done;
	}
	return 0;
}

static void packed_close(struct block_source *source)
{
	struct source_packed *packed = (struct source_packed *)source;

	for (size_t i = 0; i < KEPT_MAX; i++)
		free(packed->kept[i].bytes);
	free(packed->stored);
	unpacker_free(packed->unpacker);
	packed_table_clear(&packed->table);
	source_close(packed->file);
	free(source->name);
	free(packed);
}

static const struct block_source_ops packed_ops = {
	.read_at = packed_read_at,
	.close = packed_close,
};

/* -- opening ---- */

size_t packed_name_length(const char *name)
{
	size_t length = strlen(name), tail = strlen(PACKED_EXTENSION);

	return length > tail && strcasecmp(name + length - tail, PACKED_EXTENSION) == 0
		       ? length - tail
		       : length;
}

/* A frame, or a skippable one before it: 0x184D2A50 to 0x184D2A5F. */
static int has_mark(struct block_source *file, bool *ret, struct err *err)
{
	le32 magic;
	int r;

	*ret = false;
	if (file->size < sizeof(magic))
		return 0;
	r = source_read(file, &magic, 0, sizeof(magic), err);
	if (r == 0)
		*ret = get_le32(magic) == ZSTD_FRAME_MAGIC ||
		       get_le32(magic) >> 4 == PACKED_SKIPPABLE_MAGIC >> 4;
	return r;
}

/* Everything but the file, which is not taken over. */
static int prepare(struct source_packed *packed, struct block_source *file,
		   struct err *err)
{
	int r = packed_table_read(file, &packed->table, err);

	if (r == 0)
		r = unpacker_new(&packed->unpacker, err);
	if (r < 0)
		return r;
	packed->source = (struct block_source){
		.ops = &packed_ops,
		.size = packed->table.size,
		.mtime_ns = file->mtime_ns,
		.max_parallel = 1,
		.name = strdup(file->name),
	};
	packed->kept_count = (size_t)max_u64(
		2, min_u64(KEPT_MAX, KEPT_BYTES / max_u64(packed->table.max_length, 1)));
	return packed->source.name ? 0 : err_nomem(err);
}

int packed_open(struct block_source *file, struct block_source **ret, bool *ret_packed,
		struct err *err)
{
	AUTO(source_freep) struct block_source *owned = file;
	struct source_packed *packed;
	bool named = file->name[packed_name_length(file->name)] != '\0', marked;
	int r = has_mark(file, &marked, err);

	if (r < 0)
		return r;
	*ret_packed = marked;
	if (!marked && named)
		return err_set(err, -EBADMSG,
			       "'%s': named as packed, and does not begin as zstd does",
			       file->name);
	if (!marked) {
		*ret = TAKE_PTR(owned);
		return 0;
	}
	packed = calloc(1, sizeof(*packed));
	if (!packed)
		return err_nomem(err);
	r = prepare(packed, file, err);
	packed->file = r == 0 ? TAKE_PTR(owned) : NULL;
	if (r < 0) {
		packed_close(&packed->source);
		return r;
	}
	*ret = &packed->source;
	return 0;
}
