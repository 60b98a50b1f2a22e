/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of a phase is done of each volume, beside what is done in all. Owned by the job: progress that
 * is reported borrows it.
 */
#include "restore-job.h"

#include <base/checked.h>

static void add_total(struct restore_job *job, size_t volume, uint64_t bytes)
{
	job->volume_progress[volume].bytes_total += bytes;
}

/* The volume at a place of the disk; volume_count: none. */
static size_t find_volume(const struct restore_job *job, uint64_t offset)
{
	size_t i = 0;

	while (i < job->volume_count && (offset < job->volumes[i].partition->offset ||
					 offset - job->volumes[i].partition->offset >=
						 job->volumes[i].partition->length))
		i++;
	return i;
}

/* Names them; nothing is done or expected yet. */
static void begin(struct restore_job *job)
{
	for (size_t i = 0; i < job->volume_count; i++)
		job->volume_progress[i] = (struct restore_volume_progress){
			.name = job_volume_name(&job->volumes[i]),
		};
	job->meter.progress.volumes = job->volume_progress;
	job->meter.progress.volume_count = job->volume_count;
	job->meter.progress.volume_at = 0;
}

void job_expect_data(struct restore_job *job, uint64_t most)
{
	begin(job);
	for (size_t i = 0; i < job->volume_count; i++)
		add_total(job, i, min_u64(job->volumes[i].data, most));
}

void job_expect_rest(struct restore_job *job)
{
	const struct chunk_list *equal = &job->delta.equal;

	job_expect_data(job, UINT64_MAX);
	for (size_t i = 0; i < equal->count; i++) {
		size_t volume = find_volume(job, equal->chunks[i].offset);
		struct restore_volume_progress *progress = &job->volume_progress[volume];

		if (!equal->chunks[i].zeros && volume < job->volume_count)
			progress->bytes_total -=
				min_u64(progress->bytes_total, equal->chunks[i].length);
	}
}

void job_expect_chunks(struct restore_job *job,
		       bool (*is_left)(const struct restore_job *job, size_t chunk))
{
	const struct chunk_list *written = &job->written;

	begin(job);
	for (size_t i = 0; i < written->count; i++) {
		size_t volume = find_volume(job, written->chunks[i].offset);

		if (volume < job->volume_count && is_left(job, i))
			add_total(job, volume, written->chunks[i].length);
	}
}

int job_volume_done(struct restore_job *job, const struct job_volume *volume,
		    uint64_t bytes, struct err *err)
{
	size_t at = (size_t)(volume - job->volumes);

	if (bytes && job->meter.progress.volumes) {
		job->volume_progress[at].bytes_done += bytes;
		job->meter.progress.volume_at = at;
	}
	return meter_add(&job->meter, bytes, err);
}

int job_place_done(struct restore_job *job, uint64_t offset, uint64_t bytes,
		   struct err *err)
{
	size_t at = find_volume(job, offset);

	if (at == job->volume_count)
		return meter_add(&job->meter, bytes, err);
	return job_volume_done(job, &job->volumes[at], bytes, err);
}
