/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the parent of a differencing image in its folder: see image-parent.h. */
#include "image-parent.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>

#include "packed.h"

/* A backup's folder holds an image per volume. Each costs some reads to look at. */
#define CANDIDATES_MAX 1024u

/* One search. */
struct search {
	const struct image_kind *kind;
	struct image_family *family;
	const struct image_parent *parent;
	const char *hint; /* last part of the parent's path */
	char **names;	  /* images in the folder; owned */
	size_t count;
	char *found;	     /* has the id; owned */
	bool found_by_hint;  /* and the name, too */
	struct guid hint_id; /* of the file with the name */
	bool hint_differs;   /* it has another id */
};

static void search_clear(struct search *search)
{
	for (size_t i = 0; i < search->count; i++)
		free(search->names[i]);
	free(search->names);
	free(search->found);
}

/* The same name, packed or not. */
static bool is_same_name(const char *a, const char *b)
{
	size_t length = packed_name_length(a);

	return length == packed_name_length(b) && strncasecmp(a, b, length) == 0;
}

/* Windows' paths, or ours. */
static const char *last_part(const char *path)
{
	const char *last = path;

	for (const char *p = path; *p; p++)
		if (*p == '\\' || *p == '/')
			last = p + 1;
	return last;
}

static const char *parent_text(const struct image_parent *parent)
{
	return parent->path[0] ? parent->path : "(not named)";
}

static bool is_parent_id(const struct image_parent *parent, const struct guid *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(parent->ids); i++)
		if (!guid_is_zero(&parent->ids[i]) && guid_equal(&parent->ids[i], id))
			return true;
	return false;
}

/* -- the folder ---- */

