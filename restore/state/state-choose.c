/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files of a set's volume are chosen: see state-parts.h. */
#include "state-parts.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/checked.h>
#include <base/text.h>

#include "hives/hive-load.h"

/* Windows' longest path has 32767 characters; folders of catalogues lie in one folder. */
#define DEPTH_MAX 32

void state_files_clear(struct state_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->files[i].path);
	free(files->files);
	*files = (struct state_files){ 0 };
}

bool state_is_log(const char *path)
{
	for (size_t i = 0; i < HIVE_LOG_COUNT; i++) {
		size_t length = strlen(path), end = strlen(hive_log_suffixes[i]);

		if (length > end &&
		    strcasecmp(path + length - end, hive_log_suffixes[i]) == 0)
			return true;
	}
	return false;
}

struct choice {
	struct items *items;
	struct state_files *files;
};

/* A folder that is looked through. */
struct folder {
	const char *path;
	unsigned depth;
	struct item_list list;
};

static bool is_chosen(const struct state_files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcasecmp(files->files[i].path, path) == 0)
			return true;
	return false;
}

static int make_room(struct state_files *files, struct err *err)
{
	size_t room = files->room ? files->room * 2 : 64;
	struct state_file *grown;

	if (files->files && files->count < files->room)
		return 0;
	if (files->count >= STATE_FILES_MAX)
		return err_set(err, -E2BIG, "more than %d files", STATE_FILES_MAX);
	grown = reallocarray(files->files, room, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	files->files = grown;
	files->room = room;
	return 0;
}

/* path is taken over. */
static int add_file(struct choice *choice, char *path, const struct item *item,
		    const struct state_rule *rule, struct err *err)
{
	struct state_files *files = choice->files;
	AUTO_FREE char *owned = path;
	int r = owned ? make_room(files, err) : err_nomem(err);

	if (r < 0 || !files->files)
		return r;
	files->files[files->count++] = (struct state_file){
		.path = TAKE_PTR(owned),
		.class = rule->class,
		.origin = rule->origin,
		.size = item->size,
		.content = item->content,
		.streams = item->stream_count,
		.facts = { .created = item->created,
			   .modified = item->modified,
			   .accessed = item->accessed,
			   .attributes = item->attributes },
	};
	return 0;
}

static int list_folder(struct choice *choice, const char *path, struct item_list *ret,
		       struct err *err)
{
	struct item_address address = { 0, path };
	struct err fault = { 0 };
	int r = items_list(choice->items, &address, ret, &fault);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r < 0 ? err_set(err, r, "%s", fault.text) : 0;
}

static bool has_name(const struct item_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].kind == ITEM_FILE &&
		    strcasecmp(list->items[i].name, name) == 0)
			return true;
	return false;
}

/* "SYSTEM.LOG1" is the log of a hive that the rule wants. */
static bool is_wanted_log(const struct item_list *list, const struct state_rule *rule,
			  const char *name)
{
	for (size_t i = 0; i < HIVE_LOG_COUNT; i++) {
		size_t end = strlen(hive_log_suffixes[i]), length = strlen(name);
		AUTO_FREE char *hive = NULL;

		if (length <= end ||
		    strcasecmp(name + length - end, hive_log_suffixes[i]) != 0)
			continue;
		hive = strndup(name, length - end);
		if (hive && state_spec_fits(rule->spec, hive) && has_name(list, hive))
			return true;
	}
	return false;
}

static int choose_in(struct choice *choice, const struct state_rule *rule,
		     const char *path, unsigned depth, struct err *err);

static int choose_item(struct choice *choice, const struct state_rule *rule,
		       const struct folder *folder, const struct item *item,
		       struct err *err)
{
	AUTO_FREE char *path = text_format("%s%s%s", folder->path,
					   folder->path[0] ? "/" : "", item->name);
	bool wanted = item->kind == ITEM_FILE &&
		      (state_spec_fits(rule->spec, item->name) ||
		       is_wanted_log(&folder->list, rule, item->name));

	if (!path)
		return err_nomem(err);
	if (wanted && !is_chosen(choice->files, path))
		return add_file(choice, TAKE_PTR(path), item, rule, err);
	if (item->kind == ITEM_FOLDER && rule->recursive)
		return choose_in(choice, rule, path, folder->depth + 1, err);
	return 0;
}

/* What the volume calls a folder need not be what the rule calls it; Windows does not care. */
static int choose_in(struct choice *choice, const struct state_rule *rule,
		     const char *path, unsigned depth, struct err *err)
{
	struct folder folder = { .path = path, .depth = depth };
	int r;

	if (depth > DEPTH_MAX)
		return err_set(err, -ELOOP, "'%s': folders in folders, more than %d",
			       path, DEPTH_MAX);
	r = list_folder(choice, path, &folder.list, err);
	for (size_t i = 0; i < folder.list.count && r == 0; i++)
		r = choose_item(choice, rule, &folder, &folder.list.items[i], err);
	item_list_clear(&folder.list);
	return r;
}

int state_choose(struct items *items, const struct state_rules *rules,
		 struct state_files *ret, struct err *err)
{
	struct state_files files = { 0 };
	struct choice choice = { items, &files };
	int r = 0;

	for (size_t i = 0; i < rules->count && r == 0; i++)
		r = choose_in(&choice, &rules->rules[i], rules->rules[i].path, 0, err);
	if (r < 0) {
		state_files_clear(&files);
		return r;
	}
	*ret = files;
	return 0;
}
