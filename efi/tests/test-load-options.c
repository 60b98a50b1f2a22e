/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What boot entries, iPXE and shells hand over. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "load-options.h"

static struct load_options read_text(const char *text)
{
	uint8_t units[2048];
	size_t length = strlen(text) + 1;

	for (size_t i = 0; i < length; i++) {
		units[2 * i] = (uint8_t)text[i];
		units[2 * i + 1] = 0;
	}
	return load_options_read(units, 2 * length);
}

static void the_answer_file_is_read_among_words_of_others(void **state)
{
	struct load_options options =
		read_text("openbmr.efi quiet openbmr.answer=/lab/a.ini initrd=x");

	assert_string_equal(options.answer, "/lab/a.ini");
	assert_string_equal(options.foreign, "");
	options = read_text("openbmr.answer=a openbmr.answer=b");
	assert_string_equal(options.answer, "b");
}

static void text_of_others_is_nobodys_of_ours(void **state)
{
	static const char *const others[] = { "", "uki.efi", "xopenbmr.answer=a",
					      "FS0:\\openbmr.efi", "openbmr" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct load_options options = read_text(others[i]);

		assert_string_equal(options.answer, "");
		assert_string_equal(options.foreign, "");
	}
}

static void a_word_that_looks_like_ours_is_told(void **state)
{
	struct load_options options = read_text("openbmr.anwser=x");

	assert_string_equal(options.answer, "");
	assert_string_equal(options.foreign, "openbmr.anwser=x");
}

static void a_value_that_is_too_long_is_not_cut(void **state)
{
	char text[400] = "openbmr.answer=";

	memset(text + strlen(text), 'x', 300);
	assert_string_equal(read_text(text).answer, "");
	assert_string_not_equal(read_text(text).foreign, "");
}

static void bytes_that_are_no_text_end_a_word(void **state)
{
	uint8_t bytes[64] = { 0 };

	for (size_t size = 0; size < sizeof(bytes); size++) {
		memset(bytes, 0xff, size);
		assert_string_equal(load_options_read(bytes, size).answer, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_file_is_read_among_words_of_others),
		cmocka_unit_test(text_of_others_is_nobodys_of_ours),
		cmocka_unit_test(a_word_that_looks_like_ours_is_told),
		cmocka_unit_test(a_value_that_is_too_long_is_not_cut),
		cmocka_unit_test(bytes_that_are_no_text_end_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
