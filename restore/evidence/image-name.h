/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the file name of an image says (FORMAT.md section 2, "the file name carries the
 * layout"). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/guid.h>

enum image_name_kind {
	IMAGE_NAME_OTHER, /* says nothing */
	IMAGE_NAME_ESP,	  /* Esp.vhdx, Esp.vhd */
	IMAGE_NAME_GUID,  /* volume GUID */
	IMAGE_NAME_MBR,	  /* volume GUID made of disk signature and volume offset */
};

struct image_name {
	enum image_name_kind kind;
	bool has_extension; /* .vhd or .vhdx, in any case, if need be .zst behind it */
	bool is_packed;	    /* with has_extension: it ends in .zst */
	struct guid guid;   /* IMAGE_NAME_GUID, IMAGE_NAME_MBR: of the volume */
	bool is_random;	    /* IMAGE_NAME_GUID: version 1, made when the volume was first
			       seen,     so it is not the partition's id */
	uint32_t mbr_signature; /* IMAGE_NAME_MBR */
	uint64_t offset;	/* IMAGE_NAME_MBR: bytes on the source disk */
};

/* name: without folder. */
struct image_name image_name_read(const char *name);
