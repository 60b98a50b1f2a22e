/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AsrSif: see asrsif.h. */
#include "asrsif.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/checked.h>

#include "backup-specs.h"
#include "value.h"

/* Windows numbers up to some hundred disks. */
#define MAX_DISKS 512
/* GPT tables have 128 entries; four per logical partition of an MBR. */
#define MAX_PARTITIONS 512
#define MAX_VOLUMES    4096

static void partition_clear(struct asrsif_partition *partition)
{
	free(partition->values.name.value);
	free(partition->dos_path);
}

void asrsif_free(struct asrsif *asrsif)
{
	if (!asrsif)
		return;
	for (size_t i = 0; i < asrsif->disk_count; i++) {
		struct asrsif_disk *disk = &asrsif->disks[i];

		for (size_t j = 0; j < disk->partition_count; j++)
			partition_clear(&disk->partitions[j]);
		free(disk->partitions);
	}
	for (size_t i = 0; i < asrsif->volume_count; i++) {
		free(asrsif->volumes[i].file_system);
		free(asrsif->volumes[i].label);
		free(asrsif->volumes[i].dos_path);
	}
	free(asrsif->disks);
	free(asrsif->volumes);
	free(asrsif->machine);
	free(asrsif);
}

/* -- values of attributes ---- */

static bool contains(const char *name, const char *part)
{
	return strcasestr(name, part) != NULL;
}

static bool ends_in(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);

	return length >= end_length && strcasecmp(name + length - end_length, end) == 0;
}

/* Decimal, or hexadecimal with 0x; nothing else. */
static bool read_number(const char *text, uint64_t *ret)
{
	bool hex = strncasecmp(text, "0x", 2) == 0;
	const char *digits = hex ? text + 2 : text;
	char *end;

	if (!isxdigit((unsigned char)digits[0]))
		return false;
	errno = 0;
	*ret = strtoull(digits, &end, hex ? 16 : 10);
	return *end == '\0' && errno == 0;
}

static bool read_guid(const char *text, struct guid *ret)
{
	return guid_parse(text, strlen(text), ret) == 0;
}

static int number_of(const struct xml_attribute *attribute, const char *what,
		     struct value_u64 *ret, struct err *err)
{
	uint64_t number;

	if (!read_number(attribute->value, &number))
		return err_set(err, -EBADMSG, "'%s': AsrSif: %s '%.40s' is not a number",
			       what, attribute->name, attribute->value);
	value_set(ret, number, ORIGIN_ASRSIF);
	return 0;
}

/* "\DosDevices\C:" → "C:"; other texts NULL. */
static const char *dos_path_of(const char *symbolic_name)
{
	static const char prefix[] = "\\DosDevices\\";

	if (!symbolic_name || strncasecmp(symbolic_name, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	return symbolic_name + sizeof(prefix) - 1;
}

static int copy_text(const char *text, char **ret, struct err *err)
{
	if (!text)
		return 0;
	free(*ret);
	*ret = strdup(text);
	return *ret ? 0 : err_nomem(err);
}

/* -- partitions ---- */

static const struct guid *const known_types[] = {
	&partition_type_esp,
	&partition_type_msr,
	&partition_type_basic_data,
	&partition_type_recovery,
};

static bool is_known_type(const struct guid *guid)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_types); i++)
		if (guid_equal(guid, known_types[i]))
			return true;
	return false;
}

/* A GUID on a partition is its volume, its type or its id: the name may say so, a known
 * type is recognised by value, and what is left is the id. */
static void take_guid(const char *name, const struct guid *guid,
		      struct asrsif_partition *ret)
{
	struct source_partition *values = &ret->values;

	if (contains(name, "Volume")) {
		ret->volume = *guid;
		ret->has_volume = true;
	} else if (contains(name, "Type") || is_known_type(guid)) {
		value_set_guid(&values->type, guid, ORIGIN_ASRSIF);
	} else if (!guid_is_zero(guid)) {
		ret->id_candidates++;
		value_set_guid(&values->id, guid, ORIGIN_ASRSIF);
	}
}

