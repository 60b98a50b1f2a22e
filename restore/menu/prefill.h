/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choices out of an answer file, and its login. */
#pragma once

#include <restore/answer-machine.h>

#include "choices.h"

/* Pure: what the file says, but for its variables, login and actions. */
void prefill_choices(const struct answer *answer, struct choices *choices);

/* Reads path; *ret_missing: what a person must still answer, a new string, NULL: nothing, it can be
 * followed as it is (then choices are filled only where it leads to a share). -EINVAL: it is wrong, or for another machine; choices are as they were. */
int prefill_read(const char *path, const struct answer_machine *machine,
		 struct choices *choices, char **ret_missing, struct err *err) MUST_CHECK;
