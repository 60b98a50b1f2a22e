/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Device elements of boot stores: see bcd-element.h. */
#include "bcd-element.h"

#include <inttypes.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/text.h>

/* A device element that names a partition (FORMAT.md section 5). */
struct bcd_device_disk {
	struct guid options;   /* 0x00 zero */
	le32 type;	       /* 0x10 */
	le32 flags;	       /* 0x14 */
	le32 length;	       /* 0x18 from 0x10 on */
	le32 reserved;	       /* 0x1c */
	uint8_t partition[16]; /* 0x20 GPT: id; MBR: start in bytes (64 bits), zeros */
	le32 local;	       /* 0x30 what the partition lies on: 0 is a disk */
	le32 style;	       /* 0x34 */
	uint8_t disk[16];      /* 0x38 GPT: id; MBR: signature (32 bits), zeros */
	uint8_t reserved3[16]; /* 0x48 */
};
_Static_assert(sizeof(struct bcd_device_disk) == BCD_PARTITION_SIZE,
	       "offsets as commented");

/* What every device begins with. */
struct device_head_disk {
	le32 type;     /* 0x00 */
	le32 flags;    /* 0x04 */
	le32 length;   /* 0x08 with this head */
	le32 reserved; /* 0x0c */
};
_Static_assert(sizeof(struct device_head_disk) == 16, "offsets as commented");

/* A whole disk, behind the head. */
struct whole_disk_disk {
	le32 local;	  /* 0x00 0 */
	le32 style;	  /* 0x04 */
	uint8_t disk[16]; /* 0x08 as in struct bcd_device_disk */
};
_Static_assert(sizeof(struct whole_disk_disk) == 24, "offsets as commented");

/* A device that is searched for, behind the head. */
struct locate_disk {
	le32 how;     /* 0x00 */
	le32 element; /* 0x04 whose path is looked for */
	le32 parent;  /* 0x08 offset of a device, from the head on; 0: none */
};
_Static_assert(sizeof(struct locate_disk) == 12, "offsets as commented");

/* The head of a file: a device and a path in it. */
struct file_disk {
	le32 version; /* 0x00 1 */
	le32 length;  /* 0x04 with this head */
	le32 kind;    /* 0x08 5: a device and a path; else a path alone */
};
_Static_assert(sizeof(struct file_disk) == 12, "offsets as commented");

#define OPTIONS_SIZE sizeof(struct guid)
/* What comes before the part that depends on the type. */
#define DEVICE_HEAD_SIZE (OPTIONS_SIZE + sizeof(struct device_head_disk))
/* Between the local type of a ramdisk or virtual disk and the file or device it is of. */
#define LOCAL_GAP 20

enum { TYPE_LOCAL = 0, TYPE_BOOT = 5, TYPE_PARTITION = 6, TYPE_LOCATE = 8 };
enum { LOCAL_DISK = 0, LOCAL_RAMDISK = 3, LOCAL_FILE = 5, LOCAL_VIRTUAL_DISK = 6 };

#define FILE_ON_DEVICE 5
#define STYLE_GPT      0
#define STYLE_MBR      1

bool bcd_device_equal(const struct bcd_device *a, const struct bcd_device *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == BCD_DEVICE_GPT)
		return guid_equal(&a->partition_id, &b->partition_id) &&
		       guid_equal(&a->disk_id, &b->disk_id);
	return a->mbr_signature == b->mbr_signature && a->offset == b->offset;
}

/* -- what a partition or a disk is called ---- */

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

static int check_style(uint32_t style, struct err *err)
{
	if (style == STYLE_GPT || style == STYLE_MBR)
		return 0;
	return err_set(err, -EBADMSG,
		       "BCD device: table style %u, must be 0 (GPT) or 1 (MBR)", style);
}

/* bytes begin with the options, length goes to the end of the element. */
static int decode_partition(const uint8_t *bytes, size_t length, struct bcd_device *ret,
			    struct err *err)
{
	struct bcd_device_disk disk = { 0 };
	struct bcd_device result = { 0 };
	uint32_t claimed;
	int r;

	memcpy(&disk, bytes, length < sizeof(disk) ? length : sizeof(disk));
	claimed = get_le32(disk.length);
	if (length < sizeof(disk) || claimed != sizeof(disk) - sizeof(disk.options))
		return err_set(
			err, -EBADMSG,
			"BCD device: partition of %zu bytes with length 0x%x, must be "
			"%zu and 0x%zx",
			length, claimed, sizeof(disk),
			sizeof(disk) - sizeof(disk.options));
	/* On a virtual disk its ids are in the file, and stay. */
	if (get_le32(disk.local) != LOCAL_DISK) {
		*ret = result;
		return 0;
	}
	r = check_style(get_le32(disk.style), err);
	if (r == 0 && get_le32(disk.style) == STYLE_GPT)
		r = decode_gpt(&disk, &result, err);
	else if (r == 0)
		r = decode_mbr(&disk, &result, err);
	if (r == 0)
		*ret = result;
	return r;
}

