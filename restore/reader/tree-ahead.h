/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A tree that lists folders ahead of the scan: where each listing costs some round trips, it
 * is the number of folders that a scan waits for. Helper processes with connections of their
 * own list what the scan said it would want (tree_expect()). For the reader process, whose jail
 * the helpers share.
 */
#pragma once

#include <restore/reader.h>

/* inner is borrowed; open_tree gives each helper its own connection. Helpers start when there
 * is enough to do, and end with the tree. Where one cannot connect, the tree lists itself. */
int tree_ahead_new(struct tree *inner, reader_open_tree *open_tree, void *context,
		   struct tree **ret, struct err *err) MUST_CHECK;
