/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checkpoints: what has been written is flushed, and only then claimed in the journal, which
 * is flushed in turn (SAFETY.md section 1, step 6). Where the layout leaves no room for a
 * journal all of this only flushes.
 */
#pragma once

#include "journal.h"

struct restore_job;
struct chunk;

struct job_journal {
	bool active;  /* the layout has room for it */
	bool resume;  /* wanted: take up what the journal on the disk tells */
	bool claims_nothing; /* a resume would compare the pieces in another way: delta.h */
	bool outdated; /* in place: a record of an earlier restore is on the disk */
	bool written; /* a journal is on the disk: this restore can be taken up again */
	struct journal last;	   /* as it was written last, or found */
	uint8_t *slot;		   /* aligned buffer */
	const char *mirror_folder; /* of the copy's file; NULL: none is wanted */
	struct block_target
		*mirror;   /* journal-mirror.h; NULL: there is none, or it was lost */
	const char *words; /* as struct journal has them; NULL: not known */
	size_t words_length;

	/* Of the run before: pieces in it are on the disk, their sum is known. */
	struct range_map claimed;
	uint64_t claimed_sum_low, claimed_sum_high;

	/* Of this run, claimed ones included. */
	struct range_map done;
	uint64_t sum_low, sum_high;

	/* As of the last good flush; a flush that fails throws back to it. */
	struct range_map durable;
	uint64_t durable_sum_low, durable_sum_high;
	struct range_map kept; /* durable, when the copy had to begin again */

	uint64_t unflushed; /* bytes since the last checkpoint */
	uint64_t last_ms;   /* of the last checkpoint */

	/* Smaller in tests; 0: as SAFETY.md says. */
	uint64_t checkpoint_bytes, tail_bytes;
};

/* What identifies plan, target and backup in the journal. -EINVAL: too many images. */
struct restore_plan;
int journal_identify(const struct restore_plan *plan, struct journal_identity *ret,
		     struct err *err) MUST_CHECK;
/* The part of it that is the target's; size: in bytes. */
struct disk;
int journal_identify_disk(const struct disk *disk, uint64_t size, uint8_t ret[32],
			  struct err *err) MUST_CHECK;

/* After the gate is open: a new journal, or, where a resume is wanted, the one on the disk.
 * Nothing is written yet. -ESTALE: there is none, or another restore's, with the fact. */
int job_find_journal(struct restore_job *job, struct err *err) MUST_CHECK;
/* In place no journal is kept. Where the disk carries the record of an earlier restore, that is
 * named in the gate, and zeroed before the first volume is touched: it would call a half-written
 * disk whole. What is not ours in the gap stays. */
int job_allow_old_journal(struct restore_job *job, struct err *err) MUST_CHECK;
int job_drop_old_journal(struct restore_job *job, struct err *err) MUST_CHECK;

/* After the invalidation: from here on the restore can be taken up again. */
int job_begin_journal(struct restore_job *job, struct err *err) MUST_CHECK;
/* After the read-back. */
int job_mark_verified(struct restore_job *job, struct err *err) MUST_CHECK;

/* Flushes; then writes the journal with what is done, and flushes that. */
int job_checkpoint(struct restore_job *job, enum journal_state state,
		   struct err *err) MUST_CHECK;
/* A chunk was written (or is known to be there). Makes a checkpoint when one is due. */
int job_chunk_done(struct restore_job *job, const struct chunk *chunk,
		   struct err *err) MUST_CHECK;
/* A flush failed: everything since the last good one counts as unwritten. 0 where it may be
 * written again; the error stays in err where it was tried before. */
int job_throw_back(struct restore_job *job, struct err *err) MUST_CHECK;

/* Adds the hash of a data chunk to a sum that does not depend on the order. */
void chunk_sum_add(const struct chunk *chunk, uint64_t *low, uint64_t *high);

void job_journal_clear(struct job_journal *journal);
