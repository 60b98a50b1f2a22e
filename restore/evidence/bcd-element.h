/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Device elements of boot stores: which partitions and disks they name, and how to give them
 * other ids in place. Pure: bytes in, bytes out; nothing changes its length.
 *
 *	options object (16) │ device
 *	device: type, flags, length, 0 │ what depends on the type:
 *	  5 boot      nothing
 *	  6 partition partition (16), local type, table style, disk (16)     FORMAT.md section 5
 *	  8 locate    0, element, offset of a parent device or 0, text
 *	  0 local     local type, then
 *	              0 disk          table style, disk (16)
 *	              3 ramdisk       20 bytes, file
 *	              5 file          file
 *	              6 virtual disk  20 bytes, device of the file
 *	  file: 1, length, 5 │ device │ path in UTF-16
 *
 * Facts: partition and ramdisk from real stores of Windows 10; file, locate and virtual disk
 * from public descriptions of what bcdedit writes. Other types hold no partition.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/cleanup.h>
#include <base/err.h>
#include <base/guid.h>

enum bcd_device_kind {
	BCD_DEVICE_OTHER, /* boot device, locate, files, ramdisks: names no partition */
	BCD_DEVICE_GPT,
	BCD_DEVICE_MBR,
};

struct bcd_device {
	enum bcd_device_kind kind;
	struct guid partition_id, disk_id; /* GPT */
	uint32_t mbr_signature;		   /* MBR */
	uint64_t offset;		   /* MBR: bytes */
};

bool bcd_device_equal(const struct bcd_device *a, const struct bcd_device *b);

/* The outermost device, if it is a partition; BCD_DEVICE_OTHER for all else. -EBADMSG: too
 * short, or a partition whose length, table style or ids cannot be. */
int bcd_device_decode(const uint8_t *bytes, size_t length, struct bcd_device *ret,
		      struct err *err) MUST_CHECK;

/* Two files in each other, each on a virtual disk that is searched for, are seven. */
#define BCD_NESTED_MAX 8

enum bcd_device_type {
	BCD_TYPE_DISK,
	BCD_TYPE_PARTITION,
	BCD_TYPE_BOOT,
	BCD_TYPE_LOCATE,
	BCD_TYPE_RAMDISK,
	BCD_TYPE_FILE,
	BCD_TYPE_VIRTUAL_DISK,
	BCD_TYPE_UNKNOWN, /* network, serial line, …: left alone */
};

/* Where an element names a partition, or a whole disk: then only its disk counts. */
struct bcd_place {
	size_t offset; /* of the device, in the element */
	bool whole_disk;
	struct bcd_device device;
};

struct bcd_element {
	size_t depth;
	enum bcd_device_type types[BCD_NESTED_MAX]; /* the outermost first */
	bool has_place; /* the innermost device is one */
	struct bcd_place place;
};

/* Every device of an element. -EBADMSG: something does not lie in it, or cannot be. */
int bcd_element_decode(const uint8_t *bytes, size_t length, struct bcd_element *ret,
		       struct err *err) MUST_CHECK;

/* Gives a place of an element that was decoded other ids, of either table style. */
void bcd_place_set(uint8_t *bytes, const struct bcd_place *place,
		   const struct bcd_device *device);

/* The element for a partition, BCD_PARTITION_SIZE bytes. */
#define BCD_PARTITION_SIZE 88
void bcd_partition_encode(const struct bcd_device *device, uint8_t ret[BCD_PARTITION_SIZE]);

/* "partition {…} of disk {…}", "partition at byte 1048576 of disk 8ae9dbe5". NULL: no memory.
 * The caller frees. */
char *bcd_place_text(const struct bcd_device *device, bool whole_disk);
