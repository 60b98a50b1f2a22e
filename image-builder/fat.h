/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A FAT file system within an image, with mkfs.fat and mtools: no root, no mount. The same
 * files give the same bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

struct image_file {
	const char *source; /* on this host */
	const char *name;   /* "EFI/BOOT/BOOTX64.EFI" */
};

struct fat_volume {
	const char *image; /* is there already, and large enough */
	uint64_t offset;   /* bytes, whole sectors */
	uint64_t length;   /* bytes, whole KiB */
	unsigned bits;	   /* 16 or 32 */
	uint32_t id;
	uint32_t mtime_s; /* of all files on it */
};

int fat_write(const struct fat_volume *volume, const struct image_file *files,
	      size_t count, struct err *err) MUST_CHECK;

/* Adds files to a volume that is there, in place of those of the same name. Their folders
 * are there as well. */
int fat_add(const struct fat_volume *volume, const struct image_file *files, size_t count,
	    struct err *err) MUST_CHECK;
