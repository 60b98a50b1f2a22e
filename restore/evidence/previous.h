/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Older states of what is searched: previous versions of a share (base/tree.h) and shadow copies
 * of a volume (restore/disk-tree.h). Which folders of them are worth a look, and what in them is
 * known already. Pure.
 */
#pragma once

#include "backup-set.h"

/* Does the path lead into one? Of two that show the same, the later has the greater path. */
bool previous_is(const char *path);

/* The path in a previous version of a share, without what names the version; any other path as
 * it is. */
const char *previous_within(const char *path);

/* Is it the same folder, apart from the state? older leads into one. */
bool previous_same_place(const char *older, const char *other);

/* The folders that are searched in each previous version: the one that holds the machines'
 * folders, for every set that was found; where nothing was found, all. */
struct previous_places {
	char **paths;
	size_t count;
};
int previous_places(const struct backup *backup, struct previous_places *ret,
		    struct err *err) MUST_CHECK;
void previous_places_clear(struct previous_places *places);

/* Sets whose files are remembered by name, size and time. Zero-initialised is empty. */
struct previous_seen {
	char **keys;
	size_t count;
};
/* *ret_known: a set with these files at the same place was told of before. */
int previous_see(struct previous_seen *seen, const struct set_folder *folder, bool *ret_known,
		 struct err *err) MUST_CHECK;
void previous_seen_clear(struct previous_seen *seen);
