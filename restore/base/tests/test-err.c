/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

static void an_error_has_code_and_text(void **state)
{
	struct err err = { 0 };

	assert_failed(err_set(&err, -EINVAL, "'%s': block size %d", "C.vhdx", 0), -EINVAL,
		      "'C.vhdx': block size 0");
}

static void an_error_of_the_system_ends_in_its_text(void **state)
{
	struct err err = { 0 };

	assert_failed(err_errno(&err, ENOENT, "'%s': opening", "C.vhdx"), -ENOENT,
		      "'C.vhdx': opening: No such file or directory");
}

static void context_goes_before_the_text(void **state)
{
	struct err err = { 0 };

	err_set(&err, -EBADMSG, "bad checksum");
	assert_failed(err_add(&err, "header %d", 2), -EBADMSG, "header 2: bad checksum");
	assert_failed(err_add(&err, "'C.vhdx'"), -EBADMSG,
		      "'C.vhdx': header 2: bad checksum");
}

static void a_text_may_quote_the_one_it_replaces(void **state)
{
	struct err err = { 0 };

	err_set(&err, -EIO, "inner");
	assert_failed(err_set(&err, -ENOTSUP, "outer (%s)", err.text), -ENOTSUP,
		      "outer (inner)");
}

static void a_long_text_is_cut_at_its_end(void **state)
{
	char name[2 * sizeof(((struct err *)0)->text)];
	struct err err = { 0 };

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(err_errno(&err, EIO, "'%s'", name), -EIO);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "'xxxx", 5);
	assert_int_equal(err_add(&err, "context"), -EIO);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "context: 'xxxx", 14);
}

static void nobody_needs_to_listen(void **state)
{
	assert_int_equal(err_set(NULL, -EINVAL, "text"), -EINVAL);
	assert_int_equal(err_errno(NULL, ENOENT, "text"), -ENOENT);
	assert_int_equal(err_nomem(NULL), -ENOMEM);
	assert_int_equal(err_add(NULL, "text"), -EIO);
}

static void memory_has_one_text(void **state)
{
	struct err err = { 0 };

	assert_failed(err_nomem(&err), -ENOMEM, "out of memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_has_code_and_text),
		cmocka_unit_test(an_error_of_the_system_ends_in_its_text),
		cmocka_unit_test(context_goes_before_the_text),
		cmocka_unit_test(a_text_may_quote_the_one_it_replaces),
		cmocka_unit_test(a_long_text_is_cut_at_its_end),
		cmocka_unit_test(nobody_needs_to_listen),
		cmocka_unit_test(memory_has_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
