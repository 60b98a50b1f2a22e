/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a kind of disk image gives to image.c, and what image.c gives to the kinds. */
#pragma once

#include <restore/image.h>

struct image_family; /* image-parent.h */

struct image_kind {
	const char *format;
	/* A file of this name is of this kind, if need be a damaged one; NULL: any name. */
	const char *extension;
	/* Does the file carry a mark of this kind, be it sound or not? */
	int (*probe)(struct block_source *file, bool *ret_is, struct err *err);
	/* Takes file over, on failure too. *info arrives with format and file_size set.
	 * family: where a parent is looked for. */
	int (*open)(struct block_source *file, struct image_family *family,
		    struct image_info *info, struct block_source **ret, struct err *err);
	/* The id by which a child names this image; NULL: no image of this kind has one. */
	int (*read_id)(struct block_source *file, struct guid *ret, struct err *err);
};

extern const struct image_kind image_kind_raw;
extern const struct image_kind image_kind_vhd;
extern const struct image_kind image_kind_vhdx;

/* Adds a line to info->notes. */
void image_note(struct image_info *info, const char *format, ...) PRINTF(2, 3);

/* "vhd" or "vhdx" by the file's mark; NULL: neither. */
int image_find_mark(struct block_source *file, const char **ret_format,
		    struct err *err) MUST_CHECK;

/* Does the name end in extension (".vhd"), no case, if need be with ".zst" behind it? */
bool image_name_ends(const char *name, const char *extension);

/* Text from inside an image must not drive a terminal: control characters become '?'. */
void image_make_printable(char *text);
