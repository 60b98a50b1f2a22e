/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts in every language, lines that are broken, and disks out of JSON. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

#include <base/cleanup.h>

#include "../disk-items.h"
#include "../page.h"

static size_t count_values(const char *text)
{
	size_t count = 0;

	while ((text = strchr(text, '{')) != NULL) {
		count++;
		text++;
	}
	return count;
}

static void every_language_has_every_text(void **state)
{
	for (size_t i = TEXT_NONE + 1; i < TEXT_COUNT; i++) {
		assert_non_null(texts_en[i]);
		assert_non_null(texts_de[i]);
		assert_true(texts_en[i][0] && texts_de[i][0]);
		assert_int_equal(count_values(texts_en[i]), count_values(texts_de[i]));
	}
}

/* The buttons of each page in the windows that are drawn. */
static void buttons_fit_into_one_line_in_every_language(void **state)
{
	static const enum text_id rows[][PAGE_BUTTONS] = {
		{ TEXT_SEARCH, TEXT_BROWSE, TEXT_LOCAL_DISKS, TEXT_NETWORK, TEXT_BACK },
		{ TEXT_BACK, TEXT_NETWORK_AGAIN, TEXT_NETWORK_ADDRESS, TEXT_PROBE },
		{ TEXT_GO_ON, TEXT_DETAILS, TEXT_FILES_BUTTON, TEXT_BACK },
		{ TEXT_GO_ON, TEXT_SEARCH_AGAIN, TEXT_EXCLUDE, TEXT_BACK },
		{ TEXT_START_DOTS, TEXT_OPTIONS, TEXT_SAVE, TEXT_NEWER_BUTTON,
		  TEXT_BACK },
		{ TEXT_SAVE_NOW, TEXT_SAVE_STICK, TEXT_SAVE_SHARE, TEXT_BACK },
		{ TEXT_RESUME, TEXT_FIRST_SCREEN, TEXT_START_REBOOT,
		  TEXT_START_POWER_OFF },
	};

	for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
		text_choose_language(language);
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			size_t columns = 0;

			for (size_t j = 0; j < PAGE_BUTTONS && rows[i][j]; j++)
				columns += page_columns(text_of(rows[i][j])) + 4;
			assert_true(columns <= PAGE_WIDTH + 2);
		}
	}
	text_choose_language(LANGUAGE_EN);
}

static void a_language_is_chosen_by_its_id(void **state)
{
	assert_true(text_choose_language_id("de"));
	assert_string_equal(text_of(TEXT_BACK), "Zurück");
	assert_false(text_choose_language_id("xx"));
	assert_string_equal(text_of(TEXT_BACK), "Zurück");
	assert_true(text_choose_language_id("en"));
}

static void values_stand_where_the_language_wants_them(void **state)
{
	char text[64], small[8];

	text_fill(TEXT_SEARCHED, "3", "10", text, sizeof(text));
	assert_string_equal(text, "Searched 3 folders, 10 files. Found:");
	text_fill(TEXT_SEARCHED, "3", "10", small, sizeof(small));
	assert_string_equal(small, "Searche");
}

static void lines_are_broken_between_words(void **state)
{
	AUTO_FREE char *plain = page_wrap("one two three", 8);
	AUTO_FREE char *indented = page_wrap("  one two three\nend", 8);
	AUTO_FREE char *wide = page_wrap("äöü äöü", 7);
	AUTO_FREE char *long_word = page_wrap("abcdefghij k", 4);

	assert_string_equal(plain, "one two\nthree");
	assert_string_equal(indented, "  one\n  two\n  three\nend");
	assert_string_equal(wide, "äöü äöü");
	assert_string_equal(long_word, "abcdefghij\nk");
}

static const char disks_json[] =
	"{\"disks\": ["
	"{\"path\": \"/dev/sda\", \"bus\": \"sata\", \"model\": \"M\", \"serial\": "
	"\"LOCKED1\","
	" \"wwn\": \"\", \"size\": 1073741824, \"content\": \"x\","
	" \"protection\": [\"mounted\"], \"reasons\": [\"it is in use\", \"really\"]},"
	"{\"path\": \"/dev/sdb\", \"bus\": \"usb\", \"model\": \"\", \"serial\": \"\","
	" \"wwn\": \"0x5000\", \"size\": 2, \"content\": \"empty\","
	" \"table_id\": \"1234abcd\","
	" \"protection\": [\"removable\"], \"reasons\": [\"it is removable\"]}]}";

static void disks_that_can_be_chosen_come_first(void **state)
{
	AUTO(disk_items_clear) struct disk_items disks = { 0 };
	struct err err;

	assert_int_equal(disk_items_parse(disks_json, &disks, &err), 0);
	assert_int_equal(disks.count, 2);
	assert_string_equal(disks.items[0].which, "wwn:0x5000");
	assert_null(disks.items[0].reason);
	assert_true(disks.items[0].removable);
	assert_string_equal(disks.items[0].table_id, "1234abcd");
	assert_false(disks.items[1].removable);
	assert_string_equal(disks.items[1].table_id, "");
	assert_string_equal(disks.items[1].which, "serial:LOCKED1");
	assert_string_equal(disks.items[1].reason, "it is in use; really");
	assert_ptr_equal(disk_items_find(&disks, "wwn:0x5000"), &disks.items[0]);
	assert_null(disk_items_find(&disks, ""));
}

static void a_list_that_is_none_is_an_error(void **state)
{
	struct disk_items disks = { 0 };
	struct err err;

	assert_int_equal(disk_items_parse("[", &disks, &err), -EBADMSG);
	assert_string_equal(err.text, "the list of disks cannot be understood");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_language_has_every_text),
		cmocka_unit_test(buttons_fit_into_one_line_in_every_language),
		cmocka_unit_test(a_language_is_chosen_by_its_id),
		cmocka_unit_test(values_stand_where_the_language_wants_them),
		cmocka_unit_test(lines_are_broken_between_words),
		cmocka_unit_test(disks_that_can_be_chosen_come_first),
		cmocka_unit_test(a_list_that_is_none_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
