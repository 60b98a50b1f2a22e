/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The libraries that programs need, found in the sysroot in the order of ld.so(8): the
 * DT_RUNPATH of who needs it, then the standard folders. Each goes into the image under
 * the path where it was found.
 */
#pragma once

#include "sysroot.h"

/* Adds what the program or library at path in the tree needs, and what that needs in
 * turn, and its interpreter. A file that is not ELF needs nothing, or, for a script, the
 * program after its "#!", which must be in the tree or the sysroot. -ENOENT: names the
 * library and who needs it. */
int libraries_add(const struct sysroot *sysroot, const char *path, struct root_tree *tree,
		  struct err *err) MUST_CHECK;

/* Adds a library by its name ("libnss_x.so.2"), and what it needs. */
int libraries_add_named(const struct sysroot *sysroot, const char *name,
			struct root_tree *tree, struct err *err) MUST_CHECK;
