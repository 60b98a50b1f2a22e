/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening the gate, and the first writes to the disk: from then on nothing boots from it
 * and nothing recognises it until the commit (SAFETY.md section 1, steps 2 and 4).
 */
#include "restore-job.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

/* Partition tables, and the signatures of everything that uses whole disks (LVM, md, ZFS,
 * old GPT copies), lie within the first and the last MiB. */
#define EDGE MiB

struct edges {
	uint64_t tail_offset, tail_length;
};

static struct edges disk_edges(const struct restore_job *job)
{
	uint64_t size = job->plan->target_size;
	uint64_t tail = min_u64(EDGE, size);

	return (struct edges){ size - tail, tail };
}

bool job_is_wiped(const struct restore_job *job, uint64_t offset, uint64_t length)
{
	struct edges edges = disk_edges(job);

	return !job->plan->in_place &&
	       (offset < EDGE || offset + length > edges.tail_offset);
}

/* The parts of an empty partition that could make old content look alive. */
static int allow_empty_partition(struct restore_job *job, const struct disk_partition *p,
				 struct err *err)
{
	uint64_t edge = min_u64(EDGE, p->length);
	int r = gate_allow(job->gate, p->offset, edge, false, err);

	if (r < 0)
		return r;
	return gate_allow(job->gate, p->offset + p->length - edge, edge, false, err);
}

static int allow_volume(struct restore_job *job, const struct job_volume *volume,
			struct err *err)
{
	const struct disk_partition *p = volume->partition;
	int r = gate_allow(job->gate, p->offset, p->length, false, err);

	for (size_t i = 0; r == 0 && i < volume->held_count; i++)
		r = gate_allow(job->gate, p->offset + volume->held[i].offset,
			       volume->held[i].length, true, err);
	return r;
}

/* Both ends of the disk, the table, and the partitions that are created empty. */
static int allow_new_table(struct restore_job *job, struct err *err)
{
	const struct restore_plan *plan = job->plan;
	struct edges edges = disk_edges(job);
	int r;

	r = gate_allow(job->gate, 0, min_u64(EDGE, plan->target_size), false, err);
	if (r == 0)
		r = gate_allow(job->gate, edges.tail_offset, edges.tail_length, false,
			       err);
	for (size_t i = 0; r == 0 && i < job->table.count; i++)
		r = gate_allow(job->gate, job->table.pieces[i].offset,
			       job->table.pieces[i].length, true, err);
	for (size_t i = 0; r == 0 && i < plan->after->count; i++)
		if (!plan->partitions[i].volume)
			r = allow_empty_partition(job, &plan->after->partitions[i], err);
	return r;
}

int job_open_gate(struct restore_job *job, struct err *err)
{
	AUTO(target_freep) struct block_target *target = NULL;
	void *memory = NULL;
	size_t length = 0;
	int r;

	r = job->open_target(job->plan, &target, err);
	if (r == 0)
		r = gate_new(TAKE_PTR(target), &job->gate, err);
	if (r == 0)
		job->meter.disk_ns = gate_waited_ns(job->gate);
	if (r == 0)
		r = job->plan->in_place ? job_keep_esp(job, err)
					: allow_new_table(job, err);
	if (r == 0 && job->plan->in_place)
		r = job_allow_old_journal(job, err);
	for (size_t i = 0; r == 0 && i < job->volume_count; i++)
		r = allow_volume(job, &job->volumes[i], err);
	if (r < 0)
		return r;
	gate_seal(job->gate);
	reader_memory_of_blocks(job->reader, &memory, &length);
	gate_share(job->gate, memory, length);
	return 0;
}

