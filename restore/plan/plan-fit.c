/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fitting the source's layout onto a target of another size or sector size: what may shrink,
 * what grows, and what that means for each volume. Where everything lies is computed by
 * partition/layout-fit.c; here are the wishes and the words.
 */
#include "plan-rules.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>
#include <partition/layout-fit.h>

#define RULE "fit"

#define FAT32_4K_MINIMUM  (260 * MiB)
#define FAT32_512_MINIMUM (100 * MiB) /* what Windows makes */

const char *plan_partition_name(const struct restore_plan *plan, size_t index)
{
	const struct backup_volume *volume = plan->partitions[index].volume;

	if (!volume)
		return partition_type_text(plan->after, &plan->after->partitions[index]);
	if (volume->access_path.value && volume->access_path.value[0])
		return volume->access_path.value;
	return volume_role_text(volume->role);
}

/* 0: not known */
static uint32_t old_sector_size(const struct restore_plan *plan,
				const struct backup_volume *volume)
{
	if (volume->fs.sector_size || !plan->source_disk)
		return volume->fs.sector_size;
	return (uint32_t)plan->source_disk->sector_size.value;
}

bool plan_converts_sectors(const struct restore_plan *plan,
			   const struct backup_volume *volume)
{
	uint32_t sector = old_sector_size(plan, volume);

	return sector && sector != plan->after->sector_size;
}

bool plan_remakes(const struct restore_plan *plan, const struct backup_volume *volume)
{
	if (volume == plan->made_esp)
		return true;
	return plan_converts_sectors(plan, volume) &&
	       (volume->fs.fs == FS_FAT32 || volume->fs.fs == FS_FAT16 ||
		volume->fs.fs == FS_FAT12);
}

bool plan_resizes(const struct restore_plan *plan, size_t index)
{
	const struct backup_volume *volume = plan->partitions[index].volume;
	uint64_t rounded = volume->length;

	/* Rounding up makes no room for another cluster. */
	return !checked_align_up(volume->length, plan->after->sector_size, &rounded) ||
	       plan->after->partitions[index].length != rounded;
}

bool plan_may_shrink(const struct backup_volume *volume)
{
	return volume->fs.fs == FS_NTFS && volume->role != ROLE_RECOVERY;
}

static uint64_t minimum_of(const struct restore_plan *plan,
			   const struct backup_volume *volume)
{
	for (size_t i = 0; volume && i < plan->wishes.minimum_count; i++)
		if (plan->wishes.minimums[i].volume == volume)
			return plan->wishes.minimums[i].bytes;
	return 0;
}

/* FAT32 with sectors of 4096 bytes starts at 65,525 clusters; 260 MiB is what Windows asks for
 * an EFI system partition on such disks. */
static uint64_t new_length(const struct restore_plan *plan, size_t index)
{
	const struct backup_volume *volume = plan->partitions[index].volume;

	uint64_t minimum = plan->after->sector_size == 512 ? 0 : FAT32_4K_MINIMUM;

	if (!volume || !plan_remakes(plan, volume))
		return 0;
	if (volume == plan->made_esp && !minimum)
		minimum = FAT32_512_MINIMUM;
	return plan->after->partitions[index].length >= minimum ? 0 : minimum;
}

static bool is_grown(const struct restore_plan *plan, size_t index)
{
	const struct backup_volume *volume = plan->partitions[index].volume;

	return plan->wishes.grow && volume && volume->access_path.value &&
	       strcasecmp(plan->wishes.grow, volume->access_path.value) == 0;
}

static int check_grow_wish(struct restore_plan *plan, const struct fit_wish *wishes,
			   size_t count, struct err *err)
{
	size_t growing = count;

	if (!plan->wishes.grow)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (wishes[i].grow)
			growing = i;
	if (growing == count)
		return plan_find(plan, PLAN_REFUSAL, RULE, err,
				 "'%s' shall grow, and no volume of this disk has that "
				 "letter",
				 plan->wishes.grow);
	if (plan->partitions[growing].volume->fs.fs != FS_NTFS)
		return plan_find(
			plan, PLAN_REFUSAL, RULE, err,
			"'%s' shall grow, and is %s: only NTFS can be extended",
			plan->wishes.grow,
			file_system_text(plan->partitions[growing].volume->fs.fs));
	return 0;
}

/* What would help is told, where something would. */
static int tell_minimums(struct restore_plan *plan, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->wishes.minimum_count; i++) {
		const struct plan_minimum *minimum = &plan->wishes.minimums[i];

		for (size_t p = 0; r == 0 && p < plan->after->count; p++) {
			const struct backup_volume *volume = plan->partitions[p].volume;

			if (!volume || volume != minimum->volume)
				continue;
			r = plan_find(plan, PLAN_NOTE, RULE, err,
				      "'%s' has %" PRIu64
				      " bytes and can be shrunk to %" PRIu64 "%s%s",
				      plan_partition_name(plan, p), volume->length,
				      minimum->bytes, minimum->reason ? ": " : "",
				      minimum->reason ? minimum->reason : "");
		}
	}
	return r;
}

/* Not known from the inside: what cannot be made smaller is told where that is the reason. */
static int tell_fixed(struct restore_plan *plan, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->after->count; i++) {
		const struct backup_volume *volume = plan->partitions[i].volume;

		if (!volume || volume->fs.fs == FS_NTFS || volume->role == ROLE_ESP)
			continue;
		r = plan_find(
			plan, PLAN_NOTE, RULE, err,
			"'%s' is %s, which is copied as it is and keeps its %" PRIu64
			" bytes",
			plan_partition_name(plan, i), file_system_text(volume->fs.fs),
			volume->length);
	}
	return r;
}

