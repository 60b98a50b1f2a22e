/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images in memory behind the reader's functions: see crash-reader.c. */
#pragma once

#include <restore/reader.h>

#define CRASH_PIECE 8192

struct crash_image {
	const char *path;
	uint64_t length;
	uint8_t *bytes;
};

struct reader *crash_reader(const struct crash_image *all, size_t count);
enum range_kind crash_image_kind(uint64_t offset);
