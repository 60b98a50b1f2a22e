/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The image of a USB stick: GPT with one FAT32 partition that holds the boot files, and the
 * answer file and credentials if they are given. The partition is of type Basic Data, so
 * that Windows gives it a letter and an answer file can be put on it; firmware boots it all
 * the same (BOOT.md, Media). A second partition, of type BIOS boot, covers the gap in front
 * of it, where the loader for machines without UEFI lies.
 */
#pragma once

#include "bios-start.h"
#include "fat.h"

struct disk_image {
	const struct image_file *files;
	size_t count;
	const struct bios_start *bios; /* NULL: for UEFI only */
	uint32_t mtime_s;	       /* of all files on it */
};

/* Where disk_image_write() puts the FAT partition. */
#define DISK_IMAGE_FAT_OFFSET (UINT64_C(1) << 20)

/* Writes the image, sparse. The same files give the same bytes. Nothing is left of it after
 * a failure. */
int disk_image_write(const struct disk_image *image, const char *output,
		     struct err *err) MUST_CHECK;
