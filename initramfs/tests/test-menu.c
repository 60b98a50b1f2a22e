/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "menu.h"

static char *shown(enum menu_kind kind, bool has_answer)
{
	struct text text = { 0 };

	menu_show(kind, has_answer, &text);
	return text_take(&text);
}

static void automatic_restore_is_offered_only_with_an_answer_file(void **state)
{
	char *with = shown(MENU_START, true), *without = shown(MENU_START, false);

	assert_non_null(strstr(with, "  1  restore automatically"));
	assert_null(strstr(without, "restore automatically"));
	assert_int_equal(menu_choose(MENU_START, true, '1'), MENU_AUTOMATIC);
	assert_int_equal(menu_choose(MENU_START, false, '1'), MENU_UNKNOWN);
	free(with);
	free(without);
}

static void the_other_keys_mean_the_same_with_and_without_it(void **state)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(menu_choose(MENU_START, i, '2'), MENU_BY_HAND);
		assert_int_equal(menu_choose(MENU_START, i, '3'), MENU_SHELL);
		assert_int_equal(menu_choose(MENU_START, i, '4'), MENU_REBOOT);
		assert_int_equal(menu_choose(MENU_START, i, '5'), MENU_POWER_OFF);
	}
}

static void shell_restart_and_power_off_have_the_same_keys_in_both_menus(void **state)
{
	for (int key = '3'; key <= '5'; key++)
		assert_int_equal(menu_choose(MENU_START, false, key),
				 menu_choose(MENU_RESULT, false, key));
	assert_int_equal(menu_choose(MENU_RESULT, false, '1'), MENU_AGAIN);
	assert_int_equal(menu_choose(MENU_RESULT, false, '2'), MENU_MAIN);
}

static void no_other_key_does_anything(void **state)
{
	for (int key = -1; key < 256; key++)
		if (key < '1' || key > '5') {
			assert_int_equal(menu_choose(MENU_START, true, key),
					 MENU_UNKNOWN);
			assert_int_equal(menu_choose(MENU_RESULT, true, key),
					 MENU_UNKNOWN);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(automatic_restore_is_offered_only_with_an_answer_file),
		cmocka_unit_test(the_other_keys_mean_the_same_with_and_without_it),
		cmocka_unit_test(
			shell_restart_and_power_off_have_the_same_keys_in_both_menus),
		cmocka_unit_test(no_other_key_does_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
