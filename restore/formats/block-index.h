/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sidecar of a backup: hashes of what its volumes hold, so that a disk can be compared
 * with the backup without reading the backup. A file of the name INDEX_NAME in the set's folder:
 *
 *	+------+---------+-----+---------+----------------------+-----
 *	| head | image 0 | ... | image N | records of image 0   | ...
 *	+------+---------+-----+---------+----------------------+-----
 *
 *	record: chunk number | mask | check | a hash for each bit of mask
 *
 * A chunk has 64 blocks of 64 KiB. A block's hash is XXH3-128 over those of its bytes that the
 * volume map calls data (volume.h), one behind the other: what is free does not count. Blocks
 * without such bytes have no bit. The head binds the sidecar to the images: name, size, time,
 * unique id, and a hash of the places where their heads lie.
 *
 * Whoever can change the sidecar can change the backup; its checksums are against accidents.
 */
#pragma once

#include <base/block-source.h>
#include <base/bytes.h>
#include <base/guid.h>
#include <base/tree.h>

#define INDEX_NAME	 "openbmr.index"
#define INDEX_MAGIC	 "openbmri"
#define INDEX_VERSION	 1u
#define INDEX_BLOCK	 (64u << 10)
#define INDEX_BLOCKS	 64u /* of a chunk: the bits of its mask */
#define INDEX_CHUNK	 (INDEX_BLOCKS * INDEX_BLOCK)
#define INDEX_MAX_IMAGES 64u /* volumes of a machine: READER_MAX_VOLUMES */

struct index_hash {
	le64 low, high;
};
_Static_assert(sizeof(struct index_hash) == 16, "XXH3-128");

/* What the source view below has for each chunk. */
#define INDEX_PAGE (INDEX_BLOCKS * sizeof(struct index_hash))

struct index_head_disk {
	uint8_t magic[8];	 /* 0x00 INDEX_MAGIC; zeros while it is being written */
	le32 version;		 /* 0x08 INDEX_VERSION */
	le32 block_size;	 /* 0x0c INDEX_BLOCK */
	le32 images;		 /* 0x10 1 to INDEX_MAX_IMAGES */
	le32 reserved;		 /* 0x14 0 */
	le64 size;		 /* 0x18 of the whole file */
	struct index_hash check; /* 0x20 of head and images, with zeros here */
};
_Static_assert(sizeof(struct index_head_disk) == 0x30, "a sidecar's head");

struct index_image_disk {
	uint8_t name[256];	 /* 0x000 in the set's folder, without ".zst"; zero-padded */
	le64 file_size;		 /* 0x100 bytes, of the unpacked image */
	le64 mtime_ns;		 /* 0x108 since 1970 */
	struct guid unique_id;	 /* 0x110 */
	struct index_hash heads; /* 0x120 index_heads_hash() */
	le64 volume_length;	 /* 0x130 bytes */
	le64 offset;		 /* 0x138 of its records in this file */
	le64 length;		 /* 0x140 bytes of records */
	le64 records;		 /* 0x148 */
};
_Static_assert(sizeof(struct index_image_disk) == 0x150, "an image of a sidecar");

struct index_record_disk {
	le64 chunk; /* 0x00 ascending within an image */
	le64 mask;  /* 0x08 not 0; bit n: block n has a hash */
	le64 check; /* 0x10 index_record_check() */
};
_Static_assert(sizeof(struct index_record_disk) == 24, "a record's head");

/* Data within a chunk; bytes from its start. */
struct index_range {
	uint32_t offset, length;
};

/* bytes: those of the chunk from base on; ranges: ascending, apart from each other. Hashes of blocks without data
 * are zeros. */
void index_hash_chunk(const uint8_t *bytes, uint32_t base, const struct index_range *ranges,
		      size_t count, struct index_hash hashes[INDEX_BLOCKS]);
uint64_t index_mask(const struct index_hash hashes[INDEX_BLOCKS]);
uint64_t index_record_check(const struct index_record_disk *record,
			    const struct index_hash *hashes);
void index_head_check(const struct index_head_disk *head,
		      const struct index_image_disk *images, struct index_hash *ret);

/* The heads of VHDX and VHD files lie at these places: what changes an image changes them. */
int index_heads_hash(struct block_source *file, struct index_hash *ret, struct err *err) MUST_CHECK;

/* What the image is now. */
struct index_identity {
	const char *name; /* of the file, packed or not, without folder */
	uint64_t file_size, mtime_ns;
	struct guid unique_id;
	struct index_hash heads;
};

/* The sidecar in file (taken over, on failure too) as one page of INDEX_PAGE bytes for each
 * chunk of the image's volume: hashes, zeros where there are none. Read in ascending order it is
 * read once. expected NULL: the first image, whatever it is. -ESTALE: it does not fit the
 * image; -EBADMSG: damaged. */
int index_source_new(struct block_source *file, const struct index_identity *expected,
		     struct block_source **ret, struct err *err) MUST_CHECK;

/* The sidecar that lies beside the image at path, of size and so on as scanned. -ENOENT: there
 * is none. */
int index_open_beside(struct tree *tree, const char *image_path,
		      const struct index_identity *scanned, struct block_source **ret,
		      struct err *err) MUST_CHECK;
