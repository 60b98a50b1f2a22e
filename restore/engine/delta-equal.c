/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a comparison found equal on the disk, and the copy leaves as it is: see delta.h. */
#include "delta.h"

#include <base/checked.h>
#include <base/sorted.h>

#include "restore-job.h"

static bool ends_by(const void *record, const void *offset)
{
	const struct chunk *chunk = record;

	return chunk->offset + chunk->length <= *(const uint64_t *)offset;
}

bool job_is_equal(const struct restore_job *job, uint64_t offset, uint64_t *length)
{
	const struct chunk_list *list = &job->delta.equal;
	size_t i = sorted_find(list->chunks, list->count, sizeof(*list->chunks), ends_by,
			       &offset);
	const struct chunk *chunk = i < list->count ? &list->chunks[i] : NULL;

	if (!chunk)
		return false;
	if (chunk->offset > offset) {
		*length = min_u64(*length, chunk->offset - offset);
		return false;
	}
	*length = min_u64(*length, chunk->offset + chunk->length - offset);
	return true;
}

int job_keep_equal(struct restore_job *job, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->delta.equal.count; i++) {
		const struct chunk *chunk = &job->delta.equal.chunks[i];

		r = chunk_list_add(&job->written, chunk, err);
		if (!chunk->zeros)
			job->copied += chunk->length;
	}
	return r;
}

void job_delta_clear(struct restore_job *job)
{
	free(job->delta.equal.chunks);
	for (size_t i = 0; i < job->volume_count; i++)
		source_close(TAKE_PTR(job->volumes[i].index));
}
