/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GUIDs in Windows' mixed-endian byte order: the first three groups are little-endian, the
 * last two are bytes. This is the order on GPT disks, in BCD elements and in MountedDevices.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

struct guid {
	uint8_t b[16]; /* as on disk */
};

#define GUID_TEXT_SIZE 37 /* 36 characters and the NUL */

/* "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" as an initialiser, in the groups of its text. */
#define GUID_INIT(a, b_, c, d, e, f, g, h, i, j, k)                                           \
	{ { (uint8_t)(a), (uint8_t)((uint32_t)(a) >> 8), (uint8_t)((uint32_t)(a) >> 16),      \
	    (uint8_t)((uint32_t)(a) >> 24), (uint8_t)(b_), (uint8_t)((b_) >> 8),              \
	    (uint8_t)(c), (uint8_t)((c) >> 8), d, e, f, g, h, i, j, k } }

/* Lower case, no braces. Returns text, which holds GUID_TEXT_SIZE bytes. */
const char *guid_format(const struct guid *guid, char text[GUID_TEXT_SIZE]);

/* Reads the 36 characters 8-4-4-4-12 in either case, alone or within braces; length counts
 * bytes of text. Returns 0 or -EINVAL. */
int guid_parse(const char *text, size_t length, struct guid *ret) MUST_CHECK;

bool guid_equal(const struct guid *a, const struct guid *b);
bool guid_is_zero(const struct guid *guid);
