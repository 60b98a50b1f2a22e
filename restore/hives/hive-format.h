/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Registry hives and their logs as they lie on disk, versions 1.3 to 1.6. Source: "Windows
 * registry file format specification" (msuhanov/regf), whose names are used here.
 *
 *	hive   +------------+-------------------------+-------------------------+-------
 *	       | base block | bin: header, cell, cell | bin: header, cell, cell | slack
 *	       +------------+-------------------------+-------------------------+-------
 *	       0            4096 = offset 0 of all cells
 *
 *	log    +------------+------+--------+------+------+     up to Windows 8
 *	       | base block | DIRT | bitmap | page | page | …   pages of 512 bytes
 *	       +------------+------+--------+------+------+
 *	       0            512             next multiple of 512
 *
 *	log    +------------+--------------------------+-----   since Windows 8.1
 *	       | base block | HvLE, references, pages  | HvLE…  each a multiple of 512 bytes
 *	       +------------+--------------------------+-----
 *	       0            512
 */
#pragma once

#include <base/bytes.h>

#define HIVE_BASE_SIZE 4096u
#define HIVE_BIN_UNIT  4096u /* of the size of bins */
#define HIVE_CELL_UNIT 8u
#define HIVE_NONE      UINT32_MAX /* an offset that points nowhere */
#define HIVE_SECTOR    512u	  /* of logs, whatever the disk has */

enum hive_file_type {
	HIVE_PRIMARY = 0,
	HIVE_LOG = 1, /* with a dirty vector; Windows 2000: 2 */
	HIVE_LOG_OLD = 2,
	HIVE_LOG_NEW = 6, /* with entries */
};

/* The part of the base block that counts; the rest of its page is zeros or without meaning. */
struct hive_base_disk {
	uint8_t magic[4];      /* 0x000 "regf" */
	le32 sequence1;	       /* 0x004 raised before a write */
	le32 sequence2;	       /* 0x008 and after it */
	le64 written;	       /* 0x00c FILETIME; not kept since Windows 8.1 */
	le32 major;	       /* 0x014 1 */
	le32 minor;	       /* 0x018 3 to 6 */
	le32 type;	       /* 0x01c enum hive_file_type */
	le32 format;	       /* 0x020 1 */
	le32 root;	       /* 0x024 cell */
	le32 bins_size;	       /* 0x028 bytes, of whole bins */
	le32 cluster;	       /* 0x02c sector size / 512 */
	uint8_t name[64];      /* 0x030 UTF-16LE */
	uint8_t ids[32];       /* 0x070 */
	le32 flags;	       /* 0x090 */
	uint8_t reserved[360]; /* 0x094 */
	le32 checksum;	       /* 0x1fc of all before */
};
_Static_assert(sizeof(struct hive_base_disk) == 512, "offsets as commented");

#define HIVE_FLAG_KTM 1u /* of flags: transactions are pending; logs carry it */

struct hive_bin_disk {
	uint8_t magic[4];    /* 0x00 "hbin" */
	le32 offset;	     /* 0x04 of this bin, from the first one on */
	le32 size;	     /* 0x08 multiple of 4096 */
	uint8_t reserved[8]; /* 0x0c */
	le64 written;	     /* 0x14 FILETIME; first bin only */
	le32 spare;	     /* 0x1c */
};
_Static_assert(sizeof(struct hive_bin_disk) == 32, "offsets as commented");

/* Cells begin with a le32: their size, negative where they are in use. What follows are the
 * contents of those that are. */

#define HIVE_KEY_LATIN 0x20u /* of flags: the name has one byte per character */

