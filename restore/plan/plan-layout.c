/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From evidence to the layout of the new disk: every partition where it was, with the ids
 * it had. What evidence leaves open is filled by convention where that is harmless (a
 * free table slot, a type by role) and refused where it would be a guess.
 */
#include "plan-rules.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#define RULE "layout"

#define JOURNAL_SLOT_LENGTH                                                              \
	(64 *                                                                            \
	 KiB) /* two of them fit before a partition at 1 MiB, behind                \
		      the table of a disk of either sector size */
#define JOURNAL_ALIGNMENT (4 * KiB)

#define MBR_TYPE_NTFS 0x07

/* The one source disk whose volumes are in the set. */
static int choose_source_disk(const struct plan_context *context,
			      const struct source_disk **ret, struct err *err)
{
	const struct backup_version *version = context->plan->version;
	const struct source_disk *found = NULL;
	size_t count = 0;

	if (context->source_count) {
		*ret = context->sources[0];
		return 0;
	}

	for (size_t i = 0; i < version->disk_count; i++) {
		if (!plan_chooses_disk(&context->plan->wishes, version,
				       &version->disks[i]))
			continue;
		found = &version->disks[i];
		count++;
	}
	*ret = found;
	if (count == 1)
		return 0;
	*ret = NULL;
	if (count == 0)
		return plan_find(
			context->plan, PLAN_REFUSAL, RULE, err,
			"'%s': nothing in the set tells which partition of which "
			"disk the chosen images belong to; 'bmr show' lists what was "
			"found",
			version->path);
	return plan_find(
		context->plan, PLAN_REFUSAL, RULE, err,
		"'%s': the images come from %zu disks; this version restores one "
		"source disk onto one disk",
		version->path, count);
}

static const struct guid *type_by_role(const struct backup_volume *volume)
{
	if (volume && volume->role == ROLE_ESP)
		return &partition_type_esp;
	if (volume && volume->role == ROLE_RECOVERY)
		return &partition_type_recovery;
	return &partition_type_basic_data;
}

/* A partition without a known GUID (an MSR that only a gap gave away) gets one that
 * follows from the disk's, so that the plan stays a pure function. */
static struct guid derived_id(const struct disk_layout *layout, uint64_t offset)
{
	struct guid id = layout->disk_id;

	for (size_t i = 0; i < sizeof(offset); i++)
		id.b[8 + i] ^= (uint8_t)(offset >> (8 * i)) ^ 0x5a;
	id.b[7] = (uint8_t)((id.b[7] & 0x0f) | 0x40);
	id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
	return id;
}

static unsigned free_slot(const struct source_disk *source,
			  const struct disk_layout *layout)
{
	for (unsigned slot = 1;; slot++) {
		bool taken = false;

		for (size_t i = 0; i < source->partition_count; i++)
			taken |= source->partitions[i].slot.origin != ORIGIN_NONE &&
				 source->partitions[i].slot.value == slot;
		for (size_t i = 0; i < layout->count; i++)
			taken |= layout->partitions[i].slot == slot;
		if (!taken)
			return slot;
	}
}

static void fill_gpt(const struct source_partition *from,
		     const struct backup_volume *volume, const struct disk_layout *layout,
		     struct disk_partition *to)
{
	to->type = from->type.origin ? from->type.value : *type_by_role(volume);
	if (from->id.origin)
		to->id = from->id.value;
	else if (volume && volume->volume_guid.origin)
		to->id = volume->volume_guid.value;
	else
		to->id = derived_id(layout, to->offset);
	to->attributes = from->attributes.origin ? from->attributes.value : 0;
	if (from->name.origin && from->name.value)
		strncpy(to->name, from->name.value, sizeof(to->name) - 1);
}

static void fill_mbr(const struct source_partition *from, struct disk_partition *to)
{
	to->mbr_type =
		from->mbr_type.origin ? (uint8_t)from->mbr_type.value : MBR_TYPE_NTFS;
	to->mbr_active = from->mbr_active.origin && from->mbr_active.value;
}

int plan_add_partition(const struct plan_context *context,
		       const struct source_disk *source, size_t index,
		       struct disk_layout *layout, struct err *err)
{
	const struct source_partition *from = &source->partitions[index];
	struct restore_plan *plan = context->plan;
	const struct backup_volume *volume =
		from->volume < 0 ? NULL : &plan->version->volumes[from->volume];
	struct disk_partition *to;

	if (!from->offset.origin || !from->length.origin)
		return plan_find(
			plan, PLAN_REFUSAL, RULE, err,
			"partition %zu of the source disk ('%s'): its %s is not known; "
			"the set's XML documents or a BCD store would tell",
			index + 1, volume ? volume->image_path : "no image",
			from->offset.origin ? "length" : "offset");
	to = layout_add(layout);
	if (!to)
		return err_nomem(err);
	to->slot = from->slot.origin ? (unsigned)from->slot.value : 0;
	to->offset = from->new_offset ? from->new_offset : from->offset.value;
	to->length = from->new_length ? from->new_length : from->length.value;
	if (to->slot == 0)
		to->slot = free_slot(source, layout);
	if (layout->style == TABLE_GPT)
		fill_gpt(from, volume, layout, to);
	else
		fill_mbr(from, to);
	plan->partitions[layout->count - 1] = (struct plan_partition){ .source = from };
	if (volume && plan_chooses(&plan->wishes, volume))
		plan->partitions[layout->count - 1].volume = volume;
	else
		plan->partitions[layout->count - 1].left_out = volume;
	return 0;
}

