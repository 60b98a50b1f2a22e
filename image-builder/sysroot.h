/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The folder of unpacked packages. Paths are looked up as if it were the root: a link in
 * it never leads to a file of the running system.
 */
#pragma once

#include <base/text.h>

#include "architecture.h"
#include "root-tree.h"

struct sysroot {
	char *path;
	int fd;
	struct text
		*used; /* a line for each file that was read, "/bin/kmod"; NULL: nobody
			      asks */
	char *kernel;  /* release, the one folder in lib/modules: "6.1.0-56-amd64" */
	const struct architecture *architecture; /* its machine */
};

/* -ENOENT: no kernel in it; -EINVAL: more than one; -ENOTSUP: of another machine. */
int sysroot_open(const char *path, struct sysroot *ret, struct err *err) MUST_CHECK;
void sysroot_clear(struct sysroot *sysroot);

/* Maps a regular file; *ret_mode (may be NULL) gets its permission bits. -ENOENT as such,
 * so that callers may try another place. */
int sysroot_read(const struct sysroot *sysroot, const char *path, struct content *ret,
		 unsigned *ret_mode, struct err *err) MUST_CHECK;

/* The path on this host of a file that goes to a medium as a whole; package is for the
 * message. */
int sysroot_file(const struct sysroot *sysroot, const char *path, const char *package,
		 char **ret, struct err *err) MUST_CHECK;

/* Is there a file or folder? */
bool sysroot_has(const struct sysroot *sysroot, const char *path);

/* Adds a file, or a folder with all that is in it, under its own path. */
int sysroot_add(const struct sysroot *sysroot, const char *path, struct root_tree *tree,
		struct err *err) MUST_CHECK;

/* Maps a file of the host, for what this project built. */
int content_map(const char *path, struct content *ret, unsigned *ret_mode,
		struct err *err) MUST_CHECK;
