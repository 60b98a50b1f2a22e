/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules of the plan, one function each, one line in the table at the end. A rule that
 * has nothing to say allows.
 */
#include "plan-rules.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

static int set_is_whole(const struct plan_context *context, const char *rule,
			struct err *err)
{
	struct restore_plan *plan = context->plan;
	const struct backup_version *version = plan->version;
	int r = 0;

	if (version->health == HEALTH_WHOLE)
		return 0;
	if (version->reason_count == 0)
		return plan_find(plan, PLAN_REFUSAL, rule, err, "'%s': the set is %s",
				 version->path, health_text(version->health));
	for (size_t i = 0; r == 0 && i < version->reason_count; i++)
		r = plan_find(plan, PLAN_REFUSAL, rule, err, "'%s': the set is %s: %s",
			      version->path, health_text(version->health),
			      version->reasons[i]);
	return r;
}

static int evidence_agrees(const struct plan_context *context, const char *rule,
			   struct err *err)
{
	struct restore_plan *plan = context->plan;
	const struct backup_version *version = plan->version;
	int r = 0;

	for (size_t i = 0; r == 0 && i < version->contradiction_count; i++) {
		const struct contradiction *c = &version->contradictions[i];

		r = plan_find(plan, c->fatal ? PLAN_REFUSAL : PLAN_WARNING, rule, err,
			      "%s: %s says %s, %s says %s%s", c->what, origin_text(c->a),
			      c->value_a, origin_text(c->b), c->value_b,
			      c->fatal ? "; a restore would have to guess" : "");
	}
	return r;
}

static int target_is_allowed(const struct plan_context *context, const char *rule,
			     struct err *err)
{
	struct restore_plan *plan = context->plan;
	const struct disk *disk = plan->disk;
	unsigned allowed = DISK_REMOVABLE | (context->named_twice ? DISK_NO_IDENTITY : 0);
	unsigned refused = disk->protection & ~allowed;
	AUTO_FREE char *lines = NULL;
	char *rest;
	int r = 0;

	if (!refused)
		return 0;
	if (!disk->protection_text || !disk->protection_text[0])
		return plan_find(plan, PLAN_REFUSAL, rule, err, "'%s' is protected",
				 disk->path);
	lines = strdup(disk->protection_text);
	if (!lines)
		return err_nomem(err);
	rest = lines;
	for (char *line = strsep(&rest, "\n"); r == 0 && line; line = strsep(&rest, "\n"))
		if (line[0])
			r = plan_find(plan, PLAN_REFUSAL, rule, err,
				      "'%s' cannot be the target: %s", disk->path, line);
	return r;
}

static int target_is_large_enough(const struct plan_context *context, const char *rule,
				  struct err *err)
{
	struct restore_plan *plan = context->plan;
	char has[SIZE_TEXT_SIZE], needs[SIZE_TEXT_SIZE];

	if (!plan->after || plan->target_size >= plan->minimum_size)
		return 0;
	return plan_find(
		plan, PLAN_REFUSAL, rule, err,
		"'%s' is too small: it has %" PRIu64 " bytes (%s), this layout needs "
		"%" PRIu64 " bytes (%s), %" PRIu64 " more",
		plan->disk->path, plan->target_size, size_format(plan->target_size, has),
		plan->minimum_size, size_format(plan->minimum_size, needs),
		plan->minimum_size - plan->target_size);
}

static int layout_is_sound(const struct plan_context *context, const char *rule,
			   struct err *err)
{
	struct restore_plan *plan = context->plan;
	struct err fault = { 0 };

	if (!plan->after || plan->in_place || plan->target_size < plan->minimum_size)
		return 0;
	if (layout_check(plan->after, &fault) == 0)
		return 0;
	return plan_find(plan, PLAN_REFUSAL, rule, err, "the new table: %s", fault.text);
}

/* The user's layout may give a partition another length. */
static int resized_is_ntfs(struct restore_plan *plan, size_t index, const char *rule,
			   struct err *err)
{
	const struct backup_volume *volume = plan->partitions[index].volume;

	if (!plan->partitions[index].source->new_length || volume->fs.fs == FS_NTFS ||
	    plan_remakes(plan, volume) || !plan_resizes(plan, index))
		return 0;
	return plan_find(plan, PLAN_REFUSAL, rule, err,
			 "'%s' is %s and shall have %" PRIu64 " bytes instead of %" PRIu64
			 ": only NTFS can be shrunk or extended",
			 plan_partition_name(plan, index),
			 file_system_text(volume->fs.fs),
			 plan->after->partitions[index].length, volume->length);
}

