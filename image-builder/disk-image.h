/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The image of a USB stick: GPT with one FAT32 partition that holds the EFI file under
 * the name of removable media, and the answer file and credentials if they are given. The
 * partition is of type Basic Data, so that Windows gives it a letter and an answer file
 * can be put on it; firmware boots it all the same (BOOT.md, Media).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

struct image_file {
	const char *source; /* on this host */
	const char *name;   /* "EFI/BOOT/BOOTX64.EFI"; no folder is named by two files */
};

struct disk_image {
	const struct image_file *files;
	size_t count;
	uint32_t mtime_s; /* of all files on it */
};

/* Writes the image, sparse. The same files give the same bytes. Nothing is left of it after
 * a failure. */
int disk_image_write(const struct disk_image *image, const char *output,
		     struct err *err) MUST_CHECK;
