/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boot sectors of NTFS, FAT, exFAT and ReFS. */
#include <string.h>

#include <restore/volume.h>

#include "fuzz/fuzz.h"

#define VOLUME_SIZE (UINT64_C(64) << 40) /* what any of them may claim */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	uint8_t boot[4096] = { 0 };
	struct volume_info info = { 0 };
	struct err err = { 0 };
	int r;

	if (length)
		memcpy(boot, bytes, length < sizeof(boot) ? length : sizeof(boot));
	r = volume_identify(boot, VOLUME_SIZE, &info, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	fuzz_require(r < 0 || info.fs_size <= VOLUME_SIZE,
		     "a file system beyond its volume");
	return 0;
}
