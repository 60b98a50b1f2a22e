/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Side rooms of the menu: options of the plan, language. */
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

/* -- options of the plan -------------------------------------------------------------- */

struct option_item {
	enum text_id text;
	size_t offset; /* of a bool in struct choices */
};

static const struct option_item option_items[] = {
	{ TEXT_OPTION_PROVE, offsetof(struct choices, prove_full) },
	{ TEXT_OPTION_IDS, offsetof(struct choices, new_ids) },
	{ TEXT_OPTION_SHRINK, offsetof(struct choices, no_shrink) },
	{ TEXT_OPTION_ENCRYPT, offsetof(struct choices, require_encryption) },
	{ TEXT_OPTION_RED, offsetof(struct choices, ignore_forecast) },
};

static bool *option_of(struct choices *choices, size_t i)
{
	return (bool *)((char *)choices + option_items[i].offset);
}

static bool is_letter(const char *text)
{
	return !text[0] || (((text[0] | 32) >= 'a' && (text[0] | 32) <= 'z') &&
			    text[1] == ':' && !text[2]);
}

void page_options(struct menu *menu)
{
	struct choices wanted = menu->choices;
	struct page_field field = { "layout.grow",	 TEXT_FIELD_GROW, wanted.grow,
				    sizeof(wanted.grow), FIELD_OPEN,	  NULL };
	struct page page = {
		.id = "options",
		.title = TEXT_OPTIONS_TITLE,
		.help = TEXT_HELP_OPTIONS,
		.text = text_of(TEXT_TICK_TEXT),
		.several = true,
		.field_count = 1,
		.fields = &field,
		.buttons = { TEXT_OK, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;

	for (size_t i = 0; i < ARRAY_SIZE(option_items); i++)
		if (page_add_item(&page, strdup(text_of(option_items[i].text)), NULL))
			page.items[i].checked = *option_of(&wanted, i);
	do {
		answer = ui_show(&menu->ui, &page);
		field.wrong = is_letter(wanted.grow) ? NULL : text_of(TEXT_GROW_WRONG);
	} while (answer.end == PAGE_BUTTON && answer.button == 0 && field.wrong);
	for (size_t i = 0; i < page.item_count; i++)
		*option_of(&wanted, i) = page.items[i].checked;
	if (answer.end == PAGE_BUTTON && answer.button == 0)
		menu->choices = wanted;
	explicit_bzero(&wanted, sizeof(wanted));
	page_items_clear(&page);
}

/* -- language ------------------------------------------------------------------------- */

void page_language(struct menu *menu)
{
	struct page page = {
		.id = "language",
		.title = TEXT_START_LANGUAGE,
		.help = TEXT_HELP_KEYS,
		.item = text_language(),
		.buttons = { TEXT_OK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;

	for (size_t i = 0; i < LANGUAGE_COUNT; i++)
		page_add_item(&page, strdup(text_language_name(i)), NULL);
	answer = ui_show(&menu->ui, &page);
	if (answer.end == PAGE_BUTTON)
		text_choose_language(page.item);
	page_items_clear(&page);
}
