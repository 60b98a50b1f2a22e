/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMBIOS tables, for their OEM strings. */
#include <restore/oem-strings.h>

#include <string.h>

#include <base/cleanup.h>

#include "fuzz/fuzz.h"

#define MANY 16

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < MANY; i++) {
		AUTO_FREE char *found = oem_string_find(bytes, length, "o", i);

		fuzz_require(!found || strlen(found) < length, "longer than the table");
	}
	return 0;
}
