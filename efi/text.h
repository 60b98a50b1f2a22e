/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text in a buffer of fixed size: the boot application has no C library, so this is its
 * snprintf. Pure: runs on the host as well.
 *
 * The buffer belongs to the caller and always holds a NUL-terminated string. What does
 * not fit is cut at the end and remembered in `cut`; whoever must not lose text asks for
 * it.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

#define GUID_BYTES 16

struct text {
	char *data;
	size_t size;   /* bytes of data, at least 1 */
	size_t length; /* bytes used, without the NUL */
	bool cut;      /* something did not fit */
};

/* Starts an empty text in buffer, which holds size bytes. */
struct text text_start(char *buffer, size_t size);

/*
 * Appends. A subset of printf: %s %.*s %c %d %u %x %%, the length modifiers l, ll and z,
 * a width, and a leading 0 for numbers. Anything else is printed as it stands, so that a
 * test sees it.
 */
void text_add(struct text *text, const char *format, ...) PRINTF(2, 3);
void text_vadd(struct text *text, const char *format, va_list arguments);

/* Appends at most max_units units of UTF-16 (up to a NUL) as UTF-8, with '?' for unpaired
 * surrogates and control characters, so that one name stays on one line. */
void text_add_utf16(struct text *text, const uint16_t *units, size_t max_units);

/* Appends a GUID of mixed-endian bytes, as GPT holds them, in lower case: 8-4-4-4-12. */
void text_add_guid(struct text *text, const uint8_t guid[GUID_BYTES]);
