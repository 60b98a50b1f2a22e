/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person may choose, as tables. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/text.h>

enum menu_action {
	MENU_UNKNOWN, /* no item has this key */
	MENU_AUTOMATIC,
	MENU_BY_HAND,
	MENU_SHELL,
	MENU_REBOOT,
	MENU_POWER_OFF,
	MENU_AGAIN,
	MENU_MAIN,
};

enum menu_kind { MENU_START, MENU_RESULT };

/* Adds the items that are offered, one per line. has_answer: there is an answer file. */
void menu_show(enum menu_kind kind, bool has_answer, struct text *text);

enum menu_action menu_choose(enum menu_kind kind, bool has_answer, int key);
