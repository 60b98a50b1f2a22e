/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel's command line says to us. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CONSOLES_MAX	  4 /* tty1, ttyS0 and two more that console= names */
#define CONSOLE_NAME_SIZE 16

struct cmdline {
	bool automatic; /* openbmr.mode=auto */
	bool search;	/* openbmr.mode=search, or openbmr.answer= names an answer file */
	/* tty1 and ttyS0, then what console= names; "tty0" stands for the one in front,
	 * which is tty1. None twice; whether they exist is not known here. */
	char consoles[CONSOLES_MAX][CONSOLE_NAME_SIZE];
	size_t console_count;
};

/* text: the line as /proc/cmdline gives it. Unknown words are the kernel's; a later
 * openbmr.mode= wins over an earlier one. */
struct cmdline cmdline_parse(const char *text);

/* Adds a console, unless it is there or there is no room. False: it was not added. */
bool cmdline_add_console(struct cmdline *cmdline, const char *name);
