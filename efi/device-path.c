/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Device paths as bytes; see device-path.h. */
#include "device-path.h"

#include <string.h>

#include <base/bytes.h>

#include "text.h"

#define TYPE_MEDIA 0x04
#define TYPE_END   0x7f

#define MEDIA_HARD_DRIVE 0x01
#define MEDIA_FILE_PATH	 0x04
#define END_WHOLE	 0xff

struct node_disk {
	uint8_t type;	 /* 0x00 */
	uint8_t subtype; /* 0x01 */
	le16 length;	 /* 0x02 with this head */
};
_Static_assert(sizeof(struct node_disk) == 4, "device path node");

struct hard_drive_disk {
	struct node_disk head;	/* 0x00 */
	le32 number;		/* 0x04 */
	le64 first_lba;		/* 0x08 */
	le64 sector_count;	/* 0x10 */
	uint8_t signature[16];	/* 0x18 */
	uint8_t format;		/* 0x28 1 MBR, 2 GPT */
	uint8_t signature_type; /* 0x29 0 none, 1 the MBR's 32 bits, 2 GUID */
};
_Static_assert(sizeof(struct hard_drive_disk) == 0x2a, "hard drive node");

static struct node_disk node_at(const uint8_t *path, size_t at)
{
	struct node_disk node;

	memcpy(&node, path + at, sizeof(node));
	return node;
}

static bool node_is_end(const struct node_disk *node)
{
	return node->type == TYPE_END && node->subtype == END_WHOLE;
}

int device_path_measure(const void *path, size_t max_size, size_t *ret_size,
			struct err *err)
{
	size_t at = 0;

	if (max_size > DEVICE_PATH_MAX_SIZE)
		max_size = DEVICE_PATH_MAX_SIZE;
	while (max_size - at >= sizeof(struct node_disk)) {
		struct node_disk node = node_at(path, at);
		size_t length = get_le16(node.length);

		if (length < sizeof(node))
			return err_set(err, -EBADMSG,
				       "device path: node of %zu bytes at %zu, must be "
				       "at least %zu",
				       length, at, sizeof(node));
		if (length > max_size - at)
			break;
		at += length;
		if (node_is_end(&node)) {
			*ret_size = at;
			return 0;
		}
	}
	return err_set(err, -EBADMSG, "device path: no end within %zu bytes", max_size);
}

static int read_hard_drive(const uint8_t *bytes, size_t length,
			   struct boot_partition *ret, struct err *err)
{
	struct boot_partition partition = { 0 };
	struct hard_drive_disk node;
	le32 signature;

	if (length < sizeof(node))
		return err_set(err, -EBADMSG,
			       "device path: hard drive node of %zu bytes, must be %zu",
			       length, sizeof(node));
	memcpy(&node, bytes, sizeof(node));
	partition.number = get_le32(node.number);
	if (node.format == 2 && node.signature_type == 2) {
		partition.style = PARTITION_GPT;
		memcpy(partition.guid, node.signature, sizeof(partition.guid));
	} else if (node.format == 1 && node.signature_type == 1) {
		partition.style = PARTITION_MBR;
		memcpy(&signature, node.signature, sizeof(signature));
		partition.disk_signature = get_le32(signature);
	} else {
		return err_set(err, -EBADMSG,
			       "device path: partition format %u with signature type %u",
			       node.format, node.signature_type);
	}
	*ret = partition;
	return 0;
}

int device_path_partition(const void *path, size_t size, struct boot_partition *ret,
			  struct err *err)
{
	struct boot_partition partition = { 0 };
	int r;

	for (size_t at = 0; at < size; at += get_le16(node_at(path, at).length)) {
		struct node_disk node = node_at(path, at);

		if (node.type != TYPE_MEDIA || node.subtype != MEDIA_HARD_DRIVE)
			continue;
		r = read_hard_drive((const uint8_t *)path + at, get_le16(node.length),
				    &partition, err);
		if (r)
			return r;
	}
	*ret = partition;
	return 0;
}

size_t device_path_disk_length(const void *path, size_t size)
{
	size_t at = 0;

	while (at < size) {
		struct node_disk node = node_at(path, at);

		if (node.type == TYPE_MEDIA || node_is_end(&node))
			break;
		at += get_le16(node.length);
	}
	return at;
}

bool device_path_same_disk(const void *a, size_t a_size, const void *b, size_t b_size)
{
	size_t length = device_path_disk_length(a, a_size);

	return length == device_path_disk_length(b, b_size) && !memcmp(a, b, length);
}

/* Appends units up to a NUL; false: they do not fit. */
static bool append_units(uint16_t *name, size_t *length, size_t max_units,
			 const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		le16 unit;

		memcpy(&unit, bytes + i * sizeof(unit), sizeof(unit));
		if (!get_le16(unit))
			break;
		if (*length + 1 >= max_units)
			return false;
		name[(*length)++] = get_le16(unit);
	}
	return true;
}

int device_path_file(const void *path, size_t size, uint16_t *ret_name, size_t max_units,
		     struct err *err)
{
	static const uint8_t separator[2] = { '\\', 0 };
	const uint8_t *bytes = path;
	size_t length = 0;

	for (size_t at = 0, node_length; at < size; at += node_length) {
		struct node_disk node = node_at(bytes, at);
		size_t count;
		bool fits = true;

		node_length = get_le16(node.length);
		if (node.type != TYPE_MEDIA || node.subtype != MEDIA_FILE_PATH)
			continue;
		count = node_length - sizeof(node);
		if (count % 2)
			return err_set(
				err, -EBADMSG,
				"device path: file name of %zu bytes, must be even",
				count);
		if (length && ret_name[length - 1] != '\\' && count &&
		    bytes[at + 4] != '\\')
			fits = append_units(ret_name, &length, max_units, separator, 1);
		fits = fits && append_units(ret_name, &length, max_units,
					    bytes + at + sizeof(node), count / 2);
		if (!fits)
			return err_set(
				err, -ENOSPC,
				"device path: file name longer than %zu characters",
				max_units - 1);
	}
	ret_name[length] = 0;
	return 0;
}

void file_name_to_folder(uint16_t *name)
{
	size_t end = 0;

	for (size_t i = 0; name[i]; i++)
		if (name[i] == '\\')
			end = i + 1;
	name[end] = 0;
}

const char *boot_partition_format(const struct boot_partition *partition,
				  char text[BOOT_PARTITION_TEXT_SIZE])
{
	struct text out = text_start(text, BOOT_PARTITION_TEXT_SIZE);

	if (partition->style == PARTITION_GPT)
		text_add_guid(&out, partition->guid);
	else if (partition->style == PARTITION_MBR)
		text_add(&out, "mbr:%08x:%u", partition->disk_signature,
			 partition->number);
	return text;
}
