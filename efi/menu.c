/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text menu as a state machine; see menu.h. */
#include "menu.h"

/* The number in front of a line never moves: it is what people are told on the telephone.
 */
static const struct {
	const char *label;
	const char *countdown; /* what happens in n seconds */
} items[MENU_CHOICES] = {
	[MENU_AUTO] = { "Restore automatically, as the answer file says",
			"Automatic restore" },
	[MENU_ASK] = { "Restore by hand", "Restore by hand" },
	[MENU_LOCAL] = { "Start the local disk", "Local disk" },
	[MENU_FIRMWARE] = { "Firmware settings", "Firmware settings" },
	[MENU_POWER_OFF] = { "Power off", "Power off" },
	[MENU_FACTS] = { "About this machine", "About this machine" },
};

struct menu menu_start(bool has_answer, bool has_firmware_settings)
{
	return (struct menu){
		.offered = { [MENU_AUTO] = has_answer,
			     [MENU_ASK] = true,
			     [MENU_LOCAL] = true,
			     [MENU_FIRMWARE] = has_firmware_settings,
			     [MENU_POWER_OFF] = true,
			     [MENU_FACTS] = true },
		.selected = has_answer ? MENU_AUTO : MENU_ASK,
		.seconds_left = MENU_COUNTDOWN_S,
	};
}

/* The next offered line in direction +1 or -1; the last one stays selected at the end. */
static void menu_move(struct menu *menu, int direction)
{
	int choice = (int)menu->selected + direction;

	while (choice > MENU_NONE && choice < MENU_CHOICES && !menu->offered[choice])
		choice += direction;
	if (choice > MENU_NONE && choice < MENU_CHOICES)
		menu->selected = (enum menu_choice)choice;
}

enum menu_choice menu_key(struct menu *menu, unsigned int key)
{
	menu->seconds_left = 0;
	switch (key) {
	case MENU_KEY_OTHER:
		return MENU_NONE;
	case MENU_KEY_UP:
		menu_move(menu, -1);
		return MENU_NONE;
	case MENU_KEY_DOWN:
		menu_move(menu, 1);
		return MENU_NONE;
	case MENU_KEY_ENTER:
		return menu->selected;
	}
	key -= MENU_KEY_DIGIT;
	if (!key || key >= MENU_CHOICES || !menu->offered[key])
		return MENU_NONE;
	menu->selected = (enum menu_choice)key;
	return menu->selected;
}

enum menu_choice menu_second(struct menu *menu)
{
	if (!menu->seconds_left || --menu->seconds_left)
		return MENU_NONE;
	return menu->selected;
}

bool menu_line(const struct menu *menu, enum menu_choice choice, struct text *line)
{
	if (!menu->offered[choice])
		return false;
	text_add(line, "  %c %u  %s", menu->selected == choice ? '>' : ' ', choice,
		 items[choice].label);
	return true;
}

void menu_footer(const struct menu *menu, struct text *line)
{
	if (menu->seconds_left)
		text_add(line, "%s in %u s. Any key stops the countdown.",
			 items[menu->selected].countdown, menu->seconds_left);
	else
		text_add(line,
			 "Press a number, or move with the arrow keys and press Enter.");
}
