/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of named partitions: see new-name.h. */
#include "new-name.h"

#include <base/text.h>

/* One side of a change. */
struct side {
	struct bcd_device device;
	uint64_t start; /* bytes; of GPT partitions, too */
};

static struct side old_side(const struct id_change *names)
{
	return (struct side){
		.device = { .kind = names->old_style == TABLE_GPT ? BCD_DEVICE_GPT
								  : BCD_DEVICE_MBR,
			    .partition_id = names->old_id,
			    .disk_id = names->old_disk_id,
			    .mbr_signature = names->old_signature,
			    .offset = names->old_offset },
		.start = names->old_offset,
	};
}

static struct side new_side(const struct id_change *names)
{
	return (struct side){
		.device = { .kind = names->new_style == TABLE_GPT ? BCD_DEVICE_GPT
								  : BCD_DEVICE_MBR,
			    .partition_id = names->new_id,
			    .disk_id = names->new_disk_id,
			    .mbr_signature = names->new_signature,
			    .offset = names->new_offset },
		.start = names->new_offset,
	};
}

/* What is looked for. */
struct question {
	const struct bcd_device *device;
	enum { BY_NAME, BY_DISK, BY_START } how;
	uint64_t start;
};

static bool same_disk(const struct bcd_device *a, const struct bcd_device *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == BCD_DEVICE_GPT ? guid_equal(&a->disk_id, &b->disk_id)
					 : a->mbr_signature == b->mbr_signature;
}

static bool fits(const struct question *question, const struct side *side)
{
	switch (question->how) {
	case BY_DISK:
		return same_disk(question->device, &side->device);
	case BY_START:
		return same_disk(question->device, &side->device) &&
		       question->start == side->start;
	default:
		return bcd_device_equal(question->device, &side->device);
	}
}

/* A partition that the backup does not know has had no other name. */
static struct id_change name_of_new(const struct restore_plan *plan, size_t index)
{
	const struct disk_layout *after = plan->after;
	const struct disk_partition *p = &after->partitions[index];

	return (struct id_change){
		.old_style = after->style,
		.new_style = after->style,
		.old_disk_id = after->disk_id,
		.new_disk_id = after->disk_id,
		.old_id = p->id,
		.new_id = p->id,
		.old_signature = after->mbr_signature,
		.new_signature = after->mbr_signature,
		.old_offset = p->offset,
		.new_offset = p->offset,
	};
}

static bool find_in_plan(const struct restore_plan *plan, const struct question *question,
			 struct side (*side_of)(const struct id_change *names),
			 struct new_name *ret, uint64_t *ret_start)
{
	for (size_t i = 0; plan->after && i < plan->after->count; i++) {
		const struct plan_partition *p = &plan->partitions[i];
		struct id_change names;
		struct side asked, now;

		if (!plan_partition_names(plan, i, &names))
			names = name_of_new(plan, i);
		asked = side_of(&names);
		if (!fits(question, &asked))
			continue;
		now = new_side(&names);
		ret->fate = fits(question, &now) ? NAME_KEPT : NAME_CHANGED;
		ret->device = now.device;
		ret->is_empty = !p->volume && !p->kept;
		*ret_start = now.start;
		return true;
	}
	return false;
}

static size_t peer_count(const struct restore_plan *plan)
{
	return plan->peer_count ? plan->peer_count : 1;
}

static const struct restore_plan *peer(const struct restore_plan *plan, size_t index)
{
	return plan->peer_count ? plan->peers[index] : plan;
}

/* Is the source disk, or one that was merged with it, restored by one of the plans? */
static bool is_restored(const struct restore_plan *plan, const struct source_disk *disk)
{
	for (size_t i = 0; i < peer_count(plan); i++) {
		const struct restore_plan *other = peer(plan, i);

		if (other->source_disk == disk)
			return true;
		for (size_t p = 0; other->after && p < other->after->count; p++) {
			const struct source_partition *from = other->partitions[p].source;

			if (from >= disk->partitions &&
			    from < disk->partitions + disk->partition_count)
				return true;
		}
	}
	return false;
}

static enum name_fate find_in_backup(const struct restore_plan *plan,
				     const struct question *question)
{
	const struct backup_version *version = plan->version;

	for (size_t d = 0; d < version->disk_count; d++) {
		const struct source_disk *disk = &version->disks[d];

		for (size_t i = 0; i < disk->partition_count; i++) {
			const struct source_partition *p = &disk->partitions[i];
			struct id_change names = {
				.old_style = (enum table_style)disk->style.value,
				.old_disk_id = disk->disk_id.value,
				.old_id = p->id.value,
				.old_signature = (uint32_t)disk->mbr_signature.value,
				.old_offset = p->offset.value,
			};
			struct side side = old_side(&names);

			if (fits(question, &side))
				return is_restored(plan, disk) ? NAME_GONE
							       : NAME_ELSEWHERE;
		}
	}
	return NAME_UNKNOWN;
}

static struct new_name find(const struct restore_plan *plan,
			    const struct question *question, uint64_t *ret_start)
{
	struct side (*const sides[])(const struct id_change *) = { old_side, new_side };
	struct new_name name = { 0 };

	for (size_t s = 0; s < ARRAY_SIZE(sides); s++)
		for (size_t i = 0; i < peer_count(plan); i++)
			if (find_in_plan(peer(plan, i), question, sides[s], &name,
					 ret_start))
				return name;
	name.fate = find_in_backup(plan, question);
	return name;
}

struct new_name name_find(const struct restore_plan *plan, const struct bcd_device *old,
			  bool whole_disk)
{
	struct question question = { old, whole_disk ? BY_DISK : BY_NAME, 0 };
	uint64_t unused;

	return find(plan, &question, &unused);
}

struct new_name name_find_start(const struct restore_plan *plan,
				const struct bcd_device *old, uint64_t offset,
				uint64_t *ret_offset)
{
	struct question question = { old, BY_START, offset };

	return find(plan, &question, ret_offset);
}
