/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When this machine's clock is taken for wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include <base/cleanup.h>

#include "../clock.h"

#define NOW INT64_C(1795190400) /* 2026-11-20 16:00:00 */

static const struct {
	int64_t own, server;
	enum clock_verdict verdict;
} cases[] = {
	{ NOW, NOW, CLOCK_AGREES },
	{ NOW - CLOCK_MAX_DIFFERENCE_S, NOW, CLOCK_AGREES },
	{ NOW + CLOCK_MAX_DIFFERENCE_S, NOW, CLOCK_AGREES },
	{ NOW - CLOCK_MAX_DIFFERENCE_S - 1, NOW, CLOCK_DIFFERS },
	{ NOW + CLOCK_MAX_DIFFERENCE_S + 1, NOW, CLOCK_DIFFERS },
	{ NOW + 7200, NOW, CLOCK_DIFFERS }, /* local time in the hardware clock */
	{ 978307200, NOW, CLOCK_DIFFERS },  /* an empty battery */
	{ CLOCK_EARLIEST_S - 1, CLOCK_EARLIEST_S, CLOCK_DIFFERS },
	{ NOW, 0, CLOCK_UNKNOWN },
	{ NOW, CLOCK_EARLIEST_S - 1, CLOCK_UNKNOWN }, /* the server's battery */
	{ INT64_C(253402300799), NOW, CLOCK_DIFFERS },
};

static void clocks_agree_within_what_kerberos_lets_pass(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(clock_judge(cases[i].own, cases[i].server),
				 cases[i].verdict);
}

static void spans_are_told_as_people_say_them(void **state)
{
	char text[CLOCK_SPAN_SIZE];

	assert_string_equal(clock_span(0, text), "0 s");
	assert_string_equal(clock_span(59, text), "59 s");
	assert_string_equal(clock_span(3599, text), "59 min");
	assert_string_equal(clock_span(7500, text), "2 h 5 min");
	assert_string_equal(clock_span(86400 * 312, text), "312 days");
}

static void a_clock_is_left_alone_while_a_restore_holds_the_lock(void **state)
{
	char path[] = "/tmp/test-clock-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_false(clock_is_locked(path));
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_true(clock_is_locked(path));
	assert_false(clock_is_locked(NULL));
	close(fd);
	unlink(path);
	assert_false(clock_is_locked(path));
}

static void the_line_about_a_clock_that_was_set_is_found(void **state)
{
	char note[96] = "";

	assert_false(clock_note(NULL, note, sizeof(note)));
	assert_false(clock_note("eth0 up\n", note, sizeof(note)));
	assert_false(
		clock_note("eth0 up\nclock           x UTC, 'nas' agrees (0 s apart)\n",
			   note, sizeof(note)));
	assert_string_equal(note, "");
	assert_true(
		clock_note("eth0 up\nclock           x UTC here, y UTC at 'nas', 9 days "
			   "later: set to that; z\nmore\n",
			   note, sizeof(note)));
	assert_string_equal(note,
			    "x UTC here, y UTC at 'nas', 9 days later: set to that; z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_agree_within_what_kerberos_lets_pass),
		cmocka_unit_test(a_clock_is_left_alone_while_a_restore_holds_the_lock),
		cmocka_unit_test(the_line_about_a_clock_that_was_set_is_found),
		cmocka_unit_test(spans_are_told_as_people_say_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
