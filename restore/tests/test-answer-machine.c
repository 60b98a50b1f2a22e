/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <base/cleanup.h>
#include <restore/answer-machine.h>

static const struct answer_machine machine = {
	.uuid = "4c4c4544-0042-3010-8053-b4c04f4a3132",
	.serial = "B0JS 12/3",
	.vendor = "Dell Inc.",
	.model = "OptiPlex 7090",
	.host = "pc-17.example",
	.mac_count = 2,
	.macs = { "52:54:00:AA:00:01", "52:54:00:aa:00:02" },
};

static void a_file_without_match_is_for_all(void **state)
{
	const struct answer_machine nothing = { .uuid = "" };
	struct answer answer = { 0 };
	char *why = NULL;

	assert_true(answer_matches(&answer, &machine, &why));
	assert_true(answer_matches(&answer, &nothing, &why));
	assert_null(why);
}

static void globs_decide_which_machine_is_meant(void **state)
{
	static const struct {
		struct answer_match match;
		const char *why; /* NULL: it is meant */
	} cases[] = {
		{ { .uuid = (char *)"4C4C4544-*" }, NULL },
		{ { .uuid = (char *)"4c4c4545-*" },
		  "[match] uuid = '4c4c4545-*' is not this machine's "
		  "'4c4c4544-0042-3010-8053-b4c04f4a3132'" },
		{ { .serial = (char *)"b0js*" }, NULL },
		{ { .serial = (char *)"X*" },
		  "[match] serial = 'X*' is not this machine's 'B0JS 12/3'" },
		{ { .vendor = (char *)"Dell*", .model = (char *)"*[78]090" }, NULL },
		{ { .vendor = (char *)"Dell*", .model = (char *)"Latitude*" },
		  "[match] model = 'Latitude*' is not this machine's 'OptiPlex 7090'" },
		{ { .host = (char *)"pc-??.example" }, NULL },
		{ { .host = (char *)"srv*" },
		  "[match] host = 'srv*' is not this machine's 'pc-17.example'" },
		{ { .mac = (char *)"52-54-00-aa-00-01" }, NULL },
		{ { .mac = (char *)"*:02" }, NULL },
		{ { .mac = (char *)"*:03" },
		  "[match] mac = '*:03' is none of this machine's cards, "
		  "52:54:00:AA:00:01" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct answer answer = { .match = cases[i].match };
		AUTO_FREE char *why = NULL;

		assert_int_equal(answer_matches(&answer, &machine, &why), !cases[i].why);
		if (cases[i].why)
			assert_string_equal(why, cases[i].why);
	}
}

static void a_machine_without_a_serial_fits_no_glob(void **state)
{
	const struct answer_machine nothing = { .uuid = "" };
	struct answer answer = { .match = { .serial = (char *)"*" } };
	AUTO_FREE char *why = NULL;

	assert_false(answer_matches(&answer, &nothing, &why));
	assert_string_equal(why, "[match] serial = '*' is not this machine's ''");
}

static void variables_stand_for_what_is_fit_for_a_name(void **state)
{
	const struct answer_machine nothing = { .uuid = "" };
	AUTO_FREE char *text = NULL;
	struct err err = { 0 };

	assert_int_equal(answer_expand("smb://n/${uuid}/${serial}/${mac}/${host}$",
				       &machine, &text, &err),
			 0);
	assert_string_equal(text, "smb://n/4c4c4544-0042-3010-8053-b4c04f4a3132/"
				  "B0JS_12_3/52-54-00-aa-00-01/pc-17.example$");
	assert_int_equal(answer_expand("x${mac}", &nothing, &text, &err), -ENODATA);
	assert_string_equal(err.text, "'${mac}': this machine has no such name");
}

static void a_value_leads_to_no_other_folder(void **state)
{
	const struct answer_machine evil = { .serial = "../../etc/x", .host = "..\\b" };
	AUTO_FREE char *text = NULL;
	char name[ANSWER_NAME_MAX];
	struct err err = { 0 };

	assert_int_equal(answer_expand("/r/${serial}/${host}", &evil, &text, &err), 0);
	assert_string_equal(text, "/r/_._.._etc_x/_._b");
	assert_true(answer_name(&evil, 1, name));
	assert_string_equal(name, "by-serial/_._.._etc_x.ini");
}

static void names_go_from_the_one_machine_to_all(void **state)
{
	static const char *const names[] = {
		"by-uuid/4c4c4544-0042-3010-8053-b4c04f4a3132.ini",
		"by-serial/B0JS_12_3.ini",
		"by-mac/52-54-00-aa-00-01.ini",
		"by-mac/52-54-00-aa-00-02.ini",
		"by-name/pc-17.example.ini",
		"default.ini",
		"openbmr.ini",
	};
	const struct answer_machine nothing = { .uuid = "" };
	char name[ANSWER_NAME_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_true(answer_name(&machine, i, name));
		assert_string_equal(name, names[i]);
	}
	assert_false(answer_name(&machine, ARRAY_SIZE(names), name));
	for (size_t i = 0; i < 3; i++) {
		assert_true(answer_name(&nothing, i, name));
		assert_string_equal(name, "");
	}
	assert_true(answer_name(&nothing, 3, name));
	assert_string_equal(name, "default.ini");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_without_match_is_for_all),
		cmocka_unit_test(globs_decide_which_machine_is_meant),
		cmocka_unit_test(a_machine_without_a_serial_fits_no_glob),
		cmocka_unit_test(variables_stand_for_what_is_fit_for_a_name),
		cmocka_unit_test(a_value_leads_to_no_other_folder),
		cmocka_unit_test(names_go_from_the_one_machine_to_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