int job_check_zero(struct restore_job *job, uint64_t offset, uint64_t length,
		   struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	int r;

	if (posix_memalign((void **)&bytes, gate_alignment(job->gate), length))
		return err_nomem(err);
	r = gate_read(job->gate, bytes, offset, length, err);
	if (r < 0)
		return r;
	for (uint64_t i = 0; i < length; i++)
		if (bytes[i])
			return err_set(err, -EIO,
				       "'%s': byte %" PRIu64
				       " does not read as zero after zeros "
				       "were written; the disk may be failing",
				       job->plan->disk->path, offset + i);
	return 0;
}

static int zero_empty_partition(struct restore_job *job, const struct disk_partition *p,
				struct err *err)
{
	uint64_t edge = min_u64(EDGE, p->length);
	int r = gate_zero(job->gate, p->offset, edge, err);

	if (r < 0)
		return r;
	return gate_zero(job->gate, p->offset + p->length - edge, edge, err);
}

static int zero_held(struct restore_job *job, struct err *err)
{
	int r = 0;

	for (size_t v = 0; r == 0 && v < job->volume_count; v++) {
		const struct job_volume *volume = &job->volumes[v];

		for (size_t i = 0; r == 0 && i < volume->held_count; i++)
			r = gate_zero(job->gate,
				      volume->partition->offset + volume->held[i].offset,
				      volume->held[i].length, err);
	}
	return r;
}

static int zero_places(struct restore_job *job, struct err *err)
{
	const struct restore_plan *plan = job->plan;
	struct edges edges = disk_edges(job);
	uint32_t sector = plan->after->sector_size;
	int r;

	/* With a journal that may be there: an older one must not outlive what it claims. */
	r = gate_zero(job->gate, sector, min_u64(EDGE, plan->target_size) - sector, err);
	if (r == 0)
		r = gate_flush(job->gate, err);
	if (r == 0)
		r = gate_zero(job->gate, edges.tail_offset, edges.tail_length, err);
	if (r == 0)
		r = zero_held(job, err);
	for (size_t i = 0; r == 0 && i < plan->after->count; i++)
		if (!plan->partitions[i].volume)
			r = zero_empty_partition(job, &plan->after->partitions[i], err);
	return r;
}

/* A stop within the commit leaves boot sectors and tables; they go in the opposite order.
 * Everything else was zeroed when the restore began, and holds data by now. */
static int zero_commit(struct restore_job *job, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->table.count; i++)
		r = gate_zero(job->gate, job->table.pieces[i].offset,
			      job->table.pieces[i].length, err);
	if (r == 0)
		r = gate_flush(job->gate, err);
	return r < 0 ? r : zero_held(job, err);
}

static int check_commit(struct restore_job *job, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->table.count; i++)
		r = job_check_zero(job, job->table.pieces[i].offset,
				   job->table.pieces[i].length, err);
	return r;
}

static int invalidate_again(struct restore_job *job, struct err *err)
{
	int r = zero_commit(job, err);

	if (r == 0)
		r = gate_flush(job->gate, err);
	if (r == 0)
		r = check_commit(job, err);
	return r;
}

int job_invalidate(struct restore_job *job, struct err *err)
{
	struct edges edges = disk_edges(job);
	int r;

	r = meter_start(&job->meter, PHASE_INVALIDATE, 0, err);
	if (r < 0)
		return r;
	job->result->target_touched = true;
	if (job->plan->in_place) {
		r = job_drop_old_journal(job, err);
		return r < 0 ? r : job_invalidate_in_place(job, err);
	}
	r = gate_zero(job->gate, 0, job->plan->after->sector_size, err);
	if (r == 0)
		r = gate_flush(job->gate, err);
	if (r < 0)
		return r;
	if (job->journal.resume)
		return invalidate_again(job, err);
	r = zero_places(job, err);
	if (r == 0)
		r = gate_flush(job->gate, err);
	if (r == 0)
		r = job_check_zero(job, 0, min_u64(EDGE, job->plan->target_size), err);
	if (r == 0)
		r = job_check_zero(job, edges.tail_offset, edges.tail_length, err);
	return r;
}
