/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A copy of the journal's slots in a file, as a rule on the boot medium (SAFETY.md section 1). It is
 * written after the target's own slot was flushed, so that it never claims more than that; it is
 * read where the target's slots cannot be, or are older. Its file is made whole at once and then
 * only overwritten: a cut leaves no file system half changed. Whatever goes wrong with it is a
 * line of the report and never the end of a restore.
 */
#pragma once

#include <base/block-source.h>

#include "journal.h"

struct restore_job;

#define JOURNAL_MIRROR_SIZE (JOURNAL_SLOTS * JOURNAL_SLOT_LENGTH)

/* Of the disk whose journal it is: hash is that of the disk's identity. The caller frees. */
char *journal_mirror_path(const char *folder, const uint8_t disk_hash[32]);

/* Opens the file, and makes it where it is not there, for reading and writing. */
int journal_mirror_open(const char *path, struct block_target **ret,
			struct err *err) MUST_CHECK;
/* All slots, into JOURNAL_MIRROR_SIZE bytes. */
int journal_mirror_read(const char *path, uint8_t *slots, struct err *err) MUST_CHECK;

/* Of a job that keeps one. -ENOMEM only; else it is told once and left out from then on. */
int job_open_mirror(struct restore_job *job, struct err *err) MUST_CHECK;
int job_write_mirror(struct restore_job *job, const uint8_t *slot, uint64_t offset,
		     size_t length, struct err *err) MUST_CHECK;
/* NULL in *ret: there is none, or it cannot be read, which is told. The caller frees. */
int job_read_mirror(struct restore_job *job, uint8_t **ret, struct err *err) MUST_CHECK;
/* What came of looking at both, in the report. */
int job_tell_pick(struct restore_job *job, enum journal_pick pick,
		  struct err *err) MUST_CHECK;
