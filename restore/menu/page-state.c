/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system state of a backup onto a Windows that is there: which disk, what of it, the plan. */
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

/* -- what is put back ------------------------------------------------------------------ */

static const struct {
	enum text_id text;
	const char *word; /* as --only takes it */
} kinds[] = {
	{ TEXT_STATE_REGISTRY, "registry" },
	{ TEXT_STATE_BOOT, "boot" },
	{ TEXT_STATE_CATALOGS, "catalogs" },
};

enum wish { WISH_OTHER = ARRAY_SIZE(kinds), WISH_DOMAIN, WISHES };

static void fill(const struct choices *choices, struct page *page)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (page_add_item(page, strdup(text_of(kinds[i].text)), NULL))
			page->items[i].checked = !choices->state[0] ||
						 strstr(choices->state, kinds[i].word);
	if (page_add_item(page, strdup(text_of(TEXT_STATE_OTHER)), NULL) &&
	    page_add_item(page, strdup(text_of(TEXT_STATE_DOMAIN)), NULL)) {
		page->items[WISH_OTHER].checked = choices->other_machine;
		page->items[WISH_DOMAIN].checked = choices->domain_controller;
	}
}

/* False: nothing would be left to do. */
static bool take(struct choices *choices, const struct page *page)
{
	struct text words = { 0 };
	AUTO_FREE char *list = NULL;
	size_t count = 0;

	if (page->item_count < WISHES)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!page->items[i].checked)
			continue;
		text_add(&words, "%s%s", count++ ? "," : "", kinds[i].word);
	}
	list = text_take(&words);
	if (!count || !list)
		return false;
	snprintf(choices->state, sizeof(choices->state), "%s",
		 count < ARRAY_SIZE(kinds) ? list : "");
	choices->other_machine = page->items[WISH_OTHER].checked;
	choices->domain_controller = page->items[WISH_DOMAIN].checked;
	return true;
}

static bool is_number(const char *text)
{
	return strspn(text, "0123456789") == strlen(text);
}

static struct page_answer ask_what(struct menu *menu)
{
	struct choices *choices = &menu->choices;
	struct page_field field = { "target.partition", TEXT_FIELD_PARTITION,
				    choices->partition, sizeof(choices->partition),
				    FIELD_OPEN,		NULL };
	struct page page = {
		.id = "backup.state",
		.title = TEXT_STATE_TITLE,
		.help = TEXT_HELP_STATE,
		.text = text_of(TEXT_STATE_TEXT),
		.several = true,
		.field_count = 1,
		.fields = &field,
		.buttons = { TEXT_GO_ON, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;

	fill(choices, &page);
	for (;;) {
		bool chosen;

		answer = ui_show(&menu->ui, &page);
		if (answer.end != PAGE_BUTTON || answer.button != 0)
			break;
		chosen = take(choices, &page);
		field.wrong = is_number(choices->partition)
				      ? NULL
				      : text_of(TEXT_PARTITION_WRONG);
		if (chosen && !field.wrong)
			break;
		if (!chosen)
			ui_message(&menu->ui, TEXT_NOT_POSSIBLE,
				   text_of(TEXT_STATE_NONE));
	}
	page_items_clear(&page);
	return answer;
}

/* -- the plan -------------------------------------------------------------------------- */

static enum step carry_out(struct menu *menu)
{
	/* a task that could not be started has been told of */
	return screen_progress(menu) == STEP_RESULT ? STEP_RESULT : STEP_BACK;
}

/* An earlier change that stopped half-way comes first: nothing else can be done with the volume. */
static enum step offer_finish(struct menu *menu, const char *errors)
{
	if (!errors || !strstr(errors, "--finish")) {
		menu_show_failure(menu, errors);
		return STEP_BACK;
	}
	if (!ui_confirm(&menu->ui, TEXT_STATE_TITLE, text_of(TEXT_STATE_HALF),
			TEXT_RESUME))
		return STEP_BACK;
	menu->resume = true;
	return carry_out(menu);
}

static enum step show_plan(struct menu *menu, const char *plan)
{
	struct page page = {
		.id = "plan",
		.title = TEXT_PLAN_TITLE,
		.help = TEXT_HELP_STATE,
		.text = plan,
		.scrolls = true,
		.buttons = { TEXT_START_DOTS, TEXT_SAVE, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};

	for (;;) {
		struct page_answer answer = ui_show(&menu->ui, &page);

		if (answer.end == PAGE_GONE)
			return STEP_LEAVE;
		if (answer.end != PAGE_BUTTON || page.buttons[answer.button] == TEXT_BACK)
			return STEP_BACK;
		if (page.buttons[answer.button] == TEXT_SAVE)
			page_save(menu);
		else if (menu_confirm_disk(menu, TEXT_STATE_CONFIRM,
					   menu->choices.disks[0], ""))
			return carry_out(menu);
	}
}

static enum step plan_and_do(struct menu *menu)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL;
	struct choices unsaved = menu->choices;
	struct err err = { 0 };
	int status, r;

	unsaved.report[0] = '\0'; /* there is nothing to report yet */
	r = choices_state_arguments(&unsaved, &menu_secrets, &arguments, &err);
	explicit_bzero(&unsaved, sizeof(unsaved));
	if (r < 0) {
		menu_show_failure(menu, err.text);
		return STEP_BACK;
	}
	arguments_add(&arguments, "--plan", NULL);
	status = menu_command(menu, TEXT_PLANNING, &arguments, &output, &errors);
	if (status == 0)
		return show_plan(menu, output);
	return status > 0 ? offer_finish(menu, errors) : STEP_BACK;
}

/* -- all of it ------------------------------------------------------------------------- */

static enum step ask_and_do(struct menu *menu)
{
	for (;;) {
		struct page_answer answer = ask_what(menu);
		enum step step;

		if (answer.end == PAGE_GONE)
			return STEP_LEAVE;
		if (answer.end != PAGE_BUTTON || answer.button != 0)
			return STEP_BACK;
		step = plan_and_do(menu);
		if (step != STEP_BACK)
			return step;
	}
}

enum step page_state(struct menu *menu)
{
	enum step step = STEP_BACK;

	menu->choices.system_state = true;
	while (menu_read_disks(menu)) {
		step = menu_choose_disks(menu, 1, text_of(TEXT_STATE_DISK));
		if (step == STEP_NEXT)
			step = ask_and_do(menu);
		else
			break;
		if (step != STEP_BACK)
			break;
	}
	if (step == STEP_BACK)
		menu->choices.system_state = false;
	return step;
}
