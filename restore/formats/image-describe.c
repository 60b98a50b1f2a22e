/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `bmr image info` says of an image: gathered once, printed as text or as JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>
#include <restore/image.h>
#include <restore/volume.h>

#define BOOT_SIZE 4096

/* The inside of a partition. */
struct inside {
	struct volume_info info;
	bool has_bitmap; /* the next two are known */
	uint64_t used;	 /* bytes that the file system uses */
	uint64_t stored; /* bytes of these that the image holds */
};

/* The inside of an image. A table or boot sector that cannot be understood leaves its
 * reason in problem; everything else is shown all the same. */
struct contents {
	struct disk_layout *layout; /* NULL where the table is damaged */
	struct inside *volumes;	    /* parallel to the layout's partitions */
	char *table_notes;
	char *problem; /* the first one; NULL if there is none */
};

static void contents_clear(struct contents *contents)
{
	layout_free(contents->layout);
	free(contents->volumes);
	free(contents->table_notes);
	free(contents->problem);
}

/* Damage is part of the answer; anything else is a failure. */
static int note_damage(struct contents *contents, const struct err *damage,
		       struct err *err)
{
	if (damage->code != -EBADMSG)
		return err_set(err, damage->code, "%s", damage->text);
	if (!contents->problem)
		contents->problem = strdup(damage->text);
	return contents->problem ? 0 : err_nomem(err);
}

static int add_up_ranges(struct volume_map *map, struct inside *inside, struct err *err)
{
	struct volume_range ranges[64];
	uint64_t offset = 0;
	size_t count = 0;

	do {
		int r = volume_map_next(map, offset, ranges, ARRAY_SIZE(ranges), &count,
					err);

		if (r < 0)
			return r;
		for (size_t i = 0; i < count; i++) {
			offset += ranges[i].length;
			if (ranges[i].kind != RANGE_FREE)
				inside->used += ranges[i].length;
			if (ranges[i].kind == RANGE_DATA)
				inside->stored += ranges[i].length;
		}
	} while (count);
	inside->has_bitmap = true;
	return 0;
}

static int read_map(struct block_source *volume, struct inside *inside, struct err *err)
{
	AUTO(volume_map_freep) struct volume_map *map = NULL;
	int r = volume_map_open(volume, &inside->info, &map, err);

	if (r < 0)
		return r;
	return add_up_ranges(map, inside, err);
}

static int read_partition(struct block_source *disk,
			  const struct disk_partition *partition, struct inside *inside,
			  struct err *err)
{
	AUTO(source_freep) struct block_source *volume = NULL;
	uint8_t boot[BOOT_SIZE] = { 0 };
	int r = source_slice_new(disk, false, partition->offset, partition->length,
				 disk->name, &volume, err);

	if (r == 0)
		r = source_read(volume, boot, 0,
				(size_t)min_u64(sizeof(boot), volume->size), err);
	if (r < 0)
		return r;
	r = volume_identify(boot, volume->size, &inside->info, err);
	if (r < 0)
		return err_add(err, "'%s': partition %u", disk->name, partition->slot);
	return inside->info.fs == FS_NTFS ? read_map(volume, inside, err) : 0;
}

static int read_contents(struct block_source *disk, struct contents *contents,
			 struct err *err)
{
	struct err damage = { 0 };
	size_t count;

