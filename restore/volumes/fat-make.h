/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A new FAT32 volume, by mkfs.fat, in an anonymous file (fat-scratch.h). */
#pragma once

#include <base/overlay.h>

struct fat_format {
	uint64_t length;      /* bytes */
	uint32_t sector_size; /* bytes */
	uint32_t serial;
	uint32_t hidden;   /* sectors in front of it, as its boot sector says */
	const char *label; /* at most 11 characters; "": none */
};

/* *ret_fd: the volume. Equal input gives equal bytes. */
int fat_make(const struct fat_format *format, int *ret_fd, struct err *err) MUST_CHECK;

/* All that was ever written to a volume in memory, zeros too; whole pages. */
int fat_visit_data(int fd, uint64_t length, overlay_visit *visit, void *context,
		   struct err *err) MUST_CHECK;
