/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed images: a seek table, as it stands, and frames that are read through it. */
#include <string.h>

#include "formats/packed.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct block_source *file = NULL, *packed = NULL;
	struct err err = { 0 };
	bool is_packed = false;

	if (source_memory_new(bytes, length, "fuzz.vhd.zst", &file, &err) < 0)
		return 0;
	if (packed_open(file, &packed, &is_packed, &err) < 0) {
		fuzz_require(err.text[0], "an error without a text");
		return 0;
	}
	fuzz_require(is_packed, "an ordinary file of this name");
	fuzz_read_around(packed);
	source_close(packed);
	return 0;
}
