/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How partition tables lie on disk, and the pure functions that understand them. Nothing
 * here reads or writes a disk; table-read.c does the reading.
 *
 *	LBA 0          1        2 …            first usable … last usable   … last-1 last
 *	+-------------+--------+---------------+---------------------------+---------+--------+
 *	| MBR or      | GPT    | entries,      | partitions                | entries | GPT    |
 *	| protective  | header | 128 × 128     |                           | again   | header |
 *	| MBR         |        | bytes         |                           |         | again  |
 *	+-------------+--------+---------------+---------------------------+---------+--------+
 *
 * An extended MBR partition starts with an extended boot record, a sector like an MBR
 * whose first entry is one logical partition and whose second leads to the next such
 * sector.
 */
#pragma once

#include <assert.h>

#include <base/bytes.h>

#include <partition/layout.h>

#define SECTOR_SIZE_MIN 512
#define SECTOR_SIZE_MAX 4096

#define GPT_REVISION_1	    0x00010000u
#define GPT_HEADER_SIZE_MIN 92	 /* UEFI 5.3.2: the fields below */
#define GPT_ENTRY_SIZE_MIN  128	 /* UEFI 5.3.2: 128 × 2^n */
#define GPT_ENTRY_SIZE_MAX  4096 /* no writer uses more than 128; bounds memory */
#define GPT_SLOTS_DEFAULT   128 /* what Windows writes; the array needs 16 KiB at least */
#define GPT_SLOTS_MAX	    1024 /* Windows: 128, other tools rarely 256; bounds memory */
#define GPT_NAME_UNITS	    36

#define MBR_SIGNATURE	    0xaa55
#define MBR_BOOT_CODE_SIZE  440
#define MBR_PRIMARIES	    4
#define MBR_LOGICAL_MAX	    128 /* each costs a read; drive letters end at 24 */
#define MBR_FIRST_LOGICAL   5	/* slot */
#define MBR_TYPE_PROTECTIVE 0xee

/* UEFI 5.3.2 */
struct gpt_header_disk {
	uint8_t signature[8];  /* 0x00 "EFI PART" */
	le32 revision;	       /* 0x08 */
	le32 header_size;      /* 0x0c bytes */
	le32 header_crc;       /* 0x10 over header_size bytes, with this field zero */
	le32 reserved;	       /* 0x14 */
	le64 my_lba;	       /* 0x18 where this header lies */
	le64 alternate_lba;    /* 0x20 where the other one lies */
	le64 first_usable_lba; /* 0x28 */
	le64 last_usable_lba;  /* 0x30 inclusive */
	struct guid disk_id;   /* 0x38 */
	le64 entries_lba;      /* 0x48 */
	le32 entry_count;      /* 0x50 */
	le32 entry_size;       /* 0x54 bytes */
	le32 entries_crc;      /* 0x58 over entry_count × entry_size bytes */
};
static_assert(sizeof(struct gpt_header_disk) == GPT_HEADER_SIZE_MIN, "UEFI 5.3.2");

/* UEFI 5.3.3; an entry whose type is zero is unused */
struct gpt_entry_disk {
	struct guid type;	   /* 0x00 */
	struct guid id;		   /* 0x10 */
	le64 first_lba;		   /* 0x20 */
	le64 last_lba;		   /* 0x28 inclusive */
	le64 attributes;	   /* 0x30 */
	le16 name[GPT_NAME_UNITS]; /* 0x38 UTF-16LE, ends at the first NUL */
};
static_assert(sizeof(struct gpt_entry_disk) == GPT_ENTRY_SIZE_MIN, "UEFI 5.3.3");

/* UEFI 5.2.1; an entry whose type is 0 is unused */
struct mbr_entry_disk {
	uint8_t boot_indicator; /* 0x0 0x80 active, else 0x00 */
	uint8_t first_chs[3];	/* 0x1 not used by anyone any more */
	uint8_t type;		/* 0x4 */
	uint8_t last_chs[3];	/* 0x5 */
	le32 first_lba;		/* 0x8 */
	le32 sectors;		/* 0xc */
};
static_assert(sizeof(struct mbr_entry_disk) == 16, "UEFI 5.2.1");

