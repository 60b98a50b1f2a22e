/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checkpoints: see checkpoint.h. */
#include "restore-job.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <base/checked.h>

#include "journal-mirror.h"

/* SAFETY.md section 1, step 6: at most this much is written again after a power cut. */
#define CHECKPOINT_BYTES (256 * MiB)
#define CHECKPOINT_MS	 10000

/* Pages: what O_DIRECT wants at most. */
#define SLOT_ALIGNMENT (4 * KiB)

static int read_gap(struct restore_job *job, void **ret, struct err *err)
{
	const struct restore_plan *plan = job->plan;
	size_t length = JOURNAL_SLOTS * plan->journal_slot_length;
	AUTO_FREE void *slots = NULL;
	int r;

	if (posix_memalign(&slots, max_u64(gate_alignment(job->gate), SLOT_ALIGNMENT),
			   length))
		return err_nomem(err);
	r = gate_read(job->gate, slots, plan->journal_offset, length, err);
	if (r == 0)
		*ret = TAKE_PTR(slots);
	return r;
}

/* Reads both slots; -ENOEXEC where there is no journal. */
static int read_slots(struct restore_job *job, struct journal *ret, struct err *err)
{
	AUTO_FREE void *slots = NULL;
	int r = read_gap(job, &slots, err);

	return r < 0 ? r
		     : journal_choose(slots, job->plan->journal_slot_length, ret, err);
}

/* Of the disk's own journal and its mirror the one that counts. */
static int read_journal(struct restore_job *job, struct journal *ret, struct err *err)
{
	AUTO_FREE uint8_t *mirror = NULL;
	AUTO_FREE void *gap = NULL;
	enum journal_pick pick = JOURNAL_PICK_GAP;
	struct err why = { 0 };
	int gap_r = read_gap(job, &gap, &why);
	int r = gap_r == -ENOMEM ? err_nomem(err) : job_read_mirror(job, &mirror, err);

	if (r == 0)
		r = journal_pick(gap, mirror, job->plan->journal_slot_length,
				 &job->journal.last.identity, ret, &pick, err);
	if (r == -ENOEXEC && gap_r < 0)
		return err_set(err, gap_r, "%s", why.text);
	if (r < 0)
		return r;
	r = job_tell_pick(job, pick, err);
	if (r < 0)
		journal_clear(ret);
	return r;
}

int job_allow_old_journal(struct restore_job *job, struct err *err)
{
	const struct restore_plan *plan = job->plan;
	struct journal found = { 0 };
	int r = plan->journal_slot_length ? read_slots(job, &found, err) : -ENOEXEC;

	if (r == -ENOEXEC)
		return 0;
	if (r < 0)
		return r;
	journal_clear(&found);
	job->journal.outdated = true;
	return gate_allow(job->gate, plan->journal_offset,
			  JOURNAL_SLOTS * plan->journal_slot_length, false, err);
}

int job_drop_old_journal(struct restore_job *job, struct err *err)
{
	const struct restore_plan *plan = job->plan;
	uint64_t length = JOURNAL_SLOTS * plan->journal_slot_length;
	int r;

	if (!job->journal.outdated)
		return 0;
	r = gate_zero(job->gate, plan->journal_offset, length, err);
	if (r == 0)
		r = gate_flush(job->gate, err);
	return r < 0 ? r : job_check_zero(job, plan->journal_offset, length, err);
}

static int adopt_journal(struct restore_job *job, struct journal *found, struct err *err)
{
	struct job_journal *journal = &job->journal;
	int r = range_map_copy(&journal->claimed, &found->done, err);

	if (r == 0)
		r = range_map_copy(&journal->done, &found->done, err);
	if (r == 0)
		r = range_map_copy(&journal->durable, &found->done, err);
	if (r < 0)
		return r;
	journal->claimed_sum_low = journal->sum_low = journal->durable_sum_low =
		found->sum_low;
	journal->claimed_sum_high = journal->sum_high = journal->durable_sum_high =
		found->sum_high;
	journal->last.sequence = found->sequence;
	journal->last.high_water = found->high_water;
	memcpy(journal->last.job_id, found->job_id, sizeof(found->job_id));
	journal->written = true;
	return 0;
}

