/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The copy: from the reader's slots through the gate to the disk, hashed on the way. The
 * bytes are written from shared memory that the reader could still change; what is proved
 * in the end is that the disk holds what was hashed.
 */
#include "restore-job.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "delta.h"

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

/* SAFETY.md section 1: when a restore is resumed, the last GiB before the stop and one piece in
 * a hundred are compared with the source again. */
#define TAIL_BYTES    GiB
#define SAMPLE_ONE_IN 100

static bool is_claimed(const struct restore_job *job, uint64_t offset, uint64_t length)
{
	const struct range_map *claimed = &job->journal.claimed;

	return range_map_covers(claimed, claimed->count, offset, length);
}

/* Written and in the list of chunks already, when the copy had to begin again. */
static bool is_kept(const struct restore_job *job, uint64_t offset, uint64_t length)
{
	const struct range_map *kept = &job->journal.kept;

	return range_map_covers(kept, kept->count, offset, length);
}

static bool wants_second_look(const struct restore_job *job, uint64_t offset,
			      uint64_t length)
{
	const struct journal *last = &job->journal.last;
	uint64_t tail = job->journal.tail_bytes ? job->journal.tail_bytes : TAIL_BYTES;
	uint64_t seed;

	memcpy(&seed, last->job_id, sizeof(seed));
	if (offset + length + tail > last->high_water)
		return true;
	return number_hash(offset, seed + last->sequence) % SAMPLE_ONE_IN == 0;
}

/* A piece that the run before wrote need not be read from the source again. */
static int is_known(struct restore_job *job, const struct job_volume *volume,
		    uint64_t offset, uint32_t *ret_length, struct err *err)
{
	struct chunk chunk = {
		.offset = volume->partition->offset + offset,
		.length = *ret_length,
		.unread = true,
	};
	bool is_equal = job_is_equal(job, chunk.offset, &chunk.length);
	uint32_t length = *ret_length = (uint32_t)chunk.length;
	int r;

	if (is_equal || is_kept(job, chunk.offset, length))
		return 1;
	if (!is_claimed(job, chunk.offset, length) ||
	    patch_list_touches(&volume->patches, offset, length) ||
	    wants_second_look(job, chunk.offset, length))
		return 0;
	r = chunk_list_add(&job->written, &chunk, err);
	if (r < 0)
		return r;
	job->copied += length;
	job->result->resumed += length;
	r = job_volume_done(job, volume, length, err);
	return r < 0 ? r : 1;
}

/* Does the disk hold these bytes already? Only asked of what the journal claims. */
static int holds_already(struct restore_job *job, const struct job_volume *volume,
			 const struct chunk *chunk, const uint8_t *bytes, struct err *err)
{
	AUTO_FREE void *found = NULL;
	int r;

	if (!is_claimed(job, chunk->offset, chunk->length) ||
	    patch_list_touches(&volume->patches,
			       chunk->offset - volume->partition->offset, chunk->length))
		return 0;
	if (posix_memalign(&found, gate_alignment(job->gate), chunk->length))
		return err_nomem(err);
	r = gate_read(job->gate, found, chunk->offset, chunk->length, err);
	if (r < 0)
		return r;
	if (memcmp(found, bytes, chunk->length) == 0)
		return 1;
	return job_note(job, PLAN_WARNING, err,
			"'%s': %" PRIu64 "+%" PRIu64
			" was flushed before the stop and is not there; it was written "
			"again, but the disk may lose what it says it has written",
			job->plan->disk->path, chunk->offset, chunk->length);
}

static int copy_data(struct restore_job *job, const struct piece *piece, struct err *err)
{
	const struct job_volume *volume = piece->volume;
	struct chunk chunk = {
		.offset = volume->partition->offset + piece->offset,
		.length = piece->length,
	};
	int r;

	if (is_kept(job, chunk.offset, chunk.length))
		return 0;
	chunk.zeros = job_all_zero(piece->bytes, piece->length);
	if (!chunk.zeros)
		chunk_hash(&chunk, piece->bytes);
	r = job_check_proved(job, piece, err);
	if (r == 0)
		r = holds_already(job, volume, &chunk, piece->bytes, err);
	if (r == 0 && !(chunk.zeros && gate_zeroes_fast(job->gate)))
		return job_start_write(job, piece, &chunk, err);
	if (r == 0)
		r = gate_zero(job->gate, chunk.offset, chunk.length, err);
	return r < 0 ? r : job_chunk_written(job, &chunk, err);
}

