/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BitLocker: the first byte says what the rest is, a volume, sparse (fuzz.h), whose key lies in
 * it in the clear, or a file of keys.
 */
#include "fuzz/fuzz.h"
#include "volumes/bitlocker.h"

static void read_keys(const uint8_t *bytes, size_t length)
{
	struct unlock_keys keys = { 0 };
	struct err err = { 0 };
	int r = unlock_parse(bytes, length, "keys", &keys, &err);

	fuzz_require(r < 0 || keys.count, "no keys and no error");
	fuzz_require(r == 0 || err.text[0], "an error without a text");
}

static void read_volume(const uint8_t *bytes, size_t length)
{
	AUTO(source_freep)
	struct block_source *volume = fuzz_sparse_source(bytes, length, "fuzz-volume");
	AUTO(source_freep) struct block_source *plain = NULL;
	struct err err = { 0 };
	int r;

	if (!volume || volume->size < 512)
		return;
	r = bitlocker_open(volume, NULL, &plain, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	if (r == 0)
		fuzz_read_around(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length && bytes[0] == 'k')
		read_keys(bytes + 1, length - 1);
	if (length && bytes[0] == 'v')
		read_volume(bytes + 1, length - 1);
	return 0;
}
