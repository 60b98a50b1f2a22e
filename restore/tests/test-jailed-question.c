/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to a process in the jail: answers, errors, and one that never ends. */
#include "base/tests/testing.h"

#include <signal.h>

#include "fixups/fixup.h"
#include "fixups/jailed-question.h"

#define PATIENCE_S 120 /* of wall-clock time: a limit that does not work ends the test */

static int twice(const void *question, pid_t engine, void *answer, struct err *err)
{
	int r = fixup_jail(engine, err);
	int value = 2 * *(const int *)question;

	memcpy(answer, &value, sizeof(value));
	return r;
}

static int refuse(const void *question, pid_t engine, void *answer, struct err *err)
{
	return err_set(err, -EBADMSG, "'SYSTEM': a cell\nbeyond its bin");
}

static int spin(const void *question, pid_t engine, void *answer, struct err *err)
{
	int r = fixup_jail(engine, err);

	alarm(PATIENCE_S);
	for (volatile uint64_t i = 0; r == 0; i++)
		;
	return r;
}

static int crash(const void *question, pid_t engine, void *answer, struct err *err)
{
	raise(SIGKILL);
	return 0;
}

static int ask(jailed_answer *run, int question, int *ret, struct err *err)
{
	return jailed_ask(&(struct jailed_question){ run, &question,
						     "'C:': the process that asks", 1 },
			  ret, sizeof(*ret), err);
}

static void the_answer_comes_back(void **state)
{
	struct err err = { 0 };
	int answer = 0;

	assert_succeeds(ask(twice, 21, &answer, &err));
	assert_int_equal(answer, 42);
}

static void an_error_keeps_its_code_and_loses_what_a_terminal_obeys(void **state)
{
	struct err err = { 0 };
	int answer = 0;

	assert_failed(ask(refuse, 0, &answer, &err), -EBADMSG,
		      "'SYSTEM': a cell beyond its bin");
}

static void one_that_spins_is_ended_and_named_with_its_limit(void **state)
{
	struct err err = { 0 };
	int answer = 7;

	assert_failed(ask(spin, 0, &answer, &err), -EPIPE,
		      "'C:': the process that asks was ended: it used 1 s of processor "
		      "time, its limit");
	assert_int_equal(answer, 7);
}

static void one_that_crashes_is_named_with_the_signal(void **state)
{
	struct err err = { 0 };
	int answer = 7;

	assert_failed(ask(crash, 0, &answer, &err), -EPIPE,
		      "'C:': the process that asks was killed by signal 9 (Killed)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_comes_back),
		cmocka_unit_test(an_error_keeps_its_code_and_loses_what_a_terminal_obeys),
		cmocka_unit_test(one_that_spins_is_ended_and_named_with_its_limit),
		cmocka_unit_test(one_that_crashes_is_named_with_the_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
