/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A second source disk onto the same target, because the user asked for it: its partitions go
 * behind those of the first, in their order and with their distances, and keep their ids; the
 * disk's ids are those of the first.
 */
#include "plan-rules.h"

#include <string.h>

#include <base/checked.h>

#define RULE	  "merge"
#define ALIGNMENT MiB /* where Windows and all other systems start a partition */
#define PRIMARIES 4

static int check_kind(struct restore_plan *plan, const struct source_disk *source,
		      const struct disk_layout *layout, struct err *err)
{
	const struct source_disk *first = plan->source_disk;
	const char *what = NULL;

	if (source->style.value != first->style.value)
		what = "one has a GPT and the other an MBR";
	else if (source->sector_size.value != first->sector_size.value)
		what = "their sectors differ in size";
	for (size_t i = 0; !what && i < source->partition_count; i++)
		if (layout->style == TABLE_MBR &&
		    source->partitions[i].slot.value > PRIMARIES)
			what = "the second has logical partitions";
	if (!what)
		return 0;
	return plan_find(plan, PLAN_REFUSAL, RULE, err,
			 "two source disks cannot go onto '%s' together: %s; give each a "
			 "disk of its own",
			 plan->disk->path, what);
}

static uint64_t end_of(const struct disk_layout *layout, size_t count)
{
	uint64_t end = layout->sector_size;

	for (size_t i = 0; i < count; i++)
		end = max_u64(end, layout->partitions[i].offset +
					   layout->partitions[i].length);
	return end;
}

static unsigned next_slot(const struct disk_layout *layout, size_t count)
{
	unsigned slot = 0;

	for (size_t i = 0; i < count; i++)
		if (layout->partitions[i].slot > slot)
			slot = layout->partitions[i].slot;
	return slot + 1;
}

/* The partitions from old_count on have the places that they had on their own disk. */
static int move_behind(struct restore_plan *plan, struct disk_layout *layout,
		       size_t old_count, struct err *err)
{
	uint64_t base = end_of(layout, old_count), least = UINT64_MAX;

	for (size_t i = old_count; i < layout->count; i++)
		least = min_u64(least, layout->partitions[i].offset);
	least -= least % ALIGNMENT;
	if (!checked_align_up(base, ALIGNMENT, &base))
		base = UINT64_MAX;
	for (size_t i = old_count; i < layout->count; i++) {
		struct disk_partition *p = &layout->partitions[i];

		if (!checked_add(p->offset - least, base, &p->offset))
			return plan_find(plan, PLAN_REFUSAL, RULE, err,
					 "partition %u: no disk is that large", p->slot);
		p->slot = next_slot(layout, i);
		p->mbr_active = false;
	}
	return 0;
}

int plan_merge_disk(const struct plan_context *context, const struct source_disk *source,
		    struct disk_layout *layout, struct err *err)
{
	struct restore_plan *plan = context->plan;
	size_t old_count = layout->count;
	int r = check_kind(plan, source, layout, err);

	if (r < 0 || plan_refused(plan))
		return r;
	for (size_t i = 0; r == 0 && i < source->partition_count; i++) {
		const struct source_partition *p = &source->partitions[i];

		/* One on a disk is enough. */
		if (p->type.origin && guid_equal(&p->type.value, &partition_type_msr))
			continue;
		r = plan_add_partition(context, source, i, layout, err);
	}
	if (r < 0 || plan_refused(plan))
		return r;
	return move_behind(plan, layout, old_count, err);
}
