/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the target is too small: how small each volume can be, and whether ntfsresize really
 * gets it there. Reads the backup's metadata, writes nothing.
 */
#include "session-sizes.h"

#include <string.h>

#include <base/checked.h>
#include <base/log.h>
#include <restore/ntfs-size.h>

#include "session-disks.h"

/* ntfsresize sometimes fails at a size that it named itself (ntfs-3g issues 142, 204, 209): try
 * again with more room, so often. */
#define TRIES_MAX 4

/* Room for a backup boot sector of any disk */
#define SECTOR_MAX 4096

/* What failed before is what is told. */
static void close_quietly(const struct session *session, unsigned number)
{
	struct err fault = { 0 };

	if (reader_close_volume(session->reader, number, &fault) < 0)
		log_debug("%s, ignoring", fault.text);
}

static int open_source(const struct session *session, const struct backup_volume *volume,
		       unsigned *ret_number, struct block_source **ret, struct err *err)
{
	uint64_t length;
	int r = reader_open_volume(session->reader, volume, ret_number, &length, err);

	if (r < 0)
		return r;
	r = reader_source(session->reader, *ret_number, ret, err);
	if (r < 0)
		close_quietly(session, *ret_number);
	return r;
}

/* length 0: the minimum, else a trial of that length. sector_size: room for a backup boot
 * sector. */
static int measure(struct session *session, const struct backup_volume *volume,
		   uint64_t length, uint32_t sector_size, uint64_t *ret_minimum,
		   struct err *err)
{
	struct block_source *source;
	unsigned number;
	int r;

	if (progress_phase(&session->display, PHASE_MEASURE, volume->image_path) != 0)
		return err_set(err, -ECANCELED, "cancelled");
	r = open_source(session, volume, &number, &source, err);

	if (r < 0)
		return r;
	r = length ? ntfs_try_resize(source, sector_size, length, err)
		   : ntfs_minimum(source, sector_size, ret_minimum, err);
	source_close(source);
	if (r == 0)
		return reader_close_volume(session->reader, number, err);
	close_quietly(session, number);
	return r;
}

/* A volume that cannot be measured cannot be shrunk, and the plan says why. */
static int measure_all(struct session *session, struct err *err)
{
	const struct backup_version *version = session->version;

	session->minimums = calloc(version->volume_count + 1, sizeof(*session->minimums));
	if (!session->minimums)
		return err_nomem(err);
	for (size_t i = 0; i < version->volume_count; i++) {
		const struct backup_volume *volume = &version->volumes[i];
		struct plan_minimum *minimum = &session->minimums[session->minimum_count];
		struct err fault = { 0 };

		if (!plan_may_shrink(volume))
			continue;
		*minimum = (struct plan_minimum){ volume, volume->length, NULL };
		session->minimum_count++;
		log_debug("measuring '%s'", volume->image_path);
		if (measure(session, volume, 0, SECTOR_MAX, &minimum->bytes, &fault) == 0)
			continue;
		if (fault.code == -ECANCELED)
			return err_set(err, -ECANCELED, "cancelled");
		minimum->bytes = volume->length;
		minimum->reason = strdup(fault.text);
		if (!minimum->reason)
			return err_nomem(err);
	}
	return 0;
}

/* Does ntfsresize get this volume to the length that the plan gives it? If not, its minimum
 * is raised. */
static int try_one(struct session *session, const struct restore_plan *plan, size_t index,
		   bool *ret_raised, struct err *err)
{
	const struct backup_volume *volume = plan->partitions[index].volume;
	uint64_t length = plan->after->partitions[index].length;
	struct plan_minimum *minimum = NULL;
	struct err fault = { 0 };

	for (size_t i = 0; i < session->minimum_count; i++)
		if (session->minimums[i].volume == volume)
			minimum = &session->minimums[i];
	if (!minimum || !plan_resizes(plan, index) || length >= volume->length ||
	    measure(session, volume, length,
		    (uint32_t)max_u64(volume->fs.sector_size, plan->after->sector_size),
		    NULL, &fault) == 0)
		return 0;
	log_debug("%s; trying a larger size", fault.text);
	free((char *)minimum->reason);
	minimum->reason = strdup(fault.text);
	if (!minimum->reason)
		return err_nomem(err);
	minimum->bytes = min_u64(volume->length, length + length / 16 + 64 * MiB);
	*ret_raised = true;
	return 0;
}

static int try_all(struct session *session, bool *ret_raised, struct err *err)
{
	int r = 0;

	*ret_raised = false;
	for (size_t p = 0; p < session->plans.count; p++) {
		const struct restore_plan *plan = session->plans.plans[p];

		for (size_t i = 0; r == 0 && plan->after && i < plan->after->count; i++)
			if (plan->partitions[i].volume && !plan->partitions[i].kept)
				r = try_one(session, plan, i, ret_raised, err);
	}
	return r;
}

static bool wants_minimums(const struct plan_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->plans[i]->wants_minimums)
			return true;
	return false;
}

/* Sizes that the user's layout gives stand as they are: they work, or that is said. */
static int try_given(struct session *session, struct err *err)
{
	int r = 0;

	for (size_t p = 0; p < session->plans.count; p++) {
		const struct restore_plan *plan = session->plans.plans[p];

		for (size_t i = 0; r == 0 && plan->after && i < plan->after->count; i++) {
			const struct backup_volume *volume = plan->partitions[i].volume;
			uint64_t length = plan->after->partitions[i].length;

			if (!volume || plan->partitions[i].kept ||
			    !plan->partitions[i].source->new_length ||
			    !plan_may_shrink(volume) || length >= volume->length)
				continue;
			r = measure(session, volume, length,
				    (uint32_t)max_u64(volume->fs.sector_size,
						      plan->after->sector_size),
				    NULL, err);
		}
	}
	return r;
}

int session_fit(const struct session_options *options, struct plan_wishes *wishes,
		struct session *session, struct err *err)
{
	bool raised = true;
	int r;

	if (options->layout && !plan_set_refused(&session->plans))
		return try_given(session, err);
	if (options->no_shrink || !wants_minimums(&session->plans))
		return 0;
	r = measure_all(session, err);
	for (unsigned i = 0; r == 0 && raised && i < TRIES_MAX; i++) {
		wishes->minimum_count = session->minimum_count;
		wishes->minimums = session->minimums;
		plan_set_clear(&session->plans);
		r = session_make_plans(options, wishes, session, err);
		raised = false;
		if (r == 0 && !plan_set_refused(&session->plans))
			r = try_all(session, &raised, err);
	}
	if (r == 0 && raised)
		r = err_set(err, -ENOTSUP,
			    "ntfsresize fails at every size that fits; choose a larger "
			    "disk");
	return r;
}

void session_sizes_clear(struct session *session)
{
	for (size_t i = 0; i < session->minimum_count; i++)
		free((char *)session->minimums[i].reason);
	free(session->minimums);
	session->minimums = NULL;
	session->minimum_count = 0;
}
