/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GUIDs as text and back: see base/guid.h. */
#include <stdio.h>
#include <string.h>

#include <base/guid.h>
#include <base/text.h>

#define GUID_TEXT_LENGTH (GUID_TEXT_SIZE - 1)

/* Which byte each pair of hex digits stands for, in the order of the text. */
static const uint8_t text_order[16] = { 3, 2, 1,  0,  5,  4,  7,  6,
					8, 9, 10, 11, 12, 13, 14, 15 };

/* Is there a dash before pair i? */
static bool dash_before(unsigned i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

const char *guid_format(const struct guid *guid, char text[GUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *p = text;

	for (unsigned i = 0; i < 16; i++) {
		uint8_t byte = guid->b[text_order[i]];

		if (dash_before(i))
			*p++ = '-';
		*p++ = digits[byte >> 4];
		*p++ = digits[byte & 15];
	}
	*p = '\0';
	return text;
}

int guid_parse(const char *text, size_t length, struct guid *ret)
{
	struct guid guid;

	if (length == GUID_TEXT_LENGTH + 2 && text[0] == '{' && text[length - 1] == '}') {
		text++;
		length -= 2;
	}
	if (length != GUID_TEXT_LENGTH)
		return -EINVAL;
	for (unsigned i = 0; i < 16; i++) {
		int high, low;

		if (dash_before(i) && *text++ != '-')
			return -EINVAL;
		high = text_hex_digit(*text++);
		low = text_hex_digit(*text++);
		if (high < 0 || low < 0)
			return -EINVAL;
		guid.b[text_order[i]] = (uint8_t)(high << 4 | low);
	}
	*ret = guid;
	return 0;
}

bool guid_equal(const struct guid *a, const struct guid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool guid_is_zero(const struct guid *guid)
{
	static const struct guid zero;

	return guid_equal(guid, &zero);
}