static int find_old_journal(struct restore_job *job, struct err *err)
{
	struct journal found = { 0 };
	struct err why = { .text = "it has no journal" };
	int r = -ENOEXEC;

	if (job->journal.active)
		r = read_journal(job, &found, &why);
	if (r == -ENOEXEC)
		return err_set(err, -ESTALE,
			       "'%s': no restore can be resumed on it: %s; start again "
			       "with 'bmr restore'",
			       job->plan->disk->path, why.text);
	if (r < 0)
		return err_set(err, r, "%s", why.text);
	r = journal_compare(&found.identity, &job->journal.last.identity, &why);
	if (r < 0)
		r = err_set(err, r,
			    "'%s': the restore on it cannot be resumed: %s; start again "
			    "with 'bmr restore'",
			    job->plan->disk->path, why.text);
	if (r == 0)
		r = adopt_journal(job, &found, err);
	journal_clear(&found);
	return r;
}

/* What people are told who find the disk half restored. */
static int describe(struct restore_job *job, struct err *err)
{
	struct job_journal *journal = &job->journal;
	struct journal_about *about = &journal->last.about;
	const char *version = strrchr(job->plan->version->path, '/');

	snprintf(about->machine, sizeof(about->machine), "%s", job->plan->machine->name);
	snprintf(about->version, sizeof(about->version), "%s",
		 version ? version + 1 : job->plan->version->path);
	for (size_t i = 0; i < job->volume_count; i++)
		about->total += job->volumes[i].partition->length;
	if (!journal->words_length)
		return 0;
	journal->last.words = malloc(journal->words_length);
	if (!journal->last.words)
		return err_nomem(err);
	memcpy(journal->last.words, journal->words, journal->words_length);
	journal->last.words_length = journal->words_length;
	return 0;
}

int job_find_journal(struct restore_job *job, struct err *err)
{
	struct job_journal *journal = &job->journal;
	int r;

	journal->last_ms = clock_ms();
	if (!journal->checkpoint_bytes)
		journal->checkpoint_bytes = CHECKPOINT_BYTES;
	journal->active = job->plan->journal_slot_length && !job->plan->in_place;
	if (journal->active) {
		r = journal_identify(job->plan, &journal->last.identity, err);
		if (r == 0)
			r = describe(job, err);
		if (r == 0)
			r = job_open_mirror(job, err);
		if (r < 0)
			return r;
		if (posix_memalign((void **)&journal->slot,
				   max_u64(gate_alignment(job->gate), SLOT_ALIGNMENT),
				   job->plan->journal_slot_length))
			return err_nomem(err);
	}
	if (journal->resume)
		return find_old_journal(job, err);
	if (getrandom(journal->last.job_id, sizeof(journal->last.job_id), 0) !=
	    sizeof(journal->last.job_id))
		return err_errno(err, errno, "no random number for the restore's id");
	return 0;
}

/* What is done is on the disk now. */
static int remember_durable(struct job_journal *journal, struct err *err)
{
	int r = range_map_copy(&journal->durable, &journal->done, err);

	if (r < 0)
		return r;
	journal->durable_sum_low = journal->sum_low;
	journal->durable_sum_high = journal->sum_high;
	journal->unflushed = 0;
	journal->last_ms = clock_ms();
	return 0;
}

/* What the journal claims is what the last good flush covered. With more ranges than a slot
 * holds the claim stays as it was: less is claimed than is true. */
static int claim(struct job_journal *journal, struct err *err)
{
	struct journal *last = &journal->last;
	const struct range *end;
	int r;

	if (journal->durable.count > JOURNAL_RANGES_MAX || journal->claims_nothing)
		return 0;
	r = range_map_copy(&last->done, &journal->durable, err);
	if (r < 0)
		return r;
	last->sum_low = journal->durable_sum_low;
	last->sum_high = journal->durable_sum_high;
	last->high_water = 0;
	if (last->done.count) {
		end = &last->done.ranges[last->done.count - 1];
		last->high_water = end->offset + end->length;
	}
	return 0;
}

static int write_journal(struct restore_job *job, enum journal_state state,
			 struct err *err)
{
	struct job_journal *journal = &job->journal;
	uint64_t slot_length = job->plan->journal_slot_length, length;
	uint64_t slot;
	int r = claim(journal, err);

