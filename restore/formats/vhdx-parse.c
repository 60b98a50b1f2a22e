/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Understands headers, region tables and metadata of a VHDX; reads nothing. See
 * vhdx-format.h. */
#include "vhdx-format.h"
#include "vhdx-checksum.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/utf.h>

/* 2.2.3.2 */
static const struct guid region_bat = GUID_INIT(0x2dc27766, 0xf623, 0x4200, 0x9d, 0x64,
						0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08);
static const struct guid region_metadata = GUID_INIT(
	0x8b7ca206, 0x4790, 0x4b9a, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e);

/* 2.6.2 */
struct item_kind {
	struct guid id;
	const char *text;
	uint32_t size; /* bytes; 0: any */
	bool must_be_there;
};

static const struct item_kind item_kinds[VHDX_ITEM_COUNT] = {
	[VHDX_ITEM_FILE_PARAMETERS] = { GUID_INIT(0xcaa16737, 0xfa36, 0x4d43, 0xb3, 0xb6,
						  0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b),
					"file parameters", 8, true },
	[VHDX_ITEM_DISK_SIZE] = { GUID_INIT(0x2fa54224, 0xcd1b, 0x4876, 0xb2, 0x11, 0x5d,
					    0xbe, 0xd8, 0x3b, 0xf4, 0xb8),
				  "virtual disk size", 8, true },
	[VHDX_ITEM_LOGICAL_SECTOR] = { GUID_INIT(0x8141bf1d, 0xa96f, 0x4709, 0xba, 0x47,
						 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f),
				       "logical sector size", 4, true },
	[VHDX_ITEM_PHYSICAL_SECTOR] = { GUID_INIT(0xcda348c7, 0x445d, 0x4471, 0x9c, 0xc9,
						  0xe9, 0x88, 0x52, 0x51, 0xc5, 0x56),
					"physical sector size", 4, true },
	[VHDX_ITEM_DISK_ID] = { GUID_INIT(0xbeca12ab, 0xb2e6, 0x4523, 0x93, 0xef, 0xc3,
					  0x09, 0xe0, 0x00, 0xc7, 0x46),
				"virtual disk id", 16, false },
	[VHDX_ITEM_PARENT_LOCATOR] = { GUID_INIT(0xa8d35f2d, 0xb30b, 0x454d, 0xab, 0xf7,
						 0xd3, 0xd8, 0x48, 0x34, 0xab, 0x0c),
				       "parent locator", 0, false },
};

/* -- creator ---- */

void vhdx_creator(const uint8_t bytes[sizeof(struct vhdx_identifier_disk)], char *ret,
		  size_t size)
{
	struct vhdx_identifier_disk disk;
	AUTO_FREE char *text = NULL;
	size_t length = 0;

	memcpy(&disk, bytes, sizeof(disk));
	while (length < sizeof(disk.creator) &&
	       (disk.creator[length] || disk.creator[length + 1]))
		length += 2;
	ret[0] = '\0';
	if (utf16le_to_utf8(disk.creator, length, &text, NULL) == 0)
		snprintf(ret, size, "%s", text);
	for (char *p = ret; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
}

/* -- headers ---- */

static bool header_is_there(const uint8_t *bytes)
{
	return memcmp(bytes, "head", 4) == 0;
}

static bool header_is_valid(const uint8_t bytes[VHDX_HEADER_SIZE])
{
	return header_is_there(bytes) &&
	       vhdx_checksum_is(bytes, VHDX_HEADER_SIZE,
				offsetof(struct vhdx_header_disk, checksum));
}

static uint64_t header_sequence(const uint8_t bytes[VHDX_HEADER_SIZE])
{
	struct vhdx_header_disk disk;

	memcpy(&disk, bytes, sizeof(disk));
	return get_le64(disk.sequence);
}

static int header_parse(const char *name, const uint8_t bytes[VHDX_HEADER_SIZE],
			struct vhdx_header *ret, struct err *err)
{
	struct vhdx_header_disk disk;
	uint32_t log_length;
	uint64_t log_offset;

	memcpy(&disk, bytes, sizeof(disk));
	if (get_le16(disk.version) != 1)
		return err_set(err, -ENOTSUP, "'%s': VHDX format version %u, known is 1",
			       name, get_le16(disk.version));
	log_length = get_le32(disk.log_length);
	log_offset = get_le64(disk.log_offset);
	if (log_length % VHDX_ALIGNMENT || log_offset % VHDX_ALIGNMENT)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX log of %u bytes at %" PRIu64
			       ", must be whole MiB",
			       name, log_length, log_offset);
	if (!guid_is_zero(&disk.log)) {
		if (get_le16(disk.log_version) != 0)
			return err_set(err, -ENOTSUP,
				       "'%s': VHDX log version %u, known is 0", name,
				       get_le16(disk.log_version));
		if (log_length == 0)
			return err_set(
				err, -EBADMSG,
				"'%s': VHDX header says a log to replay, of length 0",
				name);
		if (log_length > VHDX_LOG_SIZE_MAX)
			return err_set(
				err, -ENOTSUP,
				"'%s': VHDX log to replay of %u bytes, at most %u are "
				"supported: open the image once in Windows",
				name, log_length, VHDX_LOG_SIZE_MAX);
	}
	*ret = (struct vhdx_header){
		.sequence = get_le64(disk.sequence),
		.data_write = disk.data_write,
		.log = disk.log,
		.log_offset = log_offset,
		.log_length = log_length,
	};
	return 0;
}

