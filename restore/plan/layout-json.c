/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layout that a user gives with --layout, the last way where evidence is lost or
 * contradicts itself: what `bmr plan --json` prints, edited by hand.
 *
 *	{ "style": "gpt", "disk_id": "…", "disk_size": 500107862016, "sector_size": 512,
 *	  "partitions": [ { "slot": 1, "offset": 1048576, "length": 104857600,
 *	    "type": "c12a7328-…", "id": "…", "attributes": "8000000000000000",
 *	    "name": "EFI system partition", "image": "Esp.vhdx" }, … ] }
 *
 * or the whole plan, of which "after" and "source_disk" are read, or {"disks": [plan, …]}. MBR has
 * "mbr_signature": "9546e6c7", and in a partition "type": 7 and "active": true. A value may be
 * bare or {"value": …, "origin": …}; whatever origin it had, it is the user's now. What only
 * tells about a plan ("kept", "minimum_size", …) is passed over; other keys are errors.
 * Needed are style, the disk's id and each partition's offset and length. "image" is the path
 * or the name of an image of the set; null: created empty.
 *
 * Where a partition shall lie elsewhere than in the backup, or have another length or id, the
 * "source_…" keys beside say what it had: so prints the plan, and so it is taken back. Without
 * them a place and an id are taken to be those of the backup, and a length must be the image's.
 */
#include <restore/layout-file.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <base/text.h>

#include "evidence/backup-parts.h"
#include "evidence/value.h"

#define MAX_DISKS      64
#define MAX_PARTITIONS 128 /* slots of a GPT as all tools make it */

enum field_kind {
	FIELD_IGNORED,
	FIELD_NUMBER,
	FIELD_HEX,
	FIELD_GUID,
	FIELD_NAME,
	FIELD_FLAG,
	FIELD_TYPE,  /* GPT: GUID; MBR: number */
	FIELD_IMAGE, /* of the set; sets volume */
	FIELD_STYLE,
	FIELD_PARTITIONS,
	FIELD_CONVERTED, /* of a plan that makes the other kind of table */
};

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	uint64_t limit;
};

/* What is read, before what is new and what was there are told apart. */
struct disk_entry {
	struct source_disk disk; /* first */
	struct value_guid source_disk_id;
	struct value_u64 source_signature;
};

struct partition_entry {
	struct source_partition partition; /* first */
	struct value_u64 source_offset, source_length;
	struct value_guid source_id;
};

#define DISK(member)	  offsetof(struct disk_entry, member)
#define PARTITION(member) offsetof(struct partition_entry, member)

static const struct field disk_fields[] = {
	{ "style", FIELD_STYLE, DISK(disk.style), 0 },
	{ "disk_id", FIELD_GUID, DISK(disk.disk_id), 0 },
	{ "mbr_signature", FIELD_HEX, DISK(disk.mbr_signature), UINT32_MAX },
	{ "disk_size", FIELD_NUMBER, DISK(disk.size), INT64_MAX },
	{ "sector_size", FIELD_NUMBER, DISK(disk.sector_size), 4096 },
	{ "partitions", FIELD_PARTITIONS, 0, 0 },
	{ "source_disk_id", FIELD_GUID, DISK(source_disk_id), 0 },
	{ "source_mbr_signature", FIELD_HEX, DISK(source_signature), UINT32_MAX },
	{ "source_style", FIELD_CONVERTED, 0, 0 },
	{ "in_place", FIELD_IGNORED, 0, 0 },
	{ "minimum_size", FIELD_IGNORED, 0, 0 },
};

