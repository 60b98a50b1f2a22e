/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In the recovery environment the disks of this machine are searched for backups while the screen
 * that asks for the source is shown; leaving it ends the search. Nothing is written to them.
 */
#pragma once

#include "menu.h"

struct local_scan {
	bool runs, ended;
	struct task task;     /* while it runs */
	struct backup *found; /* owned; NULL: nothing, or not yet */
	bool locked;	      /* a BitLocker volume is */
};

/* What is searched, and what the screen's button means: the image file that was named to the menu, or
 * all disks. */
const char *local_place(const struct menu *menu);

/* Starts it unless it ran to its end before. Line by line it is waited for, some seconds. */
void local_scan_start(struct menu *menu, struct local_scan *local);
/* When task.fd can be read. True: it has ended. */
bool local_scan_read(struct local_scan *local);
void local_scan_stop(struct local_scan *local);
void local_scan_clear(struct local_scan *local);

/* A line of what came of it; empty where nothing is searched. */
void local_scan_text(const struct menu *menu, const struct local_scan *local, char *to,
		     size_t size);
