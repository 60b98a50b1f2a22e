/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The entries of one folder: see base/tree-listing.h. */
#include <string.h>

#include <base/cleanup.h>
#include <base/tree-listing.h>

void tree_listing_clear(struct tree_listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		free((char *)listing->entries[i].name);
	free(listing->entries);
	*listing = (struct tree_listing){ 0 };
}

int tree_listing_add(struct tree_listing *listing, const struct tree_entry *entry,
		     struct err *err)
{
	char *name;

	if (listing->count == listing->capacity) {
		size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
		struct tree_entry *grown =
			reallocarray(listing->entries, capacity, sizeof(*grown));

		if (!grown)
			return err_nomem(err);
		listing->entries = grown;
		listing->capacity = capacity;
	}
	name = strdup(entry->name);
	if (!name)
		return err_nomem(err);
	listing->entries[listing->count] = *entry;
	listing->entries[listing->count++].name = name;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct tree_entry *left = a, *right = b;

	return strcmp(left->name, right->name);
}

int tree_listing_visit(struct tree_listing *listing, tree_visit *visit, void *context,
		       struct err *err)
{
	int r = 0;

	if (listing->count)
		qsort(listing->entries, listing->count, sizeof(*listing->entries),
		      compare_names);
	for (size_t i = 0; i < listing->count && r == 0; i++)
		r = visit(&listing->entries[i], context, err);
	return r;
}
