/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A tree over another one that keeps blocks of its files in memory, across openings: scan, plan,
 * forecast and fix-ups look at the same tables, registry hives and boot files one after the other,
 * and over a share each look is a round trip.
 *
 * Blocks belong to a path, a size and a time of change, as the tree below tells them at each opening;
 * a file whose time is unknown keeps them no longer than it is open. Whether a file is still the one
 * that was scanned is no question for memory: who asks that passes it by (tree_kept_pass).
 */
#pragma once

#include <base/tree.h>

/* inner is not taken over and outlives it, as it outlives the files that are opened. */
int tree_kept_new(struct tree *inner, struct tree **ret, struct err *err) MUST_CHECK;

/* From now on, while true, reads of all its files go to inner; nothing is kept of them. */
void tree_kept_pass(struct tree *kept, bool pass);

/* Nothing that was read so far is used again, and its memory is given back. */
void tree_kept_forget(struct tree *kept);
