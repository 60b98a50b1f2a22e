/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan as people read it, at most 80 columns. */
#include <inttypes.h>
#include <string.h>

#include <base/text.h>

#include "plan-rules.h"

static const char *style_text(const struct disk_layout *layout)
{
	switch (layout ? layout->style : TABLE_NONE) {
	case TABLE_GPT:
		return "GPT";
	case TABLE_MBR:
		return "MBR";
	default:
		return "no partition table";
	}
}

static void print_ids(struct text *out, const struct disk_layout *layout,
		      const char *origin)
{
	char guid[GUID_TEXT_SIZE];

	text_add(out, "%s", style_text(layout));
	if (layout && layout->style == TABLE_GPT)
		text_add(out, ", disk GUID %s", guid_format(&layout->disk_id, guid));
	else if (layout && layout->style == TABLE_MBR)
		text_add(out, ", signature %08" PRIx32, layout->mbr_signature);
	if (origin)
		text_add(out, " (%s)", origin);
	text_add(out, "\n");
}

static void print_partition_line(struct text *out, const struct disk_layout *layout,
				 const struct disk_partition *p, const char *content)
{
	char offset[SIZE_TEXT_SIZE], length[SIZE_TEXT_SIZE];

	text_add(out, "  %3u %10s %10s  %-18s %s\n", p->slot,
		 size_format(p->offset, offset), size_format(p->length, length),
		 partition_type_text(layout, p), content);
}

static void print_before(struct text *out, const struct restore_plan *plan)
{
	const struct disk *disk = plan->disk;

	text_add(out, "Now on it%s:\n  ",
		 plan->in_place ? "" : ", and erased by the restore");
	if (!disk->exists) {
		text_add(out, "nothing: the file will be created\n");
		return;
	}
	if (!disk->layout) {
		text_add(out, "a partition table that cannot be read\n");
		return;
	}
	print_ids(out, disk->layout, NULL);
	for (size_t i = 0; i < disk->layout->count; i++)
		print_partition_line(out, disk->layout, &disk->layout->partitions[i],
				     disk->layout->partitions[i].name);
}

/* The image's name without the folder of its set, which stands at the top. */
static const char *image_name(const struct backup_version *version,
			      const struct backup_volume *volume)
{
	size_t length = strlen(version->path);

	if (length && strncmp(volume->image_path, version->path, length) == 0 &&
	    volume->image_path[length] == '/')
		return volume->image_path + length + 1;
	return volume->image_path;
}

static void print_volume(struct text *out, const struct backup_version *version,
			 const struct backup_volume *volume)
{
	char used[SIZE_TEXT_SIZE];

	text_add(out, "      %s from %s",
		 volume->access_path.value ? volume->access_path.value
					   : volume_role_text(volume->role),
		 image_name(version, volume));
	if (volume->used)
		text_add(out, ", %s used", size_format(volume->used, used));
	text_add(out, "\n");
}

/* What becomes of a partition that gets no volume. */
static void print_fate(struct text *out, const struct plan_partition *partition)
{
	const struct backup_volume *volume = partition->left_out;
	const char *name = "";

	if (volume)
		name = volume->access_path.value ? volume->access_path.value
						 : volume_role_text(volume->role);
	text_add(out, "      %s%s%s\n",
		 partition->kept ? "stays as it is" : "created empty",
		 volume ? ", not chosen: " : "", name);
}

static void print_origins(struct text *out, const struct restore_plan *plan,
			  const struct disk_partition *p,
			  const struct source_partition *from)
{
	enum origin id = from->id.origin ? from->id.origin : ORIGIN_CONVENTION;
	char guid[GUID_TEXT_SIZE];

	text_add(out, "      place: %s, length: %s", origin_text(from->offset.origin),
		 origin_text(from->length.origin));
	if (plan->after->style == TABLE_GPT)
		text_add(out, "\n      id %s (%s)", guid_format(&p->id, guid),
			 plan->wishes.new_ids ? "new" : origin_text(id));
	else
		text_add(out, ", type: %s%s",
			 origin_text(from->mbr_type.origin ? from->mbr_type.origin
							   : ORIGIN_CONVENTION),
			 p->mbr_active ? ", active" : "");
	text_add(out, "\n");
}

static const char *ids_origin(const struct restore_plan *plan)
{
	const struct source_disk *source = plan->source_disk;

	if (plan->wishes.new_ids)
		return "new";
	if (plan_converts_firmware(plan))
		return origin_text(ORIGIN_CONVENTION);
	return origin_text(source->disk_id.origin ? source->disk_id.origin
						  : source->mbr_signature.origin);
}

static void print_after(struct text *out, const struct restore_plan *plan)
{
	text_add(out, "\nAfterwards:\n  ");
	if (!plan->after) {
		text_add(out, "no layout could be made\n");
		return;
	}
	print_ids(out, plan->after, ids_origin(plan));
	for (size_t i = 0; i < plan->after->count; i++) {
		const struct disk_partition *p = &plan->after->partitions[i];

		print_partition_line(out, plan->after, p, p->name);
		if (plan->partitions[i].volume &&
		    plan->partitions[i].volume == plan->made_esp)
			text_add(out, "      made anew from files of Windows' volume\n");
		else if (plan->partitions[i].volume)
			print_volume(out, plan->version, plan->partitions[i].volume);
		else
			print_fate(out, &plan->partitions[i]);
		if (!plan->in_place)
			print_origins(out, plan, p, plan->partitions[i].source);
	}
}

static void print_findings(struct text *out, const struct restore_plan *plan)
{
	static const char *const labels[] = {
		[PLAN_NOTE] = "note",
		[PLAN_WARNING] = "WARNING",
		[PLAN_REFUSAL] = "REFUSED",
	};

	if (plan->finding_count)
		text_add(out, "\n");
	for (size_t i = 0; i < plan->finding_count; i++)
		text_add(out, "%s: %s\n", labels[plan->findings[i].severity],
			 plan->findings[i].text);
}

char *plan_text(const struct restore_plan *plan)
{
	const struct backup_version *version = plan->version;
	const struct disk *disk = plan->disk;
	char time[TIME_TEXT_SIZE], size[SIZE_TEXT_SIZE], hash[PLAN_HASH_SIZE];
	struct text out = { 0 };

	text_add(&out, "Backup of %s, ", plan->machine->name);
	if (version->time.origin)
		text_add(&out, "%.16s UTC (%s), ",
			 time_format((int64_t)version->time.value, time), version->id);
	text_add(&out, "%s\n  in %s: %s\n", health_text(version->health), plan->source,
		 version->path);
	text_add(&out, "Onto %s, %s, %s%s%s, %s, %u-byte sectors\n\n", disk->path,
		 disk->model && disk->model[0] ? disk->model : disk->bus,
		 disk->serial && disk->serial[0] ? "serial " : "",
		 disk->serial && disk->serial[0] ? disk->serial : "",
		 disk->serial && disk->serial[0] ? "" : "no serial",
		 size_format(plan->target_size, size), disk->sector_size);
	print_before(&out, plan);
	print_after(&out, plan);
	print_findings(&out, plan);
	if (plan_hash(plan, hash))
		text_add(&out, "\nPlan sha256:%s\n", hash);
	return text_take(&out);
}