static int take_attribute(const struct xml_attribute *attribute, enum table_style style,
			  const char *what, struct asrsif_partition *ret, struct err *err)
{
	const char *name = attribute->name;
	struct source_partition *values = &ret->values;
	struct guid guid;

	if (read_guid(attribute->value, &guid)) {
		take_guid(name, &guid, ret);
		return 0;
	}
	if (ends_in(name, "Offset"))
		return number_of(attribute, what, &values->offset, err);
	if (ends_in(name, "Length"))
		return number_of(attribute, what, &values->length, err);
	if (ends_in(name, "Index"))
		return number_of(attribute, what, &values->slot, err);
	if (ends_in(name, "IsCritical"))
		return number_of(attribute, what, &ret->critical, err);
	if (style == TABLE_MBR && strcmp(name, "BootFlag") == 0)
		return number_of(attribute, what, &values->mbr_active, err);
	if (style == TABLE_MBR && strcmp(name, "PartitionType") == 0)
		return number_of(attribute, what, &values->mbr_type, err);
	if (style == TABLE_GPT && contains(name, "Attr"))
		return number_of(attribute, what, &values->attributes, err);
	if (style == TABLE_GPT && (ends_in(name, "Name") || ends_in(name, "Label")))
		return value_set_text(&values->name, attribute->value, ORIGIN_ASRSIF,
				      err);
	return 0;
}

/* The volume and the drive letter, which join a partition to its image. */
static int read_mount_points(const struct xml_element *element,
			     struct asrsif_partition *ret, struct err *err)
{
	const struct xml_element *child;
	int r = 0;

	for (child = element->children; child && r == 0; child = child->next) {
		for (size_t i = 0; i < child->attribute_count && r == 0; i++) {
			const char *value = child->attributes[i].value;

			if (volume_name_parse(value, &ret->volume) == 0)
				ret->has_volume = true;
			else
				r = copy_text(dos_path_of(value), &ret->dos_path, err);
		}
	}
	return r;
}

/* Windows counts the entries of the table from 0. Behind the four primaries of an MBR it
 * keeps four for each logical partition: the partition and the link to the next. */
static void slot_from_index(struct source_partition *values, enum table_style style)
{
	uint64_t index = values->slot.value;

	if (!value_known(values->slot.origin))
		return;
	values->slot.value = index + 1;
	if (style == TABLE_MBR && index >= 4)
		values->slot.value = 5 + (index - 4) / 4;
}

static bool is_extended(uint64_t mbr_type)
{
	return mbr_type == 0x05 || mbr_type == 0x0f;
}

/* Links between logical partitions are no partitions; nor are empty entries. */
static bool is_placeholder(const struct source_partition *values, enum table_style style)
{
	if (!values->length.value)
		return true;
	return style == TABLE_MBR && values->slot.value > 4 &&
	       is_extended(values->mbr_type.value);
}

static int check_partition(const struct asrsif_disk *disk,
			   const struct source_partition *p, const char *what,
			   struct err *err)
{
	uint64_t end;

	if (!checked_add(p->offset.value, p->length.value, &end) || end > INT64_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': AsrSif: partition at %" PRIu64 " of %" PRIu64
			       " bytes is beyond every disk",
			       what, p->offset.value, p->length.value);
	if (value_known(disk->values.size.origin) && end > disk->values.size.value)
		return err_set(err, -EBADMSG,
			       "'%s': AsrSif: partition ends at byte %" PRIu64
			       ", its disk at %" PRIu64,
			       what, end, disk->values.size.value);
	if (p->slot.value > MAX_PARTITIONS || p->mbr_type.value > UINT8_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': AsrSif: partition with index %" PRIu64
			       " and type 0x%" PRIx64 " cannot be",
			       what, p->slot.value, p->mbr_type.value);
	return 0;
}

static int read_partition(const struct xml_element *element, const char *what,
			  struct asrsif_disk *disk, struct err *err)
{
	struct asrsif_partition *partition = &disk->partitions[disk->partition_count++];
	enum table_style style = (enum table_style)disk->values.style.value;
	int r;

	partition->values.volume = -1;
	for (size_t i = 0; i < element->attribute_count; i++) {
		r = take_attribute(&element->attributes[i], style, what, partition, err);
		if (r < 0)
			return r;
	}
	if (partition->id_candidates > 1) /* which one is the id must not be guessed */
		partition->values.id = (struct value_guid){ 0 };
	slot_from_index(&partition->values, style);
	r = check_partition(disk, &partition->values, what, err);
	if (r < 0)
		return r;
	if (is_placeholder(&partition->values, style)) {
		partition_clear(partition);
		memset(partition, 0, sizeof(*partition));
		disk->partition_count--;
		return 0;
	}
	return read_mount_points(element, partition, err);
}