	if (r < 0)
		return r;
	journal->last.state = state;
	journal->last.sequence++;
	journal->last.about.written = (uint64_t)time(NULL);
	slot = journal->last.sequence % JOURNAL_SLOTS;
	length = journal_encode(&journal->last, journal->slot, slot_length);
	if (!checked_align_up(length, SLOT_ALIGNMENT, &length))
		return err_set(err, -EINVAL, "a journal of impossible length");
	r = gate_write(job->gate, journal->slot,
		       job->plan->journal_offset + slot * slot_length, length, err);
	if (r == 0)
		r = gate_flush(job->gate, err);
	if (r < 0)
		return r;
	journal->written = true;
	return job_write_mirror(job, journal->slot, slot * slot_length, length, err);
}

int job_checkpoint(struct restore_job *job, enum journal_state state, struct err *err)
{
	int r = gate_flush(job->gate, err);

	if (r == 0)
		r = remember_durable(&job->journal, err);
	if (r < 0)
		return r;
	job->flushed = job->written.count;
	if (!job->journal.active)
		return 0;
	return write_journal(job, state, err);
}

int job_begin_journal(struct restore_job *job, struct err *err)
{
	return job_checkpoint(job, JOURNAL_COPYING, err);
}

int job_mark_verified(struct restore_job *job, struct err *err)
{
	return job_checkpoint(job, JOURNAL_VERIFIED, err);
}

int job_chunk_done(struct restore_job *job, const struct chunk *chunk, struct err *err)
{
	struct job_journal *journal = &job->journal;
	int r = range_map_add(&journal->done, chunk->offset, chunk->length, err);

	if (r < 0)
		return r;
	if (!chunk->zeros && !range_map_covers(&journal->claimed, journal->claimed.count,
					       chunk->offset, chunk->length))
		chunk_sum_add(chunk, &journal->sum_low, &journal->sum_high);
	if (!chunk->zeros)
		journal->unflushed += chunk->length;
	if (journal->unflushed < journal->checkpoint_bytes &&
	    clock_ms() - journal->last_ms < CHECKPOINT_MS)
		return 0;
	return job_checkpoint(job, JOURNAL_COPYING, err);
}

/* Chunks that were written since the last good flush must be written again. */
static void forget_chunks(struct restore_job *job)
{
	const struct range_map *kept_map = &job->journal.kept;
	struct chunk_list *list = &job->written;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (range_map_covers(kept_map, kept_map->count, list->chunks[i].offset,
				     list->chunks[i].length))
			list->chunks[kept++] = list->chunks[i];
	list->count = job->flushed = kept;
	job->looked_at = 0;
}

/* In a resumed restore the pieces behind the failure are claimed, but not looked at yet: all
 * begins again from what was found. */
static int back_to_claimed(struct job_journal *journal, struct err *err)
{
	journal->durable_sum_low = journal->claimed_sum_low;
	journal->durable_sum_high = journal->claimed_sum_high;
	return range_map_copy(&journal->durable, &journal->claimed, err);
}

int job_throw_back(struct restore_job *job, struct err *err)
{
	struct job_journal *journal = &job->journal;
	int r = gate_begin_rewrite(job->gate, err);

	if (r == 0 && journal->resume)
		r = back_to_claimed(journal, err);
	if (r == 0)
		r = range_map_copy(&journal->done, &journal->durable, err);
	if (r == 0 && !journal->resume)
		r = range_map_copy(&journal->kept, &journal->durable, err);
	if (r < 0)
		return r;
	journal->sum_low = journal->durable_sum_low;
	journal->sum_high = journal->durable_sum_high;
	journal->unflushed = 0;
	forget_chunks(job);
	meter_retry(&job->meter);
	return job_note(job, PLAN_WARNING, err,
			"'%s': a flush failed once; what was written since the one "
			"before was written again",
			job->plan->disk->path);
}

void job_journal_clear(struct job_journal *journal)
{
	journal_clear(&journal->last);
	range_map_clear(&journal->claimed);
	range_map_clear(&journal->done);
	range_map_clear(&journal->durable);
	range_map_clear(&journal->kept);
	free(journal->slot);
	target_close(journal->mirror);
}
