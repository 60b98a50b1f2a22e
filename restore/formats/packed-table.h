/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The seek table of the public seekable zstd format (zstd's contrib/seekable_format,
 * "Zstandard Seekable Format" 0.1.0): which frame of a packed file holds which bytes.
 *
 *	+---------+---------+-----+---------+------------------------------------+
 *	| frame 0 | frame 1 | ... | frame N | skippable frame with the seek table |
 *	+---------+---------+-----+---------+------------------------------------+
 *	                                     head | entry 0 ... entry N | foot
 *
 * Frames are independent of each other. An image of 16 TiB has a table of 200 MB: only sums
 * at every PACKED_PAGE-th entry are kept in memory, and one page of entries.
 */
#pragma once

#include <base/block-source.h>
#include <base/bytes.h>

#define PACKED_SKIPPABLE_MAGIC 0x184d2a5eu
#define PACKED_SEEKABLE_MAGIC  0x8f92eab1u
#define ZSTD_FRAME_MAGIC       0xfd2fb528u

/* Before the entries. */
struct packed_head_disk {
	le32 magic;  /* 0x00 PACKED_SKIPPABLE_MAGIC */
	le32 length; /* 0x04 bytes that follow: entries and foot */
};
_Static_assert(sizeof(struct packed_head_disk) == 8, "a skippable frame's head");

struct packed_entry_disk {
	le32 stored; /* 0x00 bytes of the frame */
	le32 length; /* 0x04 bytes of its content */
	le32 checksum; /* 0x08 low half of XXH64 of the content; only with PACKED_CHECKSUMS */
};
_Static_assert(sizeof(struct packed_entry_disk) == 12, "an entry with checksum");

/* The last bytes of the file. */
struct packed_foot_disk {
	le32 frames;	  /* 0x00 */
	uint8_t flags;	  /* 0x04 */
	uint8_t magic[4]; /* 0x05 PACKED_SEEKABLE_MAGIC, little-endian */
};
_Static_assert(sizeof(struct packed_foot_disk) == 9, "a seek table's foot");

#define PACKED_CHECKSUMS 0x80u /* of flags: entries have checksums */
#define PACKED_RESERVED	 0x7cu /* of flags: must be 0; the two lowest bits say nothing */

/* zstd's own limit of a table (ZSTD_SEEKABLE_MAXFRAMES). */
#define PACKED_MAX_FRAMES 0x8000000u

/* Content of one frame: a read of one byte unpacks all of it, and some are kept in memory.
 * Ours have 1 MiB, those of other programs mostly 1 to 4. */
#define PACKED_MAX_FRAME (8u << 20)

#define PACKED_PAGE 1024u /* entries */

struct packed_frame {
	uint64_t offset; /* in the packed file */
	uint32_t stored;
	uint64_t start; /* of its content in the unpacked file */
	uint32_t length;
	uint32_t checksum;
};

/* Where a page of entries begins. */
struct packed_sums {
	uint64_t offset, start;
};

struct packed_table {
	uint64_t offset; /* of the first entry in the file */
	uint32_t frames;
	bool checksums;
	uint64_t size;	     /* of the unpacked file */
	uint32_t max_length; /* of the content of one frame */
	size_t page_count;
	struct packed_sums *sums; /* page_count and one at the end; owned */
	size_t page;		  /* which page is in memory; page_count: none */
	size_t page_frames;
	struct packed_frame *frame; /* PACKED_PAGE of them; owned */
};

/* Reads and checks all of the table. -ENOTSUP: there is none, or its frames are too large;
 * -EBADMSG: damaged. */
int packed_table_read(struct block_source *file, struct packed_table *ret,
		      struct err *err) MUST_CHECK;
void packed_table_clear(struct packed_table *table);

/* The frame whose content has the byte at offset, which lies within size. */
int packed_table_find(struct packed_table *table, struct block_source *file,
		      uint64_t offset, struct packed_frame *ret,
		      struct err *err) MUST_CHECK;

/* -- pure, for tests and fuzzing ---- */

/* file_size: bytes. Fills offset, frames, checksums of ret. */
int packed_foot_parse(const struct packed_foot_disk *disk, uint64_t file_size,
		      const char *name, struct packed_table *ret,
		      struct err *err) MUST_CHECK;

size_t packed_entry_size(const struct packed_table *table);
