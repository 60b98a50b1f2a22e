/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A device element of a boot store: every device in it, and other ids for each. */
#include <string.h>

#include "evidence/bcd-element.h"
#include "fuzz/fuzz.h"

#define LENGTH_MAX 4096

static void check_place(const uint8_t *bytes, size_t length,
			const struct bcd_element *element)
{
	static const struct bcd_device other = { .kind = BCD_DEVICE_MBR,
						 .mbr_signature = 0x12345678,
						 .offset = 1 << 20 };
	uint8_t copy[LENGTH_MAX];
	struct bcd_element again;
	struct err err = { 0 };

	memcpy(copy, bytes, length);
	bcd_place_set(copy, &element->place, &other);
	fuzz_require(bcd_element_decode(copy, length, &again, &err) == 0,
		     "new ids make a bad element");
	fuzz_require(again.has_place &&
			     again.place.device.mbr_signature == other.mbr_signature,
		     "new ids are not there");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct bcd_device device = { 0 };
	struct bcd_element element = { 0 };
	struct err err = { 0 };
	int r = bcd_device_decode(bytes, length, &device, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	fuzz_require(r < 0 || bcd_device_equal(&device, &device),
		     "a device unlike itself");
	err = (struct err){ 0 };
	r = bcd_element_decode(bytes, length, &element, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	if (r == 0 && element.has_place && length <= LENGTH_MAX)
		check_place(bytes, length, &element);
	return 0;
}
