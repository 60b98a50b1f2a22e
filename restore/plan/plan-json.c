/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plan for machines. The members are sorted, so that equal plans give equal text: the
 * plan's hash is made of it.
 */
#include <jansson.h>
#include <restore/boot-driver.h>

#include <base/text.h>

#include "plan-rules.h"

static json_t *json_guid(const struct guid *guid)
{
	char text[GUID_TEXT_SIZE];

	return json_string(guid_format(guid, text));
}

/* {"value": …, "origin": …}; steals value */
static json_t *json_value(json_t *value, enum origin origin)
{
	return json_pack("{s:o, s:s}", "value", value, "origin",
			 origin_id(origin ? origin : ORIGIN_CONVENTION));
}

static enum origin id_origin(const struct restore_plan *plan, enum origin origin)
{
	return plan->wishes.new_ids ? ORIGIN_CONVENTION : origin;
}

/* What a partition had in the backup where it gets something else: a layout that is given back
 * needs it. */
static void add_source_values(const struct restore_plan *plan, size_t index,
			      json_t *object)
{
	const struct disk_partition *p = &plan->after->partitions[index];
	const struct source_partition *from = plan->partitions[index].source;

	if (from->offset.value && from->offset.value != p->offset)
		json_object_set_new(object, "source_offset",
				    json_integer((json_int_t)from->offset.value));
	if (from->length.value && from->length.value != p->length)
		json_object_set_new(object, "source_length",
				    json_integer((json_int_t)from->length.value));
	if (plan->after->style == TABLE_GPT && plan->old_ids &&
	    !guid_equal(&plan->old_ids[index], &p->id))
		json_object_set_new(object, "source_id",
				    json_guid(&plan->old_ids[index]));
}

static json_t *json_partition(const struct restore_plan *plan, size_t index)
{
	const struct disk_partition *p = &plan->after->partitions[index];
	const struct source_partition *from = plan->partitions[index].source;
	const struct backup_volume *volume = plan->partitions[index].volume;
	json_t *object;

	object = json_pack(
		"{s:i, s:o, s:o, s:s?, s:b, s:s?}", "slot", (int)p->slot, "offset",
		json_value(json_integer((json_int_t)p->offset), from->offset.origin),
		"length",
		json_value(json_integer((json_int_t)p->length), from->length.origin),
		"image", volume ? volume->image_path : NULL, "kept",
		plan->partitions[index].kept, "access_path",
		volume ? volume->access_path.value : NULL);
	if (!object)
		return NULL;
	add_source_values(plan, index, object);
	if (plan->after->style == TABLE_GPT) {
		json_object_set_new(object, "type",
				    json_value(json_guid(&p->type), from->type.origin));
		json_object_set_new(
			object, "id",
			json_value(json_guid(&p->id), id_origin(plan, from->id.origin)));
		json_object_set_new(
			object, "attributes",
			json_value(json_sprintf("%016llx",
						(unsigned long long)p->attributes),
				   from->attributes.origin));
		json_object_set_new(object, "name",
				    json_value(json_string(p->name), from->name.origin));
	} else {
		json_object_set_new(
			object, "type",
			json_value(json_integer(p->mbr_type), from->mbr_type.origin));
		json_object_set_new(
			object, "active",
			json_value(json_boolean(p->mbr_active), from->mbr_active.origin));
	}
	return object;
}

static void add_source_ids(const struct restore_plan *plan, json_t *object)
{
	const struct source_disk *source = plan->source_disk;
	const struct disk_layout *after = plan->after;

	if (source->style.value != after->style) {
		json_object_set_new(
			object, "source_style",
			json_string(source->style.value == TABLE_GPT ? "gpt" : "mbr"));
		return;
	}
	if (after->style == TABLE_GPT &&
	    !guid_equal(&source->disk_id.value, &after->disk_id))
		json_object_set_new(object, "source_disk_id",
				    json_guid(&source->disk_id.value));
	if (after->style == TABLE_MBR &&
	    source->mbr_signature.value != after->mbr_signature)
		json_object_set_new(
			object, "source_mbr_signature",
			json_sprintf("%08x", (unsigned)source->mbr_signature.value));
}

static json_t *json_after(const struct restore_plan *plan)
{
	const struct source_disk *source = plan->source_disk;
	json_t *object, *partitions;

	if (!plan->after)
		return json_null();
	partitions = json_array();
	for (size_t i = 0; i < plan->after->count; i++)
		json_array_append_new(partitions, json_partition(plan, i));
	object = json_pack("{s:s, s:b, s:I, s:I, s:i, s:o}", "style",
			   plan->after->style == TABLE_GPT ? "gpt" : "mbr", "in_place",
			   plan->in_place, "disk_size", (json_int_t)plan->target_size,
			   "minimum_size", (json_int_t)plan->minimum_size, "sector_size",
			   (int)plan->after->sector_size, "partitions", partitions);
	if (plan->after->style == TABLE_GPT)
		json_object_set_new(object, "disk_id",
				    json_value(json_guid(&plan->after->disk_id),
					       id_origin(plan, source->disk_id.origin)));
	else
		json_object_set_new(
			object, "mbr_signature",
			json_value(json_sprintf("%08x", plan->after->mbr_signature),
				   id_origin(plan, source->mbr_signature.origin)));
	add_source_ids(plan, object);
	return object;
}

