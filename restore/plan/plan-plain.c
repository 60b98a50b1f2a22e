/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dynamic disks and Storage Spaces are not recreated (FORMAT.md 4.4): what describes them is in
 * no backup. Their volumes can be had on plain partitions, if the user asks for it: partitions
 * of the dynamic kinds are left out, and every volume that had its place on them, or none,
 * follows behind the rest of the first such disk.
 */
#include "plan-rules.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#define MBR_TYPE_DYNAMIC 0x42
#define MBR_TYPE_NTFS	 0x07
#define ALIGNMENT	 MiB /* where Windows and all other systems start a partition */

static const char *dynamic_text(const struct source_disk *disk,
				const struct source_partition *partition)
{
	static const struct guid *const types[] = {
		&partition_type_ldm_metadata,
		&partition_type_ldm_data,
		&partition_type_storage_spaces,
	};
	struct disk_layout layout = { .style = (enum table_style)disk->style.value };
	struct disk_partition entry = { .type = partition->type.value,
					.mbr_type = (uint8_t)partition->mbr_type.value };

	if (disk->style.value == TABLE_MBR && partition->mbr_type.origin &&
	    partition->mbr_type.value == MBR_TYPE_DYNAMIC)
		return partition_type_text(&layout, &entry);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (disk->style.value == TABLE_GPT && partition->type.origin &&
		    guid_equal(types[i], &partition->type.value))
			return partition_type_text(&layout, &entry);
	return NULL;
}

const char *plan_dynamic_type(const struct source_disk *disk)
{
	for (size_t i = 0; i < disk->partition_count; i++)
		if (dynamic_text(disk, &disk->partitions[i]))
			return dynamic_text(disk, &disk->partitions[i]);
	return NULL;
}

/* -- the rule ---- */

static bool has_place(const struct backup_version *version, size_t volume)
{
	for (size_t d = 0; d < version->disk_count; d++) {
		const struct source_disk *disk = &version->disks[d];

		for (size_t i = 0; i < disk->partition_count; i++)
			if (disk->partitions[i].volume == (int)volume &&
			    !dynamic_text(disk, &disk->partitions[i]))
				return true;
	}
	return false;
}

/* "C:, D:" */
static char *name_volumes_without_place(const struct backup_version *version)
{
	struct text names = { 0 };

	for (size_t i = 0; i < version->volume_count; i++) {
		const struct backup_volume *volume = &version->volumes[i];
		bool letter = volume->access_path.value && volume->access_path.value[0];

		if (!has_place(version, i))
			text_add(&names, "%s%s", names.length ? ", " : "",
				 letter ? volume->access_path.value
					: volume_role_text(volume->role));
	}
	return text_take(&names);
}

int plan_check_dynamic(const struct plan_context *context, const char *rule,
		       struct err *err)
{
	struct restore_plan *plan = context->plan;
	const struct backup_version *version = plan->version;
	AUTO_FREE char *names = name_volumes_without_place(version);
	int r = 0;

	if (!names)
		return err_nomem(err);
	for (size_t d = 0; !plan->in_place && r == 0 && d < version->disk_count; d++) {
		const char *type = plan_dynamic_type(&version->disks[d]);
		bool concerned =
			!plan->source_disk || plan->source_disk == &version->disks[d];

		if (!type || !concerned)
			continue;
		r = plan_find(
			plan, PLAN_REFUSAL, rule, err,
			"source disk %zu has partitions of the kind '%s', which are "
			"not recreated; --dynamic plain leaves them out%s%s%s",
			d, type, names[0] ? " and restores " : "", names,
			names[0] ? " onto plain partitions" : "");
	}
	return r;
}

