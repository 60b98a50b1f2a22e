/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Older states of a tree: see previous.h. */
#include "previous.h"

#include <inttypes.h>
#include <string.h>

#include <base/text.h>
#include <restore/disk-tree.h>

/* What follows the last part that names a previous version; NULL: there is none. A server may
 * show its snapshots as ordinary folders as well. */
static const char *within_version(const char *path)
{
	const char *found = NULL;

	for (const char *part = path; *part;) {
		size_t length = strcspn(part, "/");
		const char *next = part + length + (part[length] == '/');

		if (tree_is_previous_name(part, length))
			found = next;
		part = next;
	}
	return found;
}

bool previous_is(const char *path)
{
	return within_version(path) || disk_tree_is_shadow(path);
}

const char *previous_within(const char *path)
{
	const char *within = within_version(path);

	return within ? within : path;
}

bool previous_same_place(const char *older, const char *other)
{
	if (!within_version(older))
		return strcmp(older + strcspn(older, "/"), other + strcspn(other, "/")) ==
		       0;
	return strcmp(previous_within(older), previous_within(other)) == 0;
}

/* -- where to look ---------------------------------------------------------------- */

/* Without its last two parts: what is above the machine's folder. */
static size_t holder_length(const char *path)
{
	size_t length = strlen(path);

	for (unsigned up = 0; up < 2 && length; up++)
		while (length && path[--length] != '/')
			;
	return length;
}

static bool is_below(const char *path, size_t length, const char *holder)
{
	size_t above = strlen(holder);

	return above == 0 || (length >= above && strncmp(path, holder, above) == 0 &&
			      (length == above || path[above] == '/'));
}

/* Folders below one that is there already are left out, folders below the new one go. */
static int add_place(struct previous_places *places, const char *path, size_t length,
		     struct err *err)
{
	AUTO_FREE char *holder = strndup(path, length);
	char **grown;
	size_t kept = 0;

	if (!holder)
		return err_nomem(err);
	for (size_t i = 0; i < places->count; i++)
		if (is_below(path, length, places->paths[i]))
			return 0;
	for (size_t i = 0; i < places->count; i++) {
		if (is_below(places->paths[i], strlen(places->paths[i]), holder))
			free(places->paths[i]);
		else
			places->paths[kept++] = places->paths[i];
	}
	places->count = kept;
	grown = reallocarray(places->paths, kept + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	places->paths = grown;
	grown[places->count++] = TAKE_PTR(holder);
	return 0;
}

int previous_places(const struct backup *backup, struct previous_places *ret,
		    struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < backup->machine_count; i++) {
		const struct backup_machine *machine = &backup->machines[i];

		for (size_t j = 0; j < machine->version_count && r == 0; j++) {
			const char *path = machine->versions[j].path;

			if (!previous_is(path))
				r = add_place(ret, path, holder_length(path), err);
		}
	}
	return r == 0 && !ret->count ? add_place(ret, "", 0, err) : r;
}

void previous_places_clear(struct previous_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free(places->paths[i]);
	free(places->paths);
	*places = (struct previous_places){ 0 };
}

/* -- what is known ---------------------------------------------------------------- */

static void add_files(struct text *key, const struct set_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		text_add(key, "/%s/%" PRIu64 "/%" PRId64, files->files[i].name,
			 files->files[i].size, files->files[i].mtime_s);
}

int previous_see(struct previous_seen *seen, const struct set_folder *folder,
		 bool *ret_known, struct err *err)
{
	AUTO(text_clear) struct text text = { 0 };
	AUTO_FREE char *key = NULL;
	char **grown;

	*ret_known = false;
	text_add(&text, "%s", previous_within(folder->path));
	add_files(&text, &folder->images);
	add_files(&text, &folder->documents);
	key = text_take(&text);
	if (!key)
		return err_nomem(err);
	for (size_t i = 0; i < seen->count; i++) {
		if (strcmp(seen->keys[i], key) != 0)
			continue;
		*ret_known = true;
		return 0;
	}
	grown = reallocarray(seen->keys, seen->count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	seen->keys = grown;
	grown[seen->count++] = TAKE_PTR(key);
	return 0;
}

void previous_seen_clear(struct previous_seen *seen)
{
	for (size_t i = 0; i < seen->count; i++)
		free(seen->keys[i]);
	free(seen->keys);
	*seen = (struct previous_seen){ 0 };
}
