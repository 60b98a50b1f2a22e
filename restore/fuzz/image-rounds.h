/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done to an image of any format: a sparse file (fuzz.h) that is opened, read, and searched
 * for its volume. */
#pragma once

#include <string.h>

#include <restore/image.h>

#include "fuzz/fuzz.h"

static inline void fuzz_image(const uint8_t *bytes, size_t length, const char *name)
{
	struct block_source *file = fuzz_sparse_source(bytes, length, name);
	AUTO(source_freep) struct block_source *volume = NULL;
	struct block_source *disk = NULL;
	struct image_info info = { 0 };
	struct err err = { 0 };

	if (!file)
		return;
	if (image_open(file, &info, &disk, &err) < 0) {
		fuzz_require(err.text[0], "an error without a text");
		return;
	}
	fuzz_require(disk->size == info.virtual_size, "two sizes of one disk");
	fuzz_require(memchr(info.creator, 0, sizeof(info.creator)),
		     "creator without an end");
	fuzz_read_around(disk);
	if (image_volume_open(disk, &volume, &err) == 0)
		fuzz_read_around(volume);
}
