/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first answer of a server, whatever it is. */
#include "fuzz/fuzz.h"
#include "smb-negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct smb_offer offer = { 0 };
	struct err err = { 0 };

	if (smb_negotiate_parse(bytes, length, &offer, &err) < 0)
		return 0;
	fuzz_require(offer.dialect >= 0x0202 && offer.dialect <= 0x0311,
		     "a dialect that nobody asked for");
	fuzz_require(offer.cipher <= 4, "a cipher that nobody asked for");
	fuzz_require(offer.time_s >= 0, "a time before 1970");
	return 0;
}
