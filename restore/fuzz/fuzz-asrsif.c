/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AsrSif, searched in a document and read. */
#include <base/utf.h>

#include "evidence/asrsif.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO(asrsif_freep) struct asrsif *asrsif = NULL;
	AUTO_FREE char *document = NULL;
	AUTO_FREE char *found = NULL;
	struct err err = { 0 };
	int r = text_decode(bytes, length, &document, &err);

	if (r == 0)
		r = asrsif_find(document, &found, &err);
	if (r == 0)
		r = asrsif_read(found, "fuzz.xml", &asrsif, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	return 0;
}
