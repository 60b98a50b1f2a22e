/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * UTF-16LE and UTF-8: see base/utf.h. Strict, since the text comes from backups and
 * becomes file names and messages: what is not well-formed (Unicode 15, tables 3-5 and
 * 3-7) is an error, never replaced.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/cleanup.h>
#include <base/utf.h>

#define BYTE_ORDER_MARK 0xfeffu

static bool is_high_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdbff;
}

static bool is_low_surrogate(uint32_t c)
{
	return c >= 0xdc00 && c <= 0xdfff;
}

/* Writes 1 to 4 bytes and returns how many. */
static size_t utf8_put(uint8_t *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (uint8_t)(0xc0 | c >> 6);
		to[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (uint8_t)(0xe0 | c >> 12);
		to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		to[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (uint8_t)(0xf0 | c >> 18);
	to[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	to[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	to[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* Lengths of sequences by their first byte, with the bits of the character in that byte
 * and the smallest character that needs the length (a smaller one is an overlong form).
 */
static const struct sequence {
	uint8_t mask, lead, bits;
	uint8_t length;
	uint32_t smallest;
} sequences[] = {
	{ 0x80, 0x00, 0x7f, 1, 0x1 }, /* NUL is not text */
	{ 0xe0, 0xc0, 0x1f, 2, 0x80 },
	{ 0xf0, 0xe0, 0x0f, 3, 0x800 },
	{ 0xf8, 0xf0, 0x07, 4, 0x10000 },
};

/* Reads one character; returns the bytes it takes, 0 where they are not well-formed. */
static size_t utf8_get(const uint8_t *from, size_t length, uint32_t *ret)
{
	const struct sequence *s = NULL;
	uint32_t c;

	for (size_t i = 0; i < ARRAY_SIZE(sequences) && !s; i++) {
		if ((from[0] & sequences[i].mask) == sequences[i].lead)
			s = &sequences[i];
	}
	if (!s || s->length > length)
		return 0;
	c = from[0] & s->bits;
	for (size_t i = 1; i < s->length; i++) {
		if ((from[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (from[i] & 0x3f);
	}
	if (c < s->smallest || c > 0x10ffff || is_high_surrogate(c) ||
	    is_low_surrogate(c))
		return 0;
	*ret = c;
	return s->length;
}

static uint32_t unit_at(const uint8_t *bytes, size_t index)
{
	return (uint32_t)bytes[2 * index] | (uint32_t)bytes[2 * index + 1] << 8;
}

/* Reads one character at *index, which is below count, and moves *index behind it. */
static int utf16_get(const uint8_t *bytes, size_t count, size_t *index, uint32_t *ret,
		     struct err *err)
{
	size_t i = *index;
	uint32_t c = unit_at(bytes, i++);

	if (c == 0)
		return err_set(err, -EBADMSG, "NUL inside UTF-16 text at byte %zu",
			       2 * i - 2);
	if (is_high_surrogate(c) && i < count && is_low_surrogate(unit_at(bytes, i)))
		c = 0x10000 + ((c - 0xd800) << 10) + (unit_at(bytes, i++) - 0xdc00);
	else if (is_high_surrogate(c) || is_low_surrogate(c))
		return err_set(err, -EBADMSG,
			       "unpaired surrogate %04x in UTF-16 text at byte %zu", c,
			       2 * i - 2);
	*index = i;
	*ret = c;
	return 0;
}

int utf16le_to_utf8(const void *bytes, size_t length, char **ret, struct err *err)
{
	const uint8_t *from = bytes;
	AUTO_FREE uint8_t *text = NULL;
	size_t count = length / 2, used = 0, i = 0;
	uint64_t needed;

	if (length % 2)
		return err_set(err, -EBADMSG, "UTF-16 text of odd length, %zu bytes",
			       length);
	while (count && unit_at(from, count - 1) == 0)
		count--;
	if (count && unit_at(from, 0) == BYTE_ORDER_MARK)
		i = 1;
	/* A unit becomes at most three bytes; the four-byte characters have two units. */
	if (!checked_mul(count, 3, &needed) || !checked_add(needed, 1, &needed))
		return err_nomem(err);
	text = malloc(needed);
	if (!text)
		return err_nomem(err);
	while (i < count) {
		uint32_t c = 0;
		int r = utf16_get(from, count, &i, &c, err);

		if (r < 0) {
			explicit_bzero(text, used); /* it may be a password */
			return r;
		}
		used += utf8_put(text + used, c);
	}
	text[used] = '\0';
	*ret = (char *)TAKE_PTR(text);
	return 0;
}

static void unit_put(uint8_t *to, uint32_t unit)
{
	to[0] = (uint8_t)unit;
	to[1] = (uint8_t)(unit >> 8);
}

/* Writes 2 or 4 bytes and returns how many. */
static size_t utf16_put(uint8_t *to, uint32_t c)
{
	if (c < 0x10000) {
		unit_put(to, c);
		return 2;
	}
	unit_put(to, 0xd800 + ((c - 0x10000) >> 10));
	unit_put(to + 2, 0xdc00 + ((c - 0x10000) & 0x3ff));
	return 4;
}

int utf8_to_utf16le(const char *text, uint8_t **ret, size_t *ret_length, struct err *err)
{
	const uint8_t *from = (const uint8_t *)text;
	size_t length = strlen(text), used = 0;
	AUTO_FREE uint8_t *bytes = NULL;
	uint64_t needed;

	/* A byte becomes at most two. One more: malloc(0) may answer NULL. */
	if (!checked_mul(length, 2, &needed) || !checked_add(needed, 1, &needed))
		return err_nomem(err);
	bytes = malloc(needed);
	if (!bytes)
		return err_nomem(err);
	for (size_t i = 0; i < length;) {
		uint32_t c = 0;
		size_t step = utf8_get(from + i, length - i, &c);

		if (!step) {
			explicit_bzero(bytes, used); /* it may be a password */
			return err_set(err, -EBADMSG, "text is not UTF-8 at byte %zu", i);
		}
		used += utf16_put(bytes + used, c);
		i += step;
	}
	*ret = TAKE_PTR(bytes);
	*ret_length = used;
	return 0;
}

/* Where the first byte lies that is not well-formed; length if there is none. */
static size_t utf8_bad_byte(const uint8_t *text, size_t length)
{
	size_t i = 0, step;
	uint32_t c;

	while (i < length && (step = utf8_get(text + i, length - i, &c)))
		i += step;
	return i;
}

int utf8_check(const char *text, size_t length)
{
	return utf8_bad_byte((const uint8_t *)text, length) == length ? 0 : -EBADMSG;
}

/* The first character of a document is ASCII ('<', '[', …), so its second byte tells. */
static bool looks_like_utf16le(const uint8_t *bytes, size_t length)
{
	bool marked = length >= 2 && bytes[0] == 0xff && bytes[1] == 0xfe;

	return marked || (length >= 2 && bytes[0] != 0 && bytes[1] == 0);
}

int text_decode(const void *bytes, size_t length, char **ret, struct err *err)
{
	const uint8_t *from = bytes;
	size_t start, bad;
	char *text;

	if (looks_like_utf16le(from, length)) {
		if (length % 2 &&
		    from[length - 1] == 0) /* one trailing NUL byte too many */
			length--;
		return utf16le_to_utf8(from, length, ret, err);
	}
	start = length >= 3 && memcmp(from, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	while (length > start && from[length - 1] == 0)
		length--;
	bad = start + utf8_bad_byte(from + start, length - start);
	if (bad != length)
		return err_set(err, -EBADMSG,
			       "text is neither UTF-16LE nor UTF-8: byte %zu", bad);
	text = malloc(length - start + 1);
	if (!text)
		return err_nomem(err);
	if (length > start)
		memcpy(text, from + start, length - start);
	text[length - start] = '\0';
	*ret = text;
	return 0;
}
