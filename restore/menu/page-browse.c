/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is on a server: its shares, then folders, until one is taken as the source. */
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <net/smb.h>

#include "menu.h"

#define SCHEME "smb://"

enum browse_button { BROWSE_OPEN, BROWSE_BACK, BROWSE_HIDDEN };

enum browse_item { ITEM_HERE, ITEM_UP, ITEM_NAMES }; /* before the folders of a share */

struct browse {
	struct menu *menu;
	struct smb_location at;
	bool hidden;
};

static bool at_server(const struct browse *browse)
{
	return !browse->at.share[0];
}

/* The place as it is typed; false: no memory, or it is too long to be typed. */
static bool take_place(const struct browse *browse)
{
	AUTO_FREE char *text = smb_location_text(&browse->at);
	struct choices *choices = &browse->menu->choices;

	if (!text || strlen(text) >= sizeof(choices->source))
		return false;
	memcpy(choices->source, text, strlen(text) + 1);
	return true;
}

static void replace(char **text, char *with)
{
	if (!with)
		return;
	free(*text);
	*text = with;
}

static void go_up(struct browse *browse)
{
	char *slash = strrchr(browse->at.path, '/');

	if (slash)
		*slash = '\0';
	else if (browse->at.path[0])
		browse->at.path[0] = '\0';
	else
		browse->at.share[0] = '\0';
}

static void go_into(struct browse *browse, const char *name)
{
	if (at_server(browse))
		replace(&browse->at.share, strdup(name));
	else
		replace(&browse->at.path, tree_path_join(browse->at.path, name));
}

/* One name a line. */
static void add_names(struct page *page, char *output)
{
	for (char *line = strsep(&output, "\n"); line; line = strsep(&output, "\n"))
		if (line[0] && !page_add_item(page, strdup(line), NULL))
			return;
}

static bool list_place(struct browse *browse, struct page *page)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL;
	struct menu *menu = browse->menu;
	int status;

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "net");
	arguments_add(&arguments, NULL, at_server(browse) ? "shares" : "folders");
	arguments_add(&arguments, NULL, menu->choices.source);
	arguments_add(&arguments, "--credentials", TASK_CREDENTIALS);
	if (menu->choices.require_encryption)
		arguments_add(&arguments, "--encrypt", "required");
	if (browse->hidden)
		arguments_add(&arguments, "--hidden", NULL);
	status = menu_command(menu, TEXT_BROWSE_TITLE, &arguments, &output, &errors);
	if (status > 0)
		menu_show_failure(menu, errors);
	if (status != 0)
		return false;
	if (!at_server(browse)) {
		page_add_item(page, strdup(text_of(TEXT_BROWSE_HERE)), NULL);
		page_add_item(page, strdup(text_of(TEXT_BROWSE_UP)), NULL);
	}
	add_names(page, output);
	return true;
}

/* True: go on looking. */
static bool follow(struct browse *browse, const struct page *page,
		   struct page_answer answer)
{
	if (answer.end != PAGE_BUTTON || answer.button == BROWSE_BACK)
		return false;
	if (answer.button == BROWSE_HIDDEN) {
		browse->hidden = !browse->hidden;
		return true;
	}
	if (page->item >= page->item_count)
		return true;
	if (at_server(browse) || page->item >= ITEM_NAMES)
		go_into(browse, page->items[page->item].text);
	else if (page->item == ITEM_UP)
		go_up(browse);
	else
		return false;
	return take_place(browse);
}

static bool show_place(struct browse *browse)
{
	struct page page = {
		.id = "browse",
		.title = TEXT_BROWSE_TITLE,
		.help = TEXT_HELP_BROWSE,
		.text = browse->menu->choices.source,
		.grows = true,
		.buttons = { TEXT_BROWSE_OPEN, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	bool goes_on = false;

	if (at_server(browse))
		page.buttons[BROWSE_HIDDEN] = TEXT_BROWSE_HIDDEN;
	if (list_place(browse, &page))
		goes_on = follow(browse, &page, ui_show(&browse->menu->ui, &page));
	page_items_clear(&page);
	return goes_on;
}

void page_browse(struct menu *menu)
{
	struct browse browse = { .menu = menu };
	struct err err = { 0 };

	if (smb_server_parse(menu->choices.source, &browse.at, &err) < 0)
		menu_show_failure(menu, err.text);
	else if (take_place(&browse))
		while (show_place(&browse))
			;
	smb_location_clear(&browse.at);
}
