/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A boot entry of a firmware, which anybody with access to the machine can have written. */
#include <string.h>

#include "fixups/boot-option.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct boot_option option = { 0 };
	struct err err = { 0 };
	int r = boot_option_parse(bytes, length, &option, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	fuzz_require(strlen(option.file) < sizeof(option.file), "a file without an end");
	return 0;
}
