/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The backup is proved before the disk is touched (SAFETY.md section 1, step 1): every stored
 * block is read once and its hash kept, or a sample is read. At the end of the copy the
 * images must be the ones that were scanned.
 */
#include "restore-job.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "delta.h"

#define SAMPLES	      64 /* blocks of a volume, evenly over what is stored */
#define SAMPLE_LENGTH (64 * KiB)
#define PROVE_RANGES  256

/* -- all of it
 * --------------------------------------------------------------------------- */

static int prove_data(struct restore_job *job, const struct piece *piece, struct err *err)
{
	struct job_volume *own = &job->volumes[piece->volume - job->volumes];
	struct chunk chunk = { .offset = piece->offset, .length = piece->length };
	int r;

	chunk_hash(&chunk, piece->bytes);
	r = chunk_list_add(&own->proved, &chunk, err);
	return r < 0 ? r : job_volume_done(job, piece->volume, piece->length, err);
}

static int prove_zero(struct restore_job *job, const struct job_volume *volume,
		      uint64_t offset, uint64_t length, struct err *err)
{
	return 0; /* nothing is stored there */
}

static int prove_whole(struct restore_job *job, struct job_volume *volume,
		       struct err *err)
{
	/* The pieces of the copy, so that their hashes can be compared. */
	const struct piece_visitor visitor = {
		.data = prove_data,
		.zero = prove_zero,
		.joins_gaps = !job->plan->wishes.wipe,
	};
	int r = job_walk_volume(job, volume, &visitor, err);

	if (r == 0 && volume->proved.count)
		qsort(volume->proved.chunks, volume->proved.count,
		      sizeof(*volume->proved.chunks), chunk_compare_offsets);
	return r;
}

int job_check_proved(struct restore_job *job, const struct piece *piece, struct err *err)
{
	const struct job_volume *volume = piece->volume;
	struct chunk key = { .offset = piece->offset, .length = piece->length };
	const struct chunk *found = NULL;

	if (volume->proved.count)
		found = bsearch(&key, volume->proved.chunks, volume->proved.count,
				sizeof(key), chunk_compare_offsets);
	if (!found || found->length != piece->length)
		return 0;
	chunk_hash(&key, piece->bytes);
	if (chunk_hash_equals(found, &key))
		return 0;
	return err_set(err, -ESTALE,
		       "'%s': %" PRIu64 "+%" PRIu32
		       " reads different from when the backup was proved: the set is "
		       "being written, or the way to it damages data",
		       volume->volume->image_path, piece->offset, piece->length);
}

/* -- a sample
 * ---------------------------------------------------------------------------- */

struct sampler {
	struct restore_job *job;
	const struct job_volume *volume;
	uint64_t seen; /* bytes of data before the range */
	uint64_t read; /* samples cover the data up to here */
	unsigned next; /* sample */
};

/* The sample's place among all bytes of data: the first one at 0, the last one at the end. */
static uint64_t sample_place(const struct sampler *sampler)
{
	uint64_t last = sampler->volume->data - 1;

	return last / SAMPLES * sampler->next + last % SAMPLES * sampler->next / SAMPLES;
}

static int take_one(struct sampler *sampler, struct err *err)
{
	struct reader_block block;
	int r = reader_wait(sampler->job->reader, READER_TIMEOUT_MS, &block, err);

	if (r < 0)
		return r;
	meter_busy(&sampler->job->meter, SIDE_SOURCE, block.work_ns);
	reader_release(sampler->job->reader, block.slot);
	return job_volume_done(sampler->job, sampler->volume, block.length, err);
}

static int sample_range(struct sampler *sampler, const struct volume_range *range,
			struct err *err)
{
	struct reader *reader = sampler->job->reader;
	uint64_t place;
	int r = 0;

	if (range->kind != RANGE_DATA)
		return 0;
	while (r == 0 && sampler->next <= SAMPLES &&
	       (place = sample_place(sampler)) - sampler->seen < range->length) {
		uint64_t at = align_down(place - sampler->seen, 4096);
		uint64_t length = min_u64(SAMPLE_LENGTH, range->length - at);

		sampler->next++;
		if (place < sampler->read)
			continue;
		sampler->read = sampler->seen + at + length;
		while (r == 0 && !reader_can_submit(reader, (uint32_t)length))
			r = take_one(sampler, err);
		if (r == 0)
			r = reader_submit(reader, sampler->volume->reader_volume,
					  range->offset + at, (uint32_t)length, err);
	}
	sampler->seen += range->length;
	return r;
}

static int prove_sample(struct restore_job *job, const struct job_volume *volume,
			struct err *err)
{
	struct sampler sampler = { .job = job, .volume = volume };
	struct volume_range ranges[PROVE_RANGES];
	uint64_t offset = 0;
	size_t count = 0;
	int r = 0;

	meter_volume(&job->meter, job_volume_name(volume));
	while (r == 0 && volume->data && offset < volume->partition->length) {
		r = reader_map(job->reader, volume->reader_volume, offset, ranges,
			       PROVE_RANGES, &count, err);
		if (r < 0 || !count)
			break;
		offset = ranges[count - 1].offset + ranges[count - 1].length;
		for (size_t i = 0; r == 0 && i < count; i++)
			r = sample_range(&sampler, &ranges[i], err);
	}
	while (r == 0 && reader_in_flight(job->reader))
		r = take_one(&sampler, err);
	return r;
}

/* -- the phases
 * -------------------------------------------------------------------------- */

int job_prove(struct restore_job *job, struct err *err)
{
	bool full = job->prove == PROVE_FULL, indexed = false;
	uint64_t most = full ? UINT64_MAX : (SAMPLES + 1) * SAMPLE_LENGTH, total = 0;
	int r = job_prove_indexes(job, &indexed, err);

	if (r < 0)
		return err_add(err, "nothing was written");
	/* Their spots were read and compared: more than a sample proves. */
	if (indexed && !full)
		return 0;
	for (size_t i = 0; i < job->volume_count; i++)
		total += min_u64(job->volumes[i].data, most);
	r = meter_start(&job->meter, PHASE_PROVE, total, err);
	job_expect_data(job, most);
	for (size_t i = 0; r == 0 && i < job->volume_count; i++)
		r = full ? prove_whole(job, &job->volumes[i], err)
			 : prove_sample(job, &job->volumes[i], err);
	if (r < 0)
		err_add(err, "the backup cannot be proved, nothing was written");
	return r;
}

int job_check_unchanged(struct restore_job *job, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->volume_count; i++) {
		unsigned again = 0;
		uint64_t length;

		r = reader_open_volume(job->reader, job->volumes[i].volume, &again,
				       &length, err);
		if (r == 0)
			r = reader_close_volume(job->reader, again, err);
	}
	return r;
}
