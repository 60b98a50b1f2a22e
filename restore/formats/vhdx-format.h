/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VHDX as [MS-VHDX] describes it (paragraphs stand beside each structure). All integers are
 * little-endian; every structure but the log's lies on multiples of 1 MiB.
 *
 *	0        file identifier, creator          "vhdxfile"
 *	64 KiB   header 1                          "head"  the valid one with the higher
 *	128 KiB  header 2                          "head"  sequence number counts
 *	192 KiB  region table 1                    "regi"
 *	256 KiB  region table 2, its copy          "regi"
 *	1 MiB    log, where the header says        "loge" entries in a ring
 *	         metadata region                   "metadata" table, items
 *	         BAT region                        64-bit entries
 *	         payload blocks
 *
 * The header is never logged; everything else may lie half-written in its place and whole in
 * the log, so that the log comes first: vhdx-log.c.
 */
#pragma once

#include <stdbool.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/err.h>
#include <base/guid.h>

#define VHDX_ALIGNMENT	   MiB /* 2.2: of log, regions and payload blocks */
#define VHDX_HEADER_AREA   MiB /* 2.2: nothing else lies in the first MiB */
#define VHDX_HEADER_1	   (64 * KiB)
#define VHDX_HEADER_2	   (128 * KiB)
#define VHDX_REGIONS_1	   (192 * KiB)
#define VHDX_REGIONS_2	   (256 * KiB)
#define VHDX_HEADER_SIZE   4096u
#define VHDX_TABLE_SIZE	   65536u /* of a region or metadata table, with its entries */
#define VHDX_TABLE_ENTRIES 2047u  /* 2.2.3.1, 2.6.1.1: all that fit */

#define VHDX_BITMAP_BLOCK MiB /* 2.5.2: of the sectors of a chunk */

#define VHDX_DISK_SIZE_MAX  (64 * TiB) /* 2.6.2.2 */
#define VHDX_BLOCK_SIZE_MIN MiB	       /* 2.6.2.1 */
#define VHDX_BLOCK_SIZE_MAX (256 * MiB)
/* Twice the largest disk: no sound file is larger, and a bit per MiB stays below 16 MiB. */
#define VHDX_FILE_SIZE_MAX (128 * TiB)
/* Windows makes logs of 1 MiB. The log is held in memory while the image is open. */
#define VHDX_LOG_SIZE_MAX (32u << 20)

/* 2.2.1 */
struct vhdx_identifier_disk {
	char signature[8];    /* 0: "vhdxfile" */
	uint8_t creator[512]; /* 8: UTF-16 */
};
_Static_assert(sizeof(struct vhdx_identifier_disk) == 520, "file identifier");

/* 2.2.2 */
struct vhdx_header_disk {
	char signature[4];	/* 0: "head" */
	le32 checksum;		/* 4: CRC-32C of the 4096 bytes, itself being 0 */
	le64 sequence;		/* 8 */
	struct guid file_write; /* 16: changes with any write */
	struct guid data_write; /* 32: changes when the disk's content may change */
	struct guid log;  /* 48: of the entries that count; zero: the log is empty */
	le16 log_version; /* 64: 0 */
	le16 version;	  /* 66: 1 */
	le32 log_length;  /* 68: bytes */
	le64 log_offset;  /* 72: bytes */
	uint8_t reserved[4016]; /* 80 */
};
_Static_assert(sizeof(struct vhdx_header_disk) == VHDX_HEADER_SIZE, "header");

/* 2.2.3.1, 2.2.3.2 */
struct vhdx_region_table_disk {
	char signature[4]; /* 0: "regi" */
	le32 checksum;	   /* 4: CRC-32C of the 64 KiB, itself being 0 */
	le32 count;	   /* 8 */
	le32 reserved;	   /* 12 */
};
_Static_assert(sizeof(struct vhdx_region_table_disk) == 16, "region table");

struct vhdx_region_disk {
	struct guid id; /* 0 */
	le64 offset;	/* 16: bytes */
	le32 length;	/* 24: bytes */
	le32 required;	/* 28: bit 0: who does not know it must not open the file */
};
_Static_assert(sizeof(struct vhdx_region_disk) == 32, "region");

