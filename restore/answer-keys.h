/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keys of an answer file, and what each makes of its value; answer.c reads the lines,
 * answer-values.c knows the kinds of values.
 */
#pragma once

#include <restore/answer.h>

struct answer_key;

struct answer_line {
	const char *file;
	unsigned number;
	unsigned column; /* of the value, in characters, from 1 */
	const char *section, *key, *value;
	const char *folder; /* of the answer file; NULL */
	const struct answer_key *about;
};

struct answer_key {
	const char *section, *key;
	int (*set)(struct answer *answer, const struct answer_line *line,
		   struct err *err);
	bool required; /* where nobody is asked */
	size_t offset; /* of the field in struct answer, for the setters of all kinds */
	const char *no, *yes; /* the two values of a flag */
};

/* Section "" is what stands before the first one. */
#define ANSWER_KEY_COUNT 62
extern const struct answer_key answer_keys[ANSWER_KEY_COUNT];

/* -- values ---- */

/* "… cannot be …; write …", at the value. */
int answer_bad_value(const struct answer_line *line, const char *allowed,
		     struct err *err);
/* Any other text about the value, behind its place. */
int answer_bad(const struct answer_line *line, struct err *err, const char *format, ...)
	PRINTF(3, 4);

int answer_keep(char **field, const char *value, struct err *err);
/* A path is told from the folder of the answer file. */
int answer_keep_path(char **field, const char *path, const struct answer_line *line,
		     struct err *err);
/* The part behind prefix; letters of both cases are the same; NULL: value does not begin so, or nothing
 * follows. */
const char *answer_behind(const char *value, const char *prefix);

/* ${uuid}, ${serial}, ${mac} and ${host} are all that may stand in an address. */
int answer_check_variables(const struct answer_line *line, struct err *err);

/* Setters of one kind of value each. */
int answer_set_text(struct answer *answer, const struct answer_line *line,
		    struct err *err);
int answer_set_flag(struct answer *answer, const struct answer_line *line,
		    struct err *err);
int answer_set_path(struct answer *answer, const struct answer_line *line,
		    struct err *err); /* file:NAME */
int answer_set_address(struct answer *answer, const struct answer_line *line,
		       struct err *err); /* [network] address and gateway */
int answer_set_dns(struct answer *answer, const struct answer_line *line,
		   struct err *err);
int answer_set_vlan(struct answer *answer, const struct answer_line *line,
		    struct err *err);
int answer_set_interface(struct answer *answer, const struct answer_line *line,
			 struct err *err);