struct mbr_disk {
	uint8_t boot_code[MBR_BOOT_CODE_SIZE];	      /* 0x000 */
	le32 disk_signature;			      /* 0x1b8 Windows' id of the disk */
	uint8_t copy_protected[2];		      /* 0x1bc */
	struct mbr_entry_disk entries[MBR_PRIMARIES]; /* 0x1be */
	le16 signature;				      /* 0x1fe 0xaa55 */
};
static_assert(sizeof(struct mbr_disk) == 512, "UEFI 5.2.1");

/* -- table-gpt.c ---- */

struct gpt_header {
	uint64_t my_lba, alternate_lba;
	uint64_t first_usable_lba, last_usable_lba;
	uint64_t entries_lba;
	uint32_t entry_count, entry_size, entries_crc;
	struct guid disk_id;
};

/* The disk that a header is read on. */
struct gpt_place {
	const char *name;     /* for messages */
	uint64_t lba;	      /* where the bytes lie */
	uint64_t sectors;     /* of the whole disk */
	uint32_t sector_size; /* bytes */
};

/* Understands one sector. -ENOEXEC: no header here; -EBADMSG: a header that fails its
 * CRC; -EINVAL: a header with a valid CRC whose fields are impossible on this disk. */
int gpt_header_parse(const uint8_t *sector, const struct gpt_place *place,
		     struct gpt_header *ret, struct err *err) MUST_CHECK;

/* Sectors that the array of entries takes. */
uint64_t gpt_entries_sectors(uint32_t count, uint32_t entry_size, uint32_t sector_size);

/* Adds the used entries to layout. bytes holds entry_count × entry_size, their CRC
 * checked by the caller. Odd but tolerable things go to notes, a line each. */
int gpt_entries_parse(const uint8_t *bytes, const struct gpt_header *header,
		      const struct gpt_place *place, struct disk_layout *layout,
		      FILE *notes, struct err *err) MUST_CHECK;

/* -- table-mbr.c ---- */

enum mbr_verdict {
	MBR_ABSENT,	/* no signature, or its entries are no table */
	MBR_VOLUME,	/* the boot sector of a volume without a table */
	MBR_PROTECTIVE, /* a GPT is announced */
	MBR_TABLE,
};

/* What the first 512 bytes of a disk are. */
enum mbr_verdict mbr_judge(const struct mbr_disk *mbr);

/* Does it carry the marks of a volume's boot sector? Some tools leave them in a real MBR.
 */
bool mbr_looks_like_volume(const struct mbr_disk *mbr);

/* Does a protective MBR carry further partitions? */
bool mbr_is_hybrid(const struct mbr_disk *mbr);

bool mbr_type_is_extended(uint8_t type);

/* Adds the used primaries of a MBR_TABLE, checked against layout->disk_size. */
int mbr_parse(const struct mbr_disk *mbr, const char *name, struct disk_layout *layout,
	      struct err *err) MUST_CHECK;

/* The chain of extended boot records while it is followed. */
struct mbr_chain {
	const char *name;   /* of the disk, for messages */
	uint64_t first_lba; /* of the extended partition */
	uint64_t sectors;   /* of the extended partition */
	uint64_t next_lba;  /* the record to read next; 0: the chain is at its end */
	size_t count;	    /* records seen */
	uint64_t seen[MBR_LOGICAL_MAX + 1];
};

/* Understands the record at chain->next_lba, adds its logical partition to layout and
 * moves next_lba on. notes may be NULL. */
int mbr_chain_step(struct mbr_chain *chain, const struct mbr_disk *record,
		   struct disk_layout *layout, FILE *notes, struct err *err) MUST_CHECK;

/* No extended boot record may lie inside a logical partition. */
int mbr_chain_check(const struct mbr_chain *chain, const struct disk_layout *layout,
		    struct err *err) MUST_CHECK;

/* -- table-read.c ---- */

/* Follows the chain of extended from its start: adds the logical partitions to layout and
 * says in ret->seen where the records are. notes may be NULL; extended is not one of
 * layout's own partitions. */
int mbr_chain_read(struct block_source *disk, const struct disk_partition *extended,
		   struct disk_layout *layout, struct mbr_chain *ret, FILE *notes,
		   struct err *err) MUST_CHECK;

/* -- layout.c ---- */

/* Fails with code where two partitions share a byte or a logical one leaves the extended
 * one; prefix stands before the text. */
int layout_check_overlap(const struct disk_layout *layout, int code, const char *prefix,
			 struct err *err) MUST_CHECK;
