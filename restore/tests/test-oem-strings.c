/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>
#include <restore/oem-strings.h>

/* type 1 with two strings, type 4 without, type 11 with three, the end */
static const char table[] = "\x01\x06\x00\x00\x01\x02QEMU\0a.x=no\0\0"
			    "\x04\x05\x01\x00\x00\0\0"
			    "\x0b\x05\x02\x00\x03hello\0a.x=first\0a.x=second\0\0"
			    "\x7f\x04\x03\x00\0";

static void only_oem_strings_count(void **state)
{
	AUTO_FREE char *first = oem_string_find(table, sizeof(table), "a.x=", 0);
	AUTO_FREE char *second = oem_string_find(table, sizeof(table), "a.x=", 1);

	assert_string_equal(first, "first");
	assert_string_equal(second, "second");
	assert_null(oem_string_find(table, sizeof(table), "a.x=", 2));
	assert_null(oem_string_find(table, sizeof(table), "b.x=", 0));
}

static void a_table_that_is_cut_off_has_what_is_whole(void **state)
{
	size_t whole = sizeof(table) - strlen("\x7f\x04\x03") - 3 - strlen("second") - 1;

	for (size_t size = 0; size < sizeof(table); size++) {
		AUTO_FREE char *copy = malloc(size + 1);
		AUTO_FREE char *found = NULL;

		memcpy(copy, table, size);
		found = oem_string_find(copy, size, "a.x=", 1);
		if (size < whole)
			assert_null(found);
	}
}

static void a_fixed_part_shorter_than_its_head_ends_the_table(void **state)
{
	static const char bad[] = "\x01\x03\x00\x00\0\0\x0b\x05\x00\x00\x01s\0\0";

	assert_null(oem_string_find(bad, sizeof(bad), "s", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_oem_strings_count),
		cmocka_unit_test(a_table_that_is_cut_off_has_what_is_whole),
		cmocka_unit_test(a_fixed_part_shorter_than_its_head_ends_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