int bcd_device_decode(const uint8_t *bytes, size_t length, struct bcd_device *ret,
		      struct err *err)
{
	struct device_head_disk head;

	if (length < DEVICE_HEAD_SIZE)
		return err_set(err, -EBADMSG, "BCD device: %zu bytes, needs %zu", length,
			       DEVICE_HEAD_SIZE);
	memcpy(&head, bytes + OPTIONS_SIZE, sizeof(head));
	if (get_le32(head.type) == TYPE_PARTITION)
		return decode_partition(bytes, length, ret, err);
	*ret = (struct bcd_device){ 0 };
	return 0;
}

/* -- devices in each other ---- */

/* What of an element is still to be read: the device at offset, which ends before end. */
struct decode {
	const uint8_t *bytes;
	size_t offset, end;
	size_t payload; /* behind its head */
	bool more;	/* there is another device inside */
	struct bcd_element *element;
};

static int too_short(const struct decode *d, const char *what, struct err *err)
{
	return err_set(err, -EBADMSG,
		       "BCD device: %s at byte %zu does not lie within the %zu bytes "
		       "around it",
		       what, d->payload, d->end);
}

/* Copies a structure from behind the head of the device. */
static int take(const struct decode *d, size_t at, void *ret, size_t size,
		const char *what, struct err *err)
{
	if (at > d->end || size > d->end - at)
		return too_short(d, what, err);
	memcpy(ret, d->bytes + at, size);
	return 0;
}

static void set_place(struct decode *d, const struct bcd_device *device, bool whole_disk)
{
	d->element->has_place = true;
	d->element->place = (struct bcd_place){ d->offset, whole_disk, *device };
}

/* The device inside begins at offset. */
static int enter(struct decode *d, size_t offset, struct err *err)
{
	if (offset > d->end || offset < d->payload)
		return too_short(d, "a device inside", err);
	d->offset = offset;
	d->more = true;
	return 0;
}

static int enter_file(struct decode *d, size_t at, struct err *err)
{
	struct file_disk file;
	size_t length;
	int r = take(d, at, &file, sizeof(file), "a file", err);

	if (r < 0)
		return r;
	length = get_le32(file.length);
	if (length < sizeof(file) || length > d->end - at)
		return err_set(err, -EBADMSG,
			       "BCD device: file of %zu bytes at byte %zu, must be %zu "
			       "to %zu",
			       length, at, sizeof(file), d->end - at);
	if (get_le32(file.kind) != FILE_ON_DEVICE)
		return 0;
	d->end = at + length;
	return enter(d, at + sizeof(file), err);
}

static int decode_whole_disk(struct decode *d, struct err *err)
{
	struct bcd_device device = { 0 };
	struct whole_disk_disk disk;
	le32 signature;
	int r = take(d, d->payload, &disk, sizeof(disk), "a disk", err);

	if (r == 0)
		r = check_style(get_le32(disk.style), err);
	if (r < 0)
		return r;
	device.kind = get_le32(disk.style) == STYLE_GPT ? BCD_DEVICE_GPT : BCD_DEVICE_MBR;
	memcpy(&signature, disk.disk, sizeof(signature));
	if (device.kind == BCD_DEVICE_GPT)
		memcpy(&device.disk_id, disk.disk, sizeof(device.disk_id));
	else
		device.mbr_signature = get_le32(signature);
	set_place(d, &device, true);
	return 0;
}

static int decode_local(struct decode *d, enum bcd_device_type *ret, struct err *err)
{
	le32 local;
	int r = take(d, d->payload, &local, sizeof(local), "a local device", err);

	if (r < 0)
		return r;
	switch (get_le32(local)) {
	case LOCAL_DISK:
		*ret = BCD_TYPE_DISK;
		return decode_whole_disk(d, err);
	case LOCAL_RAMDISK:
		*ret = BCD_TYPE_RAMDISK;
		return enter_file(d, d->payload + sizeof(local) + LOCAL_GAP, err);
	case LOCAL_FILE:
		*ret = BCD_TYPE_FILE;
		return enter_file(d, d->payload + sizeof(local), err);
	case LOCAL_VIRTUAL_DISK:
		*ret = BCD_TYPE_VIRTUAL_DISK;
		return enter(d, d->payload + sizeof(local) + LOCAL_GAP, err);
	default:
		*ret = BCD_TYPE_UNKNOWN;
		return 0;
	}
}

static int decode_locate(struct decode *d, enum bcd_device_type *ret, struct err *err)
{
	struct locate_disk locate;
	int r = take(d, d->payload, &locate, sizeof(locate), "a device to be located",
		     err);

	*ret = BCD_TYPE_LOCATE;
	if (r < 0 || !get_le32(locate.parent))
		return r;
	return enter(d, d->offset + get_le32(locate.parent), err);
}

static int decode_named(struct decode *d, enum bcd_device_type *ret, struct err *err)
{
	struct bcd_device device = { 0 };
	size_t start = d->offset - OPTIONS_SIZE;
	int r = decode_partition(d->bytes + start, d->end - start, &device, err);

	*ret = BCD_TYPE_PARTITION;
	if (r == 0 && device.kind != BCD_DEVICE_OTHER)
		set_place(d, &device, false);
	return r;
}

