/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHD images: see image-rounds.h. */
#include "image-rounds.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	fuzz_image(bytes, length, "fuzz.vhd");
	return 0;
}
