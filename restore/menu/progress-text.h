/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of `--progress-fd` as people read them. Pure. */
#pragma once

#include <stdbool.h>

#define PROGRESS_TEXT_SIZE 2048

/* Lines of text that a screen of 24 has room for, beside its frame, bar and button. */
#define PROGRESS_LINES 14

struct progress_text {
	char text[PROGRESS_TEXT_SIZE];
	int bar;     /* thousandths of the phase */
	bool writes; /* the disk is no longer what it was */
};

/* A line of JSON; one that cannot be understood changes nothing. */
void progress_text_take(struct progress_text *progress, const char *line);