int plan_tell_plain(const struct plan_context *context, const char *rule, struct err *err)
{
	struct restore_plan *plan = context->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && plan->after && i < plan->after->count; i++)
		if (plan->partitions[i].volume && plan->partitions[i].source->plain)
			r = plan_find(
				plan, PLAN_WARNING, rule, err,
				"'%s' was on a dynamic disk or in a storage pool and "
				"gets a plain partition; if Windows does not start, "
				"run 'bcdboot C:\\Windows' from its installation "
				"medium once",
				plan_partition_name(plan, i));
	return r;
}

/* -- plain partitions ---- */

static void drop_dynamic(struct source_disk *disk)
{
	size_t kept = 0;

	for (size_t i = 0; i < disk->partition_count; i++) {
		struct source_partition *p = &disk->partitions[i];

		if (!dynamic_text(disk, p))
			disk->partitions[kept++] = *p;
		else
			free(p->name.value);
	}
	disk->partition_count = kept;
}

static bool find_end(const struct source_disk *disk, uint64_t *ret)
{
	uint64_t end = ALIGNMENT;

	for (size_t i = 0; i < disk->partition_count; i++) {
		uint64_t of;

		if (!checked_add(disk->partitions[i].offset.value,
				 disk->partitions[i].length.value, &of))
			return false;
		end = max_u64(end, of);
	}
	return checked_align_up(end, ALIGNMENT, ret);
}

static int add_plain(struct source_disk *disk, const struct backup_version *version,
		     size_t index, struct err *err)
{
	const struct backup_volume *volume = &version->volumes[index];
	bool starts = volume->role == ROLE_SYSTEM ||
		      (volume->role == ROLE_WINDOWS && !version->uefi);
	struct source_partition *grown, *p;
	uint64_t offset;

	if (!find_end(disk, &offset))
		return err_set(err, -EOVERFLOW,
			       "'%s': no place behind the partitions of its disk",
			       volume->image_path);
	grown = reallocarray(disk->partitions, disk->partition_count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	disk->partitions = grown;
	p = &grown[disk->partition_count];
	*p = (struct source_partition){
		.offset = { offset, ORIGIN_CONVENTION },
		.length = { volume->length, ORIGIN_IMAGE_TABLE },
		.mbr_type = { MBR_TYPE_NTFS, ORIGIN_CONVENTION },
		.mbr_active = { starts, ORIGIN_CONVENTION },
		.volume = (int)index,
		.plain = true,
	};
	for (size_t i = 0; starts && i < disk->partition_count; i++)
		if (grown[i].mbr_active.value)
			p->mbr_active.value = 0;
	disk->partition_count++;
	return 0;
}

/* Windows on a system volume of its own is not what starts. */
static int compare_roles(const struct backup_version *version, size_t a, size_t b)
{
	static const int ranks[] = {
		[ROLE_ESP] = 0,	     [ROLE_SYSTEM] = 1, [ROLE_WINDOWS] = 2,
		[ROLE_RECOVERY] = 3, [ROLE_DATA] = 4,
	};

	return ranks[version->volumes[a].role] - ranks[version->volumes[b].role];
}

static size_t *order_volumes(const struct backup_version *version)
{
	size_t *order = calloc(version->volume_count + 1, sizeof(*order));

	for (size_t i = 0; order && i < version->volume_count; i++) {
		size_t at = i;

		for (; at > 0 && compare_roles(version, order[at - 1], i) > 0; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	return order;
}

int plan_make_plain(struct backup_version *version, struct err *err)
{
	AUTO_FREE size_t *order = order_volumes(version);
	struct source_disk *onto = NULL;
	int r = 0;

	if (!order)
		return err_nomem(err);
	for (size_t d = 0; d < version->disk_count; d++) {
		if (!plan_dynamic_type(&version->disks[d]))
			continue;
		drop_dynamic(&version->disks[d]);
		if (!onto)
			onto = &version->disks[d];
	}
	for (size_t i = 0; r == 0 && onto && i < version->volume_count; i++)
		if (!has_place(version, order[i]))
			r = add_plain(onto, version, order[i], err);
	return r;
}
