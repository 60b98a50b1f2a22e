/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of INF files: see inf-lines.h. */
#include "inf-lines.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>
#include <base/utf.h>

/* Real ones have some hundreds. */
#define LINES_MAX 20000

/* One byte per character: what is no ASCII becomes '?'. */
static char *to_ascii(const void *bytes, size_t length)
{
	const uint8_t *from = bytes;
	char *text = NULL;

	if (text_decode(bytes, length, &text, NULL) < 0) {
		text = malloc(length + 1);
		if (!text)
			return NULL;
		memcpy(text, from, length);
		text[length] = '\0';
	}
	for (char *c = text; *c; c++)
		if ((unsigned char)*c >= 0x7f ||
		    ((unsigned char)*c < ' ' && !isspace(*c)))
			*c = '?';
	return text;
}

/* The next place of one of these characters outside quotes. */
static char *find_outside(char *text, const char *characters)
{
	bool quoted = false;

	for (; *text; text++) {
		if (*text == '"')
			quoted = !quoted;
		else if (!quoted && strchr(characters, *text))
			return text;
	}
	return NULL;
}

static int add(struct inf_lines *lines, const struct inf_line *line, struct err *err)
{
	struct inf_line *grown;

	if (lines->count == LINES_MAX)
		return err_set(err, -EBADMSG, "more than %d lines", LINES_MAX);
	grown = reallocarray(lines->lines, lines->count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	lines->lines = grown;
	grown[lines->count++] = *line;
	return 0;
}

static int take_line(struct inf_lines *lines, char *text, const char **section,
		     struct err *err)
{
	struct inf_line line = { .key = "" };
	char *end = find_outside(text, ";");

	if (end)
		*end = '\0';
	text = text_trim(text);
	if (!*text)
		return 0;
	if (*text == '[') {
		end = strchr(text, ']');
		if (end)
			*end = '\0';
		*section = text_trim(text + 1);
		return 0;
	}
	line.section = *section;
	line.value = text;
	end = find_outside(text, "=");
	if (end) {
		*end = '\0';
		line.key = text_trim(text);
		line.value = text_trim(end + 1);
	}
	return *section ? add(lines, &line, err) : 0;
}

/* A backslash at the end of a line goes on with the next one. */
static void join_lines(char *text)
{
	char *end;

	while ((end = strchr(text, '\n'))) {
		char *last = end;

		while (last > text && (last[-1] == '\r' || last[-1] == ' '))
			last--;
		if (last > text && last[-1] == '\\')
			memset(last - 1, ' ', (size_t)(end - last) + 2);
		text = end + 1;
	}
}

int inf_lines_read(const void *bytes, size_t length, const char *name,
		   struct inf_lines *ret, struct err *err)
{
	struct inf_lines lines = { .text = to_ascii(bytes, length) };
	const char *section = NULL;
	char *save = NULL, *line;
	int r = lines.text ? 0 : err_nomem(err);

	if (r == 0)
		join_lines(lines.text);
	line = r == 0 ? strtok_r(lines.text, "\r\n", &save) : NULL;
	for (; r == 0 && line; line = strtok_r(NULL, "\r\n", &save))
		r = take_line(&lines, line, &section, err);
	if (r < 0) {
		inf_lines_clear(&lines);
		return err_add(err, "'%s'", name);
	}
	*ret = lines;
	return 0;
}

void inf_lines_clear(struct inf_lines *lines)
{
	free(lines->lines);
	free(lines->text);
	*lines = (struct inf_lines){ 0 };
}

const struct inf_line *inf_line_find(const struct inf_lines *lines, const char *section,
				     const char *key, size_t n)
{
	for (size_t i = 0; i < lines->count; i++) {
		const struct inf_line *line = &lines->lines[i];

		if (strcasecmp(line->section, section) == 0 &&
		    (!key || strcasecmp(line->key, key) == 0) && n-- == 0)
			return line;
	}
	return NULL;
}

bool inf_has_section(const struct inf_lines *lines, const char *section)
{
	return inf_line_find(lines, section, NULL, 0) != NULL;
}

/* -- fields ---- */

struct out {
	char *text;
	size_t used, room;
	bool full;
};

static void put(struct out *out, char c)
{
	if (out->used + 1 >= out->room)
		out->full = true;
	else
		out->text[out->used++] = c;
}

/* "%name%" at *from: what [Strings] has for it; *from behind it. */
static bool put_string(const struct inf_lines *lines, struct out *out, const char **from,
		       const char *end)
{
	const char *close = memchr(*from + 1, '%', (size_t)(end - *from - 1));
	const struct inf_line *line;
	char name[64];
	size_t length = close ? (size_t)(close - *from - 1) : 0;

	if (!length || length >= sizeof(name))
		return false;
	memcpy(name, *from + 1, length);
	name[length] = '\0';
	line = inf_line_find(lines, "Strings", name, 0);
	if (!line)
		return false;
	for (const char *c = line->value; *c; c++)
		if (*c != '"')
			put(out, *c);
	*from = close + 1;
	return true;
}

bool inf_field(const struct inf_lines *lines, const char *value, size_t n, char *ret,
	       size_t room)
{
	struct out out = { ret, 0, room, false };
	const char *end;

	for (; n; n--) {
		value = find_outside((char *)value, ",");
		if (!value)
			return false;
		value++;
	}
	end = find_outside((char *)value, ",");
	if (!end)
		end = value + strlen(value);
	while (value < end && isspace((unsigned char)*value))
		value++;
	while (end > value && isspace((unsigned char)end[-1]))
		end--;
	while (value < end) {
		if (*value == '%' && put_string(lines, &out, &value, end))
			continue;
		if (*value != '"')
			put(&out, *value);
		value++;
	}
	ret[out.used] = '\0';
	return !out.full;
}
