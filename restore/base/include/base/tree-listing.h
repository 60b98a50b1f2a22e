/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The entries of one folder, for kinds of trees: collected first and visited after the
 * folder is closed, since a visit may list the folders below it; in order of name, so
 * that what follows does not depend on the file system.
 */
#pragma once

#include <base/tree.h>

/* Zero-initialised is empty. */
struct tree_listing {
	struct tree_entry *entries; /* names owned */
	size_t count, capacity;
};

/* Adds a copy. One entry beyond TREE_MAX_ENTRIES is kept, so that tree_list() sees that
 * there are too many; the kind stops reading at tree_listing_is_full(). */
int tree_listing_add(struct tree_listing *listing, const struct tree_entry *entry,
		     struct err *err) MUST_CHECK;

static inline bool tree_listing_is_full(const struct tree_listing *listing)
{
	return listing->count > TREE_MAX_ENTRIES;
}

/* Sorts, then calls visit for each until one returns non-zero. */
int tree_listing_visit(struct tree_listing *listing, tree_visit *visit, void *context,
		       struct err *err) MUST_CHECK;

void tree_listing_clear(struct tree_listing *listing);
