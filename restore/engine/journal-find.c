/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A half-restored disk, known by nothing but its journal. Where the journal lies depends on a plan
 * that is not known here: it is looked for in all of the gap. What is found is bytes from outside:
 * it is shown, and a resume proves it.
 */
#include "restore-job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/checked.h>

#include "disk-open.h"
#include "journal-mirror.h"

#define GAP_END	      MiB
#define GAP_ALIGNMENT (4 * KiB) /* of slots, plan-layout.c */

static void take_newer(struct journal *best, bool *found, struct journal *journal)
{
	if (*found && journal->sequence <= best->sequence) {
		journal_clear(journal);
		return;
	}
	journal_clear(best);
	*best = *journal;
	*found = true;
}

static int search_gap(const uint8_t *bytes, size_t length, struct journal *best,
		      bool *ret_found, struct err *err)
{
	for (size_t at = 0; at < length; at += GAP_ALIGNMENT) {
		size_t room = min_u64(length - at, JOURNAL_SLOT_LENGTH);
		struct journal journal;
		int r = journal_decode(bytes + at, room, &journal, err);

		if (r == -ENOMEM)
			return r;
		if (r == 0)
			take_newer(best, ret_found, &journal);
	}
	return 0;
}

/* The mirror of this disk's journal, where it is newer than what the gap has. */
static int look_at_mirror(const struct disk *disk, const char *folder,
			  struct journal *best, bool *found, bool *ret_taken,
			  struct err *err)
{
	AUTO_FREE uint8_t *slots = malloc(JOURNAL_MIRROR_SIZE);
	AUTO_FREE char *path = NULL;
	struct journal journal;
	uint8_t hash[32];
	int r = slots ? journal_identify_disk(disk, disk->size, hash, err)
		      : err_nomem(err);

	if (r < 0)
		return r;
	path = journal_mirror_path(folder, hash);
	if (!path)
		return err_nomem(err);
	if (journal_mirror_read(path, slots, NULL) < 0)
		return 0;
	r = journal_choose(slots, JOURNAL_SLOT_LENGTH, &journal, err);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (memcmp(journal.identity.disk_hash, hash, sizeof(hash)) != 0 ||
	    (*found && (memcmp(journal.job_id, best->job_id, sizeof(best->job_id)) != 0 ||
			journal.sequence <= best->sequence))) {
		journal_clear(&journal);
		return 0;
	}
	journal_clear(best);
	*best = journal;
	*found = *ret_taken = true;
	return 0;
}

static void describe(struct journal *journal, struct restore_half *ret)
{
	ret->found = true;
	ret->committing = journal->state == JOURNAL_COMMITTING;
	snprintf(ret->machine, sizeof(ret->machine), "%s", journal->about.machine);
	snprintf(ret->version, sizeof(ret->version), "%s", journal->about.version);
	for (size_t i = 0; i < (sizeof(ret->plan) - 1) / 2; i++)
		snprintf(ret->plan + 2 * i, 3, "%02x", journal->identity.plan_hash[i]);
	for (size_t i = 0; i < journal->done.count; i++)
		ret->done += journal->done.ranges[i].length;
	ret->total = max_u64(journal->about.total, ret->done);
	/* what no clock says would not print */
	ret->backup_time = (int64_t)min_u64(journal->identity.backup_time, INT32_MAX);
	ret->written = (int64_t)min_u64(journal->about.written, INT32_MAX);
	ret->words = TAKE_PTR(journal->words);
	ret->words_length = journal->words_length;
}

/* Before the commit LBA 0 is zeros: where it is not, somebody has used the disk since. */
static bool is_half(const struct journal *journal, const uint8_t *bytes, uint32_t sector)
{
	if (journal->state == JOURNAL_DONE)
		return false;
	return journal->state == JOURNAL_COMMITTING || job_all_zero(bytes, sector);
}

int restore_find(const struct disk *disk, const char *mirror_folder,
		 struct restore_half *ret, struct err *err)
{
	AUTO(source_freep) struct block_source *source = NULL;
	struct restore_half half = { 0 };
	AUTO_FREE uint8_t *bytes = NULL;
	struct journal best = { 0 };
	bool found = false;
	size_t length;
	int r = 0;

	*ret = half;
	if (!disk->exists || disk->size < disk->sector_size)
		return 0;
	length = min_u64(disk->size, GAP_END);
	bytes = calloc(1, length);
	if (!bytes)
		return err_nomem(err);
	r = disk_open_for_reading(disk, &source, err);
	if (r == 0)
		r = source_read(source, bytes, 0, length, err);
	if (r == 0)
		r = search_gap(bytes, length, &best, &found, err);
	if (r == 0 && mirror_folder)
		r = look_at_mirror(disk, mirror_folder, &best, &found, &half.from_mirror,
				   err);
	if (r == 0 && found && is_half(&best, bytes, disk->sector_size))
		describe(&best, &half);
	journal_clear(&best);
	if (r == 0)
		*ret = half;
	return r;
}

void restore_half_clear(struct restore_half *half)
{
	free(half->words);
	*half = (struct restore_half){ 0 };
}
