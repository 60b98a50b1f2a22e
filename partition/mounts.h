/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mounted file systems, from /proc/self/mountinfo (proc(5)). */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include <base/err.h>

struct mount {
	dev_t number; /* major 0 where the file system has no device */
	char *point;  /* without the escapes */
	char *source; /* "/dev/sda1", "//server/share", "none", … */
};

struct mounts {
	size_t count;
	struct mount *mounts;
};

/* root is "" or the folder that stands for "/" in a test. No mountinfo: no mounts. */
int mounts_read(const char *root, struct mounts *ret, struct err *err) MUST_CHECK;
void mounts_clear(struct mounts *mounts);

/* The file system that an absolute path lies on, or NULL. */
const struct mount *mounts_find(const struct mounts *mounts, const char *path);
