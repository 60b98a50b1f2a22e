/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading a volume piece by piece, with many requests under way: the source of a copy and
 * of a comparison. Pieces end at multiples of the reader's slot size, so that one request
 * is one read of the share.
 */
#include "restore-job.h"

#include <inttypes.h>

#include <base/checked.h>

#define WALK_RANGES 256

/* Free space of less than this between stored data is copied with it: a read that is not
 * interrupted costs less than a second one. */
#define FREE_GAP (128 * KiB)

/* What O_DIRECT wants of a buffer. */
#define PAGE 4096

/* The reader has no more slots than this. */
#define MOVES_UNDER_WAY 64

struct walk {
	struct restore_job *job;
	const struct job_volume *volume;
	const struct piece_visitor *visitor;
	uint32_t sector; /* of the disk; pieces are made of whole ones */
	uint64_t end;	 /* of what is not held back */
	uint64_t gap;	 /* free pieces shorter than this come as data */
	uint64_t mapped; /* the map was asked up to here */
	struct volume_range ranges[WALK_RANGES];
	size_t count, next;
	/* Requests under way whose bytes belong elsewhere. */
	size_t moving;
	struct patch_move moves[MOVES_UNDER_WAY];
};

/* The next range, cut to what is not held back; length 0: the end. */
static int next_range(struct walk *walk, struct volume_range *ret, struct err *err)
{
	struct volume_range range;

	if (walk->next == walk->count) {
		int r;

		walk->next = walk->count = 0;
		if (walk->mapped < walk->end) {
			r = reader_map(walk->job->reader, walk->volume->reader_volume,
				       walk->mapped, walk->ranges, WALK_RANGES,
				       &walk->count, err);
			if (r < 0)
				return r;
		}
		if (walk->count == 0) {
			*ret = (struct volume_range){ walk->end, 0, RANGE_FREE };
			return 0;
		}
	}
	range = walk->ranges[walk->next++];
	walk->mapped = range.offset + range.length;
	if (walk->mapped > walk->end)
		range.length -= walk->mapped - walk->end;
	*ret = range;
	return 0;
}

/* A disk with larger sectors than the image's: what shares one is data. */
static bool ends_in_sector(const struct walk *walk, const struct volume_range *range)
{
	uint64_t end = range->offset + range->length;

	return end % walk->sector && end < walk->end;
}

static int fill_sector(struct walk *walk, struct volume_range *range, struct err *err)
{
	struct volume_range more = { .length = 1 };
	int r = 0;

	while (r == 0 && more.length && ends_in_sector(walk, range)) {
		r = next_range(walk, &more, err);
		range->kind = RANGE_DATA;
		range->length += more.length;
	}
	return r;
}

/* The same with neighbours joined where that saves a request. */
static int next_joined(struct walk *walk, struct volume_range *ret, struct err *err)
{
	struct volume_range joined, more;
	int r;

	r = next_range(walk, &joined, err);
	if (r < 0 || joined.length == 0) {
		*ret = joined;
		return r;
	}
	r = fill_sector(walk, &joined, err);
	if (r < 0)
		return r;
	if (joined.kind == RANGE_FREE && joined.length < walk->gap)
		joined.kind = RANGE_DATA;
	while (walk->next < walk->count && joined.kind == RANGE_DATA) {
		more = walk->ranges[walk->next];
		if (more.kind == RANGE_ZERO ||
		    (more.kind == RANGE_FREE && more.length >= walk->gap))
			break;
		r = next_range(walk, &more, err);
		if (r < 0)
			return r;
		joined.length += more.length;
	}
	*ret = joined;
	return fill_sector(walk, ret, err);
}

/* Where a block that was read belongs. */
static uint64_t destination(struct walk *walk, const struct reader_block *block)
{
	for (size_t i = 0; i < walk->moving; i++) {
		struct patch_move move = walk->moves[i];

		if (move.from != block->offset || move.length != block->length)
			continue;
		walk->moves[i] = walk->moves[--walk->moving];
		return move.to;
	}
	return block->offset;
}

