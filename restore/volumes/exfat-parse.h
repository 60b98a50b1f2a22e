/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exFAT's structures as values (Microsoft's "exFAT file system specification"). Pure. */
#pragma once

#include <stdbool.h>

#include <base/bytes.h>
#include <base/err.h>

#define EXFAT_FIRST_CLUSTER 2u /* the number of the first in the heap */
#define EXFAT_BOOT_SECTORS  12u /* of one boot region; the last holds its checksum */

struct exfat_shape {
	uint32_t sector_size, cluster_size; /* bytes */
	uint64_t fat, fat_size;		    /* bytes: the one that is in use */
	uint64_t heap;			    /* bytes: where the first cluster lies */
	uint32_t clusters;		    /* in the heap */
	uint32_t root;			    /* cluster */
};

/* The boot sector, which volume_identify() found good, of a volume of size bytes. */
int exfat_parse_boot(const uint8_t boot[512], uint64_t size, struct exfat_shape *ret,
		     struct err *err) MUST_CHECK;

/* The first EXFAT_BOOT_SECTORS sectors: is the checksum that of the boot region? */
bool exfat_boot_is_sound(const uint8_t *region, uint32_t sector_size);

#define EXFAT_ENTRY_SIZE 32u
/* One file: itself, its stream, and at most 17 parts of its name. */
#define EXFAT_ENTRIES_MAX 19u
#define EXFAT_NAME_UNITS  255u

enum exfat_entry {
	EXFAT_END = 0x00,
	EXFAT_FILE = 0x85,
	EXFAT_STREAM = 0xc0,
	EXFAT_NAME = 0xc1,
};

struct exfat_node {
	bool is_folder;
	bool is_contiguous;   /* the FAT says nothing of it */
	uint32_t first;	      /* cluster; 0: none */
	uint64_t size, valid; /* bytes; from valid on they are zeros */
	int64_t mtime_s;      /* since 1970, UTC; 0: unknown */
	size_t name_length;   /* bytes */
	uint8_t name[2 * EXFAT_NAME_UNITS]; /* UTF-16LE */
};

/* How many entries the set has that begins with this one: 1 where it begins no file. */
unsigned exfat_set_length(const uint8_t entry[EXFAT_ENTRY_SIZE]);

/* A set of count entries. -EBADMSG: checksum, order, name or lengths are wrong. */
int exfat_parse_set(const uint8_t *entries, unsigned count, struct exfat_node *ret,
		    struct err *err) MUST_CHECK;
