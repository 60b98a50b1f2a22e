/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first phase: everything that can fail is tried before the disk is touched. Every
 * image is opened and mapped, what is held back is read, fix-ups are worked out and the
 * table is composed.
 */
#include "delta.h"
#include "restore-job.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "fixups/mbr-boot.h"

/* The head of a volume that is held back: eight sectors hold NTFS's boot sector and also
 * FAT32's and its copy in sector 6. */
#define HELD_HEAD_SECTORS 8

#define MAP_RANGES 256

static int open_volume(struct restore_job *job, struct job_volume *volume,
		       struct err *err)
{
	uint64_t expected = volume->volume->length;
	int r;

	r = reader_open_volume(job->reader, volume->volume, &volume->reader_volume,
			       &volume->image_length, err);
	if (r < 0)
		return r;
	if (volume->image_length != expected)
		return err_set(
			err, -ESTALE,
			"'%s': holds %" PRIu64
			" bytes now, the plan was made for %" PRIu64 "; plan again",
			volume->volume->image_path, volume->image_length, expected);
	return 0;
}

static void count_range(struct job_volume *volume, struct volume_range range)
{
	uint64_t end = volume->partition->length;

	/* What is behind the end of a smaller partition counts where it moves to. */
	range.length = range.offset < end ? min_u64(range.length, end - range.offset) : 0;
	if (range.kind == RANGE_DATA)
		volume->data += range.length;
	else if (range.kind == RANGE_ZERO)
		volume->zero += range.length;
	else
		volume->unused += range.length;
}