static int write_zero_piece(struct restore_job *job, const struct job_volume *volume,
			    uint64_t offset, uint64_t length, struct err *err)
{
	struct chunk chunk = {
		.offset = volume->partition->offset + offset,
		.length = length,
		.zeros = true,
	};
	int r = 0;

	if (is_kept(job, chunk.offset, length))
		return 0;
	/* Zeros cost nothing: the tail is written again rather than looked at. */
	if (!is_claimed(job, chunk.offset, length) ||
	    patch_list_touches(&volume->patches, offset, length) ||
	    wants_second_look(job, chunk.offset, length))
		r = gate_zero(job->gate, chunk.offset, length, err);
	if (r == 0)
		r = chunk_list_add(&job->written, &chunk, err);
	if (r < 0)
		return r;
	job->result->zeroed += length;
	r = job_chunk_done(job, &chunk, err);
	return r < 0 ? r : meter_add(&job->meter, 0, err);
}

static int write_zeros(struct restore_job *job, const struct job_volume *volume,
		       uint64_t offset, uint64_t length, struct err *err)
{
	uint64_t end = offset + length;
	int r = 0;

	while (r == 0 && offset < end) {
		uint64_t part = end - offset;

		if (!job_is_equal(job, volume->partition->offset + offset, &part))
			r = write_zero_piece(job, volume, offset, part, err);
		offset += part;
	}
	return r;
}

static int skip_or_wipe(struct restore_job *job, const struct job_volume *volume,
			uint64_t offset, uint64_t length, struct err *err)
{
	if (job->plan->wishes.wipe)
		return write_zeros(job, volume, offset, length, err);
	job->result->skipped += length;
	/* Nothing to write is done, too: so that the journal's ranges join. */
	return range_map_add(&job->journal.done, volume->partition->offset + offset,
			     length, err);
}

static int copy_volumes(struct restore_job *job, struct err *err)
{
	/* What is to be wiped may hold deleted data in the backup, too. */
	const struct piece_visitor visitor = {
		.known = is_known,
		.data = copy_data,
		.make_room = job_finish_write,
		.idle = gate_ascending(job->gate) ? NULL : job_read_back_behind,
		.zero = write_zeros,
		.unused = skip_or_wipe,
		/* what was compared was compared without the gaps */
		.joins_gaps = !job->plan->wishes.wipe && !job->delta.wanted,
	};
	uint64_t total = 0;
	int r;

	reader_set_ordered(job->reader, gate_ascending(job->gate));
	for (size_t i = 0; i < job->volume_count; i++)
		total += job->volumes[i].data;
	r = meter_start(&job->meter, PHASE_COPY, total - job->delta.equal_data, err);
	job_expect_rest(job);
	if (r == 0)
		r = reader_expect_blocks(job->reader, err);
	for (size_t i = 0; r == 0 && i < job->volume_count; i++)
		r = job_walk_volume(job, &job->volumes[i], &visitor, err);
	if (r == 0)
		r = job_finish_writes(job, err);
	if (r == 0)
		r = job_keep_equal(job, err);
	if (r == 0)
		r = job_checkpoint(job, JOURNAL_COPYING, err);
	return r;
}

int job_copy(struct restore_job *job, struct err *err)
{
	int r = copy_volumes(job, err);

	if (r < 0)
		job_drop_writes(job);
	if (r == 0 || !gate_flush_failed(job->gate))
		return r;
	r = job_throw_back(job, err);
	if (r == 0)
		r = job_drain_reader(job, err);
	if (r == 0)
		r = copy_volumes(job, err);
	return r;
}
