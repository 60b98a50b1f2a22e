/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ids of the new disk: the old ones, or new ones, and the list of what changes for those
 * who refer to a partition (BCD stores, MountedDevices): a partition is named there by the
 * pair of disk id and partition id, on MBR disks by signature and start (FORMAT.md section 5).
 *
 * New ids follow from the old ones and from what the target is, so that the plan stays a pure
 * function and a later 'bmr verify' expects the same: the same backup gets other ids on
 * another disk.
 */
#include "plan-rules.h"

#include <inttypes.h>
#include <string.h>

#include <base/text.h>
#include <nettle/sha2.h>

/* RFC 9562: version 8 (made of a hash), variant 10. */
struct guid plan_new_guid(const struct restore_plan *plan, const struct guid *old)
{
	const struct disk *disk = plan->disk;
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;
	struct guid id;

	sha256_init(&ctx);
	sha256_update(&ctx, sizeof(old->b), old->b);
	sha256_update(&ctx, strlen(disk->serial) + 1, (const uint8_t *)disk->serial);
	sha256_update(&ctx, strlen(disk->wwn) + 1, (const uint8_t *)disk->wwn);
	if (disk->is_file)
		sha256_update(&ctx, strlen(disk->path), (const uint8_t *)disk->path);
	sha256_digest(&ctx, sizeof(digest), digest);
	memcpy(id.b, digest, sizeof(id.b));
	id.b[7] = (uint8_t)((id.b[7] & 0x0f) | 0x80);
	id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
	return id;
}

static uint32_t new_signature(const struct restore_plan *plan, uint32_t old)
{
	struct guid seed = { 0 }, id;
	uint32_t signature;

	memcpy(seed.b, &old, sizeof(old));
	id = plan_new_guid(plan, &seed);
	memcpy(&signature, id.b, sizeof(signature));
	return signature ? signature : 1; /* 0 is "none" */
}

static const struct source_disk *disk_of(const struct backup_version *version,
					 const struct source_partition *partition)
{
	for (size_t d = 0; d < version->disk_count; d++) {
		const struct source_disk *disk = &version->disks[d];

		for (size_t i = 0; i < disk->partition_count; i++)
			if (&disk->partitions[i] == partition)
				return disk;
	}
	return NULL;
}

static bool is_changed(const struct id_change *c)
{
	if (c->old_style != c->new_style)
		return true;
	if (c->new_style == TABLE_GPT)
		return !guid_equal(&c->old_disk_id, &c->new_disk_id) ||
		       !guid_equal(&c->old_id, &c->new_id);
	return c->old_signature != c->new_signature || c->old_offset != c->new_offset;
}

bool plan_partition_names(const struct restore_plan *plan, size_t index,
			  struct id_change *ret)
{
	const struct disk_layout *after = plan->after;
	const struct source_partition *from = plan->partitions[index].source;
	const struct disk_partition *p = &after->partitions[index];
	const struct source_disk *disk = disk_of(plan->version, from);

	if (!disk)
		return false;
	*ret = (struct id_change){
		.partition = index,
		.old_style = (enum table_style)disk->style.value,
		.new_style = after->style,
		.old_disk_id = disk->disk_id.value,
		.new_disk_id = after->disk_id,
		.old_id = plan->old_ids ? plan->old_ids[index] : p->id,
		.new_id = p->id,
		.old_signature = (uint32_t)disk->mbr_signature.value,
		.new_signature = after->mbr_signature,
		.old_offset = from->offset.value,
		.new_offset = p->offset,
	};
	return true;
}

static bool moves_esp(const struct restore_plan *plan)
{
	struct id_change change;

	for (size_t i = 0; plan->after && i < plan->after->count; i++)
		if (partition_is_esp(plan->after, &plan->after->partitions[i]) &&
		    plan_partition_names(plan, i, &change) &&
		    (is_changed(&change) || change.old_offset != change.new_offset))
			return true;
	return false;
}

bool plan_esp_moved(const struct restore_plan *plan)
{
	for (size_t i = 0; i < plan->peer_count; i++)
		if (moves_esp(plan->peers[i]))
			return true;
	return plan->peer_count == 0 && moves_esp(plan);
}

