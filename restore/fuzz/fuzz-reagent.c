/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ReAgent.xml, with other places for all that it names. */
#include "fixups/reagent.h"
#include "fuzz/fuzz.h"

static int visit(const char *element, bool enabled, struct reagent_location *location,
		 void *context, struct err *err)
{
	fuzz_require(location->disk.kind != BCD_DEVICE_OTHER, "a place on no disk");
	location->disk = (struct bcd_device){ .kind = BCD_DEVICE_MBR,
					      .mbr_signature = 0x12345678 };
	location->offset = 1 << 20;
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const struct reagent_job job = { "ReAgent.xml", visit, NULL };
	uint8_t *changed = NULL;
	struct err err = { 0 };
	size_t changed_length = 0;
	int r = reagent_edit(bytes, length, &job, &changed, &changed_length, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	fuzz_require(r == 0 || !changed, "a failure with a result");
	free(changed);
	return 0;
}
