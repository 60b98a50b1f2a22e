/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan: what will be erased and written, and the typed word that starts it. */
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#include <restore/forecast.h>

#include "../cli/newer.h"
#include "menu.h"

#define REFUSED_BY_PLAN 4 /* exit status of bmr plan */

/* NULL: it could not be made, which has been said. */
static char *make_plan(struct menu *menu)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL;
	struct err err;
	int status;

	if (choices_arguments(&menu->choices, "plan", &menu_secrets, &arguments, &err) <
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

/* Where the plan tells of files that are newer than the backup; NULL: there are none. */
static const char *find_newer(const char *plan)
{
	const char *at = strstr(plan, "\n" NEWER_HEADING);

	return at ? at + 1 : NULL;
}

/* Those lines once more where the disk is about to be erased: the plan is long. */
static char *repeat_newer(const char *plan)
{
	struct text text = { 0 };

	while ((plan = find_newer(plan))) {
		size_t length = strcspn(plan, "\n");

		text_add(&text, "\n\n%.*s", (int)(length - (plan[length - 1] == ':')),
			 plan);
	}
	return text_take(&text);
}

bool menu_confirm_disk(struct menu *menu, enum text_id title, const char *which,
		       const char *more)
{
	const struct disk_item *disk = disk_items_find(&menu->disks, which);
	char typed[16] = "";
	AUTO_FREE char *text =
		text_format("%s\n\n%s\n%s%s", text_of(TEXT_CONFIRM_TEXT),
			    disk ? disk->line : which, disk ? disk->content : "", more);
	struct page_field field = { "target.confirm", TEXT_FIELD_CONFIRM, typed,
				    sizeof(typed),    FIELD_OPEN,	  NULL };
	struct page page = {
		.id = "confirm",
		.title = title,
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

/* Each disk that was named is confirmed by the end of its name. */
static bool confirm(struct menu *menu, const char *plan)
{
	AUTO_FREE char *newer = repeat_newer(plan);

	for (size_t i = 0; i < CHOICES_DISKS; i++) {
		const char *which = menu->choices.disks[i];

		if (which[0] && !menu_confirm_disk(menu, TEXT_CONFIRM_TITLE, which,
						   newer ? newer : ""))
			return false;
	}
	return true;
}

static struct page_answer show_plan(struct menu *menu, const char *plan,
				    enum text_id *ret_button)
{
	struct page page = {
		.id = "plan",
		.title = menu->refused ? TEXT_PLAN_REFUSED : TEXT_PLAN_TITLE,
		.help = TEXT_HELP_PLAN,
		.text = plan,
		.scrolls = true,
		.buttons = { TEXT_START_DOTS, TEXT_OPTIONS, TEXT_SAVE },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	enum text_id *button = page.buttons + 3;
	struct page_answer answer;

	if (find_newer(plan))
		*button++ = TEXT_NEWER_BUTTON;
	*button = TEXT_BACK;
	answer = ui_show(&menu->ui, &page);
	*ret_button = answer.end == PAGE_BUTTON ? page.buttons[answer.button] : TEXT_BACK;
	return answer;
}

/* Nobody passes a plan that is refused; one whose disk will not start, only who says so in the
 * options. *ret_button becomes TEXT_OPTIONS where the person goes there. */
static bool may_start(struct menu *menu, const char *plan, enum text_id *ret_button)
{
	if (menu->refused) {
		ui_message(&menu->ui, TEXT_NOT_POSSIBLE, text_of(TEXT_REFUSED));
		return false;
	}
	if (!forecast_text_is_red(plan) || menu->choices.ignore_forecast)
		return true;
	if (ui_confirm(&menu->ui, TEXT_NOT_POSSIBLE, text_of(TEXT_RED), TEXT_OPTIONS))
		*ret_button = TEXT_OPTIONS;
	return false;
}

enum step screen_plan(struct menu *menu)
{
	AUTO_FREE char *plan = make_plan(menu);

	while (plan) {
		enum text_id button;
		struct page_answer answer = show_plan(menu, plan, &button);

		if (answer.end == PAGE_GONE)
			return STEP_LEAVE;
		if (button == TEXT_BACK)
			return STEP_BACK;
		if (button == TEXT_START_DOTS && may_start(menu, plan, &button) &&
		    confirm(menu, plan))
			return STEP_NEXT;
		if (button == TEXT_SAVE) {
			page_save(menu);
		} else if (button == TEXT_NEWER_BUTTON) {
			page_newer(menu);
		} else if (button == TEXT_OPTIONS) {
			page_options(menu);
			free(plan);
			plan = make_plan(menu);
		}
	}
	return STEP_BACK;
}
