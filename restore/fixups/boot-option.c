/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boot entries of a firmware: see boot-option.h. */
#include "boot-option.h"

#include <stdio.h>
#include <string.h>

#include <base/bytes.h>
#include <base/cleanup.h>
#include <base/utf.h>

struct option_disk {
	le32 attributes;
	le16 path_length;
	/* description, UTF-16 with NUL; the path; then data for the loader */
};
_Static_assert(sizeof(struct option_disk) == 6, "EFI_LOAD_OPTION");

/* A node of a device path, UEFI 2.10, 10.3. */
struct node_disk {
	uint8_t type, subtype;
	le16 length; /* with this header */
};
_Static_assert(sizeof(struct node_disk) == 4, "EFI_DEVICE_PATH_PROTOCOL");

struct hard_drive_disk {
	struct node_disk node;
	le32 number;	       /* 0x04 */
	le64 first, sectors;   /* 0x08 */
	uint8_t signature[16]; /* 0x18 */
	uint8_t format;	       /* 0x28 */
	uint8_t signature_type;
};
_Static_assert(sizeof(struct hard_drive_disk) == 42, "HARDDRIVE_DEVICE_PATH");

#define NODE_MEDIA	  4
#define MEDIA_HARD_DRIVE  1
#define MEDIA_FILE	  4
#define NODE_END	  0x7f
#define SIGNATURE_IS_GUID 2

/* UTF-16 with a NUL within length bytes; *ret_length: with it. false: there is none. */
static bool take_text(const uint8_t *bytes, size_t length, char *out, size_t room,
		      size_t *ret_length)
{
	AUTO_FREE char *text = NULL;
	size_t end = 0;

	while (end + 2 <= length && (bytes[end] || bytes[end + 1]))
		end += 2;
	if (end + 2 > length || utf16le_to_utf8(bytes, end, &text, NULL) < 0)
		return false;
	snprintf(out, room, "%s", text);
	*ret_length = end + 2;
	return true;
}

static void take_hard_drive(const uint8_t *bytes, size_t length,
			    struct boot_option *option)
{
	struct hard_drive_disk drive;

	if (length < sizeof(drive))
		return;
	memcpy(&drive, bytes, sizeof(drive));
	if (drive.signature_type != SIGNATURE_IS_GUID)
		return;
	option->has_partition = true;
	memcpy(option->partition.b, drive.signature, sizeof(drive.signature));
	option->first_lba = get_le64(drive.first);
	option->sectors = get_le64(drive.sectors);
}

static bool take_path(const uint8_t *bytes, size_t length, struct boot_option *option)
{
	size_t at = 0, unused;

	while (length - at >= sizeof(struct node_disk)) {
		struct node_disk node;
		size_t size;

		memcpy(&node, bytes + at, sizeof(node));
		size = get_le16(node.length);
		if (size < sizeof(node) || size > length - at)
			return false;
		if (node.type == NODE_END)
			return true;
		if (node.type == NODE_MEDIA && node.subtype == MEDIA_HARD_DRIVE)
			take_hard_drive(bytes + at, size, option);
		if (node.type == NODE_MEDIA && node.subtype == MEDIA_FILE &&
		    !take_text(bytes + at + sizeof(node), size - sizeof(node),
			       option->file, sizeof(option->file), &unused))
			return false;
		at += size;
	}
	return false;
}

int boot_option_parse(const uint8_t *bytes, size_t length, struct boot_option *ret,
		      struct err *err)
{
	struct boot_option option = { 0 };
	struct option_disk disk;
	size_t at = sizeof(disk), text = 0, path;

	if (length < sizeof(disk))
		return err_set(err, -EBADMSG, "a boot entry of %zu bytes, less than %zu",
			       length, sizeof(disk));
	memcpy(&disk, bytes, sizeof(disk));
	option.attributes = get_le32(disk.attributes);
	path = get_le16(disk.path_length);
	if (!take_text(bytes + at, length - at, option.description,
		       sizeof(option.description), &text))
		return err_set(err, -EBADMSG, "a boot entry without a name");
	at += text;
	if (path > length - at || !take_path(bytes + at, path, &option))
		return err_set(err, -EBADMSG,
			       "the device path of boot entry '%s' has no end",
			       option.description);
	*ret = option;
	return 0;
}
