/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include <base/utf.h>

/* A case: bytes (with length, since there are NULs) and what they become. */
struct good {
	const char *bytes;
	size_t length;
	const char *text;
};

struct bad {
	const char *bytes;
	size_t length;
	const char *error;
};

#define BYTES(s) s, sizeof(s) - 1

static void utf16_becomes_utf8(void **state)
{
	static const struct good cases[] = {
		{ BYTES(""), "" },
		{ BYTES("\0\0"), "" },
		{ BYTES("C\0:\0"), "C:" },
		{ BYTES("\xff\xfe\x43\0"), "C" },
		{ BYTES("\xff\xfe"), "" },
		{ BYTES("C\0\0\0\0\0"), "C" },
		{ BYTES("\xfc\0\x7f\0\x80\0\xff\x07\0\x08"),
		  "ü\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80" },
		{ BYTES("\xac\x20\xff\xd7\0\xe0\xff\xff"),
		  "€\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf" },
		{ BYTES("\x3d\xd8\xbe\xdc"), "💾" },
		{ BYTES("\xff\xdb\xff\xdf"), "\xf4\x8f\xbf\xbf" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *text = NULL;
		struct err err = { 0 };

		assert_succeeds(
			utf16le_to_utf8(cases[i].bytes, cases[i].length, &text, &err));
		assert_string_equal(text, cases[i].text);
	}
}

static void broken_utf16_is_refused_with_its_place(void **state)
{
	static const struct bad cases[] = {
		{ BYTES("C\0:"), "UTF-16 text of odd length, 3 bytes" },
		{ BYTES("C\0\0\0:\0"), "NUL inside UTF-16 text at byte 2" },
		{ BYTES("C\0\x3d\xd8"),
		  "unpaired surrogate d83d in UTF-16 text at byte 2" },
		{ BYTES("\x3d\xd8:\0"),
		  "unpaired surrogate d83d in UTF-16 text at byte 0" },
		{ BYTES("\xbe\xdc\x3d\xd8"),
		  "unpaired surrogate dcbe in UTF-16 text at byte 0" },
		{ BYTES("\xff\xfe\x3d\xd8\x3d\xd8\xbe\xdc"),
		  "unpaired surrogate d83d in UTF-16 text at byte 2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = NULL;
		struct err err = { 0 };

		assert_failed(
			utf16le_to_utf8(cases[i].bytes, cases[i].length, &text, &err),
			-EBADMSG, cases[i].error);
		assert_null(text);
	}
}

static void utf8_becomes_utf16_and_back(void **state)
{
	static const char *const texts[] = { "", "C:\\Windows", "Größe €",
					     "💾 \xf4\x8f\xbf\xbf" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		AUTO_FREE uint8_t *bytes = NULL;
		AUTO_FREE char *text = NULL;
		struct err err = { 0 };
		size_t length = 0;

		assert_succeeds(utf8_to_utf16le(texts[i], &bytes, &length, &err));
		assert_succeeds(utf16le_to_utf8(bytes, length, &text, &err));
		assert_string_equal(text, texts[i]);
	}
}

static void utf16_has_no_mark_and_no_nul(void **state)
{
	AUTO_FREE uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length = 0;

	assert_succeeds(utf8_to_utf16le("a💾", &bytes, &length, &err));
	assert_int_equal(length, 6);
	assert_memory_equal(bytes, "a\0\x3d\xd8\xbe\xdc", 6);
}

/* Unicode 15, table 3-7: each row's borders. */
static void ill_formed_utf8_is_refused(void **state)
{
	static const char *const texts[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc3",
		"\xc3(",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xe2\x82",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf0\x9f\x92",
		"\xff",
		"\xf8\x88\x80\x80\x80",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uint8_t *bytes = NULL;
		struct err err = { 0 };
		char text[16];
		size_t length;

		snprintf(text, sizeof(text), "ab%s", texts[i]);
		assert_int_equal(utf8_check(text, strlen(text)), -EBADMSG);
		assert_failed(utf8_to_utf16le(text, &bytes, &length, &err), -EBADMSG,
			      "text is not UTF-8 at byte 2");
		assert_null(bytes);
	}
	assert_int_equal(utf8_check("a\0b", 3), -EBADMSG);
	assert_int_equal(utf8_check("a\0b", 1), 0);
	assert_int_equal(utf8_check("\xc3\xbc", 1), -EBADMSG);
	assert_int_equal(utf8_check("", 0), 0);
}

/* On the heap, where ASan sees a read behind the end. */
static void a_sequence_cut_by_the_end_is_refused(void **state)
{
	static const char whole[] = "\xf0\x9f\x92\xbe";

	for (size_t length = 1; length < 4; length++) {
		AUTO_FREE char *text = malloc(length);

		assert_non_null(text);
		memcpy(text, whole, length);
		assert_int_equal(utf8_check(text, length), -EBADMSG);
	}
	assert_int_equal(utf8_check(whole, 4), 0);
}

static void documents_are_read_in_every_encoding_of_backups(void **state)
{
	static const struct good cases[] = {
		{ BYTES(""), "" },
		{ BYTES("\0"), "" },
		{ BYTES("<\0a\0>\0"), "<a>" },
		{ BYTES("<\0a\0>\0\0\0"), "<a>" },
		{ BYTES("<\0a\0>\0\0\0\0"), "<a>" },
		{ BYTES("\xff\xfe<\0\xfc\0>\0"), "<ü>" },
		{ BYTES("\xff\xfe\xac\x20"), "€" },
		{ BYTES("<a>"), "<a>" },
		{ BYTES("<ü>\0\0"), "<ü>" },
		{ BYTES("\xef\xbb\xbf<a>"), "<a>" },
		{ BYTES("\xef\xbb\xbf"), "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *text = NULL;
		struct err err = { 0 };

		assert_succeeds(
			text_decode(cases[i].bytes, cases[i].length, &text, &err));
		assert_string_equal(text, cases[i].text);
	}
}

static void documents_in_other_encodings_are_refused(void **state)
{
	static const struct bad cases[] = {
		{ BYTES("<\xfc>"), "text is neither UTF-16LE nor UTF-8: byte 1" },
		{ BYTES("<a\0>"), "text is neither UTF-16LE nor UTF-8: byte 2" },
		{ BYTES("\xef\xbb\xbf<\xfc>"),
		  "text is neither UTF-16LE nor UTF-8: byte 4" },
		{ BYTES("\xfe\xff\0<"), "text is neither UTF-16LE nor UTF-8: byte 0" },
		{ BYTES("<\0a\0>"), "UTF-16 text of odd length, 5 bytes" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = NULL;
		struct err err = { 0 };

		assert_failed(text_decode(cases[i].bytes, cases[i].length, &text, &err),
			      -EBADMSG, cases[i].error);
		assert_null(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf16_becomes_utf8),
		cmocka_unit_test(broken_utf16_is_refused_with_its_place),
		cmocka_unit_test(utf8_becomes_utf16_and_back),
		cmocka_unit_test(utf16_has_no_mark_and_no_nul),
		cmocka_unit_test(ill_formed_utf8_is_refused),
		cmocka_unit_test(a_sequence_cut_by_the_end_is_refused),
		cmocka_unit_test(documents_are_read_in_every_encoding_of_backups),
		cmocka_unit_test(documents_in_other_encodings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
