/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text in fixed buffers, and the errors made of it; the C library's snprintf is the
 * judge. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

#define SAME_AS_SNPRINTF(...)                                                            \
	do {                                                                             \
		char expected[128], got[128];                                            \
		struct text text = text_start(got, sizeof(got));                         \
		snprintf(expected, sizeof(expected), __VA_ARGS__);                       \
		text_add(&text, __VA_ARGS__);                                            \
		assert_string_equal(got, expected);                                      \
		assert_int_equal(text.length, strlen(expected));                         \
		assert_false(text.cut);                                                  \
	} while (0)

static void formats_are_those_of_printf(void **state)
{
	SAME_AS_SNPRINTF("plain");
	SAME_AS_SNPRINTF("%s|%12s|%.*s", "abc", "abc", 2, "abc");
	SAME_AS_SNPRINTF("%c%c", 'x', 'y');
	SAME_AS_SNPRINTF("%d %d %d", 0, INT_MAX, INT_MIN);
	SAME_AS_SNPRINTF("%5d|%05d|%5d", 42, -42, -42);
	SAME_AS_SNPRINTF("%u %u", 0u, UINT_MAX);
	SAME_AS_SNPRINTF("%x|%08x|%8x", 0xbeefu, 0xbeefu, 0xbeefu);
	SAME_AS_SNPRINTF("%zu %zx", SIZE_MAX, SIZE_MAX);
	SAME_AS_SNPRINTF("%llu %llx %lld", ULLONG_MAX, ULLONG_MAX, LLONG_MIN);
	SAME_AS_SNPRINTF("%lu %ld", ULONG_MAX, LONG_MIN);
	SAME_AS_SNPRINTF("100 %%, %u of %s", 5u, "x");
}

static void what_is_no_format_is_printed_as_it_stands(void **state)
{
	/* The same function without the compiler's check of formats. */
	void (*unchecked)(struct text *, const char *, ...) = text_add;
	char got[32];
	struct text text = text_start(got, sizeof(got));

	unchecked(&text, "%q and 5 %");
	assert_string_equal(got, "%q and 5 %");
}

static void text_that_does_not_fit_is_cut_and_remembered(void **state)
{
	char got[8];
	struct text text = text_start(got, sizeof(got));

	text_add(&text, "1234567");
	assert_false(text.cut);
	text_add(&text, "8");
	assert_true(text.cut);
	assert_string_equal(got, "1234567");
	assert_int_equal(text.length, 7);
}

static void nothing_is_added_behind_a_cut(void **state)
{
	static const uint16_t euro[] = { 0x20ac, 0 };
	char got[6];
	struct text text = text_start(got, sizeof(got));

	text_add(&text, "abc");
	text_add_utf16(&text, euro, 2);
	text_add(&text, "d");
	assert_true(text.cut);
	assert_string_equal(got, "abc");
}

static void utf16_becomes_utf8(void **state)
{
	static const uint16_t name[] = { 'A', 0xe9, 0x20ac, 0xd83d, 0xde00, 0 };
	char got[32];
	struct text text = text_start(got, sizeof(got));

	text_add_utf16(&text, name, 100);
	assert_string_equal(got, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

static void units_that_are_no_character_become_question_marks(void **state)
{
	static const uint16_t name[] = { '\n', 0xd83d, 'x', 0xde00, 0x7f, 0xd83d };
	char got[32];
	struct text text = text_start(got, sizeof(got));

	text_add_utf16(&text, name, 6);
	assert_string_equal(got, "??x???");
}

static void utf16_ends_at_its_limit(void **state)
{
	static const uint16_t name[] = { 'a', 'b', 'c' };
	char got[32];
	struct text text = text_start(got, sizeof(got));

	text_add_utf16(&text, name, 2);
	assert_string_equal(got, "ab");
}

static void guids_are_mixed_endian_and_lower_case(void **state)
{
	static const uint8_t esp[GUID_BYTES] = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8,
						 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0,
						 0xc9, 0x3e, 0xc9, 0x3b };
	char got[37];
	struct text text = text_start(got, sizeof(got));

	text_add_guid(&text, esp);
	assert_string_equal(got, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
	assert_false(text.cut);
}

static void errors_carry_code_and_text_and_take_a_context(void **state)
{
	struct err err;

	assert_int_equal(err_set(&err, -EBADMSG, "'%s': size %u", "x", 7u), -EBADMSG);
	assert_int_equal(err.code, -EBADMSG);
	assert_string_equal(err.text, "'x': size 7");
	assert_int_equal(err_add(&err, "stick %d", 2), -EBADMSG);
	assert_string_equal(err.text, "stick 2: 'x': size 7");
	assert_int_equal(err_set(NULL, -EINVAL, "nobody listens"), -EINVAL);
	assert_int_equal(err_nomem(&err), -ENOMEM);
	assert_string_equal(err.text, "out of memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_those_of_printf),
		cmocka_unit_test(what_is_no_format_is_printed_as_it_stands),
		cmocka_unit_test(text_that_does_not_fit_is_cut_and_remembered),
		cmocka_unit_test(nothing_is_added_behind_a_cut),
		cmocka_unit_test(utf16_becomes_utf8),
		cmocka_unit_test(units_that_are_no_character_become_question_marks),
		cmocka_unit_test(utf16_ends_at_its_limit),
		cmocka_unit_test(guids_are_mixed_endian_and_lower_case),
		cmocka_unit_test(errors_carry_code_and_text_and_take_a_context),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
