/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The proof: everything that was written is read back from the disk, past the page cache,
 * and compared by position with the hash of what was sent.
 */
#include "restore-job.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

static int mismatch(struct restore_job *job, uint64_t offset, uint64_t length,
		    struct err *err)
{
	job->disk_failed = true;
	return err_set(err, -EIO,
		       "'%s': %" PRIu64 "+%" PRIu64
		       " reads back different from what was written; "
		       "the disk, its cable or this machine's memory is failing",
		       job->plan->disk->path, offset, length);
}

bool job_all_zero(const uint8_t *bytes, size_t length)
{
	return length == 0 ||
	       (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* A chunk of an earlier run is proved by the sum over all of them, in which zeros, which may be
 * written in other ways, do not count. */
static int check_data(struct restore_job *job, struct chunk *chunk, const uint8_t *bytes,
		      struct err *err)
{
	struct chunk found = { .length = chunk->length };

	chunk_hash(&found, bytes);
	if (chunk->unread) {
		chunk->zeros = job_all_zero(bytes, chunk->length);
		chunk->hash_low = found.hash_low;
		chunk->hash_high = found.hash_high;
	}
	if (!chunk->zeros && !chunk_hash_equals(chunk, &found))
		return mismatch(job, chunk->offset, chunk->length, err);
	chunk->proved = true;
	job->result->verified += chunk->length;
	return 0;
}

/* -- several at once
 * --------------------------------------------------------------------- */

static struct pending_read *find_free(struct restore_job *job)
{
	for (size_t i = 0; i < READS_MAX; i++)
		if (!job->reads[i].used)
			return &job->reads[i];
	return NULL;
}

int job_start_read_back(struct restore_job *job, size_t index, struct err *err)
{
	const struct chunk *chunk = &job->written.chunks[index];
	struct pending_read *read = find_free(job);
	struct target_io io = { .offset = chunk->offset,
				.length = chunk->length,
				.read = true,
				.tag = read };
	int r;

	if (!read || gate_under_way(job->gate) >= gate_depth(job->gate))
		return 0;
	if (!read->buffer &&
	    posix_memalign((void **)&read->buffer, gate_alignment(job->gate), CHUNK_SIZE))
		return err_nomem(err);
	io.buffer = read->buffer;
	r = gate_start(job->gate, &io, err);
	if (r < 0)
		return r;
	read->index = index;
	read->used = true;
	return 1;
}

int job_check_read(struct restore_job *job, struct pending_read *read, struct err *err)
{
	struct chunk *chunk = &job->written.chunks[read->index];
	bool phase = job->meter.progress.phase == PHASE_VERIFY;
	int r = check_data(job, chunk, read->buffer, err);

	return r < 0 ? r
		     : job_place_done(job, chunk->offset, phase ? chunk->length : 0, err);
}

/* The next chunk that was flushed and is not proved; flushed: none. */
static size_t next_flushed(const struct restore_job *job)
{
	size_t next = job->looked_at;

	while (next < job->flushed &&
	       (job->written.chunks[next].zeros || job->written.chunks[next].proved))
		next++;
	return next;
}

/* Room is left for the writes. */
int job_read_back_behind(struct restore_job *job, struct err *err)
{
	unsigned reserve = gate_depth(job->gate) / 2;
	int r;

	do
		r = job_finish_some(job, false, err);
	while (r > 0);
	for (r = r < 0 ? r : 1; r > 0 && gate_under_way(job->gate) < reserve;) {
		job->looked_at = next_flushed(job);
		if (job->looked_at == job->flushed)
			return 0;
		r = job_start_read_back(job, job->looked_at, err);
		job->looked_at += r > 0;
	}
	return r < 0 ? r : 0;
}

/* A disk that is smaller than it says writes the later bytes over the earlier ones: of what was
 * proved meanwhile some is read once more, spread over all of it. */
#define AGAIN_ONE_IN 100

static int read_back_data(struct restore_job *job, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < job->written.count; i++) {
		struct chunk *chunk = &job->written.chunks[i];

		if (chunk->zeros || (chunk->proved && i % AGAIN_ONE_IN))
			continue;
		if (chunk->proved) {
			job->result->verified -= chunk->length;
			chunk->proved = false;
		}
		while ((r = job_start_read_back(job, i, err)) == 0) {
			r = job_finish_some(job, true, err);
			if (r < 0)
				break;
		}
	}
	while (r > 0)
		r = job_finish_some(job, true, err);
	return r;
}

/* -- zeros
 * ------------------------------------------------------------------------------- */

struct zero_check {
	struct restore_job *job;
	uint8_t *buffer;
};

/* Holes of a file need not be read: the file system says that they are zeros. */
static int check_zero_extent(const struct extent *extent, void *context, struct err *err)
{
	struct zero_check *check = context;
	struct restore_job *job = check->job;
	uint64_t offset = extent->offset, end = extent->offset + extent->length;
	int r = 0;

	while (r == 0 && extent->kind == EXTENT_DATA && offset < end) {
		size_t length = (size_t)min_u64(CHUNK_SIZE, end - offset);

		r = gate_read(job->gate, check->buffer, offset, length, err);
		if (r == 0 && !job_all_zero(check->buffer, length))
			r = mismatch(job, offset, length, err);
		if (r == 0)
			r = meter_add(&job->meter, 0, err);
		offset += length;
	}
	job->result->verified += extent->length;
	return r;
}

/* holes: the same file, to be asked where it stores nothing; NULL for a device. */
static int check_zeros(struct zero_check *check, struct block_source *holes,
		       const struct chunk *chunk, struct err *err)
{
	struct extent all = { chunk->offset, chunk->length, EXTENT_DATA };

	if (!holes)
		return check_zero_extent(&all, check, err);
	return source_walk(holes, chunk->offset, chunk->length, check_zero_extent, check,
			   err);
}

/* Everything that the journal claimed of earlier runs must be what those wrote. */
static int check_sum(struct restore_job *job, struct err *err)
{
	const struct job_journal *journal = &job->journal;
	uint64_t low = 0, high = 0;

	for (size_t i = 0; i < job->written.count; i++) {
		const struct chunk *chunk = &job->written.chunks[i];

		if (!chunk->zeros &&
		    range_map_covers(&journal->claimed, journal->claimed.count,
				     chunk->offset, chunk->length))
			chunk_sum_add(chunk, &low, &high);
	}
	if (low == journal->claimed_sum_low && high == journal->claimed_sum_high)
		return 0;
	return err_set(err, -EIO,
		       "'%s': what was written before the stop reads back different, or "
		       "the backup has changed since; start again with 'bmr restore'",
		       job->plan->disk->path);
}

static bool is_left(const struct restore_job *job, size_t index)
{
	const struct chunk *chunk = &job->written.chunks[index];

	return !chunk->zeros && (!chunk->proved || index % AGAIN_ONE_IN == 0);
}

static uint64_t left_to_read(const struct restore_job *job)
{
	uint64_t total = 0;

	for (size_t i = 0; i < job->written.count; i++)
		if (is_left(job, i))
			total += job->written.chunks[i].length;
	return total;
}

int job_read_back(struct restore_job *job, struct err *err)
{
	AUTO(source_freep) struct block_source *holes = NULL;
	AUTO_FREE void *buffer = NULL;
	struct zero_check check;
	int r;

	if (posix_memalign(&buffer, gate_alignment(job->gate), CHUNK_SIZE))
		return err_nomem(err);
	if (job->plan->disk->is_file) {
		r = source_file_open(job->plan->disk->path, &holes, err);
		if (r < 0)
			return r;
	}
	qsort(job->written.chunks, job->written.count, sizeof(*job->written.chunks),
	      chunk_compare_offsets);
	r = meter_start(&job->meter, PHASE_VERIFY, left_to_read(job), err);
	job_expect_chunks(job, is_left);
	if (r == 0)
		r = read_back_data(job, err);
	if (r < 0)
		job_drop_writes(job);
	check = (struct zero_check){ job, buffer };
	for (size_t i = 0; r == 0 && i < job->written.count; i++) {
		const struct chunk *chunk = &job->written.chunks[i];

		if (chunk->zeros && !chunk->proved)
			r = check_zeros(&check, holes, chunk, err);
	}
	if (r == 0)
		r = check_sum(job, err);
	return r;
}