static const struct field partition_fields[] = {
	{ "slot", FIELD_NUMBER, PARTITION(partition.slot), MAX_PARTITIONS },
	{ "offset", FIELD_NUMBER, PARTITION(partition.offset), INT64_MAX },
	{ "length", FIELD_NUMBER, PARTITION(partition.length), INT64_MAX },
	{ "type", FIELD_TYPE, 0, 0xff },
	{ "id", FIELD_GUID, PARTITION(partition.id), 0 },
	{ "attributes", FIELD_HEX, PARTITION(partition.attributes), UINT64_MAX },
	{ "name", FIELD_NAME, PARTITION(partition.name), 0 },
	{ "active", FIELD_FLAG, PARTITION(partition.mbr_active), 0 },
	{ "image", FIELD_IMAGE, 0, 0 },
	{ "source_offset", FIELD_NUMBER, PARTITION(source_offset), INT64_MAX },
	{ "source_length", FIELD_NUMBER, PARTITION(source_length), INT64_MAX },
	{ "source_id", FIELD_GUID, PARTITION(source_id), 0 },
	{ "access_path", FIELD_IGNORED, 0, 0 },
	{ "kept", FIELD_IGNORED, 0, 0 },
};

/* Where in the file something stands: "after.partitions[2].length". */
struct place {
	const char *file;
	char path[96];
	const struct backup_version *version;
};

static int wrong(const struct place *place, struct err *err, const char *format, ...)
	PRINTF(3, 4);

static int wrong(const struct place *place, struct err *err, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return err_set(err, -EINVAL, "'%s': %s%s%s", place->file, place->path,
		       place->path[0] ? ": " : "", text);
}

static struct place below(const struct place *place, const char *format, ...)
	PRINTF(2, 3);

static struct place below(const struct place *place, const char *format, ...)
{
	struct place result = *place;
	size_t length = strlen(result.path);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(result.path + length, sizeof(result.path) - length, format, arguments);
	va_end(arguments);
	/* "partitions" alone at the start of a bare layout */
	if (result.path[0] == '.')
		memmove(result.path, result.path + 1, strlen(result.path));
	return result;
}

/* -- values ---- */

static const json_t *bare(const json_t *json)
{
	const json_t *value =
		json_is_object(json) ? json_object_get(json, "value") : NULL;

	return value ? value : json;
}

static int read_number(const struct place *place, const json_t *json, uint64_t limit,
		       uint64_t *ret, struct err *err)
{
	json_int_t number = json_integer_value(json);

	if (!json_is_integer(json) || number < 0 || (uint64_t)number > limit)
		return wrong(place, err, "must be a number from 0 to %" PRIu64, limit);
	*ret = (uint64_t)number;
	return 0;
}

static int read_hex(const struct place *place, const json_t *json, uint64_t limit,
		    uint64_t *ret, struct err *err)
{
	const char *text = json_string_value(json);

	if (text && strncmp(text, "0x", 2) == 0)
		text += 2;
	if (!text || !text[0] || strlen(text) > 16 ||
	    strspn(text, "0123456789abcdefABCDEF") != strlen(text) ||
	    strtoull(text, NULL, 16) > limit)
		return wrong(place, err,
			     "must be a text of hexadecimal digits, at most %" PRIx64,
			     limit);
	*ret = strtoull(text, NULL, 16);
	return 0;
}

static int read_guid(const struct place *place, const json_t *json, struct guid *ret,
		     struct err *err)
{
	const char *text = json_string_value(json);

	if (!text || guid_parse(text, strlen(text), ret) < 0)
		return wrong(place, err, "must be a GUID, as text");
	return 0;
}

static int read_type(const struct place *place, const json_t *json, uint64_t limit,
		     struct source_partition *to, struct err *err)
{
	to->type.origin = ORIGIN_NONE;
	if (json_is_integer(json)) {
		to->mbr_type.origin = ORIGIN_USER;
		return read_number(place, json, limit, &to->mbr_type.value, err);
	}
	to->type.origin = ORIGIN_USER;
	return read_guid(place, json, &to->type.value, err);
}

static int read_image(const struct place *place, const json_t *json,
		      struct source_partition *to, struct err *err)
{
	const struct backup_version *version = place->version;
	const char *text = json_string_value(json);

