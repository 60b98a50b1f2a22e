/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "manifest.h"

static int parse_for(const char *kernel, const char *text, struct manifest *ret,
		     struct err *err)
{
	const struct architecture *architecture;
	int r = architecture_find(kernel, &architecture, err);

	return r < 0 ? r : manifest_parse("list", text, architecture, ret, err);
}

static int parse(const char *text, struct manifest *ret, struct err *err)
{
	return parse_for("6.1.0-56-amd64", text, ret, err);
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

static void
an_entry_may_be_for_one_machine_and_names_its_folder_of_libraries(void **state)
{
	const char *text = "folder /a\n[amd64] module x\n [arm64] module y\n"
			   "data /lib/@TRIPLET@/b@TRIPLET@\n";
	struct manifest manifest;
	struct err err;

	assert_int_equal(parse_for("6.1.0-56-arm64", text, &manifest, &err), 0);
	assert_int_equal(manifest.count, 3);
	assert_string_equal(manifest.entries[1].word[0], "y");
	assert_int_equal(manifest.entries[1].line, 3);
	assert_string_equal(manifest.entries[2].word[0],
			    "/lib/aarch64-linux-gnu/baarch64-linux-gnu");
	manifest_clear(&manifest);
	assert_int_equal(parse(text, &manifest, &err), 0);
	assert_string_equal(manifest.entries[1].word[0], "x");
	assert_string_equal(manifest.entries[2].word[0],
			    "/lib/x86_64-linux-gnu/bx86_64-linux-gnu");
	manifest_clear(&manifest);
	assert_failed(parse("[arm64] foldr /a\n[amd64] foldr /b\n", &manifest, &err),
		      -EINVAL, "'list', line 2: 'foldr' is not a kind of entry");
	assert_failed(parse("[amd46] folder /a\n", &manifest, &err), -EINVAL,
		      "'list', line 1: '[amd46]' must be [amd64] or [arm64]");
	assert_failed(parse("[] folder /a\n", &manifest, &err), -EINVAL,
		      "'list', line 1: '[]' must be [amd64] or [arm64]");
}

static void a_kernel_for_another_machine_is_refused(void **state)
{
	struct manifest manifest;
	struct err err;

	assert_failed(parse_for("6.1.0-56-riscv64", "", &manifest, &err), -ENOTSUP,
		      "kernel '6.1.0-56-riscv64': its name must end in -amd64 or -arm64");
	assert_failed(parse_for("6.1.0", "", &manifest, &err), -ENOTSUP,
		      "kernel '6.1.0': its name must end in -amd64 or -arm64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_keep_their_order_lines_and_words),
		cmocka_unit_test(an_empty_manifest_has_no_entries),
		cmocka_unit_test(an_unknown_kind_is_refused_with_its_line),
		cmocka_unit_test(too_few_and_too_many_words_are_refused),
		cmocka_unit_test(
			an_entry_may_be_for_one_machine_and_names_its_folder_of_libraries),
		cmocka_unit_test(a_kernel_for_another_machine_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
