/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "report.h"

/* As waitpid(2) packs them on Linux. */
#define EXITED(code)   ((code) << 8)
#define KILLED(number) (number)

static void statuses_of_bmr_are_said_in_words(void **state)
{
	char text[STATUS_TEXT_SIZE];

	assert_string_equal(status_text(EXITED(0), text), "done");
	assert_string_equal(status_text(EXITED(1), text), "failed");
	assert_string_equal(status_text(EXITED(4), text), "refused by the plan");
	assert_string_equal(status_text(EXITED(5), text), "stopped, can be resumed");
	assert_string_equal(status_text(EXITED(127), text), "could not be started");
}

static void unknown_statuses_and_signals_are_named(void **state)
{
	char text[STATUS_TEXT_SIZE];

	assert_string_equal(status_text(EXITED(77), text), "ended with status 77");
	assert_string_equal(status_text(KILLED(SIGKILL), text),
			    "ended by signal 9 (Killed)");
}

static void the_last_lines_are_found(void **state)
{
	static const char text[] = "one\ntwo\nthree\n";
	size_t length = strlen(text);

	assert_string_equal(last_lines(text, length, 1), "three\n");
	assert_string_equal(last_lines(text, length, 2), "two\nthree\n");
	assert_string_equal(last_lines(text, length, 3), text);
	assert_string_equal(last_lines(text, length, 10), text);
}

static void a_last_line_without_end_and_empty_lines_count(void **state)
{
	assert_string_equal(last_lines("one\ntwo", 7, 1), "two");
	assert_string_equal(last_lines("a\n\n", 3, 1), "\n");
	assert_string_equal(last_lines("", 0, 3), "");
	assert_string_equal(last_lines("\n", 1, 3), "\n");
}

static void only_the_known_actions_are_done(void **state)
{
	assert_int_equal(action_parse("reboot\n"), AFTER_REBOOT);
	assert_int_equal(action_parse("poweroff"), AFTER_POWER_OFF);
	assert_int_equal(action_parse("shell\r\n"), AFTER_SHELL);
	assert_int_equal(action_parse("hold"), AFTER_HOLD);
	assert_int_equal(action_parse(""), AFTER_HOLD);
	assert_int_equal(action_parse("reboots"), AFTER_HOLD);
	assert_int_equal(action_parse("reb"), AFTER_HOLD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_of_bmr_are_said_in_words),
		cmocka_unit_test(unknown_statuses_and_signals_are_named),
		cmocka_unit_test(the_last_lines_are_found),
		cmocka_unit_test(a_last_line_without_end_and_empty_lines_count),
		cmocka_unit_test(only_the_known_actions_are_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
