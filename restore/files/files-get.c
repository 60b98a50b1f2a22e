/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folders with all that is in them, taken out of a volume: see restore/files.h. */
#include <inttypes.h>
#include <search.h>
#include <string.h>

#include <base/text.h>

#include "files-parts.h"

void files_tell(struct get *get, enum files_event event, const char *path,
		const char *text)
{
	get->sum->skipped += event == FILES_SKIPPED;
	get->sum->incomplete += event == FILES_INCOMPLETE;
	get->sum->odd += event == FILES_ODD;
	get->sum->links += event == FILES_LINK;
	if (get->options->tell)
		get->options->tell(event, path, text, get->options->context);
}

int files_progress(struct get *get, const char *path, struct err *err)
{
	if (!get->options->progress ||
	    !get->options->progress(path, get->sum, get->options->context))
		return 0;
	get->fatal = true;
	return err_set(err, -ECANCELED, "cancelled; what was taken until now is whole");
}

/* Who reads, or from where, is gone: the next file would fail as well. */
int files_source_failed(struct get *get, int r)
{
	static const int gone[] = { EPIPE,	  EPROTO,      ETIMEDOUT, ECONNABORTED,
				    ECONNRESET,	  ENOTCONN,    ENOMEM,	  EHOSTUNREACH,
				    ECONNREFUSED, ENETUNREACH, ENODEV };

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		get->fatal |= r == -gone[i];
	return r;
}

/* Only these are about the one file. */
int files_target_failed(struct get *get, int r)
{
	static const int harmless[] = { EEXIST, EFBIG, EINVAL,	ENAMETOOLONG, ELOOP,
					EACCES, EPERM, ENOTDIR, EISDIR,	      EILSEQ };

	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (r == -harmless[i])
			return r;
	get->fatal |= r < 0;
	return r;
}

/* -- names of one file ------------------------------------------------------------ */

struct known_file {
	uint64_t id;
	char *to; /* path in the destination; owned */
};