/* -- disks ---- */

/* A partition is what has a place: one attribute ending in Offset and one in Length. */
static bool is_partition(const struct xml_element *element)
{
	bool offset = false, length = false;

	for (size_t i = 0; i < element->attribute_count; i++) {
		offset = offset || ends_in(element->attributes[i].name, "Offset");
		length = length || ends_in(element->attributes[i].name, "Length");
	}
	return offset && length;
}

static enum table_style style_of(const struct xml_element *element)
{
	struct guid guid;

	if (contains(element->name, "Gpt"))
		return TABLE_GPT;
	if (contains(element->name, "Mbr"))
		return TABLE_MBR;
	for (size_t i = 0; i < element->attribute_count; i++) {
		if (read_guid(element->attributes[i].value, &guid))
			return TABLE_GPT;
		if (contains(element->attributes[i].name, "Signature"))
			return TABLE_MBR;
	}
	return TABLE_NONE;
}

static int take_disk_attribute(const struct xml_attribute *attribute, const char *what,
			       struct asrsif_disk *ret, struct err *err)
{
	struct source_disk *values = &ret->values;
	const char *name = attribute->name;
	struct value_u64 number = { 0 };
	struct guid guid;
	int r;

	if (read_guid(attribute->value, &guid)) {
		if (!guid_is_zero(&guid))
			value_set_guid(&values->disk_id, &guid, ORIGIN_ASRSIF);
		return 0;
	}
	if (contains(name, "Signature"))
		return number_of(attribute, what, &values->mbr_signature, err);
	if (ends_in(name, "DiskSize"))
		return number_of(attribute, what, &values->size, err);
	if (ends_in(name, "BytesPerSector"))
		return number_of(attribute, what, &values->sector_size, err);
	if (ends_in(name, "IsCritical"))
		return number_of(attribute, what, &values->critical, err);
	if (!ends_in(name, "DeviceNumber"))
		return 0;
	r = number_of(attribute, what, &number, err);
	if (r < 0)
		return r;
	ret->number = (unsigned)number.value;
	ret->has_number = true;
	return 0;
}

static int check_disk(const struct source_disk *values, const char *what, struct err *err)
{
	uint64_t sector = values->sector_size.value;

	if (value_known(values->sector_size.origin) &&
	    (!is_power_of_two(sector) || sector < 512 || sector > 4096))
		return err_set(err, -EBADMSG,
			       "'%s': AsrSif: disk with sectors of %" PRIu64
			       " bytes, must be 512 to 4096",
			       what, sector);
	if (values->size.value > INT64_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': AsrSif: disk of %" PRIu64
			       " bytes, which no disk has",
			       what, values->size.value);
	if (values->mbr_signature.value > UINT32_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': AsrSif: signature 0x%" PRIx64
			       " has more than 32 bits",
			       what, values->mbr_signature.value);
	return 0;
}

static int compare_partitions(const void *a, const void *b)
{
	const struct asrsif_partition *p = a, *q = b;

	if (p->values.offset.value != q->values.offset.value)
		return p->values.offset.value < q->values.offset.value ? -1 : 1;
	return 0;
}

static int read_disk(const struct xml_element *element, const char *what,
		     struct asrsif_disk *ret, struct err *err)
{
	const struct xml_element *child;
	size_t count = 0;
	int r;

	if (style_of(element) != TABLE_NONE)
		value_set(&ret->values.style, style_of(element), ORIGIN_ASRSIF);
	for (size_t i = 0; i < element->attribute_count; i++) {
		r = take_disk_attribute(&element->attributes[i], what, ret, err);
		if (r < 0)
			return r;
	}
	r = check_disk(&ret->values, what, err);
	if (r < 0)
		return r;
	for (child = element->children; child; child = child->next)
		count += is_partition(child);
	if (count > MAX_PARTITIONS)
		return err_set(err, -EBADMSG, "'%s': AsrSif: %zu partitions, limit %d",
			       what, count, MAX_PARTITIONS);
	ret->partitions = calloc(count + 1, sizeof(*ret->partitions));
	if (!ret->partitions)
		return err_nomem(err);
	for (child = element->children; child; child = child->next) {
		if (!is_partition(child))
			continue;
		r = read_partition(child, what, ret, err);
		if (r < 0)
			return r;
	}
	qsort(ret->partitions, ret->partition_count, sizeof(*ret->partitions),
	      compare_partitions);
	return 0;
}

