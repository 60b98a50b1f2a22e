/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words of LoadOptions; see load-options.h. */
#include "load-options.h"

#include <string.h>

#include "text.h"

/* The unit at index; 0 behind the end, and for what is no ASCII. */
static char unit_at(const uint8_t *bytes, size_t count, size_t index)
{
	if (index >= count || bytes[2 * index + 1] || bytes[2 * index] >= 0x7f)
		return 0;
	return (char)bytes[2 * index];
}

/* Copies a word from index on and returns where it ends; *ret_whole: all of it fits and is
 * ASCII. */
static size_t take_word(const uint8_t *bytes, size_t count, size_t index,
			char ret[OPTION_SIZE], bool *ret_whole)
{
	struct text text = text_start(ret, OPTION_SIZE);
	char c;

	while ((c = unit_at(bytes, count, index)) > ' ') {
		text_add(&text, "%c", c);
		index++;
	}
	*ret_whole = !text.cut;
	return index;
}

static bool is_ours(const char *word)
{
	static const char ours[] = "openbmr.";
	bool has_value = false;

	for (const char *at = word; *at; at++)
		has_value = has_value || *at == '=';
	return has_value && !strncmp(word, ours, strlen(ours));
}

struct load_options load_options_read(const void *options, size_t size)
{
	static const char answer[] = "openbmr.answer=";
	struct load_options result = { 0 };
	size_t count = size / 2, at = 0;

	while (at < count) {
		char word[OPTION_SIZE];
		bool whole;
		size_t end = take_word(options, count, at, word, &whole);

		if (whole && !strncmp(word, answer, strlen(answer)))
			memcpy(result.answer, word + strlen(answer),
			       strlen(word + strlen(answer)) + 1);
		else if (is_ours(word))
			memcpy(result.foreign, word, sizeof(word));
		at = end + 1;
	}
	return result;
}