/* One device; d->more: the one inside it is next. */
static int decode_one(struct decode *d, struct err *err)
{
	enum bcd_device_type *type = &d->element->types[d->element->depth];
	struct device_head_disk head;
	size_t length;
	int r;

	d->more = false;
	d->payload = d->offset;
	r = take(d, d->offset, &head, sizeof(head), "the head of a device", err);
	if (r < 0)
		return r;
	length = get_le32(head.length);
	if (length < sizeof(head) || length > d->end - d->offset)
		return err_set(err, -EBADMSG,
			       "BCD device: length 0x%zx at byte %zu, must be 0x%zx to "
			       "0x%zx",
			       length, d->offset, sizeof(head), d->end - d->offset);
	d->end = d->offset + length;
	d->payload = d->offset + sizeof(head);
	d->element->depth++;
	switch (get_le32(head.type)) {
	case TYPE_LOCAL:
		return decode_local(d, type, err);
	case TYPE_PARTITION:
		return decode_named(d, type, err);
	case TYPE_LOCATE:
		return decode_locate(d, type, err);
	case TYPE_BOOT:
		*type = BCD_TYPE_BOOT;
		return 0;
	default:
		*type = BCD_TYPE_UNKNOWN;
		return 0;
	}
}

int bcd_element_decode(const uint8_t *bytes, size_t length, struct bcd_element *ret,
		       struct err *err)
{
	struct bcd_element element = { 0 };
	struct decode d = { bytes, OPTIONS_SIZE, length, 0, true, &element };
	int r = 0;

	if (length < DEVICE_HEAD_SIZE)
		return err_set(err, -EBADMSG, "BCD device: %zu bytes, needs %zu", length,
			       DEVICE_HEAD_SIZE);
	while (r == 0 && d.more) {
		if (element.depth == BCD_NESTED_MAX)
			return err_set(err, -EBADMSG,
				       "BCD device: more than %d devices in each other",
				       BCD_NESTED_MAX);
		r = decode_one(&d, err);
	}
	if (r == 0)
		*ret = element;
	return r;
}

/* -- writing ---- */

static void encode_names(const struct bcd_device *device, uint8_t partition[16],
			 uint8_t disk[16], le32 *style)
{
	le32 signature = put_le32(device->mbr_signature);
	le64 offset = put_le64(device->offset);

	memset(partition, 0, 16);
	memset(disk, 0, 16);
	if (device->kind == BCD_DEVICE_GPT) {
		*style = put_le32(STYLE_GPT);
		memcpy(partition, device->partition_id.b, 16);
		memcpy(disk, device->disk_id.b, 16);
		return;
	}
	*style = put_le32(STYLE_MBR);
	memcpy(partition, &offset, sizeof(offset));
	memcpy(disk, &signature, sizeof(signature));
}

void bcd_place_set(uint8_t *bytes, const struct bcd_place *place,
		   const struct bcd_device *device)
{
	uint8_t partition[16], disk[16];
	uint8_t *to = bytes + place->offset - OPTIONS_SIZE;
	le32 style;

	encode_names(device, partition, disk, &style);
	if (place->whole_disk) {
		to += DEVICE_HEAD_SIZE;
		memcpy(to + offsetof(struct whole_disk_disk, style), &style,
		       sizeof(style));
		memcpy(to + offsetof(struct whole_disk_disk, disk), disk, sizeof(disk));
		return;
	}
	memcpy(to + offsetof(struct bcd_device_disk, partition), partition,
	       sizeof(partition));
	memcpy(to + offsetof(struct bcd_device_disk, style), &style, sizeof(style));
	memcpy(to + offsetof(struct bcd_device_disk, disk), disk, sizeof(disk));
}

void bcd_partition_encode(const struct bcd_device *device,
			  uint8_t ret[BCD_PARTITION_SIZE])
{
	struct bcd_device_disk disk = {
		.type = put_le32(TYPE_PARTITION),
		.length = put_le32(sizeof(disk) - sizeof(disk.options)),
	};

	encode_names(device, disk.partition, disk.disk, &disk.style);
	memcpy(ret, &disk, sizeof(disk));
}

char *bcd_place_text(const struct bcd_device *device, bool whole_disk)
{
	char partition[GUID_TEXT_SIZE], disk[GUID_TEXT_SIZE];
	bool gpt = device->kind == BCD_DEVICE_GPT;

	if (gpt && whole_disk)
		return text_format("disk {%s}", guid_format(&device->disk_id, disk));
	if (gpt)
		return text_format("partition {%s} of disk {%s}",
				   guid_format(&device->partition_id, partition),
				   guid_format(&device->disk_id, disk));
	if (whole_disk)
		return text_format("disk %08x", device->mbr_signature);
	return text_format("partition at byte %" PRIu64 " of disk %08x", device->offset,
			   device->mbr_signature);
}