static int images_fit_partitions(const struct plan_context *context, const char *rule,
				 struct err *err)
{
	struct restore_plan *plan = context->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && plan->after && i < plan->after->count; i++) {
		const struct backup_volume *volume = plan->partitions[i].volume;
		const struct disk_partition *p = &plan->after->partitions[i];

		uint64_t length = plan->partitions[i].source->length.value;

		/* An image that cannot be read has no length; why is said elsewhere. */
		if (volume && (volume == plan->made_esp || !volume->length))
			continue;
		if (volume && volume->length != length)
			r = plan_find(plan, PLAN_REFUSAL, rule, err,
				      "'%s' holds %" PRIu64
				      " bytes, its partition %u has %" PRIu64
				      "; the set's documents belong to another backup",
				      volume->image_path, volume->length, p->slot,
				      length);
		else if (volume)
			r = resized_is_ntfs(plan, i, rule, err);
	}
	return r;
}

/* On all source disks: a volume may belong to one that another plan restores. */
static unsigned count_places(const struct backup_version *version, size_t volume)
{
	unsigned places = 0;

	for (size_t d = 0; d < version->disk_count; d++)
		for (size_t i = 0; i < version->disks[d].partition_count; i++)
			places += version->disks[d].partitions[i].volume == (int)volume;
	return places;
}

static int volumes_are_placed(const struct plan_context *context, const char *rule,
			      struct err *err)
{
	struct restore_plan *plan = context->plan;
	int r = 0;

	for (size_t v = 0; r == 0 && plan->after && v < plan->version->volume_count;
	     v++) {
		const struct backup_volume *volume = &plan->version->volumes[v];
		unsigned places = count_places(plan->version, v);

		if (!plan_chooses(&plan->wishes, volume))
			continue;
		if (places == 0)
			r = plan_find(
				plan, PLAN_REFUSAL, rule, err,
				"'%s': no partition of the source disk belongs to this "
				"image",
				volume->image_path);
		else if (places > 1)
			r = plan_find(plan, PLAN_REFUSAL, rule, err,
				      "'%s': %u partitions claim this image",
				      volume->image_path, places);
	}
	return r;
}

static bool ids_collide(const struct disk_layout *a, const struct disk_layout *b)
{
	if (!a || !b || a->style != b->style)
		return false;
	if (a->style == TABLE_GPT)
		return guid_equal(&a->disk_id, &b->disk_id);
	return a->style == TABLE_MBR && a->mbr_signature == b->mbr_signature;
}

/* Windows takes one of two disks with equal ids offline, and the firmware may start
 * either. */
static int original_is_not_attached(const struct plan_context *context, const char *rule,
				    struct err *err)
{
	struct restore_plan *plan = context->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && i < context->disks->count; i++) {
		const struct disk *disk = &context->disks->disks[i];

		if (disk == plan->disk || plan->disk->is_file ||
		    !ids_collide(disk->layout, plan->after))
			continue;
		r = plan_find(
			plan, PLAN_REFUSAL, rule, err,
			"'%s' (serial %s) carries the ids of the source disk: two disks "
			"with equal ids cannot be in one machine; detach it, or give "
			"this one "
			"new ids (--ids new)",
			disk->path, disk->serial[0] ? disk->serial : "none");
	}
	return r;
}

static bool has_active(const struct disk_layout *layout)
{
	for (size_t i = 0; i < layout->count; i++)
		if (layout->partitions[i].mbr_active)
			return true;
	return false;
}

static int will_have_what_starts(const struct plan_context *context, const char *rule,
				 struct err *err)
{
	struct restore_plan *plan = context->plan;
	int r = 0;

	/* without a layout the refusal that says why is all there is to tell */
	if (plan->in_place || !plan->after)
		return 0;
	if (plan->uefi && !plan_has_role(plan, ROLE_ESP))
		r = plan_find(
			plan, PLAN_WARNING, rule, err,
			"'%s': no image of the EFI system partition; the restored disk "
			"will not start by itself",
			plan->version->path);
	if (r == 0 && !plan_has_role(plan, ROLE_WINDOWS))
		r = plan_find(plan, PLAN_WARNING, rule, err,
			      "'%s': no image holds a Windows folder with a SYSTEM hive",
			      plan->version->path);
	if (r == 0 && !plan->uefi && plan->after->style == TABLE_MBR &&
	    !has_active(plan->after))
		r = plan_find(
			plan, PLAN_WARNING, rule, err,
			"no partition of the MBR is active: a BIOS machine will not "
			"start from this disk");
	return r;
}

