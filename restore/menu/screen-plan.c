/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan: what will be erased and written, and the typed word that starts it. */
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

#define REFUSED_BY_PLAN 4 /* exit status of bmr plan */

/* NULL: it could not be made, which has been said. */
static char *make_plan(struct menu *menu)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL;
	const char *credentials =
		choices_from_share(&menu->choices) && menu->choices.user[0]
			? TASK_CREDENTIALS
			: NULL;
	struct err err;
	int status;

	if (choices_arguments(&menu->choices, "plan", credentials, &arguments, &err) <
	    0) {
		menu_show_failure(menu, err.text);
		return NULL;
	}
	status = menu_command(menu, TEXT_PLANNING, &arguments, &output, &errors);
	menu->refused = status == REFUSED_BY_PLAN;
	if (status == 0 || menu->refused)
		return TAKE_PTR(output);
	if (status > 0)
		menu_show_failure(menu, errors);
	return NULL;
}

/* Each disk that was named is confirmed by the end of its name. */
static bool confirm_disk(struct menu *menu, const char *which)
{
	const struct disk_item *disk = disk_items_find(&menu->disks, which);
	char typed[16] = "";
	AUTO_FREE char *text =
		text_format("%s\n\n%s\n%s", text_of(TEXT_CONFIRM_TEXT),
			    disk ? disk->line : which, disk ? disk->content : "");
	struct page_field field = {
		"target.confirm", TEXT_FIELD_CONFIRM, typed, sizeof(typed), false, NULL
	};
	struct page page = {
		.id = "confirm",
		.title = TEXT_CONFIRM_TITLE,
		.help = TEXT_HELP_CONFIRM,
		.text = text,
		.field_count = 1,
		.fields = &field,
		.buttons = { TEXT_START_NOW, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};

	for (;;) {
		struct page_answer answer = ui_show(&menu->ui, &page);

		if (answer.end != PAGE_BUTTON || answer.button != 0)
			return false;
		if (strcmp(typed, choices_proof(which)) == 0)
			return true;
		field.wrong = text_of(TEXT_CONFIRM_WRONG);
		typed[0] = '\0';
	}
}

static bool confirm(struct menu *menu)
{
	for (size_t i = 0; i < CHOICES_DISKS; i++) {
		const char *which = menu->choices.disks[i];

		if (which[0] && !confirm_disk(menu, which))
			return false;
	}
	return true;
}

enum plan_button { PLAN_START, PLAN_OPTIONS, PLAN_SAVE, PLAN_BACK };

static struct page_answer show_plan(struct menu *menu, const char *plan)
{
	struct page page = {
		.id = "plan",
		.title = menu->refused ? TEXT_PLAN_REFUSED : TEXT_PLAN_TITLE,
		.help = TEXT_HELP_PLAN,
		.text = plan,
		.scrolls = true,
		.buttons = { TEXT_START_DOTS, TEXT_OPTIONS, TEXT_SAVE, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};

	return ui_show(&menu->ui, &page);
}

enum step screen_plan(struct menu *menu)
{
	AUTO_FREE char *plan = make_plan(menu);

	while (plan) {
		struct page_answer answer = show_plan(menu, plan);

		if (answer.end == PAGE_GONE)
			return STEP_LEAVE;
		if (answer.end != PAGE_BUTTON || answer.button == PLAN_BACK)
			return STEP_BACK;
		if (answer.button == PLAN_SAVE) {
			page_save(menu);
		} else if (answer.button == PLAN_OPTIONS) {
			page_options(menu);
			free(plan);
			plan = make_plan(menu);
		} else if (menu->refused) {
			ui_message(&menu->ui, TEXT_NOT_POSSIBLE, text_of(TEXT_REFUSED));
		} else if (confirm(menu)) {
			return STEP_NEXT;
		}
	}
	return STEP_BACK;
}
