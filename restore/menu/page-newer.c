/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files on the disks to be erased that were written after the backup: listed, and saved elsewhere. */
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

static void begin_arguments(const struct menu *menu, const char *disk,
			    struct arguments *arguments)
{
	const struct choices *choices = &menu->choices;

	arguments_add(arguments, NULL, "bmr");
	arguments_add(arguments, NULL, "files");
	arguments_add(arguments, NULL, "newer");
	arguments_add(arguments, "--from", choices->source);
	choices_add_source(choices, &menu_secrets, arguments);
	arguments_add(arguments, "--machine", choices->machine);
	arguments_add(arguments, "--version", choices->version);
	arguments_add(arguments, "--disk", disk);
}

/* What a page says of a disk; NULL: nothing can be said, and that has been. */
static char *list(struct menu *menu, const char *which)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL;
	const struct disk_item *disk = disk_items_find(&menu->disks, which);
	int status;

	begin_arguments(menu, which, &arguments);
	status = menu_command(menu, TEXT_NEWER, &arguments, &output, &errors);
	if (status == 0 && output)
		return text_format("%s\n\n%s\n%s", disk ? disk->line : which,
				   text_of(TEXT_NEWER_TEXT), output);
	if (status >= 0)
		menu_show_failure(menu, errors);
	return NULL;
}

/* False: no further disk is to be shown. */
static bool show_disk(struct menu *menu, const char *which)
{
	AUTO_FREE char *text = list(menu, which);
	struct destination destination = { 0 };
	struct page page = {
		.id = "newer",
		.title = TEXT_NEWER,
		.help = TEXT_HELP_NEWER,
		.text = text,
		.scrolls = true,
		.buttons = { TEXT_NEWER_SAVE, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer = { .end = PAGE_BACK };

	while (text) {
		AUTO(arguments_clear) struct arguments arguments = { 0 };

		answer = ui_show(&menu->ui, &page);
		if (answer.end != PAGE_BUTTON || answer.button != 0)
			break;
		begin_arguments(menu, which, &arguments);
		page_take(menu, &destination, text_of(TEXT_NEWER_TEXT), &arguments);
	}
	explicit_bzero(&destination, sizeof(destination));
	return answer.end == PAGE_BUTTON;
}

void page_newer(struct menu *menu)
{
	for (size_t i = 0; i < CHOICES_DISKS; i++)
		if (menu->choices.disks[i][0] && !show_disk(menu, menu->choices.disks[i]))
			return;
}