/* Counts the kinds of range, and by that reads every table that the copy will need. */
static int map_volume(struct restore_job *job, struct job_volume *volume, struct err *err)
{
	struct volume_range ranges[MAP_RANGES];
	uint64_t offset = 0;

	while (offset < volume->image_length) {
		size_t count;
		int r = reader_map(job->reader, volume->reader_volume, offset, ranges,
				   MAP_RANGES, &count, err);

		if (r < 0)
			return r;
		for (size_t i = 0; i < count; i++) {
			count_range(volume, ranges[i]);
			offset = ranges[i].offset + ranges[i].length;
		}
		r = meter_add(&job->meter, 0, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int job_read_image(struct restore_job *job, const struct job_volume *volume,
		   uint64_t offset, uint32_t length, uint8_t *bytes, struct err *err)
{
	struct reader_block block = { 0 };
	int r = reader_submit(job->reader, volume->reader_volume, offset, length, err);

	if (r == 0)
		r = reader_wait(job->reader, READER_TIMEOUT_MS, &block, err);
	if (r < 0)
		return r;
	if (!block.bytes)
		return err_set(err, -EPROTO, "the reader process gave no bytes");
	memcpy(bytes, block.bytes, length);
	reader_release(job->reader, block.slot);
	return 0;
}

static int read_held(struct restore_job *job, struct job_volume *volume, uint64_t offset,
		     uint32_t length, struct err *err)
{
	struct held_bytes *held = &volume->held[volume->held_count];
	void *bytes = NULL;

	if (posix_memalign(&bytes, 4096, length))
		return err_nomem(err);
	*held = (struct held_bytes){ offset, length, bytes };
	volume->held_count++;
	/* A larger partition has sectors that are in no image. */
	memset(bytes, 0, length);
	if (volume->remade || offset >= volume->image_length)
		return 0;
	length = (uint32_t)min_u64(length, volume->image_length - offset);
	return job_read_image(job, volume, offset, length, bytes, err);
}

static int hold_boot_sectors(struct restore_job *job, struct job_volume *volume,
			     struct err *err)
{
	uint32_t sector = job->plan->after->sector_size;
	uint32_t head = HELD_HEAD_SECTORS * sector;
	int r;

	if (volume->partition->length < head + (uint64_t)sector)
		return err_set(err, -EINVAL,
			       "'%s': a volume of %" PRIu64 " bytes, less than %u",
			       volume->volume->image_path, volume->partition->length,
			       head + sector);
	r = read_held(job, volume, 0, head, err);
	if (r < 0)
		return r;
	return read_held(job, volume, volume->partition->length - sector, sector, err);
}

static int note_fixup(enum plan_severity severity, const char *text, void *context,
		      struct err *err)
{
	struct restore_job *job = context;

	if (!text)
		return job_wait_tick(job, err);
	return job_note(job, severity, err, "%s", text);
}

/* What is moved to where the head is held back, behind the boot sector, comes with the head. */
static int hold_moves(struct restore_job *job, struct job_volume *volume, struct err *err)
{
	const struct held_bytes *head = &volume->held[0];
	struct patch_list *list = &volume->patches;
	size_t done = 0;

	while (done < list->move_count && list->moves[done].to < head->length) {
		struct patch_move *move = &list->moves[done];
		uint32_t part = (uint32_t)min_u64(move->length, head->length - move->to);
		int r = job_read_image(job, volume, move->from, part,
				       head->bytes + move->to, err);

		if (r < 0)
			return r;
		move->to += part;
		move->from += part;
		move->length -= part;
		if (move->length)
			break;
		done++;
	}
	list->move_count -= done;
	if (done)
		memmove(list->moves, list->moves + done,
			list->move_count * sizeof(*list->moves));
	return 0;
}

static int work_out_fixups(struct restore_job *job, struct job_volume *volume,
			   struct err *err)
{
	const struct plan_partition *partition =
		&job->plan->partitions[volume->partition - job->plan->after->partitions];
	AUTO(source_freep) struct block_source *source = NULL;
	int r;

	if (!fixups_apply(job->plan, partition))
		return 0;
	r = reader_source(job->reader, volume->reader_volume, &source, err);
	if (r == 0)
		r = meter_step(&job->meter, "fix-ups", err);
	if (r < 0)
		return r;
	r = fixups_run(job->plan, partition, source, note_fixup, job, &volume->patches,
		       err);
	if (r == 0)
		r = hold_moves(job, volume, err);
	for (size_t i = 0; r == 0 && i < volume->patches.move_count; i++)
		volume->data += volume->patches.moves[i].length;
	return r;
}

static int prepare_volume(struct restore_job *job, struct job_volume *volume,
			  struct err *err)
{
	int r;

	meter_volume(&job->meter, job_volume_name(volume));
	r = open_volume(job, volume, err);
	if (r == 0)
		r = volume->remade ? 0 : map_volume(job, volume, err);
	if (r == 0)
		r = hold_boot_sectors(job, volume, err);
	if (r == 0)
		r = work_out_fixups(job, volume, err);
	if (r == 0)
		r = job_settle_boot_sectors(job, volume, err);
	return r;
}

static int compare_offsets(const void *a, const void *b)
{
	const struct job_volume *x = a, *y = b;

	return x->partition->offset < y->partition->offset ? -1 : 1;
}

static int collect_volumes(struct restore_job *job, struct err *err)
{
	const struct restore_plan *plan = job->plan;

	job->volumes = calloc(plan->after->count + 1, sizeof(*job->volumes));
	job->volume_progress =
		calloc(plan->after->count + 1, sizeof(*job->volume_progress));
	if (!job->volumes || !job->volume_progress)
		return err_nomem(err);
	for (size_t i = 0; i < plan->after->count; i++) {
		if (!plan->partitions[i].volume)
			continue;
		job->volumes[job->volume_count++] = (struct job_volume){
			.volume = plan->partitions[i].volume,
			.partition = &plan->after->partitions[i],
			.remade = plan_remakes(plan, plan->partitions[i].volume),
		};
	}
	qsort(job->volumes, job->volume_count, sizeof(*job->volumes), compare_offsets);
	return 0;
}

int job_prepare(struct restore_job *job, struct err *err)
{
	int r;

	r = meter_start(&job->meter, PHASE_PREFLIGHT, 0, err);
	if (r == 0)
		r = collect_volumes(job, err);
	if (r == 0)
		r = reader_expect_blocks(job->reader, err);
	for (size_t i = 0; r == 0 && i < job->volume_count; i++)
		r = prepare_volume(job, &job->volumes[i], err);
	if (r == 0)
		r = reader_expect_blocks(job->reader,
					 err); /* how far away they are is known now */
	if (r < 0)
		return r;
	if (job->plan->in_place) /* the table that is there stays */
		return 0;
	return layout_compose(job->plan->after,
			      job->plan->after->style == TABLE_MBR ? mbr_boot_code : NULL,
			      &job->table, err);
}

void job_clear(struct restore_job *job)
{
	for (size_t i = 0; i < job->volume_count; i++) {
		for (size_t h = 0; h < job->volumes[i].held_count; h++)
			free(job->volumes[i].held[h].bytes);
		patch_list_clear(&job->volumes[i].patches);
		free(job->volumes[i].proved.chunks);
	}
	job_delta_clear(job);
	free(job->volumes);
	free(job->volume_progress);
	job->meter.progress.volumes = NULL;
	free(job->kept_esp.boot_sector);
	free(job->written.chunks);
	job_journal_clear(&job->journal);
	table_image_clear(&job->table);
	job->meter.disk_ns = NULL;
	gate_free(job->gate);
	/* The gate has waited for what was under way. */
	for (size_t i = 0; i < READS_MAX; i++)
		free(job->reads[i].buffer);
}

const char *job_volume_name(const struct job_volume *volume)
{
	if (volume->volume->access_path.value && volume->volume->access_path.value[0])
		return volume->volume->access_path.value;
	return volume_role_text(volume->volume->role);
}