static int keep_candidate(const struct tree_entry *entry, void *context, struct err *err)
{
	struct search *search = context;
	const char *name = entry->name;
	char **grown;

	/* ".avhd" and ".avhdx" are the same formats: Hyper-V's checkpoints */
	if (entry->is_folder || (!strcasestr(name, search->kind->extension + 1) &&
				 !is_same_name(name, search->hint)))
		return 0;
	if (search->count == CANDIDATES_MAX)
		return err_set(
			err, -E2BIG,
			"more than %u images in the folder, too many to look for a "
			"parent",
			CANDIDATES_MAX);
	grown = reallocarray(search->names, search->count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	search->names = grown;
	grown[search->count] = strdup(name);
	return grown[search->count++] ? 0 : err_nomem(err);
}

static int open_candidate(const struct search *search, const char *name,
			  struct block_source **ret, struct err *err)
{
	AUTO_FREE char *path = tree_path_join(search->family->folder, name);
	struct block_source *file;
	bool packed;
	int r;

	if (!path)
		return err_nomem(err);
	r = tree_open(search->family->tree, path, &file, err);
	return r < 0 ? r : packed_open(file, ret, &packed, err);
}

/* An image beside that is damaged is no parent; a source that fails ends the search. */
static int read_id(const struct search *search, const char *name, struct guid *ret,
		   struct err *err)
{
	AUTO(source_freep) struct block_source *file = NULL;
	bool is_kind = false;
	int r;

	*ret = (struct guid){ 0 };
	r = open_candidate(search, name, &file, err);
	if (r == 0)
		r = search->kind->probe(file, &is_kind, err);
	if (r == 0 && is_kind)
		r = search->kind->read_id(file, ret, err);
	return r == -EBADMSG || r == -ENOTSUP ? 0 : r;
}

static int look_at(struct search *search, const char *name, struct err *err)
{
	bool by_hint = is_same_name(name, search->hint);
	char text[GUID_TEXT_SIZE];
	struct guid id;
	int r = read_id(search, name, &id, err);

	if (r < 0)
		return r;
	if (!is_parent_id(search->parent, &id)) {
		search->hint_id = by_hint ? id : search->hint_id;
		search->hint_differs |= by_hint;
		return 0;
	}
	if (search->found && is_same_name(search->found, name))
		return 0; /* the image and its packed copy */
	if (search->found && !by_hint && !search->found_by_hint)
		return err_set(
			err, -ENOTSUP,
			"two images, '%s' and '%s', have the id {%s} of the parent '%s': "
			"leave only the right one in the folder",
			search->found, name, guid_format(&id, text),
			parent_text(search->parent));
	if (search->found && !by_hint)
		return 0;
	free(search->found);
	search->found = strdup(name);
	search->found_by_hint = by_hint;
	return search->found ? 0 : err_nomem(err);
}

/* Always fails: says which parent is needed. */
static int not_found(const struct search *search, struct err *err)
{
	char text[GUID_TEXT_SIZE], other[GUID_TEXT_SIZE];

	guid_format(&search->parent->ids[0], text);
	if (search->hint_differs)
		return err_set(
			err, -ENOENT,
			"differencing image, and its parent '%s' {%s} is not in its "
			"folder: the '%s' there has the id {%s}, it is another image or "
			"was changed since",
			parent_text(search->parent), text, search->hint,
			guid_format(&search->hint_id, other));
	return err_set(err, -ENOENT,
		       "differencing image, and its parent '%s' {%s} is not in its "
		       "folder: copy it there",
		       parent_text(search->parent), text);
}

/* search->found: the parent. */
static int find(struct search *search, struct err *err)
{
	int r = tree_list(search->family->tree, search->family->folder, keep_candidate,
			  search, err);

	for (size_t i = 0; i < search->count && r == 0; i++)
		r = look_at(search, search->names[i], err);
	if (r == 0 && !search->found)
		r = not_found(search, err);
	return r;
}

/* -- the chain ---- */

static int join_chain(struct image_family *family, const struct image_parent *parent,
		      const struct guid *id, struct err *err)
{
	char text[GUID_TEXT_SIZE];

	if (family->count + 1 >= IMAGE_CHAIN_MAX)
		return err_set(err, -ENOTSUP, "chain of more than %u differencing images",
			       IMAGE_CHAIN_MAX);
	family->ids[family->count++] = *id;
	for (unsigned i = 0; i < family->count; i++)
		if (is_parent_id(parent, &family->ids[i]))
			return err_set(err, -ELOOP,
				       "differencing image whose parent '%s' {%s} is the "
				       "image itself or builds on it",
				       parent_text(parent),
				       guid_format(&family->ids[i], text));
	return 0;
}

static int open_found(const struct search *search, struct block_source **ret,
		      struct err *err)
{
	struct image_info info = { 0 };
	struct block_source *file = NULL;
	int r = open_candidate(search, search->found, &file, err);

	if (r < 0)
		return r;
	info.format = search->kind->format;
	info.file_size = file->size;
	return search->kind->open(file, search->family, &info, ret, err);
}

static int check_sectors(const struct block_source *child,
			 const struct block_source *parent, struct err *err)
{
	if (parent->sector_size == child->sector_size)
		return 0;
	return err_set(err, -EBADMSG,
		       "differencing image with sectors of %u bytes, its parent '%s' has "
		       "%u",
		       child->sector_size, parent->name, parent->sector_size);
}

static int find_and_open(struct search *search, const struct block_source *child,
			 struct image_info *info, struct block_source **ret,
			 struct err *err)
{
	AUTO(source_freep) struct block_source *parent = NULL;
	char text[GUID_TEXT_SIZE];
	int r;

	if (!search->family->tree)
		return err_set(err, -ENOTSUP,
			       "differencing image, and there is no folder to look for "
			       "its parent '%s' {%s}",
			       parent_text(search->parent),
			       guid_format(&search->parent->ids[0], text));
	r = join_chain(search->family, search->parent, &info->unique_id, err);
	if (r == 0)
		r = find(search, err);
	if (r == 0)
		r = open_found(search, &parent, err);
	if (r == 0)
		r = check_sectors(child, parent, err);
	if (r < 0)
		return r;
	image_note(info, "changes against its parent '%s', which is read with it",
		   search->found);
	*ret = TAKE_PTR(parent);
	return 0;
}

int image_parent_open(const struct image_kind *kind, struct image_family *family,
		      const struct block_source *child, struct image_parent *parent,
		      struct image_info *info, struct block_source **ret, struct err *err)
{
	struct search search = { .kind = kind, .family = family, .parent = parent };
	int r;

	image_make_printable(parent->path);
	search.hint = last_part(parent->path);
	if (guid_is_zero(&parent->ids[0]) && guid_is_zero(&parent->ids[1]))
		return err_set(err, -EBADMSG,
			       "'%s': differencing image whose parent '%s' has no id",
			       child->name, parent_text(parent));
	info->parent_ids[0] = parent->ids[0];
	info->parent_ids[1] = parent->ids[1];
	r = find_and_open(&search, child, info, ret, err);
	search_clear(&search);
	return r < 0 ? err_add(err, "'%s'", child->name) : 0;
}