	if (layout_read(disk, disk->sector_size, &contents->layout,
			&contents->table_notes, &damage) < 0)
		return note_damage(contents, &damage, err);
	count = contents->layout->count;
	contents->volumes = calloc(count + 1, sizeof(*contents->volumes));
	if (!contents->volumes)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++) {
		int r = 0;

		if (read_partition(disk, &contents->layout->partitions[i],
				   &contents->volumes[i], &damage) < 0)
			r = note_damage(contents, &damage, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* -- text ---- */

static void add_size(struct text *text, const char *label, uint64_t bytes)
{
	char size[SIZE_TEXT_SIZE];

	text_add(text, "%-22s %s (%" PRIu64 " bytes)\n", label, size_format(bytes, size),
		 bytes);
}

/* Each line of lines with a label before the first. */
static void add_lines(struct text *text, const char *label, const char *lines)
{
	while (lines && *lines) {
		size_t length = strcspn(lines, "\n");

		text_add(text, "%-22s %.*s\n", label, (int)length, lines);
		lines += length + (lines[length] == '\n');
		label = "";
	}
}

static void add_partition(struct text *text, const struct disk_layout *layout,
			  const struct disk_partition *partition,
			  const struct inside *inside)
{
	char size[SIZE_TEXT_SIZE];

	text_add(text,
		 "partition %-2u  offset %" PRIu64 "  length %" PRIu64 " (%s)  %s  %s\n",
		 partition->slot, partition->offset, partition->length,
		 size_format(partition->length, size),
		 partition_type_text(layout, partition),
		 file_system_text(inside->info.fs));
	if (inside->has_bitmap) {
		add_size(text, "  used", inside->used);
		add_size(text, "  used and stored", inside->stored);
	}
}

static const char *const style_texts[] = {
	[TABLE_NONE] = "none",
	[TABLE_MBR] = "MBR",
	[TABLE_GPT] = "GPT",
};

static void add_contents(struct text *text, const struct contents *contents)
{
	const struct disk_layout *layout = contents->layout;

	if (!layout) {
		text_add(text, "%-22s damaged\n", "partition table");
		return;
	}
	text_add(text, "%-22s %s\n", "partition table", style_texts[layout->style]);
	add_lines(text, "table notes", contents->table_notes);
	for (size_t i = 0; i < layout->count; i++)
		add_partition(text, layout, &layout->partitions[i],
			      &contents->volumes[i]);
}

static char *describe_text(const struct block_source *disk, const struct image_info *info,
			   const struct contents *contents)
{
	struct text text = { 0 };
	char id[GUID_TEXT_SIZE];

	text_add(&text, "%-22s %s\n", "image", disk->name);
	text_add(&text, "%-22s %s, %s\n", "format", info->format, info->subformat);
	add_size(&text, "virtual size", info->virtual_size);
	add_size(&text, "file size", info->file_size);
	add_size(&text, "stored", info->allocated);
	if (info->block_size)
		add_size(&text, "block size", info->block_size);
	text_add(&text, "%-22s %u logical, %u physical\n", "sector size",
		 info->sector_size, info->physical_sector_size);
	if (!guid_is_zero(&info->unique_id))
		text_add(&text, "%-22s %s\n", "id", guid_format(&info->unique_id, id));
	if (info->creator[0])
		text_add(&text, "%-22s %s\n", "creator", info->creator);
	if (info->log_entries)
		text_add(&text,
			 "%-22s %" PRIu64 " entries replayed in memory, %" PRIu64
			 " bytes\n",
			 "log", info->log_entries, info->log_bytes);
	add_lines(&text, "notes", info->notes);
	add_contents(&text, contents);
	return text_take(&text);
}

/* -- JSON ---- */

/* An array of the lines; "" and NULL give an empty one. */
static json_t *json_lines(const char *lines)
{
	json_t *array = json_array();

	while (lines && *lines) {
		size_t length = strcspn(lines, "\n");

		json_array_append_new(array, json_stringn(lines, length));
		lines += length + (lines[length] == '\n');
	}
	return array;
}

static json_t *json_partition(const struct disk_layout *layout,
			      const struct disk_partition *partition,
			      const struct inside *inside)
{
	char type[GUID_TEXT_SIZE], id[GUID_TEXT_SIZE];
	json_t *object =
		json_pack("{s:i, s:I, s:I, s:s, s:s, s:I, s:I, s:I}", "slot",
			  (int)partition->slot, "offset", (json_int_t)partition->offset,
			  "length", (json_int_t)partition->length, "kind",
			  partition_type_text(layout, partition), "file_system",
			  file_system_text(inside->info.fs), "cluster_size",
			  (json_int_t)inside->info.cluster_size, "file_system_size",
			  (json_int_t)inside->info.fs_size, "hidden_bytes",
			  (json_int_t)inside->info.hidden_bytes);

	if (inside->has_bitmap) {
		json_object_set_new(object, "used",
				    json_integer((json_int_t)inside->used));
		json_object_set_new(object, "used_stored",
				    json_integer((json_int_t)inside->stored));
	}
	if (layout->style == TABLE_GPT) {
		json_object_set_new(object, "type",
				    json_string(guid_format(&partition->type, type)));
		json_object_set_new(object, "id",
				    json_string(guid_format(&partition->id, id)));
	} else {
		json_object_set_new(object, "type", json_integer(partition->mbr_type));
	}
	return object;
}

static json_t *json_partitions(const struct contents *contents)
{
	json_t *array = json_array();

	for (size_t i = 0; contents->layout && i < contents->layout->count; i++)
		json_array_append_new(array,
				      json_partition(contents->layout,
						     &contents->layout->partitions[i],
						     &contents->volumes[i]));
	return array;
}

static char *describe_json(const struct block_source *disk, const struct image_info *info,
			   const struct contents *contents)
{
	char id[GUID_TEXT_SIZE], *text = NULL;
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:o, "
		"s:s, s:o, "
		"s:o, s:s?}",
		"image", disk->name, "format", info->format, "subformat", info->subformat,
		"virtual_size", (json_int_t)info->virtual_size, "file_size",
		(json_int_t)info->file_size, "allocated", (json_int_t)info->allocated,
		"block_size", (json_int_t)info->block_size, "sector_size",
		(json_int_t)info->sector_size, "physical_sector_size",
		(json_int_t)info->physical_sector_size, "unique_id",
		guid_format(&info->unique_id, id), "creator", info->creator,
		"log_entries", (json_int_t)info->log_entries, "log_bytes",
		(json_int_t)info->log_bytes, "notes", json_lines(info->notes), "table",
		contents->layout ? style_texts[contents->layout->style] : "damaged",
		"table_notes", json_lines(contents->table_notes), "partitions",
		json_partitions(contents), "problem", contents->problem);

	if (object)
		text = json_dumps(object, JSON_INDENT(1));
	json_decref(object);
	return text;
}

int image_describe(struct block_source *disk, const struct image_info *info, bool json,
		   char **ret_text, char **ret_problem, struct err *err)
{
	AUTO(contents_clear) struct contents contents = { 0 };
	char *text;
	int r = read_contents(disk, &contents, err);

	if (r < 0)
		return r;
	text = json ? describe_json(disk, info, &contents)
		    : describe_text(disk, info, &contents);
	if (!text)
		return err_set(
			err, -ENOMEM,
			"'%s': no memory for its description, or its name is not UTF-8",
			disk->name);
	*ret_text = text;
	*ret_problem = TAKE_PTR(contents.problem);
	return 0;
}