int vhdx_headers_parse(const char *name, const uint8_t first[VHDX_HEADER_SIZE],
		       const uint8_t second[VHDX_HEADER_SIZE], struct vhdx_header *ret,
		       const char **ret_note, struct err *err)
{
	bool first_valid = header_is_valid(first), second_valid = header_is_valid(second);
	const uint8_t *chosen = first_valid ? first : second;

	*ret_note = NULL;
	if (!header_is_there(first) && !header_is_there(second))
		return err_set(
			err, -EBADMSG,
			"'%s': no VHDX header at 64 KiB or 128 KiB, only the identifier",
			name);
	if (!first_valid && !second_valid)
		return err_set(err, -EBADMSG,
			       "'%s': checksums of both VHDX headers are wrong", name);
	if (first_valid && second_valid) {
		uint64_t a = header_sequence(first), b = header_sequence(second);

		/* disk2vhd writes the same header twice */
		if (a == b && memcmp(first, second, VHDX_HEADER_SIZE) != 0)
			return err_set(
				err, -EBADMSG,
				"'%s': two different VHDX headers with the sequence "
				"number %" PRIu64,
				name, a);
		if (a == b)
			*ret_note = "both headers have the same sequence number";
		chosen = b > a ? second : first;
	} else {
		*ret_note = first_valid ? "second header is damaged: not used"
					: "first header is damaged: not used";
	}
	return header_parse(name, chosen, ret, err);
}

/* -- regions ---- */

static bool region_table_is_valid(const uint8_t bytes[VHDX_TABLE_SIZE])
{
	return memcmp(bytes, "regi", 4) == 0 &&
	       vhdx_checksum_is(bytes, VHDX_TABLE_SIZE,
				offsetof(struct vhdx_region_table_disk, checksum));
}

static int add_region(const char *name, const struct vhdx_region_disk *disk,
		      struct vhdx_regions *regions, struct err *err)
{
	bool is_bat = guid_equal(&disk->id, &region_bat);
	bool is_metadata = guid_equal(&disk->id, &region_metadata);
	struct vhdx_region *region = is_bat ? &regions->bat : &regions->metadata;
	struct vhdx_region parsed = { get_le64(disk->offset), get_le32(disk->length) };
	char text[GUID_TEXT_SIZE];

	if (!is_bat && !is_metadata) {
		if (get_le32(disk->required) & 1)
			return err_set(
				err, -ENOTSUP,
				"'%s': VHDX needs the region {%s}, which is not known",
				name, guid_format(&disk->id, text));
		return 0;
	}
	if (region->length)
		return err_set(err, -EBADMSG, "'%s': VHDX has two %s regions", name,
			       is_bat ? "BAT" : "metadata");
	if (parsed.length == 0 || parsed.offset % VHDX_ALIGNMENT ||
	    parsed.length % VHDX_ALIGNMENT)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX %s region of %" PRIu64 " bytes at %" PRIu64
			       ", must be whole MiB and not empty",
			       name, is_bat ? "BAT" : "metadata", parsed.length,
			       parsed.offset);
	*region = parsed;
	return 0;
}

static int region_table_parse(const char *name, const uint8_t bytes[VHDX_TABLE_SIZE],
			      struct vhdx_regions *ret, struct err *err)
{
	struct vhdx_region_table_disk table;
	struct vhdx_regions regions = { 0 };
	uint32_t count;

