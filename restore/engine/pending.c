/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes under way: as many as the disk answers well at once. A chunk counts (for the journal,
 * the read-back and the progress) when its write is done, in whatever order that is.
 */
#include "restore-job.h"

static unsigned depth(const struct restore_job *job)
{
	unsigned depth = gate_depth(job->gate);

	return depth < PENDING_MAX ? depth : PENDING_MAX;
}

/* The slot goes back before anything can fail. */
static struct chunk take(struct restore_job *job, struct pending_write *pending)
{
	reader_release(job->reader, pending->slot);
	pending->used = false;
	return pending->chunk;
}

int job_chunk_written(struct restore_job *job, const struct chunk *chunk, struct err *err)
{
	int r = chunk_list_add(&job->written, chunk, err);

	if (r < 0)
		return r;
	if (chunk->zeros)
		job->result->zeroed += chunk->length;
	else
		job->copied += chunk->length;
	job->result->copied += chunk->zeros ? 0 : chunk->length;
	r = job_chunk_done(job, chunk, err);
	return r < 0 ? r : job_place_done(job, chunk->offset, chunk->length, err);
}

int job_finish_some(struct restore_job *job, bool wait, struct err *err)
{
	struct target_io io = { 0 };
	struct chunk chunk;
	int r = gate_finish(job->gate, wait, &io, err), done = r;

	if (r == 0 || !io.tag)
		return r;
	if (io.read) {
		((struct pending_read *)io.tag)->used = false;
		r = r < 0 ? r : job_check_read(job, io.tag, err);
		return r < 0 ? r : done;
	}
	chunk = take(job, io.tag);
	if (r > 0)
		r = job_chunk_written(job, &chunk, err);
	return r < 0 ? r : done;
}

int job_finish_write(struct restore_job *job, struct err *err)
{
	int r = job_finish_some(job, true, err);

	if (r == 0)
		return err_set(err, -EINVAL, "no write is under way");
	return r < 0 ? r : 0;
}

int job_finish_writes(struct restore_job *job, struct err *err)
{
	int r = 1;

	while (r > 0)
		r = job_finish_some(job, true, err);
	return r;
}

void job_drop_writes(struct restore_job *job)
{
	struct target_io io = { 0 };
	struct err ignored = { 0 };

	while (gate_finish(job->gate, true, &io, &ignored) != 0 && io.tag) {
		if (io.read)
			((struct pending_read *)io.tag)->used = false;
		else
			take(job, io.tag);
		io.tag = NULL;
	}
}

int job_start_write(struct restore_job *job, const struct piece *piece,
		    const struct chunk *chunk, struct err *err)
{
	struct pending_write *pending = job->pending;
	struct target_io io = { .buffer = (uint8_t *)piece->bytes,
				.offset = chunk->offset,
				.length = chunk->length };
	int r = 1;

	while (r > 0)
		r = job_finish_some(job, gate_under_way(job->gate) >= depth(job), err);
	if (r < 0)
		return r;
	while (pending->used)
		pending++;
	*pending = (struct pending_write){ *chunk, piece->slot, true };
	io.tag = pending;
	reader_hold(job->reader, piece->slot);
	r = gate_start(job->gate, &io, err);
	if (r < 0)
		(void)take(job, pending);
	return r;
}
