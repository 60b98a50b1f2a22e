/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys of an answer file, and what each makes of its value; answer.c reads the lines. */
#pragma once

#include <restore/answer.h>

struct answer_line {
	const char *file;
	unsigned number;
	const char *section, *key, *value;
	const char *folder; /* of the answer file; NULL */
};

struct answer_key {
	const char *section, *key;
	bool required;
	int (*set)(struct answer *answer, const struct answer_line *line,
		   struct err *err);
};

/* Section "" is what stands before the first one. */
#define ANSWER_KEY_COUNT 39
extern const struct answer_key answer_keys[ANSWER_KEY_COUNT];

/* Without blanks at both ends; spoils text. */
char *answer_trim(char *text);
