/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cmdline.h"

static void an_empty_line_means_both_consoles_and_asking(void **state)
{
	struct cmdline cmdline = cmdline_parse("");

	assert_false(cmdline.automatic);
	assert_int_equal(cmdline.console_count, 2);
	assert_string_equal(cmdline.consoles[0], "tty1");
	assert_string_equal(cmdline.consoles[1], "ttyS0");
}

static void mode_auto_starts_the_automatic_restore(void **state)
{
	assert_true(cmdline_parse("quiet openbmr.mode=auto\n").automatic);
	assert_false(cmdline_parse("openbmr.mode=ask").automatic);
	assert_false(cmdline_parse("openbmr.mode=automatic").automatic);
	assert_false(cmdline_parse("openbmr.mode=aut").automatic);
	assert_false(cmdline_parse("xopenbmr.mode=auto").automatic);
}

static void an_answer_file_may_be_searched_for_or_named(void **state)
{
	assert_true(cmdline_parse("openbmr.mode=search").search);
	assert_true(cmdline_parse("openbmr.answer=http://h/").search);
	assert_false(cmdline_parse("openbmr.answer=").search);
	assert_false(cmdline_parse("openbmr.mode=auto").search);
	assert_false(cmdline_parse("openbmr.mode=search openbmr.mode=ask").search);
}

static void the_last_mode_wins(void **state)
{
	assert_false(cmdline_parse("openbmr.mode=auto openbmr.mode=ask").automatic);
	assert_true(cmdline_parse("openbmr.mode=ask openbmr.mode=auto").automatic);
}

static void tty0_stands_for_tty1_and_options_are_cut_off(void **state)
{
	struct cmdline cmdline =
		cmdline_parse("console=tty0 console=ttyS0,115200n8 console=ttyS1,9600");

	assert_int_equal(cmdline.console_count, 3);
	assert_string_equal(cmdline.consoles[2], "ttyS1");
}

static void a_console_that_is_a_prefix_of_another_is_its_own(void **state)
{
	struct cmdline cmdline = cmdline_parse("console=ttyS10 console=ttyS1");

	assert_int_equal(cmdline.console_count, 4);
	assert_string_equal(cmdline.consoles[2], "ttyS10");
	assert_string_equal(cmdline.consoles[3], "ttyS1");
}

static void names_that_are_no_device_are_left_out(void **state)
{
	assert_int_equal(cmdline_parse("console= console=,9600").console_count, 2);
	assert_int_equal(cmdline_parse("console=../sda").console_count, 2);
	assert_int_equal(cmdline_parse("console=abcdefghijklmnop").console_count, 2);
	assert_int_equal(cmdline_parse("console=abcdefghijklmno").console_count, 3);
}

static void more_consoles_than_there_is_room_for_are_left_out(void **state)
{
	struct cmdline cmdline =
		cmdline_parse("console=a console=b console=c console=d console=e");

	assert_int_equal(cmdline.console_count, CONSOLES_MAX);
	assert_string_equal(cmdline.consoles[CONSOLES_MAX - 1], "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_line_means_both_consoles_and_asking),
		cmocka_unit_test(mode_auto_starts_the_automatic_restore),
		cmocka_unit_test(an_answer_file_may_be_searched_for_or_named),
		cmocka_unit_test(the_last_mode_wins),
		cmocka_unit_test(tty0_stands_for_tty1_and_options_are_cut_off),
		cmocka_unit_test(a_console_that_is_a_prefix_of_another_is_its_own),
		cmocka_unit_test(names_that_are_no_device_are_left_out),
		cmocka_unit_test(more_consoles_than_there_is_room_for_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
