/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text in a buffer of fixed size; see text.h. */
#include "text.h"

#include <string.h>

struct conversion {
	bool zero_pad;
	unsigned int width;
	int precision;	    /* -1: none */
	unsigned int longs; /* l, ll or z */
};

struct text text_start(char *buffer, size_t size)
{
	buffer[0] = '\0';
	return (struct text){ .data = buffer, .size = size };
}

static void text_put(struct text *text, const char *bytes, size_t length)
{
	size_t room = text->size - 1 - text->length;

	if (text->cut)
		return;
	if (length > room) {
		length = room;
		text->cut = true;
	}
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

static void text_pad(struct text *text, char fill, size_t used, unsigned int width)
{
	for (; used < width; used++)
		text_put(text, &fill, 1);
}

static void put_string(struct text *text, const char *string,
		       const struct conversion *how)
{
	size_t length = 0;

	while ((how->precision < 0 || length < (size_t)how->precision) && string[length])
		length++;
	text_pad(text, ' ', length, how->width);
	text_put(text, string, length);
}

static void put_number(struct text *text, uint64_t value, bool negative,
		       unsigned int base, const struct conversion *how)
{
	char digits[20]; /* 2^64 in decimal has 20 */
	size_t first = sizeof(digits), length;

	do {
		digits[--first] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	length = sizeof(digits) - first;
	if (negative && how->zero_pad)
		text_put(text, "-", 1);
	text_pad(text, how->zero_pad ? '0' : ' ', length + negative, how->width);
	if (negative && !how->zero_pad)
		text_put(text, "-", 1);
	text_put(text, digits + first, length);
}

/* Reads flags, width, precision and length modifiers; returns the conversion character.
 */
static const char *parse_conversion(const char *at, struct conversion *ret,
				    va_list *arguments)
{
	*ret = (struct conversion){ .precision = -1 };
	if (*at == '0') {
		ret->zero_pad = true;
		at++;
	}
	while (*at >= '0' && *at <= '9')
		ret->width = ret->width * 10 + (unsigned int)(*at++ - '0');
	if (at[0] == '.' && at[1] == '*') {
		ret->precision = va_arg(*arguments, int);
		at += 2;
	}
	while (*at == 'l' || *at == 'z') {
		ret->longs++;
		at++;
	}
	return at;
}

/* false: not a conversion of the subset */
static bool put_argument(struct text *text, char kind, const struct conversion *how,
			 va_list *arguments)
{
	int64_t number;
	char character;

	switch (kind) {
	case 's':
		put_string(text, va_arg(*arguments, const char *), how);
		break;
	case 'c':
		character = (char)va_arg(*arguments, int);
		text_put(text, &character, 1);
		break;
	case 'd':
		number = how->longs ? va_arg(*arguments, int64_t)
				    : va_arg(*arguments, int);
		put_number(text, number < 0 ? 0 - (uint64_t)number : (uint64_t)number,
			   number < 0, 10, how);
		break;
	case 'u':
	case 'x':
		put_number(text,
			   how->longs ? va_arg(*arguments, uint64_t)
				      : va_arg(*arguments, unsigned int),
			   false, kind == 'x' ? 16 : 10, how);
		break;
	default:
		return false;
	}
	return true;
}

void text_vadd(struct text *text, const char *format, va_list arguments)
{
	va_list rest;

	va_copy(rest, arguments);
	for (const char *at = format; *at; at++) {
		struct conversion how;
		const char *end;

		if (*at != '%') {
			text_put(text, at, 1);
			continue;
		}
		end = parse_conversion(at + 1, &how, &rest);
		if (put_argument(text, *end, &how, &rest)) {
			at = end;
		} else {
			text_put(text, "%", 1);
			at += at[1] == '%';
		}
	}
	va_end(rest);
}

void text_add(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text_vadd(text, format, arguments);
	va_end(arguments);
}

static void put_code_point(struct text *text, uint32_t c)
{
	char utf8[4];
	size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (length == 1) {
		utf8[0] = (char)c;
	} else {
		for (size_t i = length - 1; i > 0; i--, c >>= 6)
			utf8[i] = (char)(0x80 | (c & 0x3f));
		utf8[0] = (char)((0xf00 >> length) | c);
	}
	/* Half a character is no character. */
	if (length > text->size - 1 - text->length)
		text->cut = true;
	else
		text_put(text, utf8, length);
}

void text_add_utf16(struct text *text, const uint16_t *units, size_t max_units)
{
	for (size_t i = 0; i < max_units && units[i]; i++) {
		uint32_t c = units[i];
		bool paired = (c & 0xfc00) == 0xd800 && i + 1 < max_units &&
			      (units[i + 1] & 0xfc00) == 0xdc00;

		if (paired)
			c = 0x10000 + ((c & 0x3ff) << 10) + (units[++i] & 0x3ffu);
		else if (c < 0x20 || c == 0x7f || (c & 0xf800) == 0xd800)
			c = '?';
		put_code_point(text, c);
	}
}

void text_add_guid(struct text *text, const uint8_t guid[GUID_BYTES])
{
	static const uint8_t order[GUID_BYTES] = { 3, 2, 1,  0,	 5,  4,	 7,  6,
						   8, 9, 10, 11, 12, 13, 14, 15 };

	for (size_t i = 0; i < GUID_BYTES; i++)
		text_add(text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
			 guid[order[i]]);
}
