/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ISO image, for CDs, virtual CDs of servers, and, written to a stick, for USB as well:
 * firmware starts from a small FAT image within, by El Torito or as GPT partition 2; its
 * loader finds everything else in the ISO 9660 file system.
 */
#pragma once

#include "fat.h"

struct iso_image {
	const struct image_file *boot_files; /* on the FAT image */
	size_t boot_count;
	const struct image_file *files;
	size_t count;
	const char *scratch; /* a file, removed in the end */
	uint32_t mtime_s;    /* of everything on it */
};

/* Writes the image with xorriso. The same files give the same bytes. Nothing is left of it
 * after a failure. */
int iso_image_write(const struct iso_image *image, const char *output,
		    struct err *err) MUST_CHECK;
