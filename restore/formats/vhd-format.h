/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VHD, as the Virtual Hard Disk Image Format Specification (Microsoft, version 1.0, 2006)
 * describes it; its section names stand beside each structure. All integers are big-endian.
 *
 *	fixed                       dynamic
 *	+------------------+        +------------------+ 0
 *	| the disk         |        | copy of footer   |
 *	|                  |        +------------------+ data_offset (512)
 *	|                  |        | dynamic header   |
 *	|                  |        +------------------+ table_offset (1536)
 *	|                  |        | BAT: sector numbers, ffffffff: absent
 *	|                  |        +------------------+
 *	|                  |        | sector bitmap, block 0 bytes |  in any order
 *	|                  |        | sector bitmap, block 7 bytes |
 *	+------------------+        +------------------+
 *	| footer           |        | footer           |  Windows' backups: + one more sector
 *	+------------------+        +------------------+
 */
#pragma once

#include <stdbool.h>

#include <base/bytes.h>
#include <base/err.h>
#include <base/guid.h>

#define VHD_SECTOR      512u
#define VHD_FOOTER_SIZE 512u
/* Virtual PC before 2004 wrote one byte less ("Hard Disk Footer Format"). */
#define VHD_FOOTER_SIZE_OLD 511u

#define VHD_VERSION       0x00010000u
#define VHD_NO_OFFSET     UINT64_MAX
#define VHD_BLOCK_ABSENT  UINT32_MAX
/* Windows makes 512 KiB and 2 MiB, qemu 2 MiB. Less would need tables in memory that grow
 * beyond our bound; more is nowhere made. */
#define VHD_BLOCK_SIZE_MIN (512u << 10)
#define VHD_BLOCK_SIZE_MAX (256u << 20)
/* Block positions are 32-bit sector numbers: nothing lies behind 2 TiB. */
#define VHD_REACH ((uint64_t)UINT32_MAX * VHD_SECTOR)
/* As many sectors as a sector number can name. */
#define VHD_SIZE_MAX (UINT64_C(2) << 40)
/* The largest geometry that CHS can say: then it tells nothing about the size. */
#define VHD_CHS_MAX (UINT64_C(65535) * 16 * 255)

enum vhd_type { VHD_FIXED = 2, VHD_DYNAMIC = 3, VHD_DIFFERENCING = 4 };

/* "Hard Disk Footer Format" */
struct vhd_footer_disk {
	char cookie[8];		/* 0: "conectix" */
	be32 features;		/* 8 */
	be32 version;		/* 12: VHD_VERSION */
	be64 data_offset;	/* 16: of the dynamic header; fixed: VHD_NO_OFFSET */
	be32 time;		/* 24: seconds since 2000 */
	char creator[4];	/* 28: "vsim": Windows' backup, "win ", "vpc ", "qemu", "d2v " */
	be16 creator_major;	/* 32 */
	be16 creator_minor;	/* 34 */
	char creator_os[4];	/* 36: "Wi2k" */
	be64 original_size;	/* 40: bytes, when it was made */
	be64 current_size;	/* 48: bytes, now */
	be16 cylinders;		/* 56 */
	uint8_t heads;		/* 58 */
	uint8_t sectors;	/* 59: per track */
	be32 type;		/* 60: enum vhd_type */
	be32 checksum;		/* 64: ones' complement of the sum of all other bytes */
	uint8_t unique_id[16];	/* 68: big-endian, unlike everything else of Windows */
	uint8_t saved_state;	/* 84: 1 in Windows' backups */
	uint8_t reserved[427];	/* 85 */
};
_Static_assert(sizeof(struct vhd_footer_disk) == VHD_FOOTER_SIZE, "footer");

/* "Dynamic Disk Header Format", behind "Parent Locators" */
struct vhd_dynamic_disk {
	char cookie[8];		  /* 0: "cxsparse" */
	be64 data_offset;	  /* 8: unused */
	be64 table_offset;	  /* 16: of the BAT, bytes */
	be32 version;		  /* 24: VHD_VERSION */
	be32 table_entries;	  /* 28 */
	be32 block_size;	  /* 32: bytes, without the sector bitmap */
	be32 checksum;		  /* 36 */
	uint8_t parent_id[16];	  /* 40 */
	be32 parent_time;	  /* 56 */
	be32 reserved;		  /* 60 */
	uint8_t parent_name[512]; /* 64: UTF-16, big-endian */
	uint8_t locators[192];	  /* 576 */
	uint8_t reserved2[256];	  /* 768 */
};
_Static_assert(sizeof(struct vhd_dynamic_disk) == 1024, "dynamic header");

enum vhd_mark { VHD_MARK_NONE, VHD_MARK_BAD_CHECKSUM, VHD_MARK_GOOD };

struct vhd_footer {
	enum vhd_type type;
	uint64_t data_offset;
	uint64_t size_field; /* bytes, as the footer's field says */
	uint64_t size_chs;   /* bytes, as the geometry says; 0: it says nothing */
	bool uses_chs;	     /* the program that wrote it counts by geometry */
	struct guid unique_id;
	char creator[32];
};

struct vhd_dynamic {
	uint64_t table_offset;
	uint32_t table_entries;
	uint32_t block_size;  /* bytes */
	uint32_t bitmap_size; /* bytes before each block, whole sectors */
};

/* What lies in these 512 bytes: cookie and checksum only. */
enum vhd_mark vhd_footer_mark(const uint8_t bytes[VHD_FOOTER_SIZE]);

/* Of a footer whose mark is good. name is the file's. */
int vhd_footer_parse(const char *name, const uint8_t bytes[VHD_FOOTER_SIZE],
		     struct vhd_footer *ret, struct err *err) MUST_CHECK;

/* A footer and its copy must mean the same disk. */
int vhd_footer_compare(const char *name, const struct vhd_footer *footer,
		       const struct vhd_footer *copy, struct err *err) MUST_CHECK;

/* size: bytes of the virtual disk, which the table must cover. */
int vhd_dynamic_parse(const char *name, const uint8_t bytes[1024], uint64_t size,
		      struct vhd_dynamic *ret, struct err *err) MUST_CHECK;

/* Unique id of a differencing image's parent, and its name, a new string; "" if it does not
 * say or says no text. */
int vhd_parent_read(const uint8_t bytes[1024], struct guid *ret_id, char **ret_name,
		    struct err *err) MUST_CHECK;

/* Which blocks of a file are taken. All blocks have one length, so that a cell of that
 * length can hold the start of at most one: 4 bytes per block of the file find every
 * overlap, whatever the table claims. */
struct vhd_claims {
	uint32_t *starts;  /* sector in which the block of a cell starts; 0: none; owned */
	uint64_t cells;
	uint32_t length; /* sectors of a block with its bitmap */
};
int vhd_claims_init(struct vhd_claims *claims, uint64_t file_size, uint32_t length,
		    struct err *err) MUST_CHECK;
void vhd_claims_clear(struct vhd_claims *claims);
/* sector lies within the file. Is it free? Then it is taken now. */
bool vhd_claims_take(struct vhd_claims *claims, uint32_t sector);
