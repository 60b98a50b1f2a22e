/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fills the tree of the initramfs with what a manifest names. */
#pragma once

#include <base/text.h>

#include "manifest.h"
#include "sysroot.h"

struct collection {
	const struct sysroot *sysroot;
	const struct manifest *manifest;
	const char *programs; /* folder of what this project built */
	const char *firmware; /* folder, or NULL */
	const char *scratch;  /* see modules.h */
};

/* Errors begin with the manifest's name and line. missing_firmware: see modules.h. */
int collect_tree(const struct collection *collection, struct root_tree *tree,
		 struct text *missing_firmware, struct err *err) MUST_CHECK;