/* 2.6.1.1, 2.6.1.2 */
struct vhdx_metadata_table_disk {
	char signature[8];     /* 0: "metadata" */
	le16 reserved;	       /* 8 */
	le16 count;	       /* 10 */
	uint8_t reserved2[20]; /* 12 */
};
_Static_assert(sizeof(struct vhdx_metadata_table_disk) == 32, "metadata table");

#define VHDX_ITEM_IS_USER     1u
#define VHDX_ITEM_IS_REQUIRED 4u

struct vhdx_item_disk {
	struct guid id; /* 0 */
	le32 offset;	/* 16: bytes in the region, behind the table */
	le32 length;	/* 20: bytes */
	le32 flags;	/* 24: VHDX_ITEM_… */
	le32 reserved;	/* 28 */
};
_Static_assert(sizeof(struct vhdx_item_disk) == 32, "metadata item");

/* 2.6.2.1 */
struct vhdx_file_parameters_disk {
	le32 block_size; /* 0: bytes */
	le32 flags; /* 4: bit 0: blocks stay allocated (fixed), bit 1: has a parent */
};
_Static_assert(sizeof(struct vhdx_file_parameters_disk) == 8, "file parameters");

/* 2.6.2.6.1, 2.6.2.6.2 */
struct vhdx_locator_disk {
	struct guid type; /* 0 */
	le16 reserved;	  /* 16 */
	le16 count;	  /* 18 */
};
_Static_assert(sizeof(struct vhdx_locator_disk) == 20, "parent locator");

struct vhdx_locator_entry_disk {
	le32 key_offset;   /* 0: bytes in the item */
	le32 value_offset; /* 4 */
	le16 key_length;   /* 8: bytes of UTF-16 */
	le16 value_length; /* 10 */
};
_Static_assert(sizeof(struct vhdx_locator_entry_disk) == 12, "parent locator entry");

/* 2.5.1.1: states of a payload block */
enum vhdx_block_state {
	VHDX_BLOCK_NOT_PRESENT = 0,
	VHDX_BLOCK_UNDEFINED = 1,
	VHDX_BLOCK_ZERO = 2,
	VHDX_BLOCK_UNMAPPED = 3,
	VHDX_BLOCK_PRESENT = 6,
	VHDX_BLOCK_PARTIAL = 7, /* rest in the parent */
};

#define VHDX_BAT_STATE_MASK    UINT64_C(0x7)
#define VHDX_BAT_RESERVED_MASK UINT64_C(0xffff8)
#define VHDX_BAT_OFFSET_MASK                                                             \
	(~UINT64_C(0xfffff)) /* MiB, so the field is the offset itself */

/* -- in memory --------------------------------------------------------------------------- */

struct vhdx_header {
	uint64_t sequence;
	struct guid data_write;
	struct guid log;
	uint64_t log_offset;
	uint32_t log_length;
};

struct vhdx_region {
	uint64_t offset, length; /* bytes in the file */
};

struct vhdx_regions {
	struct vhdx_region bat, metadata;
};

/* The items that we know, by number; where each lies in the metadata region. */
enum vhdx_item_number {
	VHDX_ITEM_FILE_PARAMETERS,
	VHDX_ITEM_DISK_SIZE,
	VHDX_ITEM_LOGICAL_SECTOR,
	VHDX_ITEM_PHYSICAL_SECTOR,
	VHDX_ITEM_DISK_ID,
	VHDX_ITEM_PARENT_LOCATOR,
	VHDX_ITEM_COUNT
};

struct vhdx_item {
	bool present;
	uint32_t offset, length; /* bytes in the metadata region */
};

struct vhdx_items {
	struct vhdx_item item[VHDX_ITEM_COUNT];
};

/* What the items say. */
struct vhdx_parameters {
	uint32_t block_size; /* bytes */
	bool leave_allocated, has_parent;
	uint64_t disk_size;			  /* bytes */
	uint32_t logical_sector, physical_sector; /* bytes */
};

/* -- pure: name is the file's ------------------------------------------------------------ */

/* Creator text, cut to fit, "" if there is none. */
void vhdx_creator(const uint8_t bytes[sizeof(struct vhdx_identifier_disk)], char *ret,
		  size_t size);

