/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text of Windows' files: UTF-16LE, with or without byte-order mark and trailing NUL.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

/* Converts length bytes of UTF-16LE to a new NUL-terminated UTF-8 string. A leading
 * byte-order mark and trailing NULs are dropped. -EBADMSG: odd length, unpaired surrogate or a
 * NUL inside the text. The caller frees *ret. */
int utf16le_to_utf8(const void *bytes, size_t length, char **ret, struct err *err) MUST_CHECK;

/* The reverse: a new buffer of UTF-16LE without byte-order mark and NUL. -EBADMSG where text
 * is not UTF-8. The caller frees *ret. */
int utf8_to_utf16le(const char *text, uint8_t **ret, size_t *ret_length,
		    struct err *err) MUST_CHECK;

/* 0 if the length bytes of text are well-formed UTF-8 without NUL, else -EBADMSG. */
int utf8_check(const char *text, size_t length) MUST_CHECK;

/* A document of Windows in any of the encodings met in backups: UTF-16LE without byte-order
 * mark (FORMAT.md section 3), the same with it, UTF-8 with or without it, each with trailing
 * NULs or none. Gives a new NUL-terminated UTF-8 string. */
int text_decode(const void *bytes, size_t length, char **ret, struct err *err) MUST_CHECK;
