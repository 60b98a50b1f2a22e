/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layout of a disk as pure data: what a partition table says, or shall say. Offsets and
 * lengths are bytes. A layout owns its partitions; copies are deep.
 *
 *	layout_read()     bytes of a disk -> layout         table-read.c, no foreign library
 *	layout_check()    is it sound?                      layout.c
 *	layout_compose()  layout -> bytes of the table      table-write.c, libfdisk
 */
#pragma once

#include <stdbool.h>

#include <base/block-source.h>
#include <base/guid.h>

enum table_style { TABLE_NONE, TABLE_MBR, TABLE_GPT };

enum mbr_kind { MBR_PRIMARY, MBR_EXTENDED, MBR_LOGICAL };

struct disk_partition {
	unsigned slot;	 /* entry in the table, from 1; MBR: primaries 1-4, logical ones from 5 */
	uint64_t offset; /* bytes */
	uint64_t length; /* bytes */

	/* GPT only (UEFI 5.3.3) */
	struct guid type;
	struct guid id; /* unique partition GUID */
	uint64_t attributes;
	char name[109]; /* UTF-8; 36 UTF-16 units on disk */

	/* MBR only */
	uint8_t mbr_type;
	bool mbr_active;
	enum mbr_kind mbr_kind;
};

struct disk_layout {
	enum table_style style;
	uint32_t sector_size;	/* bytes */
	uint64_t disk_size;	/* bytes; 0 where unknown */
	struct guid disk_id;	/* GPT */
	uint32_t mbr_signature; /* MBR */
	unsigned slots;		/* entries of the GPT's array; 128 as a rule; 0 means 128 */
	size_t count;
	struct disk_partition *partitions; /* by slot, ascending */
};

extern const struct guid partition_type_esp;	    /* FORMAT.md section 4.4 */
extern const struct guid partition_type_msr;	    /* Microsoft reserved */
extern const struct guid partition_type_basic_data;
extern const struct guid partition_type_recovery;   /* WinRE */

/* Not recreated: their content is spread over several disks or described elsewhere. */
extern const struct guid partition_type_ldm_metadata; /* dynamic disks */
extern const struct guid partition_type_ldm_data;
extern const struct guid partition_type_storage_spaces;

/* "EFI system", "Microsoft reserved", "basic data", "recovery", "dynamic disk data", …; MBR:
 * "NTFS", "extended", …; else "other". */
const char *partition_type_text(const struct disk_layout *layout,
				const struct disk_partition *partition);

/* An EFI system partition, of either kind of table? */
bool partition_is_esp(const struct disk_layout *layout, const struct disk_partition *partition);

void layout_free(struct disk_layout *layout); /* NULL is fine */
DEFINE_FREEP(struct disk_layout, layout, layout_free)
struct disk_layout *layout_new(void);			      /* NULL: no memory */
struct disk_layout *layout_copy(const struct disk_layout *layout); /* NULL: no memory */
/* Room for one more partition, zeroed, at the end; NULL: no memory. */
struct disk_partition *layout_add(struct disk_layout *layout);
/* Puts the partitions in the order of their slots. */
void layout_sort(struct disk_layout *layout);

/*
 * Reads the partition table of a disk. sector_size 0: the source's, or, for a plain file,
 * found out by where the GPT header lies (512 where there is none). A disk without a table
 * gives style TABLE_NONE (not an error): blank, a volume's boot sector in LBA 0, or no
 * plausible entries.
 *
 * ret_notes (may be NULL) gets a new text, a line for each thing that is odd but was read all
 * the same, "" if there is none: backup header absent, damaged or stale, primary damaged and
 * read from the backup, disk larger than the table says, hybrid MBR, GPT without protective
 * MBR (not a GPT to firmware and Windows, and not to us), equal ids, a name that is no text.
 *
 * -EBADMSG: damaged, by the rules of SAFETY.md section 4: header or entries whose CRC is
 * wrong in both copies, a table made for a larger disk (so that a disk that is cut off is not
 * trusted), entries beyond the disk or the usable area, overlapping, of size 0, entry size or
 * count out of bounds, an MBR chain that loops or leaves the extended partition.
 */
int layout_read(struct block_source *disk, uint32_t sector_size, struct disk_layout **ret,
		char **ret_notes, struct err *err) MUST_CHECK;

/* What every table that we write must satisfy: whole sectors, within the usable area of
 * disk_size, no overlap, slots unique and within bounds, ids present and unique, names short
 * enough, MBR limits (32-bit LBAs, four primaries, one extended, logical slots without a gap,
 * one active). -EINVAL with the partition and the fact. */
int layout_check(const struct disk_layout *layout, struct err *err) MUST_CHECK;

/* The least disk size (bytes) that holds the layout: the end of its last partition plus, for
 * GPT, the backup table. */
uint64_t layout_minimum_size(const struct disk_layout *layout);

/* Where partitions may lie on a disk of disk_size: bytes from *ret_start up to *ret_end. */
void layout_usable(const struct disk_layout *layout, uint64_t *ret_start, uint64_t *ret_end);

/* Do two layouts describe the same table: ids, types, offsets, lengths, attributes, names,
 * slots, style, sector size? The size of the disk does not count. On false, writes the first
 * difference to why (may be NULL). */
bool layout_equal(const struct disk_layout *a, const struct disk_layout *b, char *why,
		  size_t why_size);

/* -- composing the table's bytes --------------------------------------------------------- */

/*
 * The bytes of a table, in the pieces in which they are committed (SAFETY.md section 1):
 * backup GPT, primary GPT without LBA 0, and LBA 0 last. For MBR the middle pieces are empty,
 * apart from extended boot records, which are in pieces of their own.
 */
struct table_piece {
	uint64_t offset; /* bytes on the disk, whole sectors */
	size_t length;
	uint8_t *bytes;
};

struct table_image {
	size_t count;
	struct table_piece pieces[32]; /* in the order of the commit; the last is LBA 0 */
};

/* Composes on a sparse scratch file with libfdisk and reads the result back through
 * layout_read(): what it returns says exactly what layout says, or it fails. boot_code (440
 * bytes or NULL) goes to the start of LBA 0. */
int layout_compose(const struct disk_layout *layout, const uint8_t *boot_code,
		   struct table_image *ret, struct err *err) MUST_CHECK;
void table_image_clear(struct table_image *image);
