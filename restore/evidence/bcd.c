/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BCD stores: see bcd.h. */
#include "bcd.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/bytes.h>
#include <base/text.h>
#include <base/utf.h>

/* A device element that names a partition (FORMAT.md section 5). */
struct bcd_device_disk {
	struct guid options;   /* 0x00 zero */
	le32 type;	       /* 0x10 */
	le32 flags;	       /* 0x14 */
	le32 length;	       /* 0x18 from 0x10 on */
	le32 reserved;	       /* 0x1c */
	uint8_t partition[16]; /* 0x20 GPT: id; MBR: start in bytes (64 bits), zeros */
	le32 reserved2;	       /* 0x30 */
	le32 style;	       /* 0x34 */
	uint8_t disk[16];      /* 0x38 GPT: id; MBR: signature (32 bits), zeros */
	uint8_t reserved3[16]; /* 0x48 */
};
_Static_assert(sizeof(struct bcd_device_disk) == 88, "offsets as commented");

/* What comes before the part that depends on the type. */
#define DEVICE_HEAD_SIZE 0x20

#define DEVICE_TYPE_PARTITION 6
#define DEVICE_STYLE_GPT      0
#define DEVICE_STYLE_MBR      1

static int decode_mbr(const struct bcd_device_disk *disk, struct bcd_device *ret,
		      struct err *err)
{
	le32 signature;
	le64 offset;

	memcpy(&signature, disk->disk, sizeof(signature));
	memcpy(&offset, disk->partition, sizeof(offset));
	ret->kind = BCD_DEVICE_MBR;
	ret->mbr_signature = get_le32(signature);
	ret->offset = get_le64(offset);
	/* The first sector holds the table, and no disk has smaller sectors than 512. */
	if (!ret->offset || ret->offset % 512 || ret->offset > INT64_MAX)
		return err_set(err, -EBADMSG,
			       "BCD device: partition at byte %" PRIu64
			       ", must be a multiple of 512 above 0",
			       ret->offset);
	return 0;
}

static int decode_gpt(const struct bcd_device_disk *disk, struct bcd_device *ret,
		      struct err *err)
{
	ret->kind = BCD_DEVICE_GPT;
	memcpy(&ret->partition_id, disk->partition, sizeof(ret->partition_id));
	memcpy(&ret->disk_id, disk->disk, sizeof(ret->disk_id));
	if (guid_is_zero(&ret->partition_id) || guid_is_zero(&ret->disk_id))
		return err_set(err, -EBADMSG, "BCD device: partition or disk id is zero");
	return 0;
}

int bcd_device_decode(const uint8_t *bytes, size_t length, struct bcd_device *ret,
		      struct err *err)
{
	struct bcd_device_disk disk = { 0 };
	struct bcd_device result = { 0 };
	uint32_t claimed, style;
	int r;

	if (length < DEVICE_HEAD_SIZE)
		return err_set(err, -EBADMSG, "BCD device: %zu bytes, needs %d", length,
			       DEVICE_HEAD_SIZE);
	memcpy(&disk, bytes, length < sizeof(disk) ? length : sizeof(disk));
	if (get_le32(disk.type) != DEVICE_TYPE_PARTITION) {
		*ret = result;
		return 0;
	}
	claimed = get_le32(disk.length);
	if (length < sizeof(disk) || claimed != sizeof(disk) - sizeof(disk.options))
		return err_set(
			err, -EBADMSG,
			"BCD device: partition of %zu bytes with length 0x%x, must be "
			"%zu and 0x%zx",
			length, claimed, sizeof(disk),
			sizeof(disk) - sizeof(disk.options));
	style = get_le32(disk.style);
	if (style == DEVICE_STYLE_GPT)
		r = decode_gpt(&disk, &result, err);
	else if (style == DEVICE_STYLE_MBR)
		r = decode_mbr(&disk, &result, err);
	else
		r = err_set(err, -EBADMSG,
			    "BCD device: table style %u, must be 0 (GPT) or 1 (MBR)",
			    style);
	if (r < 0)
		return r;
	*ret = result;
	return 0;
}

bool bcd_device_equal(const struct bcd_device *a, const struct bcd_device *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == BCD_DEVICE_GPT)
		return guid_equal(&a->partition_id, &b->partition_id) &&
		       guid_equal(&a->disk_id, &b->disk_id);
	return a->mbr_signature == b->mbr_signature && a->offset == b->offset;
}

/* -- stores
 * ------------------------------------------------------------------------------ */

/* Elements, as the names of their keys. */
#define ELEMENT_DEVICE	  "11000001" /* of the application */
#define ELEMENT_PATH	  "12000002"
#define ELEMENT_OS_DEVICE "21000001" /* that Windows lies on */
#define ELEMENT_DEFAULT	  "23000003" /* of the boot manager: its default loader */
#define ELEMENT_SDI	  "31000003" /* device of a ramdisk's description */

#define OBJECT_BOOT_MANAGER "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"

/* Description/Type: class, kind of image, kind of application. */
#define TYPE_WINDOWS_LOADER 0x10200003
#define TYPE_DEVICE	    0x30000000

struct store_walk {
	struct hive *hive;
	const char *what;
	struct bcd_store *store;
	char *default_loader; /* name of its object, or NULL */
	bool default_seen;
};