/* The two headers at 64 and 128 KiB; *ret_note: NULL, or what was tolerated. */
int vhdx_headers_parse(const char *name, const uint8_t first[VHDX_HEADER_SIZE],
		       const uint8_t second[VHDX_HEADER_SIZE], struct vhdx_header *ret,
		       const char **ret_note, struct err *err) MUST_CHECK;

/* The two region tables; file_size bounds the regions. */
int vhdx_regions_parse(const char *name, const uint8_t first[VHDX_TABLE_SIZE],
		       const uint8_t second[VHDX_TABLE_SIZE], struct vhdx_regions *ret,
		       const char **ret_note, struct err *err) MUST_CHECK;

/* Regions, log and header area: within the file and apart from each other. */
int vhdx_areas_check(const char *name, const struct vhdx_header *header,
		     const struct vhdx_regions *regions, uint64_t file_size,
		     struct err *err) MUST_CHECK;

/* region_length: bytes of the metadata region. */
int vhdx_items_parse(const char *name, const uint8_t table[VHDX_TABLE_SIZE],
		     uint64_t region_length, struct vhdx_items *ret,
		     struct err *err) MUST_CHECK;

/* Which of them a range within the file touches, or NULL. */
const char *vhdx_area_touched(const struct vhdx_header *header,
			      const struct vhdx_regions *regions, uint64_t offset,
			      uint64_t length);

/* How many bytes an item must have; 0: any number. */
uint32_t vhdx_item_size(enum vhdx_item_number number);

/* values: the items' bytes, as many as vhdx_item_size() says; the locator's are not used. */
int vhdx_parameters_parse(const char *name, const uint8_t values[VHDX_ITEM_COUNT][16],
			  struct vhdx_parameters *ret, struct err *err) MUST_CHECK;

/* What the locator says about the parent (2.6.2.6.3): the DataWriteGuids that it may have, zero
 * where it says none; its path, a new string, "" if it names none. */
int vhdx_parent_read(const uint8_t *locator, size_t length, struct guid ret_ids[2],
		     char **ret_path, struct err *err) MUST_CHECK;

/* -- the BAT: vhdx-bat.c ----------------------------------------------------------------- */

struct vhdx_bat {
	uint64_t blocks; /* payload blocks of the disk */
	uint64_t
		chunk_ratio; /* after so many payload entries comes one of a sector bitmap */
	uint64_t entries;    /* of both kinds */
};

/* 2.5: entries of a disk; the region must hold them. */
int vhdx_bat_layout(const char *name, const struct vhdx_parameters *parameters,
		    uint64_t region_length, struct vhdx_bat *ret,
		    struct err *err) MUST_CHECK;

/* The entry of a payload block. */
uint64_t vhdx_bat_index(const struct vhdx_bat *bat, uint64_t block);
/* The first block of which the entry is this one or lies behind it. */
uint64_t vhdx_bat_block(const struct vhdx_bat *bat, uint64_t index);

struct vhdx_block {
	enum vhdx_block_state state;
	uint64_t offset; /* bytes in the file; VHDX_BLOCK_PRESENT and _PARTIAL only */
};

/* Checks one entry by itself: state, reserved bits. */
int vhdx_bat_entry_parse(const char *name, uint64_t block, uint64_t entry,
			 struct vhdx_block *ret, struct err *err) MUST_CHECK;

/* The entry of the sector bitmap of a chunk. */
uint64_t vhdx_bat_bitmap_index(const struct vhdx_bat *bat, uint64_t chunk);

/* *ret_offset: bytes in the file. Fails unless the bitmap is stored. */
int vhdx_bitmap_entry_parse(const char *name, uint64_t chunk, uint64_t entry,
			    uint64_t *ret_offset, struct err *err) MUST_CHECK;

/* Bytes of the bitmap of one payload block. */
uint32_t vhdx_bitmap_size(const struct vhdx_parameters *parameters);

/* A bit per MiB of the file: what is taken. */
struct vhdx_claims {
	uint64_t *bits; /* owned */
	uint64_t count; /* MiB */
};
int vhdx_claims_init(struct vhdx_claims *claims, uint64_t file_size,
		     struct err *err) MUST_CHECK;
void vhdx_claims_clear(struct vhdx_claims *claims);
/* Within the file, offset a multiple of 1 MiB. Is all of it free? Then it is taken now. */
bool vhdx_claims_take(struct vhdx_claims *claims, uint64_t offset, uint64_t length);