/* A block in pieces that end where chunks do, at the place it was read from. */
static int visit_block(struct walk *walk, const struct reader_block *block,
		       struct err *err)
{
	uint64_t to = destination(walk, block);
	int r = 0;

	for (uint32_t done = 0; r == 0 && done < block->length;) {
		uint64_t at = block->offset + done;
		uint32_t length = (uint32_t)min_u64(block->length - done,
						    CHUNK_SIZE - at % CHUNK_SIZE);
		const struct piece piece = { walk->volume, to + done, block->bytes + done,
					     length, block->slot };

		r = walk->visitor->data(walk->job, &piece, err);
		done += length;
	}
	return r;
}

/* All that is read may be held by writes under way. */
static int take_block(struct walk *walk, struct err *err)
{
	struct reader_block block;
	int r;

	if (!reader_in_flight(walk->job->reader) && walk->visitor->make_room)
		return walk->visitor->make_room(walk->job, err);
	if (walk->visitor->idle && !reader_has_block(walk->job->reader)) {
		r = walk->visitor->idle(walk->job, err);
		if (r < 0)
			return r;
	}
	r = reader_wait(walk->job->reader, READER_TIMEOUT_MS, &block, err);
	if (r < 0)
		return r;
	walk->job->meter.workers = reader_processes(walk->job->reader);
	meter_busy(&walk->job->meter, SIDE_SOURCE, block.work_ns);
	r = visit_block(walk, &block, err);
	reader_release(walk->job->reader, block.slot);
	return r;
}

static int drain(struct walk *walk, struct err *err)
{
	int r = 0;

	while (r == 0 && reader_in_flight(walk->job->reader))
		r = take_block(walk, err);
	return r;
}

static int submit(struct walk *walk, uint64_t offset, uint64_t end, struct err *err)
{
	uint32_t length = (uint32_t)(end - offset);
	int r = 0;

	while (r == 0 && !reader_can_submit(walk->job->reader, length))
		r = take_block(walk, err);
	return r < 0 ? r
		     : reader_submit(walk->job->reader, walk->volume->reader_volume,
				     offset, length, err);
}

/* *end may be cut: the answer is of what lies before it. */
static int is_known(struct walk *walk, uint64_t offset, uint64_t *end, struct err *err)
{
	uint32_t length = (uint32_t)(*end - offset);
	int known;

	if (!walk->visitor->known)
		return 0;
	known = walk->visitor->known(walk->job, walk->volume, offset, &length, err);
	*end = offset + length;
	return known;
}

/* How far one request may go. The pieces of a block lie on pages if it begins on one. */
static uint64_t request_end(const struct walk *walk, uint64_t offset)
{
	uint64_t size = CHUNK_SIZE;

	if (offset % PAGE == 0)
		size = max_u64(size, align_down(reader_request_size(walk->job->reader),
						CHUNK_SIZE));
	return align_down(offset, size) + size;
}

/* Whole chunks that are not known, as many as a request should have. */
static int submit_data(struct walk *walk, const struct volume_range *range,
		       struct err *err)
{
	uint64_t offset = range->offset, end = range->offset + range->length;
	int r = 0;

	while (r == 0 && offset < end) {
		uint64_t limit = min_u64(end, request_end(walk, offset));
		uint64_t stop = offset, next = offset;
		int known = 0;

		/* [stop, next) is the piece that is asked for */
		while (next < limit && known == 0) {
			stop = next;
			next = min_u64(limit, align_down(stop, CHUNK_SIZE) + CHUNK_SIZE);
			known = is_known(walk, stop, &next, err);
			if (known < 0)
				return known;
		}
		if (known == 0)
			stop = next;
		if (stop > offset)
			r = submit(walk, offset, stop, err);
		offset = next;
	}
	return r;
}

static int visit_empty(struct walk *walk, const struct volume_range *range,
		       struct err *err)
{
	const struct piece_visitor *visitor = walk->visitor;

