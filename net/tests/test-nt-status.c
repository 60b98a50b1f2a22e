/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What servers answer, in words. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

#include <base/cleanup.h>
#include <net/nt-status.h>

/* [MS-ERREF] 2.3.1 */
static const struct {
	uint32_t code;
	const char *name;
} known[] = {
	{ 0xc0000022, "NT_STATUS_ACCESS_DENIED" },
	{ 0xc000006d, "NT_STATUS_LOGON_FAILURE" },
	{ 0xc0000071, "NT_STATUS_PASSWORD_EXPIRED" },
	{ 0xc0000072, "NT_STATUS_ACCOUNT_DISABLED" },
	{ 0xc00000cc, "NT_STATUS_BAD_NETWORK_NAME" },
	{ 0xc0000193, "NT_STATUS_ACCOUNT_EXPIRED" },
	{ 0xc0000224, "NT_STATUS_PASSWORD_MUST_CHANGE" },
	{ 0xc0000234, "NT_STATUS_ACCOUNT_LOCKED_OUT" },
	{ 0xc0000999, "NT status 0xc0000999" },
};

static void codes_have_their_names(void **state)
{
	char name[NT_STATUS_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		assert_string_equal(nt_status_name(known[i].code, name), known[i].name);
}

static void names_lead_back_to_them(void **state)
{
	const char line[] = "NT_STATUS_DISK_FULL writing to \\x";

	assert_int_equal(nt_status_named(line, strcspn(line, " "))->code, 0xc000007f);
	assert_null(nt_status_named(line, sizeof(line) - 1));
	assert_null(nt_status_named("NT_STATUS_DISK_FUL", 18));
}

static void every_known_one_fails_and_says_what_helps(void **state)
{
	size_t count = 0;

	for (uint32_t code = 0xc0000000; code < 0xc0001000; code++) {
		const struct nt_status *status = nt_status_find(code);

		if (!status)
			continue;
		assert_true(nt_status_is_error(code));
		assert_true(status->words[0] && status->cure[0]);
		assert_true(strlen(status->name) < NT_STATUS_TEXT_SIZE);
		count++;
	}
	assert_true(count > 30);
}

/* There is no way to a Kerberos server. */
static void where_ntlm_is_refused_the_cure_is_told(void **state)
{
	static const uint32_t codes[] = { 0xc00000bb, 0xc0000418 };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		assert_string_equal(nt_status_find(codes[i])->cure,
				    "allow NTLM for this account at the server and in "
				    "the domain, or use a local account of the server");
	assert_non_null(strstr(nt_status_find(0xc0000418)->words, "no Kerberos here"));
	assert_non_null(strstr(nt_status_find(0xc000006e)->cure, "'Protected Users'"));
}

static void success_warnings_and_another_round_are_no_errors(void **state)
{
	assert_false(nt_status_is_error(0));
	assert_false(nt_status_is_error(0x00000103));
	assert_false(nt_status_is_error(0x80000006));
	assert_false(nt_status_is_error(0xc0000016));
	assert_true(nt_status_is_error(0xc0000022));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_have_their_names),
		cmocka_unit_test(names_lead_back_to_them),
		cmocka_unit_test(every_known_one_fails_and_says_what_helps),
		cmocka_unit_test(where_ntlm_is_refused_the_cure_is_told),
		cmocka_unit_test(success_warnings_and_another_round_are_no_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