static int list_changes(struct restore_plan *plan, struct err *err)
{
	const struct disk_layout *after = plan->after;

	plan->id_changes = calloc(after->count + 1, sizeof(*plan->id_changes));
	if (!plan->id_changes)
		return err_nomem(err);
	for (size_t i = 0; i < after->count; i++) {
		struct id_change *change = &plan->id_changes[plan->id_change_count];

		if (plan_partition_names(plan, i, change))
			plan->id_change_count += is_changed(change);
	}
	return 0;
}

/* The user's layout may name new ids beside the old ones. */
static void take_layout_ids(struct restore_plan *plan)
{
	const struct source_disk *source = plan->source_disk;
	struct disk_layout *after = plan->after;

	for (size_t i = 0; i < after->count; i++)
		if (!guid_is_zero(&plan->partitions[i].source->new_id))
			after->partitions[i].id = plan->partitions[i].source->new_id;
	if (!guid_is_zero(&source->new_disk_id))
		after->disk_id = source->new_disk_id;
	if (source->new_signature)
		after->mbr_signature = source->new_signature;
}

static void make_new_ids(struct restore_plan *plan)
{
	struct disk_layout *after = plan->after;

	for (size_t i = 0; i < after->count; i++)
		after->partitions[i].id = plan_new_guid(plan, &after->partitions[i].id);
	after->disk_id = plan_new_guid(plan, &after->disk_id);
	after->mbr_signature = new_signature(plan, after->mbr_signature);
}

int plan_choose_ids(struct restore_plan *plan, struct err *err)
{
	struct disk_layout *after = plan->after;

	if (plan->in_place)
		return 0;
	plan->old_ids = calloc(after->count + 1, sizeof(*plan->old_ids));
	if (!plan->old_ids)
		return err_nomem(err);
	for (size_t i = 0; i < after->count; i++)
		plan->old_ids[i] = after->partitions[i].id;
	if (plan->wishes.new_ids)
		make_new_ids(plan);
	else
		take_layout_ids(plan);
	return list_changes(plan, err);
}

static char *name_text(enum table_style style, const struct guid *disk,
		       const struct guid *id, uint32_t signature, uint64_t offset)
{
	char disk_text[GUID_TEXT_SIZE], id_text[GUID_TEXT_SIZE];

	if (style == TABLE_GPT)
		return text_format("{%s} of disk {%s}", guid_format(id, id_text),
				   guid_format(disk, disk_text));
	return text_format("byte %" PRIu64 " of disk %08x", offset, signature);
}

static int tell_change(struct restore_plan *plan, const struct id_change *c,
		       const char *rule, struct err *err)
{
	AUTO_FREE char *old = name_text(c->old_style, &c->old_disk_id, &c->old_id,
					c->old_signature, c->old_offset);
	AUTO_FREE char *new = name_text(c->new_style, &c->new_disk_id, &c->new_id,
					c->new_signature, c->new_offset);

	if (!old || !new)
		return err_nomem(err);
	return plan_find(plan, PLAN_NOTE, rule, err, "partition %u (%s): %s → %s",
			 plan->after->partitions[c->partition].slot,
			 plan_partition_name(plan, c->partition), old, new);
}

int plan_tell_ids(const struct plan_context *context, const char *rule, struct err *err)
{
	struct restore_plan *plan = context->plan;
	int r = 0;

	if (plan->wishes.new_ids && plan->in_place)
		return plan_find(plan, PLAN_REFUSAL, rule, err,
				 "'%s': new ids cannot be given to a disk that keeps its "
				 "table; choose 'all' volumes or the same ids",
				 plan->disk->path);
	for (size_t i = 0; r == 0 && i < plan->id_change_count; i++)
		r = tell_change(plan, &plan->id_changes[i], rule, err);
	if (r < 0 || !plan->id_change_count)
		return r;
	return plan_find(
		plan, PLAN_NOTE, rule, err,
		"what names these partitions on the restored volumes is changed: "
		"boot stores, drive letters, the recovery environment's settings");
}