struct hive_key_disk {
	uint8_t magic[2];      /* 0x00 "nk" */
	le16 flags;	       /* 0x02 */
	le64 written;	       /* 0x04 */
	le32 access;	       /* 0x0c */
	le32 parent;	       /* 0x10 cell */
	le32 subkey_count;     /* 0x14 */
	le32 volatile_count;   /* 0x18 without meaning on disk */
	le32 subkeys;	       /* 0x1c cell: li, lf, lh or ri */
	le32 volatile_subkeys; /* 0x20 without meaning on disk */
	le32 value_count;      /* 0x24 */
	le32 values;	       /* 0x28 cell: list of cells */
	le32 security;	       /* 0x2c cell */
	le32 class_name;       /* 0x30 cell */
	uint8_t largest[16];   /* 0x34 names and data below this key */
	le32 work;	       /* 0x44 */
	le16 name_length;      /* 0x48 bytes; the name follows */
	le16 class_length;     /* 0x4a bytes */
};
_Static_assert(sizeof(struct hive_key_disk) == 76, "offsets as commented");

/* "li": le32 cells of keys; "lf" and "lh": the same with a hint each; "ri": le32 cells of such
 * lists. */
struct hive_list_disk {
	uint8_t magic[2]; /* 0x00 */
	le16 count;	  /* 0x02 */
};
_Static_assert(sizeof(struct hive_list_disk) == 4, "offsets as commented");

struct hive_hint_disk {
	le32 key;	 /* 0x00 cell */
	uint8_t hint[4]; /* 0x04 lf: first four characters; lh: hash */
};
_Static_assert(sizeof(struct hive_hint_disk) == 8, "offsets as commented");

#define HIVE_VALUE_INLINE 0x80000000u /* of length: the data are in the field data */
#define HIVE_VALUE_LATIN  1u	      /* of flags, as HIVE_KEY_LATIN */

struct hive_value_disk {
	uint8_t magic[2]; /* 0x00 "vk" */
	le16 name_length; /* 0x02 bytes; the name follows */
	le32 length;	  /* 0x04 of the data */
	le32 data;	  /* 0x08 cell, or the data */
	le32 type;	  /* 0x0c */
	le16 flags;	  /* 0x10 */
	le16 spare;	  /* 0x12 */
};
_Static_assert(sizeof(struct hive_value_disk) == 20, "offsets as commented");

/* Longer data lie in segments, of which all but the last have this size; since 1.4. */
#define HIVE_SEGMENT_SIZE 16344u

struct hive_segments_disk {
	uint8_t magic[2]; /* 0x00 "db" */
	le16 count;	  /* 0x02 */
	le32 list;	  /* 0x04 cell: list of cells */
};
_Static_assert(sizeof(struct hive_segments_disk) == 8, "offsets as commented");

struct hive_security_disk {
	uint8_t magic[2]; /* 0x00 "sk" */
	le16 reserved;	  /* 0x02 */
	le32 next;	  /* 0x04 cell; a ring */
	le32 previous;	  /* 0x08 cell */
	le32 references;  /* 0x0c keys */
	le32 length;	  /* 0x10 of the descriptor, which follows */
};
_Static_assert(sizeof(struct hive_security_disk) == 20, "offsets as commented");

/* An entry of a new log. References follow, then the pages they name, in their order. */
struct hive_entry_disk {
	uint8_t magic[4]; /* 0x00 "HvLE" */
	le32 size;	  /* 0x04 bytes, multiple of 512 */
	le32 flags;	  /* 0x08 */
	le32 sequence;	  /* 0x0c */
	le32 bins_size;	  /* 0x10 of the hive, after this entry */
	le32 page_count;  /* 0x14 */
	le64 hash1;	  /* 0x18 Marvin32 from 0x28 to the end */
	le64 hash2;	  /* 0x20 Marvin32 of 0x00 to 0x1f */
};
_Static_assert(sizeof(struct hive_entry_disk) == 40, "offsets as commented");

struct hive_reference_disk {
	le32 offset; /* 0x00 from the first bin on */
	le32 size;   /* 0x04 bytes */
};
_Static_assert(sizeof(struct hive_reference_disk) == 8, "offsets as commented");
