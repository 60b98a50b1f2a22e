/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A boot store: a registry hive, through libhivex, and the values in it. */
#include "evidence/bcd.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct bcd_store store = { 0 };
	struct err err = { 0 };
	int r = bcd_store_read(bytes, length, "BCD", &store, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	return 0;
}
