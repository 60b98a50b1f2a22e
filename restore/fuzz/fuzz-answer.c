/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answer file. */
#include <restore/answer.h>

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct answer answer = { 0 };
	struct err err = { 0 };
	int r = answer_parse(bytes, length, "openbmr.ini", "/medium", &answer, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	fuzz_require(r < 0 || answer.confirm_erase, "an answer that nobody confirmed");
	answer_clear(&answer);
	return 0;
}
