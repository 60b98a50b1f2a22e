/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Device paths of UEFI as bytes: which partition and which disk a device is, and which
 * file was loaded. Pure: runs on the host as well. UEFI specification 2.10, chapter 10.
 *
 * A device path is a chain of nodes (type, subtype, 16-bit length with these 4 bytes) up
 * to an end node. It carries no total length, so device_path_measure() bounds it first;
 * the other functions take its result and need no further check of lengths.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

/* Real ones have below 1 KiB; the end node must come within this. */
#define DEVICE_PATH_MAX_SIZE ((size_t)16 * 1024)

enum partition_style {
	PARTITION_UNKNOWN, /* not from a partition: network, CD-ROM */
	PARTITION_MBR,
	PARTITION_GPT,
};

/* A partition as the hard drive node names it (10.3.5.1). */
struct boot_partition {
	enum partition_style style;
	uint32_t number;	 /* 1 is the first */
	uint8_t guid[16];	 /* GPT: unique partition GUID, mixed-endian */
	uint32_t disk_signature; /* MBR */
};

/* "mbr:", 8 digits, ":", 10 digits; a GUID has 36 */
#define BOOT_PARTITION_TEXT_SIZE 40

/* Bytes of the path including its end node, every node checked. -EBADMSG: a node shorter
 * than its head or no end within DEVICE_PATH_MAX_SIZE or max_size. */
int device_path_measure(const void *path, size_t max_size, size_t *ret_size,
			struct err *err) MUST_CHECK;

/* The partition named by the last hard drive node; style PARTITION_UNKNOWN without one.
 * -EBADMSG: the node is damaged, or its signature type does not fit. */
int device_path_partition(const void *path, size_t size, struct boot_partition *ret,
			  struct err *err) MUST_CHECK;

/* Bytes of the path in front of its first media node, that is of the disk itself: devices
 * with the same bytes up to there are on the same disk. Without one: all but the end
 * node. */
size_t device_path_disk_length(const void *path, size_t size);

/* Do both devices lie on the same disk? */
bool device_path_same_disk(const void *a, size_t a_size, const void *b, size_t b_size);

/* Joins the file path nodes to one name with '\\' between its parts, in UTF-16 with a
 * NUL. An empty name where there are none. -ENOSPC: longer than max_units with the NUL;
 * -EBADMSG: odd node. */
int device_path_file(const void *path, size_t size, uint16_t *ret_name, size_t max_units,
		     struct err *err) MUST_CHECK;

/* Cuts a file name down to its folder: with the last '\\', or empty. */
void file_name_to_folder(uint16_t *name);

/* "c12a7328-..." for GPT, "mbr:8ae9dbe5:2" for MBR, "" for neither. Returns text. */
const char *boot_partition_format(const struct boot_partition *partition,
				  char text[BOOT_PARTITION_TEXT_SIZE]);