/* By slot, as struct disk_layout has it; plan->partitions goes along. */
static void sort_by_slot(struct restore_plan *plan, struct disk_layout *layout)
{
	for (size_t i = 1; i < layout->count; i++) {
		for (size_t j = i; j > 0; j--) {
			struct disk_partition *p = &layout->partitions[j];
			struct disk_partition partition = *p;
			struct plan_partition entry = plan->partitions[j];

			if (p[-1].slot <= p->slot)
				break;
			*p = p[-1];
			p[-1] = partition;
			plan->partitions[j] = plan->partitions[j - 1];
			plan->partitions[j - 1] = entry;
		}
	}
}

static int check_style(const struct plan_context *context,
		       const struct source_disk *source, struct err *err)
{
	struct restore_plan *plan = context->plan;

	if (!source->style.origin ||
	    (source->style.value != TABLE_GPT && source->style.value != TABLE_MBR))
		return plan_find(
			plan, PLAN_REFUSAL, RULE, err,
			"the source disk: neither GPT nor MBR is known as its table");
	if (source->style.value == TABLE_GPT && !source->disk_id.origin)
		return plan_find(
			plan, PLAN_REFUSAL, RULE, err,
			"the source disk: its GPT disk GUID is not known; an ESP image "
			"with a BCD store or the set's XML documents would tell");
	if (source->style.value == TABLE_MBR && !source->mbr_signature.origin)
		return plan_find(
			plan, PLAN_REFUSAL, RULE, err,
			"the source disk: its MBR signature is not known; image names "
			"or the set's XML documents would tell");
	return 0;
}

/* A file that is not there yet becomes as large as the source disk. */
static uint64_t choose_target_size(const struct restore_plan *plan)
{
	const struct source_disk *source = plan->source_disk;

	if (plan->disk->exists)
		return plan->disk->size;
	if (source->size.origin && source->size.value >= plan->minimum_size)
		return align_down(source->size.value, plan->disk->sector_size);
	return plan->minimum_size;
}

static void place_journal(struct restore_plan *plan)
{
	const struct disk_layout *after = plan->after;
	uint64_t first = plan->target_size, start;

	plan->journal_offset = plan->journal_slot_length = 0;
	for (size_t i = 0; i < after->count; i++)
		first = min_u64(first, after->partitions[i].offset);
	first = min_u64(first, MiB);
	start = after->style == TABLE_GPT
			? 2 * (uint64_t)after->sector_size + PLAN_GPT_SLOTS * 128
			: after->sector_size;
	if (!checked_align_up(start, JOURNAL_ALIGNMENT, &start))
		return;
	if (start > first || first - start < 2 * JOURNAL_SLOT_LENGTH)
		return;
	plan->journal_offset = start;
	plan->journal_slot_length = JOURNAL_SLOT_LENGTH;
}

static struct disk_layout *empty_layout(const struct plan_context *context,
					const struct source_disk *source)
{
	struct disk_layout *layout = layout_new();

	if (!layout)
		return NULL;
	layout->style = (enum table_style)source->style.value;
	layout->sector_size = context->plan->disk->sector_size;
	layout->disk_id = source->disk_id.value;
	layout->mbr_signature = (uint32_t)source->mbr_signature.value;
	layout->slots = layout->style == TABLE_GPT ? PLAN_GPT_SLOTS : 4;
	return layout;
}

static size_t count_partitions(const struct plan_context *context,
			       const struct source_disk *source)
{
	size_t count = source->partition_count;

	for (size_t i = 1; i < context->source_count; i++)
		count += context->sources[i]->partition_count;
	return count;
}

int plan_make_layout(const struct plan_context *context, struct err *err)
{
	struct restore_plan *plan = context->plan;
	AUTO(layout_freep) struct disk_layout *layout = NULL;
	const struct source_disk *source;
	int r;

	r = choose_source_disk(context, &source, err);
	if (r < 0 || !source)
		return r;
	plan->source_disk = source;
	r = check_style(context, source, err);
	if (r < 0 || plan_refused(plan))
		return r;
	layout = empty_layout(context, source);
	plan->partitions =
		calloc(count_partitions(context, source) + 1, sizeof(*plan->partitions));
	if (!layout || !plan->partitions)
		return err_nomem(err);
	for (size_t i = 0; i < source->partition_count; i++) {
		r = plan_add_partition(context, source, i, layout, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 1; i < context->source_count; i++) {
		r = plan_merge_disk(context, context->sources[i], layout, err);
		if (r < 0)
			return r;
	}
	r = plan_convert_layout(context, layout, err);
	if (r < 0 || plan_refused(plan))
		return r;
	if (layout->style == TABLE_MBR) {
		r = plan_arrange_mbr(plan, layout, err);
		if (r < 0)
			return r;
	}
	sort_by_slot(plan, layout);
	plan->minimum_size = layout_minimum_size(layout);
	plan->target_size = choose_target_size(plan);
	layout->disk_size = plan->target_size;
	plan->after = TAKE_PTR(layout);
	place_journal(plan);
	r = plan_converts_firmware(plan) ? 0 : plan_keep_table(plan, err);
	if (r == 0 && !plan->in_place) {
		r = plan_fit_layout(plan, err);
		place_journal(plan);
	}
	return r < 0 ? r : plan_choose_ids(plan, err);
}
