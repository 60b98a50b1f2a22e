/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MountedDevices of a SYSTEM hive: see mounted-devices.h. */
#include "mounted-devices.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/text.h>

/* FORMAT.md section 5, "MountedDevices". */
struct mounted_gpt_disk {
	uint8_t magic[8]; /* 0x00 "DMIO:ID:" */
	uint8_t id[16];	  /* 0x08 mixed-endian */
};
_Static_assert(sizeof(struct mounted_gpt_disk) == 24, "offsets as commented");

struct mounted_mbr_disk {
	le32 signature; /* 0x00 */
	le64 offset;	/* 0x04 bytes */
};
_Static_assert(sizeof(struct mounted_mbr_disk) == 12, "offsets as commented");

#define LETTER_PREFIX "\\DosDevices\\"
#define VOLUME_PREFIX "\\??\\Volume"

static bool take_name(const char *name, struct mounted_device *ret)
{
	const char *rest = name + strlen(LETTER_PREFIX);

	if (strncasecmp(name, LETTER_PREFIX, strlen(LETTER_PREFIX)) == 0) {
		if (!isalpha((unsigned char)rest[0]) || strcmp(rest + 1, ":") != 0)
			return false;
		ret->letter = (char)toupper((unsigned char)rest[0]);
		return true;
	}
	if (strncasecmp(name, VOLUME_PREFIX, strlen(VOLUME_PREFIX)) != 0)
		return false;
	rest = name + strlen(VOLUME_PREFIX);
	ret->has_volume = guid_parse(rest, strlen(rest), &ret->volume) == 0;
	return ret->has_volume;
}

static bool take_bytes(const uint8_t *bytes, size_t length, struct mounted_device *ret)
{
	struct mounted_gpt_disk gpt;
	struct mounted_mbr_disk mbr;

	if (length == sizeof(gpt)) {
		memcpy(&gpt, bytes, sizeof(gpt));
		ret->kind = MOUNTED_GPT;
		memcpy(ret->partition_id.b, gpt.id, sizeof(gpt.id));
		return memcmp(gpt.magic, "DMIO:ID:", sizeof(gpt.magic)) == 0;
	}
	if (length != sizeof(mbr))
		return false;
	memcpy(&mbr, bytes, sizeof(mbr));
	ret->kind = MOUNTED_MBR;
	ret->mbr_signature = get_le32(mbr.signature);
	ret->offset = get_le64(mbr.offset);
	/* no partition lies at the table itself or beyond what a disk can have */
	return ret->offset >= 512 && ret->offset <= INT64_MAX;
}

int mounted_device_decode(const char *name, const uint8_t *bytes, size_t length,
			  struct mounted_device *ret)
{
	struct mounted_device device = { 0 };

	if (!take_name(name, &device) || !take_bytes(bytes, length, &device))
		return -ENOENT;
	*ret = device;
	return 0;
}

int mounted_device_identify(const uint8_t *bytes, size_t length,
			    struct mounted_device *ret)
{
	struct mounted_device device = { 0 };

	if (!take_bytes(bytes, length, &device))
		return -ENOENT;
	*ret = device;
	return 0;
}

size_t mounted_device_encode(const struct mounted_device *device,
			     uint8_t bytes[MOUNTED_VALUE_SIZE])
{
	struct mounted_gpt_disk gpt = { .magic = "DMIO:ID:" };
	struct mounted_mbr_disk mbr;

	if (device->kind == MOUNTED_GPT) {
		memcpy(gpt.id, device->partition_id.b, sizeof(gpt.id));
		memcpy(bytes, &gpt, sizeof(gpt));
		return sizeof(gpt);
	}
	mbr.signature = put_le32(device->mbr_signature);
	mbr.offset = put_le64(device->offset);
	memcpy(bytes, &mbr, sizeof(mbr));
	return sizeof(mbr);
}

char *mounted_device_text(const struct mounted_device *device)
{
	char text[GUID_TEXT_SIZE];

	if (device->kind == MOUNTED_GPT)
		return text_format("partition {%s}",
				   guid_format(&device->partition_id, text));
	return text_format("byte %" PRIu64 " of disk %08x", device->offset,
			   device->mbr_signature);
}

bool mounted_device_equal(const struct mounted_device *a, const struct mounted_device *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == MOUNTED_GPT)
		return guid_equal(&a->partition_id, &b->partition_id);
	return a->mbr_signature == b->mbr_signature && a->offset == b->offset;
}

static int add(struct mounted_devices *mounted, const struct mounted_device *found,
	       struct err *err)
{
	struct mounted_device *grown;

	for (size_t i = 0; i < mounted->count; i++) {
		struct mounted_device *known = &mounted->devices[i];

		if (!mounted_device_equal(known, found))
			continue;
		if (!known->letter)
			known->letter = found->letter;
		if (!known->has_volume && found->has_volume)
			known->volume = found->volume;
		known->has_volume |= found->has_volume;
		return 0;
	}
	grown = reallocarray(mounted->devices, mounted->count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	mounted->devices = grown;
	grown[mounted->count++] = *found;
	return 0;
}

static int visit(const char *name, const uint8_t *bytes, size_t length, void *context,
		 struct err *err)
{
	struct mounted_device device;

	if (mounted_device_decode(name, bytes, length, &device) < 0)
		return 0;
	return add(context, &device, err);
}

int mounted_devices_read(const void *bytes, size_t length, const char *what,
			 struct mounted_devices **ret, struct err *err)
{
	AUTO(mounted_devices_freep) struct mounted_devices *mounted = NULL;
	AUTO(hive_freep) struct hive *hive = NULL;
	hive_node node;
	int r = hive_open(bytes, length, what, &hive, err);

	if (r < 0)
		return r;
	mounted = calloc(1, sizeof(*mounted));
	if (!mounted)
		return err_nomem(err);
	mounted->dirty = hive_is_dirty(hive);
	node = hive_find(hive, 0, "MountedDevices");
	if (node)
		r = hive_values(hive, node, visit, mounted, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(mounted);
	return 0;
}

void mounted_devices_free(struct mounted_devices *mounted)
{
	if (!mounted)
		return;
	free(mounted->devices);
	free(mounted);
}
