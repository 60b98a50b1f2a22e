/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BitLocker on disk (Windows 7 and later), as public descriptions have it: libbde's "BitLocker
 * Drive Encryption (BDE) format" and cryptsetup's lib/bitlk.
 *
 *	volume header | … | FVE block 0 | … | FVE block 1 | … | FVE block 2 | …
 *	                     each: block header, metadata header, entries
 *
 * The first sectors of the file system lie encrypted at header_offset; the areas of the FVE
 * blocks, and of that copy, are zeros to the file system.
 */
#pragma once

#include <base/bytes.h>
#include <base/guid.h>

#define BITLOCKER_SIGNATURE "-FVE-FS-"
#define BITLOCKER_TO_GO	    "MSWIN4.1" /* a FAT boot sector, for Windows XP */

#define BITLOCKER_BLOCKS 3 /* copies of the metadata */

/* One FVE block takes this much of the volume; all samples, and what libbde zeroes. */
#define BITLOCKER_BLOCK_AREA 65536u

struct bitlocker_header_disk {
	uint8_t jump[3];	    /* 0 */
	uint8_t signature[8];	    /* 3 */
	le16 sector_size;	    /* 11: bytes */
	uint8_t other[147];	    /* 13 */
	struct guid id;		    /* 160: bitlocker_id or bitlocker_eow_id */
	le64 blocks[3];		    /* 176: bytes on the volume */
	uint8_t between[224];	    /* 200 */
	struct guid to_go_id;	    /* 424: the same where the signature is BITLOCKER_TO_GO */
	le64 to_go_blocks[3];	    /* 440 */
	uint8_t rest[48];	    /* 464 */
};
_Static_assert(sizeof(struct bitlocker_header_disk) == 512, "BitLocker volume header");

/* States of a volume; others are ways between these two. */
enum { BITLOCKER_DECRYPTED = 1, BITLOCKER_ENCRYPTED = 4 };

struct bitlocker_block_disk {
	uint8_t signature[8];  /* 0: BITLOCKER_SIGNATURE */
	le16 size;	       /* 8: in 16 bytes */
	le16 version;	       /* 10: 2; Vista: 1 */
	le16 state;	       /* 12 */
	le16 next_state;       /* 14 */
	le64 volume_size;      /* 16: bytes */
	le32 converted;	       /* 24 */
	le32 header_sectors;   /* 28: of the file system, that lie at header_offset */
	le64 blocks[3];	       /* 32: bytes on the volume */
	le64 header_offset;    /* 56: bytes on the volume */
	/* the metadata header */
	le32 metadata_size;    /* 64: bytes, of this header and the entries */
	le32 metadata_version; /* 68: 1 */
	le32 metadata_header;  /* 72: 48 */
	le32 metadata_copy;    /* 76: metadata_size */
	struct guid volume;    /* 80 */
	le32 next_nonce;       /* 96 */
	le16 method;	       /* 100: enum bitlocker_method */
	le16 method_copy;      /* 102 */
	le64 created;	       /* 104 */
};
_Static_assert(sizeof(struct bitlocker_block_disk) == 112, "FVE block");
#define BITLOCKER_METADATA 64 /* where its header begins in the block */

/* A startup key file is a metadata header of its own with one entry. */
struct bitlocker_startup_disk {
	le32 size;	/* 0: bytes, of this header and the entries */
	le32 version;	/* 4: 1 */
	le32 header;	/* 8: 48 */
	le32 size_copy; /* 12 */
	struct guid volume; /* 16 */
	uint8_t rest[16];   /* 32 */
};
_Static_assert(sizeof(struct bitlocker_startup_disk) == 48, "startup key file");

struct bitlocker_entry_disk {
	le16 size;    /* 0: bytes, with this header */
	le16 type;    /* 2 */
	le16 value;   /* 4: what follows */
	le16 version; /* 6 */
};
_Static_assert(sizeof(struct bitlocker_entry_disk) == 8, "FVE entry");

enum bitlocker_type { BITLOCKER_PROTECTOR = 2, BITLOCKER_VOLUME_KEY = 3, BITLOCKER_STARTUP = 6 };

enum bitlocker_value {
	BITLOCKER_VALUE_KEY = 1,
	BITLOCKER_VALUE_STRETCH = 3,
	BITLOCKER_VALUE_SEALED = 5, /* AES-CCM */
	BITLOCKER_VALUE_PROTECTOR = 8,
	BITLOCKER_VALUE_EXTERNAL = 9,
};

struct bitlocker_key_disk {
	le32 method; /* 0 */
		     /* 4: the key */
};

struct bitlocker_stretch_disk {
	le32 method;	  /* 0 */
	uint8_t salt[16]; /* 4 */
			  /* 20: entries */
};
_Static_assert(sizeof(struct bitlocker_stretch_disk) == 20, "stretch key");

struct bitlocker_sealed_disk {
	uint8_t nonce[12]; /* 0 */
	uint8_t tag[16];   /* 12 */
			   /* 28: what is sealed */
};
_Static_assert(sizeof(struct bitlocker_sealed_disk) == 28, "AES-CCM");

struct bitlocker_protector_disk {
	struct guid id;	   /* 0 */
	uint8_t time[8];   /* 16 */
	uint8_t other[2];  /* 24 */
	le16 protection;   /* 26: enum bitlocker_protection */
			   /* 28: entries */
};
_Static_assert(sizeof(struct bitlocker_protector_disk) == 28, "key protector");

struct bitlocker_external_disk {
	struct guid id;	 /* 0: of the protector */
	uint8_t time[8]; /* 16 */
			 /* 24: entries */
};
_Static_assert(sizeof(struct bitlocker_external_disk) == 24, "startup key");

enum bitlocker_protection {
	BITLOCKER_BY_NOTHING = 0x0000, /* a key in the clear: protection is suspended */
	BITLOCKER_BY_STARTUP = 0x0200,
	BITLOCKER_BY_RECOVERY = 0x0800,
	BITLOCKER_BY_PASSWORD = 0x2000,
};

enum bitlocker_method {
	BITLOCKER_AES_128_DIFFUSER = 0x8000,
	BITLOCKER_AES_256_DIFFUSER = 0x8001,
	BITLOCKER_AES_128 = 0x8002,
	BITLOCKER_AES_256 = 0x8003,
	BITLOCKER_XTS_128 = 0x8004,
	BITLOCKER_XTS_256 = 0x8005,
};
