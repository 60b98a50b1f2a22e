/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kernel modules: those that the manifest's patterns choose, what they depend on (hard
 * and soft), the firmware that they ask for, and the index by which they are found.
 *
 * A pattern is matched with the path below the kernel's folder
 * ("drivers/net/ethernet/intel/e1000e/e1000e.ko"):
 *
 *	e1000e                    the module of this name
 *	drivers/net/ethernet/     everything in the folder
 *	drivers/net/usb/a*        as fnmatch(3); '*' matches '/' too
 *	!drivers/net/ethernet/x/  leaves out what this matches, unless another module
 *	                          needs it
 *
 * Files are taken as they are: stripping one removes its signature, and a kernel under
 * Secure Boot refuses it.
 */
#pragma once

#include <base/text.h>

#include "manifest.h"
#include "sysroot.h"

struct module_choice {
	const struct manifest *manifest; /* its entries of kind ENTRY_MODULE */
	const char *firmware; /* a folder on this host, searched first; or NULL */
	const char *scratch;  /* a folder, emptied and in the end removed */
};

/* Lines: firmware that a module asks for and that is nowhere. */
int modules_add(const struct sysroot *sysroot, const struct module_choice *choice,
		struct root_tree *tree, struct text *missing_firmware,
		struct err *err) MUST_CHECK;

/* Does one pattern (without '!') match the path below the kernel's folder? */
bool module_pattern_matches(const char *pattern, const char *path);

/* "snd-hda-intel.ko" at the end of a path -> "snd_hda_intel". NULL: no memory. */
char *module_name(const char *path);

/* Adds lib/firmware/name from the folder or the sysroot. -ENOENT. */
int firmware_add(const struct sysroot *sysroot, const char *folder, const char *name,
		 struct root_tree *tree, struct err *err) MUST_CHECK;

/* Runs depmod over the modules in the tree and adds the index that it makes. */
int module_index_add(const struct sysroot *sysroot, const char *scratch,
		     struct root_tree *tree, struct err *err) MUST_CHECK;