	memcpy(&table, bytes, sizeof(table));
	count = get_le32(table.count);
	if (count > VHDX_TABLE_ENTRIES)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX region table of %u entries, at most %u", name,
			       count, VHDX_TABLE_ENTRIES);
	for (uint32_t i = 0; i < count; i++) {
		struct vhdx_region_disk region;
		int r;

		memcpy(&region, bytes + sizeof(table) + i * sizeof(region),
		       sizeof(region));
		r = add_region(name, &region, &regions, err);
		if (r < 0)
			return r;
	}
	if (!regions.bat.length || !regions.metadata.length)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX region table names no %s region", name,
			       regions.bat.length ? "metadata" : "BAT");
	*ret = regions;
	return 0;
}

static bool region_equal(const struct vhdx_region *a, const struct vhdx_region *b)
{
	return a->offset == b->offset && a->length == b->length;
}

int vhdx_regions_parse(const char *name, const uint8_t first[VHDX_TABLE_SIZE],
		       const uint8_t second[VHDX_TABLE_SIZE], struct vhdx_regions *ret,
		       const char **ret_note, struct err *err)
{
	bool first_valid = region_table_is_valid(first);
	bool second_valid = region_table_is_valid(second);
	struct vhdx_regions regions, copy;
	int r;

	*ret_note = NULL;
	if (!first_valid && !second_valid)
		return err_set(err, -EBADMSG,
			       "'%s': checksums of both VHDX region tables are wrong",
			       name);
	r = region_table_parse(name, first_valid ? first : second, &regions, err);
	if (r < 0)
		return r;
	if (!first_valid || !second_valid) {
		*ret_note = first_valid
				    ? "second region table is damaged: not used"
				    : "first region table is damaged: its copy is used";
	} else {
		r = region_table_parse(name, second, &copy, err);
		if (r < 0)
			return r;
		if (!region_equal(&regions.bat, &copy.bat) ||
		    !region_equal(&regions.metadata, &copy.metadata))
			return err_set(err, -EBADMSG,
				       "'%s': the two VHDX region tables differ", name);
	}
	*ret = regions;
	return 0;
}

int vhdx_areas_check(const char *name, const struct vhdx_header *header,
		     const struct vhdx_regions *regions, uint64_t file_size,
		     struct err *err)
{
	const struct {
		const char *what;
		uint64_t offset, length;
	} areas[] = {
		{ "header area", 0, VHDX_HEADER_AREA },
		{ "log", header->log_offset, header->log_length },
		{ "metadata region", regions->metadata.offset, regions->metadata.length },
		{ "BAT region", regions->bat.offset, regions->bat.length },
	};

	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		if (!range_within(areas[i].offset, areas[i].length, file_size))
			return err_set(err, -EBADMSG,
				       "'%s': VHDX %s at %" PRIu64 "+%" PRIu64
				       " leaves the file of %" PRIu64 " bytes",
				       name, areas[i].what, areas[i].offset,
				       areas[i].length, file_size);
		for (size_t j = 0; j < i; j++)
			if (ranges_overlap(areas[i].offset, areas[i].length,
					   areas[j].offset, areas[j].length))
				return err_set(err, -EBADMSG,
					       "'%s': VHDX %s at %" PRIu64
					       " overlaps the %s",
					       name, areas[i].what, areas[i].offset,
					       areas[j].what);
	}
	return 0;
}

const char *vhdx_area_touched(const struct vhdx_header *header,
			      const struct vhdx_regions *regions, uint64_t offset,
			      uint64_t length)
{
	const struct vhdx_region *bat = &regions->bat, *metadata = &regions->metadata;

	if (ranges_overlap(offset, length, 0, VHDX_HEADER_AREA))
		return "headers";
	if (ranges_overlap(offset, length, header->log_offset, header->log_length))
		return "log";
	if (ranges_overlap(offset, length, metadata->offset, metadata->length))
		return "metadata region";
	return ranges_overlap(offset, length, bat->offset, bat->length) ? "BAT region"
									: NULL;
}

/* -- metadata ---- */

uint32_t vhdx_item_size(enum vhdx_item_number number)
{
	return item_kinds[number].size;
}

/* VHDX_ITEM_COUNT: none that we know. */
static enum vhdx_item_number find_item(const struct vhdx_item_disk *disk)
{
	enum vhdx_item_number i = VHDX_ITEM_COUNT;