	if (json_is_null(json))
		return 0;
	for (size_t i = 0; text && i < version->volume_count; i++) {
		const char *path = version->volumes[i].image_path;
		const char *slash = strrchr(path, '/');

		if (strcmp(text, path) == 0 || (slash && strcmp(text, slash + 1) == 0)) {
			to->volume = (int)i;
			return 0;
		}
	}
	return wrong(place, err, "'%s' is not an image of the set in '%s'",
		     text ? text : "(no text)", version->path);
}

static int read_style(const struct place *place, const json_t *json,
		      struct source_disk *to, struct err *err)
{
	const char *text = json_string_value(json);

	if (!text || (strcmp(text, "gpt") != 0 && strcmp(text, "mbr") != 0))
		return wrong(place, err, "must be \"gpt\" or \"mbr\"");
	value_set(&to->style, strcmp(text, "gpt") == 0 ? TABLE_GPT : TABLE_MBR,
		  ORIGIN_USER);
	return 0;
}

static int read_name(const struct place *place, const json_t *json, struct value_text *to,
		     struct err *err)
{
	if (!json_is_string(json))
		return wrong(place, err, "must be a text");
	return value_set_text(to, json_string_value(json), ORIGIN_USER, err);
}

static int read_partitions(const struct place *place, const json_t *json,
			   struct source_disk *to, struct err *err);

static int read_field(const struct place *place, const struct field *field,
		      const json_t *json, void *to, struct err *err)
{
	struct value_u64 *number = (void *)((char *)to + field->offset);
	struct value_guid *guid = (void *)number;

	switch (field->kind) {
	case FIELD_NUMBER:
		number->origin = ORIGIN_USER;
		return read_number(place, json, field->limit, &number->value, err);
	case FIELD_HEX:
		number->origin = ORIGIN_USER;
		return read_hex(place, json, field->limit, &number->value, err);
	case FIELD_GUID:
		guid->origin = ORIGIN_USER;
		return read_guid(place, json, &guid->value, err);
	case FIELD_NAME:
		return read_name(place, json, (void *)number, err);
	case FIELD_FLAG:
		if (!json_is_boolean(json))
			return wrong(place, err, "must be true or false");
		value_set(number, json_is_true(json), ORIGIN_USER);
		return 0;
	case FIELD_TYPE:
		return read_type(place, json, field->limit, to, err);
	case FIELD_IMAGE:
		return read_image(place, json, to, err);
	case FIELD_STYLE:
		return read_style(place, json, to, err);
	case FIELD_PARTITIONS:
		return read_partitions(place, json, to, err);
	case FIELD_CONVERTED:
		return wrong(place, err,
			     "a plan that converts the partition table is not taken "
			     "back; give the layout of one that does not");
	default:
		return 0;
	}
}

/* -- objects ---- */

static const struct field *find_field(const struct field *fields, size_t count,
				      const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].key, key) == 0)
			return &fields[i];
	return NULL;
}

static int unknown_key(const struct place *place, const struct field *fields,
		       size_t count, struct err *err)
{
	struct text names = { 0 };
	AUTO_FREE char *list = NULL;

	for (size_t i = 0; i < count; i++)
		text_add(&names, "%s%s", i ? ", " : "", fields[i].key);
	list = text_take(&names);
	return wrong(place, err, "not a key that a layout has; there are: %s",
		     list ? list : "");
}

