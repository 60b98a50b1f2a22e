/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The copy: from the reader's slots through the gate to the disk, hashed on the way. The
 * bytes are written from shared memory that the reader could still change; what is proved
 * in the end is that the disk holds what was hashed.
 */
#include "restore-job.h"

#include <string.h>
#include <xxhash.h>

#include <base/checked.h>

/* Flush at least this often, so that a failing disk is found early and the page cache of
 * a file without O_DIRECT stays small. */
#define CHECKPOINT_BYTES (256 * MiB)

int chunk_list_add(struct chunk_list *list, const struct chunk *chunk, struct err *err)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 1024;
		struct chunk *chunks = reallocarray(list->chunks, room, sizeof(*chunks));

		if (!chunks)
			return err_nomem(err);
		list->chunks = chunks;
		list->room = room;
	}
	list->chunks[list->count++] = *chunk;
	return 0;
}

static int checkpoint(struct restore_job *job, uint64_t more, struct err *err)
{
	uint64_t before = job->meter.progress.bytes_done;

	if (before / CHECKPOINT_BYTES == (before + more) / CHECKPOINT_BYTES)
		return 0;
	return gate_flush(job->gate, err);
}

static int copy_data(struct restore_job *job, const struct job_volume *volume,
		     uint64_t offset, const uint8_t *bytes, uint32_t length,
		     struct err *err)
{
	XXH128_hash_t hash = XXH3_128bits(bytes, length);
	struct chunk chunk = {
		.offset = volume->partition->offset + offset,
		.length = length,
		.hash_low = hash.low64,
		.hash_high = hash.high64,
	};
	int r;

	r = job_check_proved(job, volume, offset, bytes, length, err);
	if (r == 0)
		r = gate_write(job->gate, bytes, chunk.offset, length, err);
	if (r == 0)
		r = chunk_list_add(&job->written, &chunk, err);
	if (r == 0)
		r = checkpoint(job, length, err);
	if (r < 0)
		return r;
	job->copied += length;
	job->result->copied += length;
	return meter_add(&job->meter, length, err);
}

static int write_zeros(struct restore_job *job, const struct job_volume *volume,
		       uint64_t offset, uint64_t length, struct err *err)
{
	struct chunk chunk = {
		.offset = volume->partition->offset + offset,
		.length = length,
		.zeros = true,
	};
	int r;

	r = gate_zero(job->gate, chunk.offset, length, err);
	if (r == 0)
		r = chunk_list_add(&job->written, &chunk, err);
	if (r < 0)
		return r;
	job->result->zeroed += length;
	return meter_add(&job->meter, 0, err);
}

static int skip_or_wipe(struct restore_job *job, const struct job_volume *volume,
			uint64_t offset, uint64_t length, struct err *err)
{
	if (job->plan->wishes.wipe)
		return write_zeros(job, volume, offset, length, err);
	job->result->skipped += length;
	return 0;
}

int job_copy(struct restore_job *job, struct err *err)
{
	/* What is to be wiped may hold deleted data in the backup, too. */
	const struct piece_visitor visitor = { copy_data, write_zeros, skip_or_wipe,
					       .joins_gaps = !job->plan->wishes.wipe };
	uint64_t total = 0;
	int r;

	for (size_t i = 0; i < job->volume_count; i++)
		total += job->volumes[i].data;
	r = meter_start(&job->meter, PHASE_COPY, total, err);
	for (size_t i = 0; r == 0 && i < job->volume_count; i++)
		r = job_walk_volume(job, &job->volumes[i], &visitor, err);
	if (r == 0)
		r = gate_flush(job->gate, err);
	return r;
}
