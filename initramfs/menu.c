/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The menus: see menu.h. */
#include "menu.h"

struct item {
	enum menu_kind kind;
	char key;
	bool needs_answer; /* offered only where there is an answer file */
	const char *text;
	enum menu_action action;
};

static const struct item items[] = {
	{ MENU_START, '1', true, "restore automatically, as openbmr.ini says",
	  MENU_AUTOMATIC },
	{ MENU_START, '2', false, "menu: restore step by step", MENU_BY_HAND },
	{ MENU_START, '3', false, "shell", MENU_SHELL },
	{ MENU_START, '4', false, "restart the machine", MENU_REBOOT },
	{ MENU_START, '5', false, "power off", MENU_POWER_OFF },
	{ MENU_RESULT, '1', false, "try again", MENU_AGAIN },
	{ MENU_RESULT, '2', false, "start menu", MENU_MAIN },
	{ MENU_RESULT, '3', false, "shell", MENU_SHELL },
	{ MENU_RESULT, '4', false, "restart the machine", MENU_REBOOT },
	{ MENU_RESULT, '5', false, "power off", MENU_POWER_OFF },
};

static bool offered(const struct item *item, enum menu_kind kind, bool has_answer)
{
	return item->kind == kind && (has_answer || !item->needs_answer);
}

void menu_show(enum menu_kind kind, bool has_answer, struct text *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		if (offered(&items[i], kind, has_answer))
			text_add(text, "  %c  %s\n", items[i].key, items[i].text);
}

enum menu_action menu_choose(enum menu_kind kind, bool has_answer, int key)
{
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		if (offered(&items[i], kind, has_answer) && items[i].key == key)
			return items[i].action;
	return MENU_UNKNOWN;
}