	if (get_le32(disk->flags) & VHDX_ITEM_IS_USER)
		return VHDX_ITEM_COUNT;
	for (i = 0; i < VHDX_ITEM_COUNT; i++)
		if (guid_equal(&disk->id, &item_kinds[i].id))
			break;
	return i;
}

static int add_item(const char *name, const struct vhdx_item_disk *disk,
		    uint64_t region_length, struct vhdx_items *items, struct err *err)
{
	enum vhdx_item_number number = find_item(disk);
	struct vhdx_item item = { true, get_le32(disk->offset), get_le32(disk->length) };
	char text[GUID_TEXT_SIZE];

	if (number == VHDX_ITEM_COUNT) {
		if (get_le32(disk->flags) & VHDX_ITEM_IS_REQUIRED)
			return err_set(
				err, -ENOTSUP,
				"'%s': VHDX needs the metadata item {%s}, which is not "
				"known",
				name, guid_format(&disk->id, text));
		return 0;
	}
	if (items->item[number].present)
		return err_set(err, -EBADMSG, "'%s': VHDX metadata has two items '%s'",
			       name, item_kinds[number].text);
	if (item_kinds[number].size && item.length != item_kinds[number].size)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX metadata item '%s' of %u bytes, must have %u",
			       name, item_kinds[number].text, item.length,
			       item_kinds[number].size);
	if (item.offset < VHDX_TABLE_SIZE)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX metadata item '%s' at %u, must lie behind the "
			       "table of 64 KiB",
			       name, item_kinds[number].text, item.offset);
	if (!range_within(item.offset, item.length, region_length))
		return err_set(
			err, -EBADMSG,
			"'%s': VHDX metadata item '%s' at %u+%u leaves the region of "
			"%" PRIu64 " bytes",
			name, item_kinds[number].text, item.offset, item.length,
			region_length);
	items->item[number] = item;
	return 0;
}

static int check_items(const char *name, const struct vhdx_items *items, struct err *err)
{
	for (size_t i = 0; i < VHDX_ITEM_COUNT; i++) {
		const struct vhdx_item *a = &items->item[i];

		if (!a->present && item_kinds[i].must_be_there)
			return err_set(err, -EBADMSG,
				       "'%s': VHDX metadata has no item '%s'", name,
				       item_kinds[i].text);
		for (size_t j = 0; j < i; j++) {
			const struct vhdx_item *b = &items->item[j];

			if (ranges_overlap(a->offset, a->length, b->offset, b->length))
				return err_set(err, -EBADMSG,
					       "'%s': VHDX metadata items '%s' and '%s' "
					       "overlap",
					       name, item_kinds[i].text,
					       item_kinds[j].text);
		}
	}
	return 0;
}

int vhdx_items_parse(const char *name, const uint8_t bytes[VHDX_TABLE_SIZE],
		     uint64_t region_length, struct vhdx_items *ret, struct err *err)
{
	struct vhdx_metadata_table_disk table;
	struct vhdx_items items = { 0 };
	unsigned count;
	int r;

	memcpy(&table, bytes, sizeof(table));
	if (memcmp(table.signature, "metadata", sizeof(table.signature)) != 0)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX metadata region without 'metadata'", name);
	count = get_le16(table.count);
	if (count > VHDX_TABLE_ENTRIES)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX metadata table of %u entries, at most %u",
			       name, count, VHDX_TABLE_ENTRIES);
	for (unsigned i = 0; i < count; i++) {
		struct vhdx_item_disk item;

		memcpy(&item, bytes + sizeof(table) + i * sizeof(item), sizeof(item));
		r = add_item(name, &item, region_length, &items, err);
		if (r < 0)
			return r;
	}
	r = check_items(name, &items, err);
	if (r == 0)
		*ret = items;
	return r;
}

/* -- what the items say ---- */

static uint32_t value_le32(const uint8_t *bytes)
{
	le32 value;

	memcpy(&value, bytes, sizeof(value));
	return get_le32(value);
}

static uint64_t value_le64(const uint8_t *bytes)
{
	le64 value;

	memcpy(&value, bytes, sizeof(value));
	return get_le64(value);
}