	if (range->length == 0)
		return 0;
	if (range->kind == RANGE_ZERO)
		return visitor->zero(walk->job, walk->volume, range->offset,
				     range->length, err);
	if (!visitor->unused)
		return 0;
	return visitor->unused(walk->job, walk->volume, range->offset, range->length,
			       err);
}

/* What is moved goes to where the image has nothing: those places are left out. */
static int visit_range(struct walk *walk, const struct volume_range *range,
		       struct err *err)
{
	const struct patch_list *list = &walk->volume->patches;
	struct volume_range piece = *range;
	uint64_t end = range->offset + range->length;
	int r = 0;

	if (range->kind == RANGE_DATA)
		return submit_data(walk, range, err);
	for (size_t i = patch_move_find(list->moves, list->move_count, range->offset);
	     r == 0 && i < list->move_count && list->moves[i].to < end; i++) {
		piece.length = max_u64(piece.offset, list->moves[i].to) - piece.offset;
		r = visit_empty(walk, &piece, err);
		piece.offset = list->moves[i].to + list->moves[i].length;
	}
	if (r < 0 || piece.offset >= end)
		return r;
	piece.length = end - piece.offset;
	return visit_empty(walk, &piece, err);
}

static int submit_move(struct walk *walk, const struct patch_move *move, struct err *err)
{
	int r = 0;

	for (uint64_t done = 0; r == 0 && done < move->length;) {
		uint32_t length = (uint32_t)min_u64(CHUNK_SIZE, move->length - done);

		while (r == 0 && (!reader_can_submit(walk->job->reader, length) ||
				  walk->moving == MOVES_UNDER_WAY))
			r = take_block(walk, err);
		if (r == 0)
			r = reader_submit(walk->job->reader, walk->volume->reader_volume,
					  move->from + done, length, err);
		if (r == 0)
			walk->moves[walk->moving++] =
				(struct patch_move){ move->to + done, move->from + done,
						     length };
		done += length;
	}
	return r;
}

static int visit_image(struct walk *walk, struct err *err)
{
	struct volume_range range;
	int r;

	do {
		r = next_joined(walk, &range, err);
		if (r == 0 && range.length)
			r = visit_range(walk, &range, err);
	} while (r == 0 && range.length);
	return r < 0 ? r : drain(walk, err);
}

static int visit_moves(struct walk *walk, struct err *err)
{
	const struct patch_list *list = &walk->volume->patches;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->move_count; i++)
		r = submit_move(walk, &list->moves[i], err);
	return r < 0 ? r : drain(walk, err);
}

int job_walk_volume(struct restore_job *job, const struct job_volume *volume,
		    const struct piece_visitor *visitor, struct err *err)
{
	uint32_t sector = job->plan->after->sector_size;
	uint64_t last = volume->held[volume->held_count - 1].offset;
	struct walk walk = {
		.job = job,
		.volume = volume,
		.visitor = visitor,
		.sector = sector,
		.gap = visitor->joins_gaps && !volume->patches.move_count ? FREE_GAP : 0,
		.mapped = volume->held[0].length,
		/* NTFS ends with whole clusters; what is behind them in the image is the
		 * backup boot sector, which is held back. */
		.end = min_u64(last, align_down(volume->image_length, sector)),
	};
	struct volume_range behind = { walk.end, last - walk.end, RANGE_FREE };
	int r;

	meter_volume(&job->meter, job_volume_name(volume));
	if (volume->remade) {
		behind.offset = walk.mapped;
		behind.length = last - walk.mapped;
		return visit_empty(&walk, &behind, err);
	}
	r = visit_image(&walk, err);
	if (r == 0)
		r = visit_range(&walk, &behind, err);
	if (r == 0)
		r = visit_moves(&walk, err);
	return r;
}

int job_drain_reader(struct restore_job *job, struct err *err)
{
	struct reader_block block;
	int r = 0;

	while (r == 0 && reader_in_flight(job->reader)) {
		r = reader_wait(job->reader, READER_TIMEOUT_MS, &block, err);
		if (r == 0)
			reader_release(job->reader, block.slot);
	}
	return r;
}
