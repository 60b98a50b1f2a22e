/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disk images of backups: VHD and VHDX (and raw) as block sources. One file per kind
 * (vhd.c, vhdx.c, raw.c), each with a const struct image_kind at its end, one line in the
 * table of image.c.
 */
#pragma once

#include <base/block-source.h>
#include <base/guid.h>
#include <base/tree.h>
#include <partition/layout.h>

struct image_info {
	const char *format;   /* "vhd", "vhdx", "raw" */
	const char *subformat; /* "fixed", "dynamic", "differencing" */
	uint64_t virtual_size; /* bytes */
	uint64_t file_size;    /* bytes */
	uint64_t mtime_ns;     /* of the file, since 1970; 0: unknown */
	uint32_t block_size;   /* bytes; 0 for fixed and raw */
	uint32_t sector_size;	       /* logical, bytes */
	uint32_t physical_sector_size; /* bytes */
	uint64_t allocated;    /* bytes of blocks that are stored */
	struct guid unique_id; /* VHD: unique id of the footer; VHDX: DataWriteGuid */
	struct guid parent_ids[2]; /* differencing: either is the unique id of the parent; a
				      zero one says nothing */
	char creator[64];      /* VHD: "vsim 1.1 Wi2k"; VHDX: creator text; "" if none */
	uint64_t log_entries;  /* VHDX: entries replayed in memory; 0: the log was empty */
	uint64_t log_bytes;    /* bytes those replaced */
	char notes[512];       /* what was odd and tolerated, one line each */
};

/* Opens the image in file, which is taken over (on failure too). The result shows the virtual
 * disk; its name is the file's. Every metadata structure is checked before this returns:
 * SAFETY.md section 4. -ENOEXEC none of the formats, -EBADMSG damaged, -ENOTSUP a differencing
 * image, whose parent could be anywhere: image_open_beside() opens those. Memory is bounded whatever the image claims: tables are read in pages as needed. */
int image_open(struct block_source *file, struct image_info *ret_info,
	       struct block_source **ret, struct err *err) MUST_CHECK;

/* The same for a file that lies in this folder of tree (borrowed for the call, but what is
 * opened through it lives as long as *ret). The parents of a differencing image are looked for
 * by their ids, in this folder only, through at most 32 of them: -ENOENT one is not there,
 * -ELOOP a cycle. A block that the image does not store is its parent's. */
int image_open_beside(struct block_source *file, struct tree *tree, const char *folder,
		      struct image_info *ret_info, struct block_source **ret,
		      struct err *err) MUST_CHECK;

/* The image of this path in tree, with its parents. */
int image_open_path(struct tree *tree, const char *path, struct image_info *ret_info,
		    struct block_source **ret, struct err *err) MUST_CHECK;

/* The one volume that an image of a Windows backup holds (FORMAT.md section 2): the one
 * partition that is not MSR, by GPT or MBR. disk is taken over, on failure too. The slice's
 * size is the source partition's length exactly. -EBADMSG: none or two candidates, or a
 * damaged table. */
int image_volume_open(struct block_source *disk, struct block_source **ret,
		      struct err *err) MUST_CHECK;

/* An opened image and what is in it, for people and for machines (JSON). *ret_problem is NULL,
 * or says what is damaged inside: partition table, boot sector of a volume. New strings, freed
 * by the caller. */
int image_describe(struct block_source *disk, const struct image_info *info, bool json,
		   char **ret_text, char **ret_problem, struct err *err) MUST_CHECK;
