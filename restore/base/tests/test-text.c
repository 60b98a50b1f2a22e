/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <base/text.h>

static void an_empty_text_is_the_empty_string(void **state)
{
	struct text text = { 0 };
	char *string = text_take(&text);

	assert_string_equal(string, "");
	free(string);
}

static void text_grows_beyond_its_first_room(void **state)
{
	struct text text = { 0 };
	char *string;

	for (int i = 0; i < 1000; i++)
		text_add(&text, "%03d,", i);
	string = text_take(&text);
	assert_int_equal(strlen(string), 4000);
	assert_string_equal(string + 3996, "999,");
	assert_null(text.string);
	free(string);
}

static void sizes_read_as_people_write_them(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ UINT64_C(104857600), "100 MiB" },
		{ UINT64_C(64) << 40, "64.0 TiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char text[SIZE_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(size_format(cases[i].bytes, text), cases[i].text);
}

static void times_are_utc(void **state)
{
	char text[TIME_TEXT_SIZE];

	assert_string_equal(time_format(0, text), "1970-01-01 00:00:00");
	assert_string_equal(time_format(1788210000, text), "2026-08-31 21:00:00");
}

static void durations_have_a_unit_or_are_seconds(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} good[] = { { "0", 0 },      { "90", 90 },   { "90s", 90 },
		     { "30m", 1800 }, { "2h", 7200 }, { "168h", 604800 } };
	static const char *const bad[] = {
		"",   "m",    "-1",   " 5",  "5 m",
		"1d", "169h", "1.5h", "5ms", "99999999999999999999"
	};
	uint64_t seconds = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(duration_parse(bad[i], &seconds));
		assert_int_equal(seconds, 7);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(duration_parse(good[i].text, &seconds));
		assert_int_equal(seconds, good[i].seconds);
	}
}

static void white_space_at_both_ends_is_trimmed(void **state)
{
	static const struct {
		const char *text, *trimmed;
	} cases[] = {
		{ "a b", "a b" }, { " \ta b\r\n", "a b" }, { " \t", "" }, { "", "" }
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[16];

		snprintf(text, sizeof(text), "%s", cases[i].text);
		assert_string_equal(text_trim(text), cases[i].trimmed);
	}
}

static void hex_digits_have_their_values(void **state)
{
	assert_int_equal(text_hex_digit('0'), 0);
	assert_int_equal(text_hex_digit('9'), 9);
	assert_int_equal(text_hex_digit('a'), 10);
	assert_int_equal(text_hex_digit('F'), 15);
	assert_int_equal(text_hex_digit('g'), -1);
	assert_int_equal(text_hex_digit('/'), -1);
	assert_int_equal(text_hex_digit('\0'), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(white_space_at_both_ends_is_trimmed),
		cmocka_unit_test(hex_digits_have_their_values),
		cmocka_unit_test(an_empty_text_is_the_empty_string),
		cmocka_unit_test(text_grows_beyond_its_first_room),
		cmocka_unit_test(sizes_read_as_people_write_them),
		cmocka_unit_test(times_are_utc),
		cmocka_unit_test(durations_have_a_unit_or_are_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
