/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Delta restores: before anything is written the disk is compared with what the restore would
 * write, and what is equal stays. All of the disk is compared before the first write, which is the
 * ordinary invalidation; from then on the disk is what any half-written one is, and the read-back
 * covers what was kept as well as what was written. A disk on which nothing differs, boot
 * sectors and table included, is not written at all.
 *
 * With a sidecar of hashes (formats/block-index.h) beside the images only what differs is read of
 * the backup, else all of it. The reader parses the sidecar: what comes from it are hashes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>

struct restore_job;

/* Opens the sidecar of every volume. A few blocks of each volume are read and compared with it,
 * in the place of the sample that proves a backup. *ret: all volumes have one. -ESTALE, -EBADMSG:
 * it does not fit, or is damaged. */
int job_prove_indexes(struct restore_job *job, bool *ret, struct err *err) MUST_CHECK;

/* The phase. */
int job_compare_disk(struct restore_job *job, struct err *err) MUST_CHECK;

/* Is the piece of the disk from offset on equal? *length is cut to where that changes. */
bool job_is_equal(const struct restore_job *job, uint64_t offset, uint64_t *length);

/* After the copy: what was equal is to be read back like what was written. */
int job_keep_equal(struct restore_job *job, struct err *err) MUST_CHECK;

void job_delta_clear(struct restore_job *job);