static size_t count_children(const struct xml_element *parent)
{
	const struct xml_element *child = parent ? parent->children : NULL;
	size_t count = 0;

	for (; child; child = child->next)
		count++;
	return count;
}

static int read_disks(const struct xml_element *root, const char *what,
		      struct asrsif *asrsif, struct err *err)
{
	const struct xml_element *parent = xml_find(root, "Disks"), *child;
	size_t count = count_children(parent);
	int r;

	if (count > MAX_DISKS)
		return err_set(err, -EBADMSG, "'%s': AsrSif: %zu disks, limit %d", what,
			       count, MAX_DISKS);
	asrsif->disks = calloc(count + 1, sizeof(*asrsif->disks));
	if (!asrsif->disks)
		return err_nomem(err);
	for (child = count ? parent->children : NULL; child; child = child->next) {
		r = read_disk(child, what, &asrsif->disks[asrsif->disk_count++], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* -- the rest ---- */

static int read_volume(const struct xml_element *element, struct asrsif *asrsif,
		       struct err *err)
{
	struct asrsif_volume *volume = &asrsif->volumes[asrsif->volume_count];
	const char *guid = xml_value(element, "VolumeGuid");
	int r;

	if (!guid || volume_name_parse(guid, &volume->guid) < 0)
		return 0;
	asrsif->volume_count++;
	r = copy_text(xml_value(element, "FsName"), &volume->file_system, err);
	if (r == 0)
		r = copy_text(xml_value(element, "Label"), &volume->label, err);
	if (r == 0)
		r = copy_text(dos_path_of(xml_value(element, "DosPath")),
			      &volume->dos_path, err);
	return r;
}

static int read_volumes(const struct xml_element *root, const char *what,
			struct asrsif *asrsif, struct err *err)
{
	const struct xml_element *parent = xml_find(root, "FixedVolumes"), *child;
	size_t count = count_children(parent);
	int r;

	if (count > MAX_VOLUMES)
		return err_set(err, -EBADMSG, "'%s': AsrSif: %zu volumes, limit %d", what,
			       count, MAX_VOLUMES);
	asrsif->volumes = calloc(count + 1, sizeof(*asrsif->volumes));
	if (!asrsif->volumes)
		return err_nomem(err);
	for (child = count ? parent->children : NULL; child; child = child->next) {
		r = read_volume(child, asrsif, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_system(const struct xml_element *root, struct asrsif *asrsif,
		       struct err *err)
{
	const struct xml_element *system = xml_find(root, "System");
	const struct xml_element *packs = xml_find(root, "AsrLdm");
	const char *firmware = system ? xml_value(system, "FirmwareType") : NULL;
	const char *number = packs ? xml_value(packs, "NumPacks") : NULL;
	uint64_t value;

	if (firmware && read_number(firmware, &value) && (value == 1 || value == 2))
		asrsif->firmware = value == 2 ? ASRSIF_UEFI : ASRSIF_BIOS;
	asrsif->has_dynamic_disks = number && read_number(number, &value) && value;
	if (!system || !xml_value(system, "MachineName"))
		return 0;
	return copy_text(xml_value(system, "MachineName"), &asrsif->machine, err);
}

int asrsif_read(const char *text, const char *what, struct asrsif **ret, struct err *err)
{
	AUTO(xml_freep) struct xml_element *root = NULL;
	AUTO(asrsif_freep) struct asrsif *asrsif = calloc(1, sizeof(*asrsif));
	int r;

	if (!asrsif)
		return err_nomem(err);
	r = xml_parse(text, strlen(text), what, &root, err);
	if (r == 0)
		r = read_system(root, asrsif, err);
	if (r == 0)
		r = read_disks(root, what, asrsif, err);
	if (r == 0)
		r = read_volumes(root, what, asrsif, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(asrsif);
	return 0;
}
