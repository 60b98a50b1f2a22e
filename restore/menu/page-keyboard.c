/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keyboard layouts of the machine's own console, with a field to try them in. A terminal at the
 * other end of a line has its layout there. */
#include <string.h>

#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>

#include "menu.h"

/* Names as loadkeys(1) takes them; image-builder/image.manifest has the same. */
static const struct keyboard {
	const char *name, *language;
} keyboards[] = {
	{ "us", "English (United States)" },
	{ "uk", "English (United Kingdom)" },
	{ "de-latin1", "Deutsch" },
	{ "sg-latin1", "Deutsch (Schweiz)" },
	{ "be-latin1", "Belge / Belgisch" },
	{ "br-abnt2", "Português (Brasil)" },
	{ "cf", "Français (Canada)" },
	{ "cz-lat2", "Čeština" },
	{ "dk-latin1", "Dansk" },
	{ "es", "Español" },
	{ "fi-latin1", "Suomi" },
	{ "fr-latin1", "Français" },
	{ "fr_CH-latin1", "Français (Suisse)" },
	{ "hu", "Magyar" },
	{ "it", "Italiano" },
	{ "la-latin1", "Español (Latinoamérica)" },
	{ "no-latin1", "Norsk" },
	{ "pl", "Polski" },
	{ "pt-latin1", "Português" },
	{ "se-latin1", "Svenska" },
	{ "tr_q-latin5", "Türkçe" },
};

static void try_keyboard(struct menu *menu)
{
	char typed[64] = "";
	struct page_field field = { "keyboard.test", TEXT_FIELD_TEST, typed,
				    sizeof(typed),   FIELD_OPEN,      NULL };
	struct page page = {
		.id = "keyboard.test",
		.title = TEXT_START_KEYBOARD,
		.help = TEXT_HELP_KEYBOARD,
		.text = text_of(TEXT_KEYBOARD_TEST),
		.field_count = 1,
		.fields = &field,
		.buttons = { TEXT_OK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};

	ui_show(&menu->ui, &page);
}

static void load(struct menu *menu, const struct keyboard *keyboard)
{
	const char *const argv[] = { "loadkeys",  "-q",		  "-C",
				     "/dev/tty1", keyboard->name, NULL };
	struct spawn spawn = { .argv = argv };
	struct err err;

	if (spawn_run(&spawn, NULL, &err) < 0) {
		menu_show_failure(menu, err.text);
		return;
	}
	snprintf(menu->keyboard, sizeof(menu->keyboard), "%s", keyboard->name);
	try_keyboard(menu);
}

void page_keyboard(struct menu *menu)
{
	struct page page = {
		.id = "keyboard",
		.title = TEXT_START_KEYBOARD,
		.help = TEXT_HELP_KEYBOARD,
		.buttons = { TEXT_OK, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;

	for (size_t i = 0; i < ARRAY_SIZE(keyboards); i++) {
		page_add_item(
			&page,
			text_format("%-14s %s", keyboards[i].name, keyboards[i].language),
			NULL);
		if (strcmp(keyboards[i].name, menu->keyboard) == 0)
			page.item = i;
	}
	answer = ui_show(&menu->ui, &page);
	if (answer.end == PAGE_BUTTON && answer.button == 0 &&
	    page.item < ARRAY_SIZE(keyboards))
		load(menu, &keyboards[page.item]);
	page_items_clear(&page);
}
