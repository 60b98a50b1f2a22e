/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An answer file and the machine that it is read on: is it meant, what do its variables stand
 * for, and under which names is it looked for. Pure.
 */
#pragma once

#include <restore/answer.h>

#define MACHINE_MACS 16 /* more cards are not asked */
#define MACHINE_TEXT 80

struct answer_machine {
	char uuid[40]; /* lower case, with dashes; "" where the machine has none */
	char serial[MACHINE_TEXT];
	char vendor[MACHINE_TEXT];
	char model[MACHINE_TEXT];
	char host[256]; /* "": nobody has given it a name */
	size_t mac_count;
	char macs[MACHINE_MACS]
		 [18]; /* "52:54:00:12:34:56"; the one that it started by first */
};

/* Is the file meant for it? False: *ret_why is a new string, "[match] serial = 'A*' is not this
 * machine's 'B1'" (NULL: no memory). Letters of both cases are the same; a MAC may be written
 * with ':' or '-'. */
bool answer_matches(const struct answer *answer, const struct answer_machine *machine,
		    char **ret_why);

/* A new string with the variables replaced; the values as they stand in names of answer files.
 * -ENODATA: the machine does not have what is asked for. */
int answer_expand(const char *text, const struct answer_machine *machine, char **ret,
		  struct err *err) MUST_CHECK;

/* Names of answer files below a folder, best first: "by-uuid/….ini", "by-serial/….ini",
 * "by-mac/52-54-….ini" for each card, "by-name/….ini", and what lies there for all: "default.ini",
 * "openbmr.ini"; "" where the machine lacks that one. As efi/machine-ids.h has them. False: there are
 * no more. */
#define ANSWER_NAME_MAX 300
bool answer_name(const struct answer_machine *machine, size_t index,
		 char ret[ANSWER_NAME_MAX]);
