/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commit: fix-ups, then what makes the disk a disk again, in the order of SAFETY.md
 * section 1, step 9: boot sectors, backup GPT, primary GPT, and LBA 0 last.
 */
#include "restore-job.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

/* One write of bytes that may lie anywhere in memory, and its read-back. */
static int write_copy(struct restore_job *job, uint64_t offset, const uint8_t *bytes,
		      size_t length, struct err *err)
{
	AUTO_FREE void *buffer = NULL;

	if (posix_memalign(&buffer, gate_alignment(job->gate), length))
		return err_nomem(err);
	memcpy(buffer, bytes, length);
	return gate_write(job->gate, buffer, offset, length, err);
}

static int check_copy(struct restore_job *job, uint64_t offset, const uint8_t *bytes,
		      size_t length, struct err *err)
{
	AUTO_FREE void *buffer = NULL;
	int r;

	if (posix_memalign(&buffer, gate_alignment(job->gate), length))
		return err_nomem(err);
	r = gate_read(job->gate, buffer, offset, length, err);
	if (r < 0)
		return r;
	job->disk_failed = memcmp(buffer, bytes, length) != 0;
	if (job->disk_failed)
		return err_set(err, -EIO,
			       "'%s': %" PRIu64
			       "+%zu reads back different from what was written; "
			       "the disk or its cable is failing",
			       job->plan->disk->path, offset, length);
	job->result->verified += length;
	return 0;
}

typedef int copy_action(struct restore_job *job, uint64_t offset, const uint8_t *bytes,
			size_t length, struct err *err);

/* Hands on what of a patch is not held back, and puts the rest into the held bytes. */
static int visit_patch(struct restore_job *job, struct job_volume *volume,
		       const struct patch *patch, copy_action *action, struct err *err)
{
	uint64_t cursor = patch->offset, end = patch->offset + patch->length;
	int r = 0;

	while (r == 0 && cursor < end) {
		uint64_t stop = end;
		struct held_bytes *inside = NULL;

		for (size_t i = 0; i < volume->held_count; i++) {
			struct held_bytes *held = &volume->held[i];

			if (cursor >= held->offset &&
			    cursor < held->offset + held->length)
				inside = held;
			else if (held->offset > cursor)
				stop = min_u64(stop, held->offset);
		}
		if (inside)
			stop = min_u64(end, inside->offset + inside->length);
		if (inside)
			memcpy(inside->bytes + (cursor - inside->offset),
			       patch->bytes + (cursor - patch->offset), stop - cursor);
		else
			r = action(job, volume->partition->offset + cursor,
				   patch->bytes + (cursor - patch->offset), stop - cursor,
				   err);
		cursor = stop;
	}
	return r;
}

static int visit_patches(struct restore_job *job, copy_action *action, struct err *err)
{
	int r = 0;

	for (size_t v = 0; r == 0 && v < job->volume_count; v++) {
		struct job_volume *volume = &job->volumes[v];

		for (size_t i = 0; r == 0 && i < volume->patches.count; i++)
			r = visit_patch(job, volume, &volume->patches.patches[i], action,
					err);
	}
	return r;
}

static int visit_held(struct restore_job *job, copy_action *action, struct err *err)
{
	int r = 0;

	for (size_t v = 0; r == 0 && v < job->volume_count; v++) {
		const struct job_volume *volume = &job->volumes[v];

		for (size_t i = 0; r == 0 && i < volume->held_count; i++)
			r = action(job,
				   volume->partition->offset + volume->held[i].offset,
				   volume->held[i].bytes, volume->held[i].length, err);
	}
	return r;
}

static int visit_table(struct restore_job *job, size_t from, size_t to,
		       copy_action *action, struct err *err)
{
	int r = 0;

	for (size_t i = from; r == 0 && i < to; i++)
		r = action(job, job->table.pieces[i].offset, job->table.pieces[i].bytes,
			   job->table.pieces[i].length, err);
	return r;
}

/* In place, instead of a table: the EFI system partition that stayed can be started again. */
static int visit_kept_esp(struct restore_job *job, copy_action *action, struct err *err)
{
	const struct kept_esp *esp = &job->kept_esp;

	if (!esp->boot_sector)
		return 0;
	return action(job, esp->partition->offset, esp->boot_sector,
		      job->plan->after->sector_size, err);
}

int job_commit(struct restore_job *job, struct err *err)
{
	/* LBA 0; in place there are no pieces */
	size_t last = job->table.count ? job->table.count - 1 : 0;
	int r;

	r = meter_start(&job->meter, PHASE_COMMIT, 0, err);
	if (r == 0)
		r = meter_step(&job->meter, "fix-ups", err);
	if (r == 0)
		r = visit_patches(job, write_copy, err);
	if (r == 0)
		r = gate_flush(job->gate, err);
	if (r == 0)
		r = visit_patches(job, check_copy, err);
	if (r == 0)
		r = job_checkpoint(job, JOURNAL_COMMITTING, err);
	if (r == 0)
		r = gate_begin_commit(job->gate, err);
	if (r == 0)
		r = meter_step(&job->meter, "boot sectors", err);
	if (r == 0)
		r = visit_held(job, write_copy, err);
	if (r == 0)
		r = gate_flush(job->gate, err);
	if (r == 0)
		r = meter_step(&job->meter, "table", err);
	if (r == 0)
		r = visit_table(job, 0, last, write_copy, err);
	if (r == 0)
		r = gate_flush(job->gate, err);
	if (r == 0)
		r = visit_table(job, last, job->table.count, write_copy, err);
	if (r == 0)
		r = visit_kept_esp(job, write_copy, err);
	if (r == 0)
		r = gate_flush(job->gate, err);
	if (r == 0)
		r = meter_step(&job->meter, "reading back", err);
	if (r == 0)
		r = visit_held(job, check_copy, err);
	if (r == 0)
		r = visit_table(job, 0, job->table.count, check_copy, err);
	if (r == 0)
		r = visit_kept_esp(job, check_copy, err);
	if (r == 0 && job->journal.active)
		r = job_checkpoint(job, JOURNAL_DONE, err);
	return r;
}
