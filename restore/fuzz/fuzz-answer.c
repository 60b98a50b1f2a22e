/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answer file: its lines, for whom it is, and its variables. */
#include <restore/answer-machine.h>

#include <base/cleanup.h>

#include "fuzz/fuzz.h"

static const struct answer_machine machine = {
	.uuid = "4c4c4544-0042-3010-8053-b4c04f4a3132",
	.serial = "../B0JS",
	.model = "OptiPlex 7090",
	.mac_count = 1,
	.macs = { "52:54:00:aa:00:01" },
};

static void look_at_machine(const struct answer *answer)
{
	AUTO_FREE char *why = NULL, *report = NULL;
	bool meant = answer_matches(answer, &machine, &why);
	struct err err = { 0 };

	fuzz_require(meant || why, "passed over without a reason");
	if (!answer->report)
		return;
	fuzz_require(answer_expand(answer->report, &machine, &report, &err) == 0 ||
			     err.text[0],
		     "an error without a text");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct answer answer = { 0 };
	struct err err = { 0 };
	int r = answer_parse(bytes, length, "openbmr.ini", "/medium", &answer, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	fuzz_require(r < 0 || answer.confirm_erase ||
			     answer_check_whole(&answer, &err) < 0,
		     "an answer that nobody confirmed");
	if (r == 0)
		look_at_machine(&answer);
	answer_clear(&answer);
	return 0;
}
