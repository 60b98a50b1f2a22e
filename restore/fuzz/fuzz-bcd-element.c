/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A device element of a boot store. */
#include "evidence/bcd.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct bcd_device device = { 0 };
	struct err err = { 0 };
	int r = bcd_device_decode(bytes, length, &device, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	fuzz_require(r < 0 || bcd_device_equal(&device, &device),
		     "a device unlike itself");
	return 0;
}
