/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Restoring in place: a disk that is intact in the sense of Windows' own recovery (FORMAT.md
 * section 6: ids, style, sector size, offsets and partition ids as in the backup, not
 * smaller) keeps its table, and only the chosen volumes are written. It is done where
 * something would be lost otherwise: partitions that are not chosen or not in the backup.
 */
#include "plan-rules.h"

#include <string.h>

#include <base/checked.h>

/* Of partitions that are on the disk and that no document of the backup knows. */
static const struct source_partition unknown_source = { .volume = -1 };

static bool ids_are_kept(const struct disk_layout *now, const struct disk_layout *after)
{
	if (now->style != after->style || now->sector_size != after->sector_size)
		return false;
	if (now->style == TABLE_MBR)
		return now->mbr_signature == after->mbr_signature;
	return guid_equal(&now->disk_id, &after->disk_id);
}

static const struct disk_partition *find_at(const struct disk_layout *layout,
					    uint64_t offset)
{
	for (size_t i = 0; i < layout->count; i++)
		if (layout->partitions[i].offset == offset)
			return &layout->partitions[i];
	return NULL;
}

static bool partition_is_kept(const struct restore_plan *plan, size_t index)
{
	const struct disk_partition *after = &plan->after->partitions[index];
	const struct disk_partition *now = find_at(plan->disk->layout, after->offset);

	if (!now)
		return false;
	if (plan->after->style == TABLE_GPT && !guid_equal(&now->id, &after->id))
		return false;
	if (plan->after->style == TABLE_MBR && now->mbr_kind != after->mbr_kind)
		return false;
	return !plan->partitions[index].volume || now->length == after->length;
}

static bool is_intact(const struct restore_plan *plan)
{
	const struct disk *disk = plan->disk;
	const struct source_disk *source = plan->source_disk;

	if (!disk->exists || !disk->layout || !ids_are_kept(disk->layout, plan->after) ||
	    (source->size.origin && disk->size < source->size.value))
		return false;
	for (size_t i = 0; i < plan->after->count; i++)
		if (!partition_is_kept(plan, i))
			return false;
	return true;
}

/* An MSR holds nothing, an extended partition only its records. */
static bool has_content(const struct disk_layout *layout, const struct disk_partition *p)
{
	if (layout->style == TABLE_MBR)
		return p->mbr_kind != MBR_EXTENDED;
	return !guid_equal(&p->type, &partition_type_msr);
}

static struct plan_partition find_role(const struct restore_plan *plan,
				       const struct disk_partition *now)
{
	for (size_t i = 0; i < plan->after->count; i++)
		if (plan->after->partitions[i].offset == now->offset)
			return plan->partitions[i];
	return (struct plan_partition){ .source = &unknown_source };
}

int plan_keep_table(struct restore_plan *plan, struct err *err)
{
	AUTO(layout_freep) struct disk_layout *layout = NULL;
	AUTO_FREE struct plan_partition *partitions = NULL;
	bool loses = false;

	if (!is_intact(plan))
		return 0;
	layout = layout_copy(plan->disk->layout);
	if (!layout)
		return err_nomem(err);
	partitions = calloc(layout->count + 1, sizeof(*partitions));
	if (!partitions)
		return err_nomem(err);
	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *p = &layout->partitions[i];

		partitions[i] = find_role(plan, p);
		partitions[i].kept = !partitions[i].volume;
		loses |= partitions[i].kept && has_content(layout, p);
	}
	if (!loses)
		return 0;
	layout_free(plan->after);
	free(plan->partitions);
	plan->after = TAKE_PTR(layout);
	plan->partitions = TAKE_PTR(partitions);
	plan->minimum_size = layout_minimum_size(plan->after);
	plan->in_place = true;
	return 0;
}
