/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The language that is chosen: see texts.h. */
#include "texts.h"

#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>

static const struct {
	const char *id, *name;
	const char *const *texts;
} languages[LANGUAGE_COUNT] = {
	[LANGUAGE_EN] = { "en", "English", texts_en },
	[LANGUAGE_DE] = { "de", "Deutsch", texts_de },
};

static enum language chosen;

const char *text_of(enum text_id id)
{
	return languages[chosen].texts[id];
}

void text_fill(enum text_id id, const char *value1, const char *value2, char *to,
	       size_t size)
{
	const char *from = text_of(id);
	size_t length = 0;

	while (*from && length + 1 < size) {
		const char *value = strncmp(from, "{1}", 3) == 0   ? value1
				    : strncmp(from, "{2}", 3) == 0 ? value2
								   : NULL;

		if (!value) {
			to[length++] = *from++;
			continue;
		}
		length += (size_t)snprintf(to + length, size - length, "%s", value);
		if (length >= size)
			length = size - 1;
		from += 3;
	}
	to[length] = '\0';
}

enum language text_language(void)
{
	return chosen;
}

const char *text_language_name(enum language language)
{
	return languages[language].name;
}

void text_choose_language(enum language language)
{
	if (language < LANGUAGE_COUNT)
		chosen = language;
}

bool text_choose_language_id(const char *id)
{
	for (size_t i = 0; i < LANGUAGE_COUNT; i++)
		if (strcmp(languages[i].id, id) == 0) {
			chosen = (enum language)i;
			return true;
		}
	return false;
}
