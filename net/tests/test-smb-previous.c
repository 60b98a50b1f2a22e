/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What smbclient says of previous versions. The text is what 4.17.12 printed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <base/text.h>

#include "smb-previous.h"

static void names_are_taken_once_and_nothing_else_is(void **state)
{
	static const char output[] = "altname: BNS0Y2~2\n"
				     "create_time:    Fri Nov 20 13:17:42 2026 UTC\n"
				     "attributes: D (10)\n"
				     "@GMT-2026.09.01-12.00.00\n"
				     "create_time:    Fri Nov 20 13:17:42 2026 UTC\n"
				     "size: 0\n"
				     "@GMT-2026.08.31-12.00.00\r\n"
				     "@GMT-2026.09.01-12.00.00\n"
				     " @GMT-2026.08.30-12.00.00\n"
				     "@GMT-2026.08.30-12.00.00/..\n"
				     "@GMT-2026.08.3x-12.00.00\n"
				     "@GMT-2026.08.29-12.00.00";
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	struct err err = { 0 };

	assert_int_equal(smb_previous_parse(output, &listing, &err), 0);
	assert_int_equal(listing.count, 3);
	assert_string_equal(listing.entries[0].name, "@GMT-2026.09.01-12.00.00");
	assert_string_equal(listing.entries[1].name, "@GMT-2026.08.31-12.00.00");
	assert_string_equal(listing.entries[2].name, "@GMT-2026.08.29-12.00.00");
}

static void a_server_that_has_none_is_no_error(void **state)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	struct err err = { 0 };

	assert_int_equal(
		smb_previous_parse("altname: .\nattributes: D (10)\n", &listing, &err),
		0);
	assert_int_equal(smb_previous_parse("", &listing, &err), 0);
	assert_int_equal(listing.count, 0);
}

static void a_failure_is_one_though_the_program_says_that_it_went_well(void **state)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	struct err err = { 0 };

	assert_int_equal(
		smb_previous_parse(
			"NT_STATUS_ACCESS_DENIED getting alt name for \\\nmore\n",
			&listing, &err),
		-EIO);
	assert_string_equal(err.text,
			    "smbclient: NT_STATUS_ACCESS_DENIED getting alt name for \\");
}

static void more_than_windows_keeps_are_left_out(void **state)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	AUTO(text_clear) struct text output = { 0 };
	struct err err = { 0 };

	for (unsigned i = 0; i < 5000; i++)
		text_add(&output, "@GMT-%04u.01.01-00.00.00\n", i);
	assert_int_equal(smb_previous_parse(output.string, &listing, &err), 0);
	assert_int_equal(listing.count, TREE_MAX_PREVIOUS + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_taken_once_and_nothing_else_is),
		cmocka_unit_test(a_server_that_has_none_is_no_error),
		cmocka_unit_test(
			a_failure_is_one_though_the_program_says_that_it_went_well),
		cmocka_unit_test(more_than_windows_keeps_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
