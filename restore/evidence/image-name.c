/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of image files: see image-name.h. */
#include "image-name.h"

#include <string.h>
#include <strings.h>

#include <base/bytes.h>
#include <base/cleanup.h>

#include "formats/packed.h"

/* Volumes on disks with an MBR: SSSSSSSS-0000-0000-OOOO-OOOOOOOOOOOO. */
struct mbr_guid_disk {
	le32 signature; /* 0x00 */
	le32 zero;	/* 0x04 */
	le64 offset;	/* 0x08 bytes */
};
_Static_assert(sizeof(struct mbr_guid_disk) == sizeof(struct guid), "a GUID's size");

/* No disk has smaller sectors. */
#define SMALLEST_SECTOR 512

static bool read_mbr_guid(const struct guid *guid, struct image_name *ret)
{
	struct mbr_guid_disk disk;

	memcpy(&disk, guid, sizeof(disk));
	if (!get_le32(disk.signature) || get_le32(disk.zero) || !get_le64(disk.offset) ||
	    get_le64(disk.offset) % SMALLEST_SECTOR || get_le64(disk.offset) > INT64_MAX)
		return false;
	ret->mbr_signature = get_le32(disk.signature);
	ret->offset = get_le64(disk.offset);
	return true;
}

/* Fills kind, guid, is_random, signature and offset from a volume GUID. */
static void image_name_from_guid(const struct guid *guid, struct image_name *ret)
{
	ret->guid = *guid;
	if (read_mbr_guid(guid, ret)) {
		ret->kind = IMAGE_NAME_MBR;
		return;
	}
	ret->kind = IMAGE_NAME_GUID;
	/* RFC 4122 section 4.1.3: the version is in the high bits of the third group. */
	ret->is_random = guid->b[7] >> 4 == 1;
}

static bool ends_in(const char *name, size_t length, const char *extension)
{
	size_t tail = strlen(extension);

	return length >= tail && strncasecmp(name + length - tail, extension, tail) == 0;
}

/* A copy in the same folder gets " (2)", " - Copy" or words of another language behind its
 * name. The length without that. */
static size_t without_copy_mark(const char *name, size_t length)
{
	const char *blank = memchr(name, ' ', length);

	return blank ? (size_t)(blank - name) : length;
}

struct image_name image_name_read(const char *name)
{
	static const char *const extensions[] = { ".vhd", ".vhdx" };
	struct image_name result = { 0 };
	size_t length = packed_name_length(name);
	struct guid guid;

	for (size_t i = 0; i < ARRAY_SIZE(extensions) && !result.has_extension; i++) {
		if (!ends_in(name, length, extensions[i]))
			continue;
		result.has_extension = true;
		result.is_packed = name[length] != '\0';
		length -= strlen(extensions[i]);
	}
	length = without_copy_mark(name, length);
	if (result.has_extension && length == 3 && strncasecmp(name, "esp", 3) == 0)
		result.kind = IMAGE_NAME_ESP;
	else if (guid_parse(name, length, &guid) == 0)
		image_name_from_guid(&guid, &result);
	return result;
}
