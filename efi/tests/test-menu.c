/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The menu: defaults, countdown, keys, lines. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "menu.h"

static void countdown_ends_in_the_default(void **state)
{
	struct menu with = menu_start(true, true), without = menu_start(false, true);

	for (unsigned int i = 1; i < MENU_COUNTDOWN_S; i++) {
		assert_int_equal(menu_second(&with), MENU_NONE);
		assert_int_equal(menu_second(&without), MENU_NONE);
	}
	assert_int_equal(menu_second(&with), MENU_AUTO);
	assert_int_equal(menu_second(&without), MENU_ASK);
}

static void any_key_stops_the_countdown_for_good(void **state)
{
	static const unsigned int keys[] = { MENU_KEY_OTHER, MENU_KEY_UP, MENU_KEY_DOWN,
					     MENU_KEY_DIGIT + 9, MENU_KEY_DIGIT };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct menu menu = menu_start(true, true);

		assert_int_equal(menu_key(&menu, keys[i]), MENU_NONE);
		for (unsigned int second = 0; second < 10; second++)
			assert_int_equal(menu_second(&menu), MENU_NONE);
	}
}

static void arrows_pass_over_lines_that_are_not_offered(void **state)
{
	struct menu menu = menu_start(false, false);

	assert_int_equal(menu_key(&menu, MENU_KEY_UP), MENU_NONE);
	assert_int_equal(menu.selected, MENU_ASK);
	menu_key(&menu, MENU_KEY_DOWN);
	assert_int_equal(menu.selected, MENU_LOCAL);
	menu_key(&menu, MENU_KEY_DOWN);
	assert_int_equal(menu.selected, MENU_POWER_OFF);
	menu_key(&menu, MENU_KEY_DOWN);
	menu_key(&menu, MENU_KEY_DOWN);
	assert_int_equal(menu.selected, MENU_FACTS);
	menu_key(&menu, MENU_KEY_UP);
	menu_key(&menu, MENU_KEY_UP);
	assert_int_equal(menu.selected, MENU_LOCAL);
	assert_int_equal(menu_key(&menu, MENU_KEY_ENTER), MENU_LOCAL);
}

static void numbers_choose_at_once_and_only_what_is_offered(void **state)
{
	struct menu menu = menu_start(true, true);

	for (unsigned int digit = 1; digit < MENU_CHOICES; digit++)
		assert_int_equal(menu_key(&menu, MENU_KEY_DIGIT + digit), digit);
	assert_int_equal(menu_key(&menu, MENU_KEY_DIGIT + MENU_CHOICES), MENU_NONE);
	assert_int_equal(menu_key(&menu, 0x100), MENU_NONE);
	menu = menu_start(false, false);
	assert_int_equal(menu_key(&menu, MENU_KEY_DIGIT + MENU_AUTO), MENU_NONE);
	assert_int_equal(menu_key(&menu, MENU_KEY_DIGIT + MENU_FIRMWARE), MENU_NONE);
	assert_int_equal(menu.selected, MENU_ASK);
}

/* All lines of the screen, one below the other. */
static void menu_looks_like(const struct menu *menu, const char *expected)
{
	char screen[1024];
	struct text text = text_start(screen, sizeof(screen));

	for (unsigned int choice = MENU_NONE + 1; choice < MENU_CHOICES; choice++)
		if (menu_line(menu, (enum menu_choice)choice, &text))
			text_add(&text, "\n");
	menu_footer(menu, &text);
	assert_string_equal(screen, expected);
}

static void lines_show_numbers_selection_and_countdown(void **state)
{
	struct menu menu = menu_start(true, true);

	menu_looks_like(&menu, "  > 1  Restore automatically, as the answer file says\n"
			       "    2  Restore by hand\n"
			       "    3  Start the local disk\n"
			       "    4  Firmware settings\n"
			       "    5  Power off\n"
			       "    6  About this machine\n"
			       "Automatic restore in 3 s. Any key stops the countdown.");
	menu = menu_start(false, false);
	menu_second(&menu);
	menu_looks_like(&menu, "  > 2  Restore by hand\n"
			       "    3  Start the local disk\n"
			       "    5  Power off\n"
			       "    6  About this machine\n"
			       "Restore by hand in 2 s. Any key stops the countdown.");
	menu_key(&menu, MENU_KEY_DOWN);
	menu_looks_like(&menu,
			"    2  Restore by hand\n"
			"  > 3  Start the local disk\n"
			"    5  Power off\n"
			"    6  About this machine\n"
			"Press a number, or move with the arrow keys and press Enter.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(countdown_ends_in_the_default),
		cmocka_unit_test(any_key_stops_the_countdown_for_good),
		cmocka_unit_test(arrows_pass_over_lines_that_are_not_offered),
		cmocka_unit_test(numbers_choose_at_once_and_only_what_is_offered),
		cmocka_unit_test(lines_show_numbers_selection_and_countdown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
