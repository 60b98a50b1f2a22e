/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Comparing a disk with what a restore of the plan would have written. The disk is opened
 * read-only; what fix-ups change is worked out again and expected.
 */
#include "restore-job.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "disk-open.h"

struct comparison {
	struct restore_job job; /* first: visitors get it as the job */
	struct block_source *disk;
	uint8_t *found;	   /* CHUNK_SIZE bytes from the disk */
	uint8_t *expected; /* the same, with patches */
};

static int differs(const struct comparison *comparison, const struct job_volume *volume,
		   uint64_t offset, struct err *err)
{
	return err_set(err, -EBADMSG,
		       "'%s', partition %u (%s): differs from the backup at byte %" PRIu64
		       " of the volume",
		       comparison->disk->name, volume->partition->slot,
		       job_volume_name(volume), offset);
}

/* Compares comparison->expected, which may be changed, with the disk. */
static int compare_expected(struct comparison *comparison,
			    const struct job_volume *volume, uint64_t offset,
			    size_t length, struct err *err)
{
	int r;

	patch_list_apply(&volume->patches, offset, comparison->expected, length);
	r = source_read(comparison->disk, comparison->found,
			volume->partition->offset + offset, length, err);
	if (r < 0)
		return r;
	for (size_t i = 0; memcmp(comparison->found, comparison->expected, length) != 0;
	     i++)
		if (comparison->found[i] != comparison->expected[i])
			return differs(comparison, volume, offset + i, err);
	comparison->job.result->verified += length;
	return job_volume_done(&comparison->job, volume, length, err);
}

static int compare_data(struct restore_job *job, const struct piece *piece,
			struct err *err)
{
	struct comparison *comparison = (struct comparison *)job;

	memcpy(comparison->expected, piece->bytes, piece->length);
	return compare_expected(comparison, piece->volume, piece->offset, piece->length,
				err);
}

struct zero_walk {
	struct comparison *comparison;
	const struct job_volume *volume;
};

static int compare_zero_extent(const struct extent *extent, void *context,
			       struct err *err)
{
	struct zero_walk *walk = context;
	uint64_t offset = extent->offset - walk->volume->partition->offset;
	uint64_t end = offset + extent->length;
	int r = 0;

	if (extent->kind != EXTENT_DATA &&
	    !patch_list_touches(&walk->volume->patches, offset, extent->length)) {
		walk->comparison->job.result->verified += extent->length;
		return 0;
	}
	while (r == 0 && offset < end) {
		size_t length = (size_t)min_u64(CHUNK_SIZE, end - offset);

		memset(walk->comparison->expected, 0, length);
		r = compare_expected(walk->comparison, walk->volume, offset, length, err);
		offset += length;
	}
	return r;
}

static int compare_zero(struct restore_job *job, const struct job_volume *volume,
			uint64_t offset, uint64_t length, struct err *err)
{
	struct zero_walk walk = { (struct comparison *)job, volume };

	return source_walk(walk.comparison->disk, volume->partition->offset + offset,
			   length, compare_zero_extent, &walk, err);
}

static int compare_held(struct comparison *comparison, const struct job_volume *volume,
			struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < volume->held_count; i++) {
		memcpy(comparison->expected, volume->held[i].bytes,
		       volume->held[i].length);
		r = compare_expected(comparison, volume, volume->held[i].offset,
				     volume->held[i].length, err);
	}
	return r;
}

/* A patch may lie where the backup calls the volume free: those are not walked over. */
static int compare_patches(struct comparison *comparison, const struct job_volume *volume,
			   struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < volume->patches.count; i++) {
		const struct patch *patch = &volume->patches.patches[i];

		for (uint64_t at = 0; r == 0 && at < patch->length; at += CHUNK_SIZE)
			r = compare_expected(comparison, volume, patch->offset + at,
					     min_u64(CHUNK_SIZE, patch->length - at),
					     err);
	}
	return r;
}

static int compare_volume(struct comparison *comparison, const struct job_volume *volume,
			  struct err *err)
{
	/* Free clusters may differ, however short they are: nothing promises their content. */
	static const struct piece_visitor visitor = { .data = compare_data,
						      .zero = compare_zero };
	int r = compare_held(comparison, volume, err);

	if (r == 0)
		r = compare_patches(comparison, volume, err);
	if (r == 0)
		r = job_walk_volume(&comparison->job, volume, &visitor, err);
	if (r < 0)
		return r;
	return job_note(&comparison->job, PLAN_NOTE, err,
			"partition %u (%s) equals the backup%s", volume->partition->slot,
			job_volume_name(volume),
			volume->patches.count ? " with its fix-ups" : "");
}

static int compare_table(struct comparison *comparison, struct err *err)
{
	const struct restore_plan *plan = comparison->job.plan;
	AUTO(layout_freep) struct disk_layout *found = NULL;
	char why[256];
	int r = layout_read(comparison->disk, plan->after->sector_size, &found, NULL,
			    err);

	if (r < 0)
		return r;
	if (found->style == TABLE_NONE)
		return err_set(
			err, -EBADMSG,
			"'%s': it has no partition table: nothing was restored to it, or "
			"it was erased since",
			comparison->disk->name);
	if (!layout_equal(found, plan->after, why, sizeof(why)))
		return err_set(err, -EBADMSG,
			       "'%s': its partition table is not the backup's: %s",
			       comparison->disk->name, why);
	return job_note(&comparison->job, PLAN_NOTE, err,
			"the partition table equals the backup's");
}

static int compare_all(struct restore_job *job, struct err *err)
{
	/* the first member */
	struct comparison *comparison = (struct comparison *)job;
	uint64_t total = 0;
	int r;

	r = disk_open_for_reading(job->plan->disk, &comparison->disk, err);
	if (r == 0)
		r = compare_table(comparison, err);
	if (r == 0)
		r = job_prepare(job, err);
	if (r < 0)
		return r;
	comparison->found = malloc(CHUNK_SIZE);
	comparison->expected = malloc(CHUNK_SIZE);
	if (!comparison->found || !comparison->expected)
		return err_nomem(err);
	for (size_t i = 0; i < job->volume_count; i++)
		total += job->volumes[i].data;
	r = meter_start(&job->meter, PHASE_VERIFY, total, err);
	job_expect_data(job, UINT64_MAX);
	for (size_t i = 0; r == 0 && i < job->volume_count; i++)
		r = compare_volume(comparison, &job->volumes[i], err);
	return r;
}

static int compare_disk(const struct restore_plan *plan, struct reader *reader,
			const struct restore_options *options,
			struct restore_result *result, struct err *err)
{
	struct comparison comparison = {
		.job = {
			.plan = plan,
			.reader = reader,
			.result = result,
			.meter = { .report = options->report, .context = options->context },
		},
	};
	int r;

	if (!plan->after)
		return err_set(err, -EINVAL, "there is no layout to compare with: %s",
			       plan->finding_count ? plan->findings[0].text : "no plan");
	r = job_run_watched(&comparison.job, compare_all, err);
	source_close(comparison.disk);
	free(comparison.found);
	free(comparison.expected);
	job_clear(&comparison.job);
	return r;
}

int restore_verify(const struct plan_set *set, struct reader *reader,
		   const struct restore_options *options,
		   struct restore_result *ret_result, struct err *err)
{
	uint64_t started = clock_ms();
	int r = 0;

	*ret_result = (struct restore_result){ 0 };
	for (size_t i = 0; r == 0 && i < set->count; i++)
		r = compare_disk(set->plans[i], reader, options, ret_result, err);
	ret_result->seconds = (double)(clock_ms() - started) / 1000;
	return r;
}
