/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts the sets that a scan finds in their place: which machine, which time, in which
 * order. */
#pragma once

#include "backup-set.h"

/* Takes the version out of result. *ret_found is a new text for people: "SRV01,
 * 2026-08-31 21:00 UTC". */
int collect_set(const struct tree *tree, const struct set_files *images,
		struct set_result *result, struct backup *backup, char **ret_found,
		struct err *err) MUST_CHECK;

/* Machines by name, versions newest first. */
void collect_sort(struct backup *backup);