static int tell_size(struct restore_plan *plan, size_t index, struct err *err)
{
	const struct backup_volume *volume = plan->partitions[index].volume;
	uint64_t length = plan->after->partitions[index].length;
	char from[SIZE_TEXT_SIZE], to[SIZE_TEXT_SIZE];
	bool resized = volume && volume->length && volume != plan->made_esp &&
		       plan_resizes(plan, index);

	if (!resized)
		return 0;
	if (plan_remakes(plan, volume))
		return plan_find(
			plan, PLAN_NOTE, RULE, err,
			"'%s' gets %s, as disks with sectors of %u bytes need; it "
			"had %s",
			plan_partition_name(plan, index), size_format(length, to),
			plan->after->sector_size, size_format(volume->length, from));
	return plan_find(plan, PLAN_NOTE, RULE, err,
			 "'%s' is %s from %s to %s (%" PRIu64
			 " bytes); Windows will run chkdsk at its first start",
			 plan_partition_name(plan, index),
			 length < volume->length ? "shrunk" : "extended",
			 size_format(volume->length, from), size_format(length, to),
			 length);
}

static int tell_move(struct restore_plan *plan, const struct disk_layout *before,
		     size_t index, struct err *err)
{
	const struct disk_partition *p = &plan->after->partitions[index];
	const struct source_partition *source = plan->partitions[index].source;
	uint64_t old = source->new_offset ? source->offset.value
					  : before->partitions[index].offset;
	char from[SIZE_TEXT_SIZE], to[SIZE_TEXT_SIZE];

	if (p->offset == old)
		return 0;
	return plan_find(plan, PLAN_NOTE, RULE, err,
			 "partition %u (%s) moves from %s to %s", p->slot,
			 plan_partition_name(plan, index), size_format(old, from),
			 size_format(p->offset, to));
}

static int tell_all(struct restore_plan *plan, const struct disk_layout *before,
		    struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->after->count; i++) {
		r = tell_size(plan, i, err);
		if (r == 0)
			r = tell_move(plan, before, i, err);
	}
	return r;
}

/* Has a partition that shrinking could help with? */
static bool could_shrink(const struct restore_plan *plan, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (plan->partitions[i].volume &&
		    plan_may_shrink(plan->partitions[i].volume))
			return true;
	return false;
}

static int adopt_fit(struct restore_plan *plan, struct disk_layout *fitted,
		     struct err *err)
{
	AUTO(layout_freep) struct disk_layout *before = plan->after;

	plan->after = fitted;
	return tell_all(plan, before, err);
}

int plan_fit_layout(struct restore_plan *plan, struct err *err)
{
	struct disk_layout *before = plan->after, *fitted;
	AUTO_FREE struct fit_wish *wishes = calloc(before->count + 1, sizeof(*wishes));
	struct err fault = { 0 };
	int r;

	if (!wishes)
		return err_nomem(err);
	for (size_t i = 0; i < before->count; i++)
		wishes[i] = (struct fit_wish){
			.minimum = minimum_of(plan, plan->partitions[i].volume),
			.length = new_length(plan, i),
			.grow = is_grown(plan, i),
			.name = plan_partition_name(plan, i),
		};
	r = check_grow_wish(plan, wishes, before->count, err);
	if (r < 0 || plan_refused(plan))
		return r;
	r = layout_fit(before, wishes, plan->target_size, before->sector_size, &fitted,
		       &plan->minimum_size, &fault);
	if (r == 0)
		return adopt_fit(plan, fitted, err);
	if (r == -ENOMEM)
		return err_nomem(err);
	if (r != -ENOSPC)
		return plan_find(plan, PLAN_REFUSAL, RULE, err, "%s", fault.text);
	/* target_is_large_enough() tells the sizes. */
	plan->wants_minimums =
		plan->wishes.minimum_count == 0 && could_shrink(plan, before->count);
	r = tell_fixed(plan, err);
	return r < 0 ? r : tell_minimums(plan, err);
}

/* -- sectors ---- */

static int check_sectors(struct restore_plan *plan, size_t index, const char *rule,
			 struct err *err)
{
	const struct backup_volume *volume = plan->partitions[index].volume;
	const char *name = plan_partition_name(plan, index);
	uint32_t sector = plan->after->sector_size;

	if (plan_remakes(plan, volume))
		return plan_find(
			plan, PLAN_NOTE, rule, err,
			"'%s' is made anew with sectors of %u bytes (it had %u), "
			"with all its files",
			name, sector, old_sector_size(plan, volume));
	if (volume->fs.fs != FS_NTFS)
		return plan_find(
			plan, PLAN_REFUSAL, rule, err,
			"'%s' (%s) has sectors of %u bytes, '%s' has sectors of %u; "
			"only NTFS and FAT are converted",
			name, file_system_text(volume->fs.fs),
			old_sector_size(plan, volume), plan->disk->path, sector);
	if (volume->fs.cluster_size < sector)
		return plan_find(
			plan, PLAN_REFUSAL, rule, err,
			"'%s' has clusters of %u bytes, which sectors of %u bytes of "
			"'%s' cannot hold; choose a disk with sectors of %u bytes",
			name, volume->fs.cluster_size, sector, plan->disk->path,
			old_sector_size(plan, volume));
	return plan_find(plan, PLAN_NOTE, rule, err,
			 "'%s' is converted from sectors of %u to sectors of %u bytes",
			 name, old_sector_size(plan, volume), sector);
}

int plan_check_sectors(const struct plan_context *context, const char *rule,
		       struct err *err)
{
	struct restore_plan *plan = context->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && plan->after && i < plan->after->count; i++) {
		const struct backup_volume *volume = plan->partitions[i].volume;

		if (volume && !plan->partitions[i].kept &&
		    plan_converts_sectors(plan, volume))
			r = check_sectors(plan, i, rule, err);
	}
	return r;
}
