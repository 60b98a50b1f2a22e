/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text that grows, and numbers as people read them. */
#include <base/text.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool text_reserve(struct text *text, size_t more)
{
	size_t room = text->room ? text->room : 256;
	char *string;

	while (room - text->length < more)
		room *= 2;
	if (room == text->room)
		return true;
	string = realloc(text->string, room);
	if (!string) {
		text->failed = true;
		return false;
	}
	text->string = string;
	text->room = room;
	return true;
}

static void text_add_list(struct text *text, const char *format, va_list args)
{
	va_list again;
	int length;

	if (text->failed)
		return;
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0) {
		text->failed = true;
		return;
	}
	if (!text_reserve(text, (size_t)length + 1))
		return;
	vsnprintf(text->string + text->length, (size_t)length + 1, format, args);
	text->length += (size_t)length;
}

void text_add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_add_list(text, format, args);
	va_end(args);
}

char *text_take(struct text *text)
{
	char *string = text->string;

	if (text->failed) {
		text_clear(text);
		return NULL;
	}
	if (!string)
		string = strdup("");
	*text = (struct text){ 0 };
	return string;
}

void text_clear(struct text *text)
{
	free(text->string);
	*text = (struct text){ 0 };
}

char *text_format_list(const char *format, va_list args)
{
	struct text text = { 0 };

	text_add_list(&text, format, args);
	return text_take(&text);
}

char *text_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = text_format_list(format, args);
	va_end(args);
	return text;
}

const char *size_format(uint64_t bytes, char text[SIZE_TEXT_SIZE])
{
	static const char *const units[] = {
		"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
	};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	if (unit == 0)
		snprintf(text, SIZE_TEXT_SIZE, "%" PRIu64 " B", bytes);
	else
		snprintf(text, SIZE_TEXT_SIZE, "%.*f %s", value < 99.95 ? 1 : 0, value,
			 units[unit]);
	return text;
}

bool duration_parse(const char *text, uint64_t *ret_seconds)
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 } };
	const uint64_t week = 7 * 24 * 3600; /* more is a mistake */
	char *end;
	unsigned long count = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].name) != 0 || count > week / units[i].seconds)
			continue;
		*ret_seconds = count * units[i].seconds;
		return true;
	}
	return false;
}

const char *time_format(int64_t seconds_since_1970, char text[TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)seconds_since_1970;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(text, TIME_TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &tm))
		strcpy(text, "?");
	return text;
}

char *text_trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

int text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