/* KB 2961238: see fixups/fixup-catalog.c. */
static int moved_esp_is_told(const struct plan_context *context, const char *rule,
			     struct err *err)
{
	struct restore_plan *plan = context->plan;

	if (!plan->uefi || !plan_esp_moved(plan))
		return 0;
	return plan_find(plan, PLAN_NOTE, rule, err,
			 "'%s': the EFI system partition gets another disk, id or offset "
			 "than it had: the catalog of Windows Server Backup is moved "
			 "aside, and 'wbadmin' builds it anew",
			 plan->disk->path);
}

static int empty_partitions_are_told(const struct plan_context *context, const char *rule,
				     struct err *err)
{
	struct restore_plan *plan = context->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && plan->after && i < plan->after->count; i++)
		if (!plan->partitions[i].volume && !plan->partitions[i].kept &&
		    plan->after->partitions[i].mbr_kind != MBR_EXTENDED)
			r = plan_find(plan, PLAN_NOTE, rule, err,
				      "partition %u (%s) %s and is created empty",
				      plan->after->partitions[i].slot,
				      partition_type_text(plan->after,
							  &plan->after->partitions[i]),
				      plan->partitions[i].left_out
					      ? "is not among the chosen volumes"
					      : "has no image");
	return r;
}

/* Its entries have 32-bit sector numbers. */
static int mbr_reaches_the_end(const struct plan_context *context, const char *rule,
			       struct err *err)
{
	struct restore_plan *plan = context->plan;
	char size[SIZE_TEXT_SIZE];
	uint64_t limit;

	if (!plan->after || plan->after->style != TABLE_MBR)
		return 0;
	limit = (UINT64_C(1) << 32) * plan->after->sector_size;
	if (plan->target_size <= limit)
		return 0;
	return plan_find(
		plan, PLAN_NOTE, rule, err,
		"'%s' is larger than an MBR reaches: what lies beyond %s cannot be "
		"used",
		plan->disk->path, size_format(limit, size));
}

static int journal_has_room(const struct plan_context *context, const char *rule,
			    struct err *err)
{
	struct restore_plan *plan = context->plan;

	if (!plan->after || plan->in_place || plan->journal_slot_length)
		return 0;
	return plan_find(
		plan, PLAN_NOTE, rule, err,
		"the layout leaves no room for a journal before its first partition");
}

/* Nothing that is there is lost, but the volumes must be told apart from what stays. */
static int what_stays_is_told(const struct plan_context *context, const char *rule,
			      struct err *err)
{
	struct restore_plan *plan = context->plan;

	if (!plan->in_place)
		return 0;
	return plan_find(plan, PLAN_NOTE, rule, err,
			 "'%s' is intact (ids, offsets and sector size as in the "
			 "backup): its table stays, the chosen volumes are written in "
			 "place, nothing else on it is changed",
			 plan->disk->path);
}

const struct plan_rule plan_rules[] = {
	{ "set-is-whole", set_is_whole },
	{ "evidence-agrees", evidence_agrees },
	{ "volumes-are-known", plan_check_volumes },
	{ "dynamic-disks", plan_check_dynamic },
	{ "volumes-are-placed", volumes_are_placed },
	{ "images-fit-partitions", images_fit_partitions },
	{ "target-is-allowed", target_is_allowed },
	{ "sectors", plan_check_sectors },
	{ "target-is-large-enough", target_is_large_enough },
	{ "layout-is-sound", layout_is_sound },
	{ "original-is-not-attached", original_is_not_attached },
	{ "in-place", what_stays_is_told },
	{ "ids", plan_tell_ids },
	{ "boot-drivers", plan_tell_drivers },
	{ "plain-partitions", plan_tell_plain },
	{ "will-have-what-starts", will_have_what_starts },
	{ "moved-esp", moved_esp_is_told },
	{ "empty-partitions", empty_partitions_are_told },
	{ "mbr-reaches-the-end", mbr_reaches_the_end },
	{ "journal-has-room", journal_has_room },
};

const size_t plan_rule_count = ARRAY_SIZE(plan_rules);
