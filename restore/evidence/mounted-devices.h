/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The key MountedDevices of a SYSTEM hive: which partition has which drive letter and which
 * volume GUID (FORMAT.md section 5). It also remembers devices that are long gone, so an
 * entry counts only where something else says that its partition is in the backup. Decoding
 * one value is pure; reading the key takes the bytes of the hive.
 */
#pragma once

#include <base/guid.h>

#include "hives/hive.h"

enum mounted_kind { MOUNTED_GPT, MOUNTED_MBR };

/* One partition, and all that the key calls it. */
struct mounted_device {
	enum mounted_kind kind;
	struct guid partition_id; /* GPT */
	uint32_t mbr_signature;	  /* MBR */
	uint64_t offset;	  /* MBR: bytes */
	bool has_volume;
	struct guid volume; /* \\?\Volume{…} */
	char letter;	    /* 'C'; 0: none */
};

/* The bytes of a value, whatever its name: kind, ids, offset. -ENOENT: no partition. */
int mounted_device_identify(const uint8_t *bytes, size_t length,
			    struct mounted_device *ret) MUST_CHECK;
bool mounted_device_equal(const struct mounted_device *a, const struct mounted_device *b);
/* "partition {…}", "byte 1048576 of disk d1cecf67". NULL: no memory; the caller frees. */
char *mounted_device_text(const struct mounted_device *device);
/* The reverse; returns how many of the bytes count. */
#define MOUNTED_VALUE_SIZE 24
size_t mounted_device_encode(const struct mounted_device *device,
			     uint8_t bytes[MOUNTED_VALUE_SIZE]);

struct mounted_devices {
	size_t count;
	struct mounted_device *devices;
	bool dirty; /* the hive was not written to its end */
};

/* name and bytes of one value. -ENOENT: no partition (a removable or virtual device), or a
 * name that is neither a drive letter nor a volume. */
int mounted_device_decode(const char *name, const uint8_t *bytes, size_t length,
			  struct mounted_device *ret) MUST_CHECK;

/* what names the hive in messages. A hive without the key gives none. */
int mounted_devices_read(const void *bytes, size_t length, const char *what,
			 struct mounted_devices **ret, struct err *err) MUST_CHECK;
void mounted_devices_free(struct mounted_devices *mounted); /* NULL is fine */
DEFINE_FREEP(struct mounted_devices, mounted_devices, mounted_devices_free)
