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

struct walk {
	struct restore_job *job;
	const struct job_volume *volume;
	const struct piece_visitor *visitor;
	uint64_t end;	 /* of what is not held back */
	uint64_t gap;	 /* free pieces shorter than this come as data */
	uint64_t mapped; /* the map was asked up to here */
	struct volume_range ranges[WALK_RANGES];
	size_t count, next;
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
	return 0;
}

static int take_block(struct walk *walk, struct err *err)
{
	struct reader_block block;
	int r;

	r = reader_wait(walk->job->reader, READER_TIMEOUT_MS, &block, err);
	if (r < 0)
		return r;
	r = walk->visitor->data(walk->job, walk->volume, block.offset, block.bytes,
				block.length, err);
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

static int submit_data(struct walk *walk, const struct volume_range *range,
		       struct err *err)
{
	uint64_t offset = range->offset, end = range->offset + range->length;
	int r = 0, known = 0;

	while (r == 0 && offset < end) {
		uint64_t stop = min_u64(end, align_down(offset, READER_SLOT_SIZE) +
						     READER_SLOT_SIZE);

		if (walk->visitor->known)
			known = walk->visitor->known(walk->job, walk->volume, offset,
						     (uint32_t)(stop - offset), err);
		if (known < 0)
			return known;
		if (known) {
			offset = stop;
			continue;
		}
		while (r == 0 && !reader_can_submit(walk->job->reader))
			r = take_block(walk, err);
		if (r == 0)
			r = reader_submit(walk->job->reader, walk->volume->reader_volume,
					  offset, (uint32_t)(stop - offset), err);
		offset = stop;
	}
	return r;
}

static int visit_range(struct walk *walk, const struct volume_range *range,
		       struct err *err)
{
	const struct piece_visitor *visitor = walk->visitor;

	if (range->kind == RANGE_DATA)
		return submit_data(walk, range, err);
	if (range->kind == RANGE_ZERO)
		return visitor->zero(walk->job, walk->volume, range->offset,
				     range->length, err);
	if (!visitor->unused)
		return 0;
	return visitor->unused(walk->job, walk->volume, range->offset, range->length,
			       err);
}

int job_walk_volume(struct restore_job *job, const struct job_volume *volume,
		    const struct piece_visitor *visitor, struct err *err)
{
	struct walk walk = {
		.job = job,
		.volume = volume,
		.visitor = visitor,
		.gap = visitor->joins_gaps ? FREE_GAP : 0,
		.mapped = volume->held[0].length,
		.end = volume->held[volume->held_count - 1].offset,
	};
	struct volume_range range;
	int r;

	meter_volume(&job->meter, job_volume_name(volume));
	do {
		r = next_joined(&walk, &range, err);
		if (r == 0 && range.length)
			r = visit_range(&walk, &range, err);
	} while (r == 0 && range.length);
	if (r == 0)
		r = drain(&walk, err);
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
