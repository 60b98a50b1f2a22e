/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "manifest.h"

static int parse(const char *text, struct manifest *ret, struct err *err)
{
	return manifest_parse("list", text, ret, err);
}

static void entries_keep_their_order_lines_and_words(void **state)
{
	struct manifest manifest;
	struct err err;

	assert_int_equal(parse("# comment\n\nprogram /bin/sh\r\n"
			       "folder\t/proc  0555 # mode\nlinks /bin box a,b",
			       &manifest, &err),
			 0);
	assert_int_equal(manifest.count, 3);
	assert_int_equal(manifest.entries[0].kind, ENTRY_PROGRAM);
	assert_int_equal(manifest.entries[0].line, 3);
	assert_string_equal(manifest.entries[0].word[0], "/bin/sh");
	assert_null(manifest.entries[0].word[1]);
	assert_int_equal(manifest.entries[1].kind, ENTRY_FOLDER);
	assert_string_equal(manifest.entries[1].word[1], "0555");
	assert_int_equal(manifest.entries[2].kind, ENTRY_LINKS);
	assert_int_equal(manifest.entries[2].line, 5);
	assert_string_equal(manifest.entries[2].word[2], "a,b");
	manifest_clear(&manifest);
}

static void an_empty_manifest_has_no_entries(void **state)
{
	struct manifest manifest;
	struct err err;

	assert_int_equal(parse("", &manifest, &err), 0);
	assert_int_equal(manifest.count, 0);
	manifest_clear(&manifest);
}

static void an_unknown_kind_is_refused_with_its_line(void **state)
{
	struct manifest manifest;
	struct err err;

	assert_failed(parse("folder /a\nfoldr /b\n", &manifest, &err), -EINVAL,
		      "'list', line 2: 'foldr' is not a kind of entry");
}

static void too_few_and_too_many_words_are_refused(void **state)
{
	struct manifest manifest;
	struct err err;

	assert_failed(parse("character /dev/null 1\n", &manifest, &err), -EINVAL,
		      "'list', line 1: 'character' has 2 words after it, must be 3 to 3");
	assert_failed(parse("module\n", &manifest, &err), -EINVAL,
		      "'list', line 1: 'module' has 0 words after it, must be 1 to 1");
	assert_failed(parse("folder /a 0755 b c d\n", &manifest, &err), -EINVAL,
		      "'list', line 1: 'folder' has 5 words after it, must be 1 to 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_keep_their_order_lines_and_words),
		cmocka_unit_test(an_empty_manifest_has_no_entries),
		cmocka_unit_test(an_unknown_kind_is_refused_with_its_line),
		cmocka_unit_test(too_few_and_too_many_words_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