static int read_object(const struct place *place, const struct field *fields,
		       size_t count, json_t *json, void *to, struct err *err)
{
	const char *key;
	json_t *value;
	int r = 0;

	if (!json_is_object(json))
		return wrong(place, err, "must be an object");
	json_object_foreach(json, key, value)
	{
		const struct field *field = find_field(fields, count, key);
		struct place at = below(place, ".%.40s", key);

		r = field ? read_field(&at, field, bare(value), to, err)
			  : unknown_key(&at, fields, count, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What is new goes beside what the backup has. */
static void split_entry(const struct partition_entry *entry, struct source_partition *to)
{
	*to = entry->partition;
	if (entry->source_offset.origin) {
		to->new_offset = to->offset.value;
		to->offset = entry->source_offset;
	}
	if (entry->source_length.origin) {
		to->new_length = to->length.value;
		to->length = entry->source_length;
	}
	if (entry->source_id.origin) {
		to->new_id = to->id.value;
		to->id = entry->source_id;
	}
}

/* What the images themselves show must not be contradicted. */
static int check_partition(const struct place *place, const struct source_partition *p,
			   struct err *err)
{
	const struct backup_volume *volume;

	if (!p->offset.origin || !p->length.origin || !p->offset.value ||
	    !p->length.value)
		return wrong(place, err, "needs an offset and a length above 0");
	if (p->slot.origin && !p->slot.value)
		return wrong(place, err, "slots count from 1");
	if (p->volume < 0)
		return 0;
	volume = &place->version->volumes[p->volume];
	if (volume->length && volume->length != p->length.value)
		return wrong(place, err,
			     "length is %" PRIu64 ", but '%s' holds %" PRIu64
			     " bytes; to resize it, say so in source_length",
			     p->length.value, volume->image_path, volume->length);
	return 0;
}

static int read_partitions(const struct place *place, const json_t *json,
			   struct source_disk *to, struct err *err)
{
	size_t count = json_array_size(json);
	int r = 0;

	if (!json_is_array(json) || !count || count > MAX_PARTITIONS || to->partitions)
		return wrong(place, err, "must be a list of 1 to %d partitions",
			     MAX_PARTITIONS);
	to->partitions = calloc(count, sizeof(*to->partitions));
	if (!to->partitions)
		return err_nomem(err);
	to->partition_count = count;
	for (size_t i = 0; i < count && r == 0; i++) {
		struct partition_entry entry = { .partition.volume = -1 };
		struct place at = below(place, "[%zu]", i);

		r = read_object(&at, partition_fields, ARRAY_SIZE(partition_fields),
				json_array_get(json, i), &entry, err);
		split_entry(&entry, &to->partitions[i]);
		if (r == 0)
			r = check_partition(&at, &to->partitions[i], err);
	}
	return r;
}

static void split_disk_entry(const struct disk_entry *entry, struct source_disk *to)
{
	*to = entry->disk;
	if (entry->source_disk_id.origin) {
		to->new_disk_id = to->disk_id.value;
		to->disk_id = entry->source_disk_id;
	}
	if (entry->source_signature.origin) {
		to->new_signature = (uint32_t)to->mbr_signature.value;
		to->mbr_signature = entry->source_signature;
	}
}

/* A layout that lies between sectors would be moved into them without a word. Lengths of
 * volumes out of disks with 512-byte sectors are no multiples of larger ones. */
static int check_sectors(const struct place *place, const struct source_disk *disk,
			 struct err *err)
{
	uint64_t sector = disk->sector_size.value;

	if (disk->sector_size.origin && sector != 512 && sector != 4096)
		return wrong(place, err,
			     "sector_size is %" PRIu64 ", must be 512 or 4096", sector);
	for (size_t i = 0; i < disk->partition_count; i++) {
		const struct source_partition *p = &disk->partitions[i];

		if (p->offset.value % 512 || p->length.value % 512)
			return wrong(place, err,
				     "partitions[%zu]: %" PRIu64 "+%" PRIu64
				     " is not made of whole sectors of 512 bytes",
				     i, p->offset.value, p->length.value);
	}
	return 0;
}

static int check_disk(const struct place *place, const struct source_disk *disk,
		      struct err *err)
{
	if (!disk->style.origin || !disk->partition_count)
		return wrong(place, err, "needs style and partitions");
	if (disk->style.value == TABLE_GPT && !disk->disk_id.origin)
		return wrong(place, err, "a GPT needs disk_id");
	if (disk->style.value == TABLE_MBR && !disk->mbr_signature.origin)
		return wrong(place, err, "an MBR needs mbr_signature");
	return check_sectors(place, disk, err);
}

/* A plan, or its "after" alone. */
static int read_disk(const struct place *place, json_t *json, struct source_disk *to,
		     struct err *err)
{
	json_t *after = json_object_get(json, "after");
	struct disk_entry entry = { 0 };
	struct place at = *place;
	int r;

	if (after)
		at = below(place, ".after");
	r = read_object(&at, disk_fields, ARRAY_SIZE(disk_fields), after ? after : json,
			&entry, err);
	split_disk_entry(&entry, to);
	return r < 0 ? r : check_disk(&at, to, err);
}

/* The number that 'bmr show' gave the disk, and --disk N= means; else the place in the list. */
static int read_disk_number(const struct place *place, const json_t *json, size_t index,
			    const struct backup_version *layout, size_t *ret,
			    struct err *err)
{
	const json_t *number = json_object_get(json, "source_disk");
	struct place at = below(place, ".source_disk");
	uint64_t value = index;
	int r = number ? read_number(&at, number, MAX_DISKS - 1, &value, err) : 0;

	if (r < 0)
		return r;
	if (layout->disks[value].partition_count)
		return wrong(&at, err, "disk %" PRIu64 " stands twice in it", value);
	*ret = (size_t)value;
	return 0;
}

static int read_disks(const struct place *place, json_t *json,
		      struct backup_version *layout, struct err *err)
{
	json_t *list = json_object_get(json, "disks");
	size_t count = list ? json_array_size(list) : 1;
	int r = 0;

	if (!count || count > MAX_DISKS)
		return wrong(place, err, "disks: must be a list of 1 to %d", MAX_DISKS);
	layout->disks = calloc(MAX_DISKS, sizeof(*layout->disks));
	if (!layout->disks)
		return err_nomem(err);
	for (size_t i = 0; i < count && r == 0; i++) {
		json_t *entry = list ? json_array_get(list, i) : json;
		struct place at = *place;
		size_t number = 0;

		if (list)
			at = below(place, "disks[%zu]", i);
		r = read_disk_number(&at, entry, i, layout, &number, err);
		if (r < 0)
			return r;
		if (layout->disk_count <= number)
			layout->disk_count = number + 1;
		r = read_disk(&at, entry, &layout->disks[number], err);
	}
	return r;
}

/* -- all ---- */

/* The user has decided: contradictions are shown, but stop nothing any more. */
static void settle(struct backup_version *version)
{
	size_t kept = 0;

	for (size_t i = 0; i < version->contradiction_count; i++)
		version->contradictions[i].fatal = false;
	for (size_t i = 0; i < version->reason_count; i++) {
		char *reason = version->reasons[i];

		if (strncmp(reason, REASON_CONTRADICTION, strlen(REASON_CONTRADICTION)) ==
		    0)
			free(reason);
		else
			version->reasons[kept++] = reason;
	}
	version->reason_count = kept;
	if (!kept)
		version->health = HEALTH_WHOLE;
}

int layout_file_apply(const char *text, size_t length, const char *name,
		      struct backup_version *version, struct err *err)
{
	const struct place place = { .file = name, .version = version };
	struct backup_version layout = { 0 };
	json_error_t error;
	json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	struct source_disk *disks = version->disks;
	size_t count = version->disk_count;
	int r;

	if (!json)
		return err_set(err, -EINVAL, "'%s' line %d: %s", name, error.line,
			       error.text);
	r = read_disks(&place, json, &layout, err);
	json_decref(json);
	if (r == 0) {
		version->disks = layout.disks;
		version->disk_count = layout.disk_count;
		layout.disks = disks;
		layout.disk_count = count;
		settle(version);
	}
	backup_version_clear(&layout);
	return r;
}
