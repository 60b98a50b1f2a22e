/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHDX images: see image-rounds.h. */
#include "image-rounds.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	fuzz_image(bytes, length, "fuzz.vhdx");
	return 0;
}
