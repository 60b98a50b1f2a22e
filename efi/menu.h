/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The text menu as a state machine: keys and seconds go in, a choice comes out; lines say
 * what the screen shows. Pure: runs on the host as well. Fits 80x25 and a serial line: no
 * colours, no line drawing, the selected line is marked with '>'.
 */
#pragma once

#include <stdbool.h>

#include "text.h"

#define MENU_COUNTDOWN_S 3 /* enough to press a key, short enough for fifty machines */

enum menu_choice {
	MENU_NONE,
	MENU_AUTO,     /* restore as the answer file says */
	MENU_ASK,      /* restore by hand */
	MENU_LOCAL,    /* start the local disk */
	MENU_FIRMWARE, /* firmware settings */
	MENU_POWER_OFF,
	MENU_FACTS, /* what is known of this machine */
	MENU_CHOICES,
};

enum menu_key {
	MENU_KEY_OTHER, /* only stops the countdown */
	MENU_KEY_UP,
	MENU_KEY_DOWN,
	MENU_KEY_ENTER,
	MENU_KEY_DIGIT, /* MENU_KEY_DIGIT + 1 is '1' ... + 9 */
};

struct menu {
	bool offered[MENU_CHOICES];
	enum menu_choice selected;
	unsigned int seconds_left; /* 0: no countdown runs */
};

/* The menu at the start: the default is selected and the countdown runs. */
struct menu menu_start(bool has_answer, bool has_firmware_settings);

/* A key stops the countdown; Enter and the numbers of offered lines choose. */
enum menu_choice menu_key(struct menu *menu, unsigned int key);

/* A second has passed; chooses the default with the last one. */
enum menu_choice menu_second(struct menu *menu);

/* The line of a choice, without a line end; false: it is not offered. */
bool menu_line(const struct menu *menu, enum menu_choice choice, struct text *line);

/* The line below: the countdown or how to choose. */
void menu_footer(const struct menu *menu, struct text *line);
