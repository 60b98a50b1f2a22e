/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The proof: everything that was written is read back from the disk, past the page cache,
 * and compared by position with the hash of what was sent.
 */
#include "restore-job.h"

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include <base/checked.h>

static int compare_chunks(const void *a, const void *b)
{
	const struct chunk *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

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

/* A chunk of an earlier run is proved by the sum over all of them. */
static int check_data(struct restore_job *job, struct chunk *chunk, void *buffer,
		      struct err *err)
{
	XXH128_hash_t hash;
	int r;

	r = gate_read(job->gate, buffer, chunk->offset, chunk->length, err);
	if (r < 0)
		return r;
	hash = XXH3_128bits(buffer, chunk->length);
	if (chunk->unread) {
		chunk->hash_low = hash.low64;
		chunk->hash_high = hash.high64;
	}
	if (hash.low64 != chunk->hash_low || hash.high64 != chunk->hash_high)
		return mismatch(job, chunk->offset, chunk->length, err);
	job->result->verified += chunk->length;
	return meter_add(&job->meter, chunk->length, err);
}

struct zero_check {
	struct restore_job *job;
	uint8_t *buffer;
};

static bool all_zero(const uint8_t *bytes, size_t length)
{
	return length == 0 ||
	       (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

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
		if (r == 0 && !all_zero(check->buffer, length))
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
	r = meter_start(&job->meter, PHASE_VERIFY, job->copied, err);
	if (r < 0)
		return r;
	check = (struct zero_check){ job, buffer };
	qsort(job->written.chunks, job->written.count, sizeof(*job->written.chunks),
	      compare_chunks);
	for (size_t i = 0; r == 0 && i < job->written.count; i++) {
		struct chunk *chunk = &job->written.chunks[i];

		if (chunk->zeros)
			r = check_zeros(&check, holes, chunk, err);
		else
			r = check_data(job, chunk, buffer, err);
	}
	if (r == 0)
		r = check_sum(job, err);
	return r;
}
