/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files and folders taken out of the chosen backup: volume, folders, destination, result. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

#define PATH_SIZE 4096

struct walk {
	struct menu *menu;
	char volume[256];     /* as --volume takes it */
	char path[PATH_SIZE]; /* of the folder that is shown, "" the root */
	struct destination destination;
};

static void begin_arguments(const struct walk *walk, const char *action,
			    struct arguments *arguments)
{
	const struct choices *choices = &walk->menu->choices;

	arguments_add(arguments, NULL, "bmr");
	arguments_add(arguments, NULL, "files");
	arguments_add(arguments, NULL, action);
	arguments_add(arguments, "--from", choices->source);
	choices_add_source(choices, &menu_secrets, arguments);
	arguments_add(arguments, "--machine", choices->machine);
	arguments_add(arguments, "--version", choices->version);
	arguments_add(arguments, "--volume", walk->volume);
}

/* What 'bmr files ls --json' prints; NULL: it failed, which has been said. */
static json_t *list(struct walk *walk, const char *path)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL;
	json_t *listed = NULL;
	int status;

	begin_arguments(walk, "ls", &arguments);
	arguments_add(&arguments, "--json", NULL);
	if (path) {
		AUTO_FREE char *rooted = text_format("/%s", path);

		arguments_add(&arguments, NULL, rooted ? rooted : "/");
	}
	status = menu_command(walk->menu, TEXT_FILES, &arguments, &output, &errors);
	if (status == 0 && output)
		listed = json_loads(output, 0, NULL);
	if (!json_is_array(listed) && status >= 0)
		menu_show_failure(walk->menu, errors);
	if (json_is_array(listed))
		return listed;
	json_decref(listed);
	return NULL;
}

static const char *text_in(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Names of files hold anything; a terminal takes some of it for commands. */
static char *clean(char *text)
{
	for (char *p = text; p && *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return text;
}

/* -- volumes ---------------------------------------------------------------------- */

static void name_volume(const json_t *volume, char *to, size_t size)
{
	const char *name = text_in(volume, "name"), *id = text_in(volume, "id");
	const char *image = text_in(volume, "image"), *slash = strrchr(image, '/');

	if (strcmp(name, "-") == 0)
		name = id[0] ? id : slash ? slash + 1 : image;
	snprintf(to, size, "%s", name);
}

static bool choose_volume(struct walk *walk)
{
	json_t *volumes = list(walk, NULL);
	struct page page = {
		.id = "files.volume",
		.title = TEXT_FILES_VOLUME,
		.help = TEXT_HELP_FILES,
		.buttons = { TEXT_GO_ON, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer = { .end = PAGE_BACK };
	json_t *volume;
	size_t i;

	json_array_foreach(volumes, i, volume)
	{
		char size[SIZE_TEXT_SIZE], name[256];

		name_volume(volume, name, sizeof(name));
		size_format((uint64_t)json_integer_value(json_object_get(volume, "size")),
			    size);
		if (strcmp(name, "C:") == 0)
			page.item = i;
		page_add_item(&page,
			      clean(text_format("%-5s %9s  %-6s %s", name, size,
						text_in(volume, "file_system"),
						text_in(volume, "label"))),
			      NULL);
	}
	if (page.item_count)
		answer = ui_show(&walk->menu->ui, &page);
	if (answer.end == PAGE_BUTTON && answer.button == 0)
		name_volume(json_array_get(volumes, page.item), walk->volume,
			    sizeof(walk->volume));
	page_items_clear(&page);
	json_decref(volumes);
	return answer.end == PAGE_BUTTON && answer.button == 0;
}

/* -- taking ----------------------------------------------------------------------- */

static void take(struct walk *walk, const char *path)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *rooted = text_format("/%s", path);
	AUTO_FREE char *shown = clean(strdup(path));
	AUTO_FREE char *text = text_format("%s/%s", walk->volume, shown ? shown : "");

	begin_arguments(walk, "get", &arguments);
	arguments_add(&arguments, NULL, rooted ? rooted : "/");
	page_take(walk->menu, &walk->destination, text ? text : "", &arguments);
}

/* -- folders ---------------------------------------------------------------------- */

static void add_entry(struct page *page, const json_t *entry)
{
	const char *path = text_in(entry, "path"), *kind = text_in(entry, "kind");
	const char *why = text_in(entry, "unreadable"), *slash = strrchr(path, '/');
	bool folder = strcmp(kind, "folder") == 0, link = strcmp(kind, "link") == 0;
	char size[SIZE_TEXT_SIZE] = "";
	AUTO_FREE char *name =
		clean(text_format("%s%s", slash ? slash + 1 : path, folder ? "/" : ""));

	if (!folder && !link)
		size_format((uint64_t)json_integer_value(json_object_get(entry, "size")),
			    size);
	page_add_item(page,
		      text_format("%9s  %.16s  %.200s", link ? "->" : size,
				  text_in(entry, "modified"), name ? name : ""),
		      link   ? clean(text_format("-> %s", text_in(entry, "target")))
		      : *why ? strdup(why)
			     : NULL);
}

static void go_up(struct walk *walk)
{
	char *slash = strrchr(walk->path, '/');

	*(slash ? slash : walk->path) = '\0';
}

/* False: back to the volumes. index 0 is the folder above. */
static bool act(struct walk *walk, const json_t *entries, size_t index, bool open)
{
	const json_t *entry = index ? json_array_get(entries, index - 1) : NULL;
	const char *path = text_in(entry, "path");

	if (!entry && open) {
		if (!walk->path[0])
			return false;
		go_up(walk);
	} else if (!entry) {
		take(walk, walk->path);
	} else if (open && strcmp(text_in(entry, "kind"), "folder") == 0 &&
		   strlen(path) < PATH_SIZE) {
		snprintf(walk->path, sizeof(walk->path), "%s", path);
	} else {
		take(walk, path);
	}
	return true;
}

/* False: back to the volumes. */
static bool show_folder(struct walk *walk)
{
	json_t *entries = list(walk, walk->path), *entry;
	AUTO_FREE char *text = text_format("%s/%s", walk->volume, walk->path);
	struct page page = {
		.id = "files.folder",
		.title = TEXT_FILES,
		.help = TEXT_HELP_FILES,
		.text = clean(text) ? text : "",
		.buttons = { TEXT_FILES_OPEN, TEXT_FILES_TAKE, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;
	bool stay;
	size_t i;

	if (!entries)
		return false;
	page_add_item(&page, strdup(".."), NULL);
	json_array_foreach(entries, i, entry) add_entry(&page, entry);
	answer = ui_show(&walk->menu->ui, &page);
	stay = answer.end == PAGE_BUTTON && answer.button < 2;
	if (stay)
		stay = act(walk, entries, page.item, answer.button == 0);
	else if (answer.end != PAGE_GONE && walk->path[0]) {
		go_up(walk);
		stay = true;
	}
	page_items_clear(&page);
	json_decref(entries);
	return stay;
}

void page_files(struct menu *menu)
{
	struct walk walk = { .menu = menu };

	while (choose_volume(&walk)) {
		walk.path[0] = '\0';
		while (show_folder(&walk))
			;
		walk.volume[0] = '\0';
	}
	explicit_bzero(&walk.destination, sizeof(walk.destination));
}
