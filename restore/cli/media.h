/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File systems of removable media, mounted while something is read from them or written there. In
 * the recovery environment only: elsewhere somebody else mounts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>

#define MEDIA_MAX 16

/* A partition (or a disk without any) of a disk that says it is removable, or hangs on USB. */
struct media {
	size_t count;
	char devices[MEDIA_MAX][32]; /* "/dev/sdb1" */
};

/* From sysfs below root; *ret is set in any case. */
void media_find(const char *root, struct media *ret);

/* Mounts FAT or exFAT. -ENOEXEC: neither of both is on it; anything else: it should be, and cannot be
 * read. *ret_folder is for media_release(). */
int media_mount(const char *device, bool writable, char **ret_folder,
		struct err *err) MUST_CHECK;

/* Unmounts what media_mount() mounted, which writes all that is not written yet; frees. NULL is
 * fine. */
void media_release(char *folder);