static int check_parameters(const char *name, const struct vhdx_parameters *p,
			    struct err *err)
{
	if (!is_power_of_two(p->block_size))
		return err_set(err, -EBADMSG,
			       "'%s': VHDX block size %u, must be a power of two", name,
			       p->block_size);
	if (p->block_size < VHDX_BLOCK_SIZE_MIN)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX block size %u, must be at least 1 MiB", name,
			       p->block_size);
	if (p->block_size > VHDX_BLOCK_SIZE_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX block size %u, must be at most 256 MiB", name,
			       p->block_size);
	if (p->logical_sector != 512 && p->logical_sector != 4096)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX logical sector size %u, must be 512 or 4096",
			       name, p->logical_sector);
	if (p->physical_sector != 512 && p->physical_sector != 4096)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX physical sector size %u, must be 512 or 4096",
			       name, p->physical_sector);
	if (p->disk_size == 0)
		return err_set(err, -EBADMSG, "'%s': VHDX disk of no bytes", name);
	if (p->disk_size % p->logical_sector)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX disk size %" PRIu64
			       ", must be a multiple of its sectors of %u",
			       name, p->disk_size, p->logical_sector);
	if (p->disk_size > VHDX_DISK_SIZE_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX disk size %" PRIu64
			       ", the format's limit is 64 TiB",
			       name, p->disk_size);
	return 0;
}

int vhdx_parameters_parse(const char *name, const uint8_t values[VHDX_ITEM_COUNT][16],
			  struct vhdx_parameters *ret, struct err *err)
{
	struct vhdx_file_parameters_disk file;
	struct vhdx_parameters parameters;
	int r;

	memcpy(&file, values[VHDX_ITEM_FILE_PARAMETERS], sizeof(file));
	parameters = (struct vhdx_parameters){
		.block_size = get_le32(file.block_size),
		.leave_allocated = get_le32(file.flags) & 1,
		.has_parent = get_le32(file.flags) & 2,
		.disk_size = value_le64(values[VHDX_ITEM_DISK_SIZE]),
		.logical_sector = value_le32(values[VHDX_ITEM_LOGICAL_SECTOR]),
		.physical_sector = value_le32(values[VHDX_ITEM_PHYSICAL_SECTOR]),
	};
	r = check_parameters(name, &parameters, err);
	if (r == 0)
		*ret = parameters;
	return r;
}

/* -- parent locator ---- */

/* Text of length bytes at offset; NULL where it leaves the item or is no text. */
static char *locator_text(const uint8_t *locator, size_t size, le32 offset, le16 length)
{
	char *text = NULL;

	if (!range_within(get_le32(offset), get_le16(length), size) ||
	    utf16le_to_utf8(locator + get_le32(offset), get_le16(length), &text, NULL) <
		    0)
		return NULL;
	return text;
}

/* Takes what the entry says, if it is one that we know; *path is replaced by a better one. */
static void take_locator_entry(const char *key, char **value, struct guid ids[2],
			       char **path)
{
	static const char *const links[2] = { "parent_linkage", "parent_linkage2" };
	bool is_relative = strcmp(key, "relative_path") == 0;

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (strcmp(key, links[i]) == 0 &&
		    guid_parse(*value, strlen(*value), &ids[i]) < 0)
			ids[i] = (struct guid){ 0 };
	if (!(*value)[0] ||
	    (!is_relative && (**path || strcmp(key, "absolute_win32_path") != 0)))
		return;
	free(*path);
	*path = TAKE_PTR(*value);
}

int vhdx_parent_read(const uint8_t *locator, size_t length, struct guid ret_ids[2],
		     char **ret_path, struct err *err)
{
	struct vhdx_locator_disk head = { 0 };
	struct vhdx_locator_entry_disk entry;
	struct guid ids[2] = { 0 };
	size_t at = sizeof(head);
	AUTO_FREE char *path = strdup("");

	if (!path)
		return err_nomem(err);
	if (length >= sizeof(head))
		memcpy(&head, locator, sizeof(head));
	for (unsigned i = 0; i < get_le16(head.count) && at + sizeof(entry) <= length;
	     i++) {
		memcpy(&entry, locator + at, sizeof(entry));
		at += sizeof(entry);
		AUTO_FREE char *key =
			locator_text(locator, length, entry.key_offset, entry.key_length);
		AUTO_FREE char *value = locator_text(locator, length, entry.value_offset,
						     entry.value_length);
		if (key && value)
			take_locator_entry(key, &value, ids, &path);
	}
	ret_ids[0] = ids[0];
	ret_ids[1] = ids[1];
	*ret_path = TAKE_PTR(path);
	return 0;
}
