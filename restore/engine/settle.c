/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The held-back boot sectors as they will be written: with what fix-ups changed in them, and,
 * where the volume moves, has another length or other sectors than in the backup, saying
 * so. The backup boot sector of such an NTFS volume is made here: no program writes it.
 *
 * A BIOS finds the rest of the active partition by its boot sector's HiddenSectors (FORMAT.md
 * section 5): they are set right even where nothing moves.
 */
#include "restore-job.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "volumes/boot-sector.h"

static void drop_patch(struct patch_list *list, size_t index)
{
	free(list->patches[index].bytes);
	list->count--;
	for (size_t i = index; i < list->count; i++)
		list->patches[i] = list->patches[i + 1];
}

/* Puts into the held bytes what of a patch lies in them, and leaves the rest a patch. false:
 * nothing is left. Held are the head and the last sector: the rest is in one piece. */
static bool take_from_patch(struct job_volume *volume, struct patch *patch)
{
	for (size_t i = 0; i < volume->held_count; i++) {
		struct held_bytes *held = &volume->held[i];
		uint64_t from = max_u64(patch->offset, held->offset);
		uint64_t to = min_u64(patch->offset + patch->length,
				      held->offset + held->length);
		uint32_t taken;

		if (from >= to)
			continue;
		taken = (uint32_t)(to - from);
		memcpy(held->bytes + (from - held->offset),
		       patch->bytes + (from - patch->offset), taken);
		patch->length -= taken;
		if (from > patch->offset)
			continue; /* the last sector */
		memmove(patch->bytes, patch->bytes + taken, patch->length);
		patch->offset = to;
	}
	return patch->length > 0;
}

static bool has_boot_sector(const struct job_volume *volume)
{
	enum file_system fs = volume->volume->fs.fs;

	return fs == FS_NTFS || fs == FS_FAT32 || fs == FS_FAT16 || fs == FS_FAT12;
}

static bool misleads_bios(const struct restore_plan *plan,
			  const struct job_volume *volume)
{
	const struct disk_partition *p = volume->partition;

	return plan->after->style == TABLE_MBR && p->mbr_active &&
	       boot_sector_hidden(volume->held[0].bytes) !=
		       p->offset / plan->after->sector_size;
}

static bool is_changed(const struct restore_job *job, const struct job_volume *volume)
{
	const struct restore_plan *plan = job->plan;
	size_t index = (size_t)(volume->partition - plan->after->partitions);
	const struct source_partition *source = plan->partitions[index].source;

	/* Where the user's word stands for its old place, or it had none, only the boot sector
	 * itself knows that. */
	return volume->partition->offset != source->offset.value || source->plain ||
	       source->offset.origin == ORIGIN_USER ||
	       plan_converts_sectors(plan, volume->volume) || plan_resizes(plan, index) ||
	       misleads_bios(plan, volume);
}

static int adapt_boot_sectors(struct restore_job *job, struct job_volume *volume,
			      struct err *err)
{
	uint32_t sector = job->plan->after->sector_size;
	struct held_bytes *head = &volume->held[0];
	int r = 0;

	switch (volume->volume->fs.fs) {
	case FS_NTFS:
		r = boot_sector_adapt_ntfs(head->bytes, sector, volume->partition->offset,
					   err);
		if (r == 0)
			memcpy(volume->held[1].bytes, head->bytes, sector);
		break;
	case FS_FAT32:
	case FS_FAT16:
	case FS_FAT12:
		r = boot_sector_move_fat(head->bytes, head->length, sector,
					 volume->partition->offset, err);
		break;
	default:
		break;
	}
	return r < 0 ? err_add(err, "'%s'", volume->volume->image_path) : 0;
}

int job_settle_boot_sectors(struct restore_job *job, struct job_volume *volume,
			    struct err *err)
{
	struct patch_list *list = &volume->patches;
	uint32_t old, new;
	int r;

	for (size_t i = list->count; i > 0; i--)
		if (!take_from_patch(volume, &list->patches[i - 1]))
			drop_patch(list, i - 1);
	if (!has_boot_sector(volume) || !is_changed(job, volume))
		return 0;
	old = boot_sector_hidden(volume->held[0].bytes);
	r = adapt_boot_sectors(job, volume, err);
	new = boot_sector_hidden(volume->held[0].bytes);
	if (r < 0 || old == new)
		return r;
	return job_note(job, PLAN_NOTE, err,
			"'%s': boot sector and its copy: HiddenSectors %" PRIu32
			" → %" PRIu32,
			job_volume_name(volume), old, new);
}