static int compare_known(const void *a, const void *b)
{
	const struct known_file *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void free_known(void *node)
{
	struct known_file *known = node;

	free(known->to);
	free(known);
}

static int remember(struct get *get, const struct place *place, uint64_t id,
		    struct err *err)
{
	struct known_file *known = calloc(1, sizeof(*known));

	if (!known)
		return err_nomem(err);
	known->id = id;
	known->to = tree_path_join(place->to, place->name);
	if (!known->to || !tsearch(known, &get->names, compare_known)) {
		free_known(known);
		return err_nomem(err);
	}
	return 0;
}

/* -ENOENT: it is the first name; -ENOTSUP: the destination has no hard links. */
static int link_known(struct get *get, const struct place *place, uint64_t id,
		      struct err *err)
{
	struct known_file key = { .id = id };
	void *found = tfind(&key, &get->names, compare_known);

	if (!found)
		return -ENOENT;
	if (!get->target->ops->link)
		return -ENOTSUP;
	return get->target->ops->link(get->target, (*(struct known_file **)found)->to,
				      place->folder, place->name, err);
}

static int take_file(struct get *get, const struct place *place, const struct item *item,
		     struct err *err)
{
	bool several = item->id && item->names > 1;
	int r = several ? link_known(get, place, item->id, err) : -ENOENT;

	if (r == 0) {
		get->sum->files++;
		return 0;
	}
	if (r == -ENOTSUP)
		files_tell(get, FILES_ODD, place->path,
			   "a second name of a file; here it is a copy");
	else if (r != -ENOENT)
		return files_target_failed(get, r);
	if (!item_content_readable(item->content))
		return err_set(err, -ENOTSUP, "%s", item_content_text(item->content));
	r = files_copy(get, place, item, err);
	if (r == 0 && several &&
	    !tfind(&(struct known_file){ .id = item->id }, &get->names, compare_known))
		r = remember(get, place, item->id, err);
	return r;
}

/* -- folders ---------------------------------------------------------------------- */

static int take_item(struct get *get, const struct place *above, const struct item *item,
		     struct err *err);

/* A folder that is its own parent, in a damaged or hostile volume. */
static bool is_circle(const struct get *get, uint64_t id)
{
	for (unsigned i = 0; id && i < get->depth; i++)
		if (get->folders[i] == id)
			return true;
	return false;
}

/* above: the folder itself as a place, its folder that of the destination in which its items go. */
static int take_entries(struct get *get, const struct place *above, struct err *err)
{
	const struct item_address address = { above->id, above->path };
	AUTO(item_list_clear) struct item_list list = { 0 };
	int r;

	if (is_circle(get, above->id))
		return err_set(err, -EBADMSG, "a folder that is within itself");
	if (get->depth == FILES_DEPTH_MAX)
		return err_set(err, -E2BIG, "more than %d folders within each other",
			       FILES_DEPTH_MAX);
	r = files_source_failed(
		get, reader_list(get->reader, get->volume, &address, &list, err));
	if (r < 0)
		return r;
	get->folders[get->depth++] = above->id;
	for (size_t i = 0; i < list.count && r == 0; i++)
		r = take_item(get, above, &list.items[i], err);
	get->depth--;
	return r;
}

static int take_folder(struct get *get, const struct place *place,
		       const struct item *item, struct err *err)
{
	const struct file_times times = { item->created, item->modified, item->accessed };
	AUTO_FREE char *to = tree_path_join(place->to, place->name);
	struct place within = { .path = place->path, .id = item->id, .to = to };
	struct err left = { 0 };
	int r, s;

	if (!to)
		return err_nomem(err);
	r = get->target->ops->enter(get->target, place->folder, place->name,
				    &within.folder, err);
	if (r < 0)
		return files_target_failed(get, r);
	get->sum->folders++;
	r = take_entries(get, &within, err);
	s = get->target->ops->leave(get->target, within.folder, &times, &left);
	if (r == 0 && s < 0)
		r = err_set(err, s, "%s", left.text);
	return r < 0 ? r : files_copy_streams(get, place, item, err);
}

/* One item in the folder above; what cannot be had is told of. */
static int take_item(struct get *get, const struct place *above, const struct item *item,
		     struct err *err)
{
	AUTO_FREE char *path = tree_path_join(above->path, item->name);
	AUTO_FREE char *name = NULL, *text = NULL;
	struct place place = { .id = item->id, .folder = above->folder, .to = above->to };
	bool changed = false;
	int r = path ? file_name_for(item->name, get->target->windows_names, &name,
				     &changed, err)
		     : err_nomem(err);

	place.path = path;
	place.name = name;
	if (r == 0)
		r = files_progress(get, path, err);
	if (r == 0 && changed && item->kind != ITEM_LINK) {
		text = text_format("its name here is '%s'", name);
		files_tell(get, FILES_ODD, path, text ? text : "");
	}
	if (r == 0 && item->kind == ITEM_LINK)
		files_tell(get, FILES_LINK, path, item->target ? item->target : "");
	else if (r == 0 && item->kind == ITEM_FOLDER)
		r = take_folder(get, &place, item, err);
	else if (r == 0)
		r = take_file(get, &place, item, err);
	if (r < 0 && !get->fatal) {
		files_tell(get, FILES_SKIPPED, path, err->text);
		return 0;
	}
	return r;
}

/* -- from outside ----------------------------------------------------------------- */

static int get_new(struct reader *reader, unsigned volume, struct file_target *target,
		   const struct files_options *options, struct files_sum *sum,
		   struct get **ret, struct err *err)
{
	AUTO_FREE struct get *get = calloc(1, sizeof(*get));

	if (!get)
		return err_nomem(err);
	*get = (struct get){ .reader = reader,
			     .volume = volume,
			     .target = target,
			     .options = options,
			     .sum = sum,
			     .buffer = malloc(READER_SLOT_SIZE) };
	if (!get->buffer)
		return err_nomem(err);
	*ret = TAKE_PTR(get);
	return 0;
}

static void get_free(struct get *get)
{
	tdestroy(get->names, free_known);
	free(get->buffer);
	free(get);
}
DEFINE_FREEP(struct get, get, get_free)

int files_get(struct reader *reader, unsigned volume, const char *path,
	      struct file_target *target, const struct files_options *options,
	      struct files_sum *sum, struct err *err)
{
	AUTO(item_clear) struct item item = { 0 };
	AUTO_FREE char *folder = strdup(path);
	AUTO(get_freep) struct get *get = NULL;
	struct place above = { .path = "", .to = "" };
	char *slash = folder ? strrchr(folder, '/') : NULL;
	int r = folder ? get_new(reader, volume, target, options, sum, &get, err)
		       : err_nomem(err);

	if (r == 0)
		r = reader_find(reader, volume, &(struct item_address){ 0, path }, &item,
				err);
	if (r < 0)
		return r;
	if (!path[0]) {
		above.id = item.id;
		return take_entries(get, &above, err);
	}
	if (slash) {
		*slash = '\0';
		above.path = folder;
	}
	return take_item(get, &above, &item, err);
}

/* Enters the folders of a path, one after the other; *folder and *path are where it stands. */
static int enter_all(struct get *get, char *path, void **folder, struct text *to,
		     struct err *err)
{
	char *rest = path;
	int r = 0;

	for (char *part = strsep(&rest, "/"); rest && r == 0; part = strsep(&rest, "/")) {
		AUTO_FREE char *name = NULL;
		void *next = NULL;
		bool changed;

		r = file_name_for(part, get->target->windows_names, &name, &changed, err);
		if (r < 0)
			return r;
		r = get->target->ops->enter(get->target, *folder, name, &next, err);
		if (r < 0)
			return files_target_failed(get, r);
		text_add(to, "%s%s", to->length ? "/" : "", name);
		if (get->target->ops->leave(get->target, *folder, NULL, err) < 0)
			r = -EIO;
		*folder = next;
	}
	return r;
}

int files_get_at(struct reader *reader, unsigned volume, const char *path,
		 const char *below, struct file_target *target,
		 const struct files_options *options, struct files_sum *sum,
		 struct err *err)
{
	AUTO(item_clear) struct item item = { 0 };
	AUTO_FREE char *parts = tree_path_join(below, path), *folder = strdup(path);
	AUTO(text_clear) struct text to = { 0 };
	AUTO(get_freep) struct get *get = NULL;
	struct place above = { .path = "" };
	char *slash = folder ? strrchr(folder, '/') : NULL;
	struct err left = { 0 };
	int r = parts && folder ? get_new(reader, volume, target, options, sum, &get, err)
				: err_nomem(err);

	if (r == 0)
		r = reader_find(reader, volume, &(struct item_address){ 0, path }, &item,
				err);
	if (r == 0)
		r = enter_all(get, parts, &above.folder, &to, err);
	if (r == 0) {
		if (slash) {
			*slash = '\0';
			above.path = folder;
		}
		above.to = to.string ? to.string : "";
		r = take_item(get, &above, &item, err);
	}
	if (target->ops->leave(target, above.folder, NULL, &left) < 0 && r == 0)
		r = err_set(err, left.code, "%s", left.text);
	return r;
}
