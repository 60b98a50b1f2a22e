/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several sets in one folder, read one after the other: see set-split.h for what tells them
 * apart. */
#pragma once

#include "backup-set.h"

/* One of the sets, whose version it takes out of result. */
typedef int set_take(const struct set_files *images, struct set_result *result, void *context,
		     struct err *err);

int set_read_mixed(struct tree *tree, const struct set_folder *folder,
		   const struct set_groups *groups, set_take *take, void *context,
		   struct err *err) MUST_CHECK;
