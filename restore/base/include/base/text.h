/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text that grows, and numbers as people read them.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/cleanup.h>
#include <base/err.h>

/* A string that grows. Zero-initialised is empty. After a failed allocation all further calls
 * do nothing and text_take() answers NULL, so that only the end must be checked. */
struct text {
	char *string; /* NULL while empty */
	size_t length;
	size_t room;
	bool failed;
};

void text_add(struct text *text, const char *format, ...) PRINTF(2, 3);

/* The finished string ("" if nothing was added), to be freed by the caller; NULL: no memory.
 * text is empty afterwards. */
char *text_take(struct text *text);

void text_clear(struct text *text);

/* A new string, or NULL: no memory. */
char *text_format(const char *format, ...) PRINTF(1, 2);
char *text_format_list(const char *format, va_list args) PRINTF(1, 0);

/* In place, of white space at both ends. Returns where the rest begins. */
char *text_trim(char *text);
/* The value of a hex digit, or -1. */
int text_hex_digit(char c);

#define SIZE_TEXT_SIZE 16

/* "0 B", "512 B", "4.0 KiB", "1.5 GiB", "100 MiB", "64.0 TiB". Returns
 * text. */
const char *size_format(uint64_t bytes, char text[SIZE_TEXT_SIZE]);

/* "90" and "90s", "30m", "2h", "0"; at most a week. False: another text. */
bool duration_parse(const char *text, uint64_t *ret_seconds);

/* "2026-08-31 21:00:05" in UTC. Returns text. */
#define TIME_TEXT_SIZE 24
const char *time_format(int64_t seconds_since_1970, char text[TIME_TEXT_SIZE]);
