/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds AsrSif in the documents of a set: see asrsif.h. It lies in the value of an
 * attribute of a document that is otherwise of no interest, so the text is searched, not
 * the tree: this also works where the rest of the document is damaged.
 */
#include "asrsif.h"

#include <stdlib.h>
#include <string.h>

/* How the element begins and ends, by how often it is escaped. */
static const struct spelling {
	const char *begin, *end;
} spellings[] = {
	{ "<AsrSif", "</AsrSif>" },
	{ "&lt;AsrSif", "&lt;/AsrSif&gt;" },
	{ "&amp;lt;AsrSif", "&amp;lt;/AsrSif&amp;gt;" },
};

static const struct entity {
	const char *text;
	char character;
} entities[] = {
	{ "&lt;", '<' },    { "&gt;", '>' },  { "&quot;", '"' },
	{ "&apos;", '\'' }, { "&amp;", '&' },
};

/* "&#65;" and "&#x41;". Only characters of one byte: others need no escape. Returns the
 * bytes it takes, 0 where it is none. */
static size_t read_character(const char *text, char *ret)
{
	int base = text[2] == 'x' ? 16 : 10;
	const char *digits = text + (base == 16 ? 3 : 2);
	unsigned long number;
	char *end;

	if (strncmp(text, "&#", 2) != 0)
		return 0;
	number = strtoul(digits, &end, base);
	if (end == digits || end - digits > 4 || *end != ';' || !number || number > 0x7f)
		return 0;
	*ret = (char)number;
	return (size_t)(end + 1 - text);
}

static size_t read_escape(const char *text, char *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(entities); i++) {
		size_t length = strlen(entities[i].text);

		if (strncmp(text, entities[i].text, length) == 0) {
			*ret = entities[i].character;
			return length;
		}
	}
	return read_character(text, ret);
}

/* In place: the result is never longer. What is no escape stays. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		char c = *text;
		size_t length = c == '&' ? read_escape(text, &c) : 0;

		*to++ = c;
		text += length ? length : 1;
	}
	*to = '\0';
}

int asrsif_find(const char *document, char **ret, struct err *err)
{
	for (size_t times = 0; times < ARRAY_SIZE(spellings); times++) {
		const struct spelling *s = &spellings[times];
		const char *begin = strstr(document, s->begin);
		const char *end = begin ? strstr(begin, s->end) : NULL;
		char *text;

		if (!begin)
			continue;
		if (!end)
			return err_set(err, -EBADMSG, "AsrSif begins, but does not end");
		text = strndup(begin, (size_t)(end - begin) + strlen(s->end));
		if (!text)
			return err_nomem(err);
		for (size_t i = 0; i < times; i++)
			unescape(text);
		*ret = text;
		return 0;
	}
	return err_set(err, -ENOENT, "no AsrSif in the document");
}