/* For those who patch what refers to a partition. */
static json_t *json_id_changes(const struct restore_plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->id_change_count; i++) {
		const struct id_change *c = &plan->id_changes[i];
		bool old_gpt = c->old_style == TABLE_GPT;
		bool new_gpt = c->new_style == TABLE_GPT;
		json_t *change =
			json_pack("{s:i, s:I, s:I}", "slot",
				  (int)plan->after->partitions[c->partition].slot,
				  "old_offset", (json_int_t)c->old_offset, "new_offset",
				  (json_int_t)c->new_offset);

		json_object_set_new(change, "old_disk",
				    old_gpt ? json_guid(&c->old_disk_id)
					    : json_sprintf("%08x", c->old_signature));
		json_object_set_new(change, "new_disk",
				    new_gpt ? json_guid(&c->new_disk_id)
					    : json_sprintf("%08x", c->new_signature));
		if (old_gpt)
			json_object_set_new(change, "old_id", json_guid(&c->old_id));
		if (new_gpt)
			json_object_set_new(change, "new_id", json_guid(&c->new_id));
		json_array_append_new(array, change);
	}
	return array;
}

static json_t *json_findings(const struct restore_plan *plan)
{
	static const char *const severities[] = {
		[PLAN_NOTE] = "note",
		[PLAN_WARNING] = "warning",
		[PLAN_REFUSAL] = "refusal",
	};
	json_t *array = json_array();

	for (size_t i = 0; i < plan->finding_count; i++)
		json_array_append_new(array,
				      json_pack("{s:s, s:s, s:s}", "severity",
						severities[plan->findings[i].severity],
						"rule", plan->findings[i].rule, "text",
						plan->findings[i].text));
	return array;
}

/* The identity that must be the same when the plan runs, not the path, which may move. */
static json_t *json_target(const struct restore_plan *plan)
{
	const struct disk *disk = plan->disk;

	if (disk->is_file)
		return json_pack("{s:s, s:b, s:I, s:i}", "file", disk->path, "exists",
				 disk->exists, "size", (json_int_t)plan->target_size,
				 "sector_size", (int)disk->sector_size);
	return json_pack("{s:s, s:s, s:I, s:i}", "serial", disk->serial, "wwn", disk->wwn,
			 "size", (json_int_t)disk->size, "sector_size",
			 (int)disk->sector_size);
}

static json_t *json_drivers(const struct driver_folder *folder)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < folder->count; i++)
		json_array_append_new(
			array, json_pack("{s:s, s:I}", "name", folder->files[i].name,
					 "size", (json_int_t)folder->files[i].length));
	return array;
}

/* What will be written, and from what. */
static json_t *json_deed(const struct restore_plan *plan)
{
	const struct backup_version *version = plan->version;
	json_t *object;

	object = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:I, s:I}", "source",
			   plan->source, "machine", plan->machine->name, "version",
			   version->id, "folder", version->path, "target",
			   json_target(plan), "after", json_after(plan), "wipe",
			   plan->wishes.wipe, "journal_offset",
			   (json_int_t)plan->journal_offset, "journal_slot_length",
			   (json_int_t)plan->journal_slot_length);
	if (object && plan->source_disk)
		json_object_set_new(
			object, "source_disk",
			json_integer(plan->source_disk - plan->version->disks));
	if (object && plan->id_change_count)
		json_object_set_new(object, "id_changes", json_id_changes(plan));
	if (object && plan->wishes.drivers)
		json_object_set_new(object, "drivers",
				    json_drivers(plan->wishes.drivers));
	if (object && plan->wishes.controller)
		json_object_set_new(object, "controller",
				    json_string(plan->wishes.controller));
	return object;
}

static char *take_text(json_t *object)
{
	char *text = object ? json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;

	json_decref(object);
	return text;
}

char *plan_deed_json(const struct restore_plan *plan)
{
	return take_text(json_deed(plan));
}

char *plan_json(const struct restore_plan *plan)
{
	json_t *object = json_deed(plan);
	char hash[PLAN_HASH_SIZE];

	if (object)
		json_object_set_new(object, "findings", json_findings(plan));
	if (object && plan_hash(plan, hash))
		json_object_set_new(object, "hash", json_string(hash));
	return take_text(object);
}
