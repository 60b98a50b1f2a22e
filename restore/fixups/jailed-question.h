/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A question about a volume, answered by a process of its own in the jail of the fix-ups, before
 * any disk is opened: what it parses may be hostile.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include <base/err.h>

#define JAILED_ANSWER_MAX 3064 /* with the error's text less than a pipe takes at once */

/* In the forked process. Enters the jail itself (fixup_jail(), with `engine`), so that it can
 * first open what it needs. */
typedef int jailed_answer(const void *question, pid_t engine, void *answer,
			  struct err *err);

struct jailed_question {
	jailed_answer *run;
	const void *question;
	const char *what; /* the process, in messages: "'C:': the process that …" */
	unsigned seconds; /* of processor time: more ends it */
};

/* `answer` (of `size` bytes, at most JAILED_ANSWER_MAX) is what the process made of it; it is
 * bytes of a process that may have been taken over: check and bound all of it. Its errors come
 * back with their code; -EPIPE: it ended without an answer, with the reason. */
int jailed_ask(const struct jailed_question *ask, void *answer, size_t size,
	       struct err *err) MUST_CHECK;
