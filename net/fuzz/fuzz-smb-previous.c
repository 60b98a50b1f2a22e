/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What smbclient prints of a server's previous versions. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "smb-previous.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	AUTO_FREE char *text = strndup((const char *)bytes, length);
	struct err err = { 0 };

	if (!text || smb_previous_parse(text, &listing, &err) < 0)
		return 0;
	fuzz_require(listing.count <= TREE_MAX_PREVIOUS + 1, "more than are kept");
	for (size_t i = 0; i < listing.count; i++)
		fuzz_require(tree_is_previous_name(listing.entries[i].name,
						   strlen(listing.entries[i].name)),
			     "a name of another form");
	return 0;
}
