/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of an INF as lines of sections. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/cleanup.h>
#include <base/err.h>

struct inf_line {
	const char *section; /* of the text below */
	const char *key;     /* before "="; "": the line has none */
	const char *value;   /* behind it, or all of it; with its quotes */
};

struct inf_lines {
	char *text; /* owned */
	size_t count;
	struct inf_line *lines; /* owned */
};

/* UTF-16 or 8 bits per character; letters beyond ASCII have no meaning here. -EBADMSG. */
int inf_lines_read(const void *bytes, size_t length, const char *name,
		   struct inf_lines *ret, struct err *err) MUST_CHECK;
void inf_lines_clear(struct inf_lines *lines);

/* The n-th line of a section with this key (NULL: any); NULL: there are not so many. No case. */
const struct inf_line *inf_line_find(const struct inf_lines *lines, const char *section,
				     const char *key, size_t n);
bool inf_has_section(const struct inf_lines *lines, const char *section);

/* The n-th of the fields between commas, without quotes, %names% replaced from [Strings].
 * False: no such field, or longer than room. */
bool inf_field(const struct inf_lines *lines, const char *value, size_t n, char *ret,
	       size_t room);