/* The bytes of an element, or none: *ret NULL. Only lack of memory is an error. */
static int read_element(struct store_walk *walk, hive_node object, const char *element,
			uint8_t **ret, size_t *ret_length, struct err *err)
{
	char path[32];
	hive_node node;
	int r;

	*ret = NULL;
	snprintf(path, sizeof(path), "Elements/%s", element);
	node = hive_find(walk->hive, object, path);
	if (!node)
		return 0;
	r = hive_value(walk->hive, node, "Element", ret, ret_length, err);
	return r == -ENOENT ? 0 : r;
}

/* A device element; BCD_DEVICE_OTHER where there is none. */
static int read_device(struct store_walk *walk, hive_node object, const char *element,
		       struct bcd_device *ret, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r;

	*ret = (struct bcd_device){ 0 };
	r = read_element(walk, object, element, &bytes, &length, err);
	if (r < 0 || !bytes)
		return r;
	r = bcd_device_decode(bytes, length, ret, err);
	return r < 0 ? (err_add(err, "'%s'", walk->what), r) : 0;
}

/* A text element, or NULL. */
static int read_text(struct store_walk *walk, hive_node object, const char *element,
		     char **ret, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r;

	*ret = NULL;
	r = read_element(walk, object, element, &bytes, &length, err);
	if (r < 0 || !bytes)
		return r;
	r = utf16le_to_utf8(bytes, length, ret, err);
	return r == -EBADMSG ? 0 : r; /* an unreadable text is as good as none */
}

static uint32_t object_type(struct store_walk *walk, hive_node object)
{
	AUTO_FREE uint8_t *bytes = NULL;
	hive_node description = hive_find(walk->hive, object, "Description");
	size_t length = 0;
	le32 type;

	if (!description ||
	    hive_value(walk->hive, description, "Type", &bytes, &length, NULL) < 0 ||
	    length != sizeof(type))
		return 0;
	memcpy(&type, bytes, sizeof(type));
	return get_le32(type);
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcasecmp(text + length - end_length, end) == 0;
}

static int take_loader(struct store_walk *walk, hive_node object,
		       const struct bcd_device *device, struct err *err)
{
	AUTO_FREE char *path = NULL;
	int r = read_text(walk, object, ELEMENT_PATH, &path, err);

	if (r < 0)
		return r;
	walk->store->windows = *device;
	walk->store->has_loader = true;
	walk->store->uefi = path && ends_in(path, ".efi");
	return 0;
}

/* A loader of Windows on a partition. The one of the recovery environment is of the same
 * type, but starts from a ramdisk. */
static int read_loader(struct store_walk *walk, hive_node object, const char *name,
		       struct err *err)
{
	bool is_default =
		walk->default_loader && strcasecmp(walk->default_loader, name) == 0;
	struct bcd_device device = { 0 };
	int r;

	r = read_device(walk, object, ELEMENT_OS_DEVICE, &device, err);
	if (r == 0 && device.kind == BCD_DEVICE_OTHER)
		r = read_device(walk, object, ELEMENT_DEVICE, &device, err);
	if (r < 0 || device.kind == BCD_DEVICE_OTHER)
		return r;
	if (walk->default_seen || (walk->store->has_loader && !is_default))
		return 0;
	walk->default_seen = is_default;
	return take_loader(walk, object, &device, err);
}

static int visit_object(hive_node object, const char *name, void *context,
			struct err *err)
{
	struct store_walk *walk = context;
	struct bcd_device device;
	int r;

	if (strcasecmp(name, OBJECT_BOOT_MANAGER) == 0)
		return read_device(walk, object, ELEMENT_DEVICE,
				   &walk->store->boot_manager, err);
	switch (object_type(walk, object)) {
	case TYPE_WINDOWS_LOADER:
		return read_loader(walk, object, name, err);
	case TYPE_DEVICE:
		r = read_device(walk, object, ELEMENT_SDI, &device, err);
		if (r == 0 && walk->store->recovery.kind == BCD_DEVICE_OTHER)
			walk->store->recovery = device;
		return r;
	default:
		return 0;
	}
}

int bcd_store_read(const void *bytes, size_t length, const char *what,
		   struct bcd_store *ret, struct err *err)
{
	AUTO(hive_freep) struct hive *hive = NULL;
	AUTO_FREE char *default_loader = NULL;
	struct bcd_store store = { 0 };
	struct store_walk walk = { .what = what, .store = &store };
	hive_node objects, manager;
	int r;

	r = hive_open(bytes, length, what, &hive, err);
	if (r < 0)
		return r;
	walk.hive = hive;
	store.dirty = hive_is_dirty(hive);
	objects = hive_find(hive, 0, "Objects");
	if (!objects)
		return err_set(err, -EBADMSG,
			       "'%s': a hive without 'Objects' is not a BCD store", what);
	manager = hive_find(hive, objects, OBJECT_BOOT_MANAGER);
	if (manager) {
		r = read_text(&walk, manager, ELEMENT_DEFAULT, &default_loader, err);
		if (r < 0)
			return r;
		walk.default_loader = default_loader;
	}
	r = hive_children(hive, objects, visit_object, &walk, err);
	if (r < 0)
		return r;
	*ret = store;
	return 0;
}
