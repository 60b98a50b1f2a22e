/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHDX images: a sparse file (fuzz.h) that is opened, read, and searched for its volume. */
#include <string.h>

#include <restore/image.h>

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct block_source *file = fuzz_sparse_source(bytes, length, "fuzz.vhdx");
	AUTO(source_freep) struct block_source *volume = NULL;
	struct block_source *disk = NULL;
	struct image_info info = { 0 };
	struct err err = { 0 };

	if (!file)
		return 0;
	if (image_open(file, &info, &disk, &err) < 0) {
		fuzz_require(err.text[0], "an error without a text");
		return 0;
	}
	fuzz_require(disk->size == info.virtual_size, "two sizes of one disk");
	fuzz_require(memchr(info.creator, 0, sizeof(info.creator)),
		     "creator without an end");
	fuzz_read_around(disk);
	if (image_volume_open(disk, &volume, &err) == 0)
		fuzz_read_around(volume);
	return 0;
}
