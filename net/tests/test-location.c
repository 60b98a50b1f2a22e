/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses of shares. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>
#include <net/smb.h>

static const struct good {
	const char *text;
	const char *host, *share, *path, *domain, *user;
	unsigned port;
	const char *again; /* smb_location_text() */
} good[] = {
	{ "smb://nas1/backups", "nas1", "backups", "", NULL, NULL, 0,
	  "smb://nas1/backups" },
	{ "smb://nas1/backups/", "nas1", "backups", "", NULL, NULL, 0,
	  "smb://nas1/backups" },
	{ "SMB://u@nas1:4455/b/x/y/", "nas1", "b", "x/y", NULL, "u", 4455,
	  "smb://u@nas1:4455/b/x/y" },
	{ "smb://CORP;joe@nas1/b", "nas1", "b", "", "CORP", "joe", 0,
	  "smb://CORP;joe@nas1/b" },
	{ "smb://CORP\\joe@nas1/b", "nas1", "b", "", "CORP", "joe", 0,
	  "smb://CORP;joe@nas1/b" },
	{ "smb://joe@corp.example@nas1.corp.example/b", "nas1.corp.example", "b", "",
	  NULL, "joe@corp.example", 0, "smb://joe@corp.example@nas1.corp.example/b" },
	{ "smb://a%3Bb%40c@h/s%25//p%20q/r s", "h", "s%", "p q/r s", NULL, "a;b@c", 0,
	  "smb://a%3Bb@c@h/s%25/p q/r s" },
	{ "smb://[fe80::1%eth0]:445/s", "fe80::1%eth0", "s", "", NULL, NULL, 445,
	  "smb://[fe80::1%eth0]:445/s" },
	{ "smb://[2001:db8::7]/s/p", "2001:db8::7", "s", "p", NULL, NULL, 0,
	  "smb://[2001:db8::7]/s/p" },
	{ "\\\\nas1\\Sicherung\\Büro\\x", "nas1", "Sicherung", "Büro/x", NULL, NULL, 0,
	  "smb://nas1/Sicherung/Büro/x" },
	{ "\\\\192.0.2.7\\a%20b\\", "192.0.2.7", "a%20b", "", NULL, NULL, 0,
	  "smb://192.0.2.7/a%2520b" },
	{ "\\\\nas1/b/c$", "nas1", "b", "c$", NULL, NULL, 0, "smb://nas1/b/c$" },
};

static void assert_text(const char *value, const char *expected)
{
	if (expected)
		assert_string_equal(value, expected);
	else
		assert_null(value);
}

static void addresses_of_both_forms_are_understood(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct smb_location location = { 0 };
		AUTO_FREE char *again = NULL;
		struct err err = { 0 };

		if (smb_location_parse(good[i].text, &location, &err) < 0)
			fail_msg("%s: %s", good[i].text, err.text);
		assert_text(location.host, good[i].host);
		assert_text(location.share, good[i].share);
		assert_text(location.path, good[i].path);
		assert_text(location.domain, good[i].domain);
		assert_text(location.user, good[i].user);
		assert_int_equal(location.port, good[i].port);
		again = smb_location_text(&location);
		assert_text(again, good[i].again);
		smb_location_clear(&location);
	}
}

static void the_text_of_an_address_means_the_same_address(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct smb_location location = { 0 };
		AUTO_FREE char *again = NULL;

		assert_int_equal(smb_location_parse(good[i].again, &location, NULL), 0);
		assert_text(location.user, good[i].user);
		assert_text(location.share, good[i].share);
		assert_text(location.path, good[i].path);
		again = smb_location_text(&location);
		assert_text(again, good[i].again);
		smb_location_clear(&location);
	}
}

static const struct bad {
	const char *text, *error;
} bad[] = {
	{ "/mnt/backups",
	  "not a share: write smb://host/share/path or \\\\host\\share\\path" },
	{ "smb://nas1", "the share is missing: write smb://host/share/path or "
			"\\\\host\\share\\path" },
	{ "smb://nas1//", "the share is missing: write smb://host/share/path or "
			  "\\\\host\\share\\path" },
	{ "\\\\nas1\\", "the share is missing: write smb://host/share/path or "
			"\\\\host\\share\\path" },
	{ "smb:///b", "the host is missing: write smb://host/share/path or "
		      "\\\\host\\share\\path" },
	{ "smb://u:secret@nas1/b", "a password does not belong into the address: use a "
				   "credentials file or type it when asked" },
	{ "smb://@nas1/b", "the user name before '@' is empty" },
	{ "smb://D;@nas1/b", "the user name before '@' is empty" },
	{ "smb://na s/b", "'na s' is not a name or address of a host" },
	{ "smb://-x/b", "'-x' is not a name or address of a host" },
	{ "\\\\u@nas1\\b", "'u@nas1' is not a name or address of a host" },
	{ "smb://nas1:0/b", "port '0', must be from 1 to 65535" },
	{ "smb://nas1:65536/b", "port '65536', must be from 1 to 65535" },
	{ "smb://nas1:99999999999999999999/b",
	  "port '99999999999999999999', must be from 1 to 65535" },
	{ "smb://nas1:44x/b", "the port is not a number" },
	{ "smb://nas1:/b", "port '', must be from 1 to 65535" },
	{ "smb://[::1/b", "the host has '[' without ']'" },
	{ "smb://[::1]x/b", "after ']' only ':' and a port may follow" },
	{ "smb://nas1/b/../c", "'..' cannot be a part of a path" },
	{ "smb://nas1/%2e%2E/c", "'..' cannot be a part of a path" },
	{ "smb://nas1/b/a%2fb", "'a/b' cannot be a part of a path" },
	{ "smb://nas1/b/a%5Cb", "'a\\b' cannot be a part of a path" },
	{ "smb://nas1/b%2", "the path has '%' without two digits of a code behind it: "
			    "write %25 for a percent sign" },
	{ "smb://nas1/b%zz", "the path has '%' without two digits of a code behind it: "
			     "write %25 for a percent sign" },
	{ "smb://nas1/b%00", "the path has a control character" },
	{ "smb://nas1/b\n", "the path has a control character" },
	{ "smb://nas1/b%ff", "the path is not UTF-8" },
};

static void other_texts_are_refused_and_passwords_not_repeated(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct smb_location location = { 0 };
		struct err err = { 0 };

		assert_int_equal(smb_location_parse(bad[i].text, &location, &err),
				 -EINVAL);
		assert_string_equal(err.text, bad[i].error);
		assert_null(location.host);
	}
}

static void folders_are_not_shares(void **state)
{
	assert_false(smb_is_location("/mnt/x"));
	assert_false(smb_is_location("smb"));
	assert_false(smb_is_location("\\x"));
	assert_false(smb_is_location("//nas1/b"));
	assert_true(smb_is_location("Smb://x"));
	assert_true(smb_is_location("\\\\x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_both_forms_are_understood),
		cmocka_unit_test(the_text_of_an_address_means_the_same_address),
		cmocka_unit_test(other_texts_are_refused_and_passwords_not_repeated),
		cmocka_unit_test(folders_are_not_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
