/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sidecars of block hashes: whatever their head and records claim. */
#include "formats/block-index.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO(source_freep) struct block_source *index = NULL;
	struct block_source *file = NULL;
	struct err err = { 0 };

	if (source_memory_new(bytes, length, "fuzz.index", &file, &err) < 0)
		return 0;
	if (index_source_new(file, NULL, &index, &err) < 0) {
		fuzz_require(err.text[0], "an error without a text");
		return 0;
	}
	fuzz_require(index->size % INDEX_PAGE == 0, "a page that is not whole");
	fuzz_read_around(index);
	return 0;
}
