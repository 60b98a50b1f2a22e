/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <base/cleanup.h>
#include <base/utf.h>
#include <restore/answer.h>

static const char whole[] = "; made by hand\r\n"
			    "format = 1\r\n"
			    "[source]\r\n"
			    "url = smb://backup@nas1/backups  ; the big one\r\n"
			    "credentials = file:openbmr.cred\r\n"
			    "unlock = file:4381F759.BEK\r\n"
			    "retry_for = 2h\r\n"
			    "[backup]\r\n"
			    "machine = SRV01\r\n"
			    "version = latest\r\n"
			    "volumes = C:, ESP\r\n"
			    "prove = full\r\n"
			    "[target]\r\n"
			    "disk0 = serial:S6Z2;NJ0T\r\n"
			    "confirm = erase\r\n"
			    "delta = yes\r\n"
			    "for = virtio-scsi\r\n"
			    "drivers = file:vioscsi\r\n"
			    "[layout]\r\n"
			    "grow = C:\r\n"
			    "shrink = never\r\n"
			    "dynamic = plain\r\n"
			    "layout = file:srv01.json\r\n"
			    "[after]\r\n"
			    "report = file:reports\r\n"
			    "action = reboot";

static void check_whole(const struct answer *answer)
{
	assert_string_equal(answer->source_url, "smb://backup@nas1/backups");
	assert_string_equal(answer->credentials, "/openbmr/openbmr.cred");
	assert_string_equal(answer->unlock, "/openbmr/4381F759.BEK");
	assert_true(answer->gives_retry);
	assert_int_equal(answer->retry_seconds, 7200);
	assert_string_equal(answer->machine, "SRV01");
	assert_string_equal(answer->version, "latest");
	assert_string_equal(answer->volumes, "C:, ESP");
	assert_string_equal(answer->controller, "virtio-scsi");
	assert_string_equal(answer->drivers, "/openbmr/vioscsi");
	assert_string_equal(answer->grow, "C:");
	assert_true(answer->no_shrink);
	assert_true(answer->dynamic_plain);
	assert_string_equal(answer->layout, "/openbmr/srv01.json");
	assert_true(answer->prove_full);
	assert_true(answer->delta);
	assert_string_equal(answer->report, "/openbmr/reports");
	assert_string_equal(answer->disks[0], "0=serial:S6Z2;NJ0T");
	assert_true(answer->confirm_erase);
	assert_int_equal(answer->action, AFTER_REBOOT);
}

static void a_file_from_notepad_is_understood(void **state)
{
	struct answer answer;
	struct err err = { 0 };

	assert_int_equal(
		answer_parse(whole, strlen(whole), "a.ini", "/openbmr", &answer, &err),
		0);
	check_whole(&answer);
	answer_clear(&answer);
}

static void a_layout_may_lie_beside_the_backup(void **state)
{
	static const char text[] =
		"format = 1\n[source]\nurl = /a\n[target]\ndisk0 = serial:A\n"
		"confirm = erase\n[layout]\nlayout = backup:a/b.json\n";
	struct answer answer;
	struct err err = { 0 };

	assert_int_equal(
		answer_parse(text, strlen(text), "a.ini", "/openbmr", &answer, &err), 0);
	assert_string_equal(answer.layout, "backup:a/b.json");
	answer_clear(&answer);
}

static void utf_16_with_and_without_a_mark_is_understood(void **state)
{
	struct answer answer;
	struct err err = { 0 };
	AUTO_FREE uint8_t *wide = NULL;
	uint8_t marked[2 * sizeof(whole) + 2] = { 0xff, 0xfe };
	size_t length;

	assert_int_equal(utf8_to_utf16le(whole, &wide, &length, &err), 0);
	assert_int_equal(answer_parse(wide, length, "a.ini", "/openbmr", &answer, &err),
			 0);
	check_whole(&answer);
	answer_clear(&answer);
	memcpy(marked + 2, wide, length);
	assert_int_equal(
		answer_parse(marked, length + 2, "a.ini", "/openbmr", &answer, &err), 0);
	check_whole(&answer);
	answer_clear(&answer);
}

#define SHORTEST                                                                         \
	"format = 1\n[source]\nurl = /backups\n"                                         \
	"[target]\ndisk0 = serial:1\nconfirm = erase\n"

static void what_is_missing_is_named_when_nobody_is_asked(void **state)
{
	static const char text[] = "format = 1\n[source]\nurl = smb://nas/b\n";
	struct answer answer;
	struct err err = { 0 };

	assert_int_equal(answer_parse(text, strlen(text), "a.ini", NULL, &answer, &err),
			 0);
	assert_true(answer.leads_to_share);
	assert_int_equal(answer_check_whole(&answer, &err), -EINVAL);
	assert_string_equal(err.text, "'a.ini': 'disk0' is missing in [target]");
	answer_clear(&answer);
}

static void too_long_a_file_is_refused_before_it_is_read(void **state)
{
	static char text[ANSWER_MAX_BYTES + 1];
	struct answer answer;
	struct err err = { 0 };

	assert_int_equal(answer_parse(text, sizeof(text), "a.ini", NULL, &answer, &err),
			 -EINVAL);
	assert_string_equal(err.text,
			    "'a.ini': 65537 bytes, an answer file has at most 65536");
}

static void the_shortest_file_holds_after_the_restore(void **state)
{
	struct answer answer;
	struct err err = { 0 };

	assert_int_equal(
		answer_parse(SHORTEST, strlen(SHORTEST), "a.ini", NULL, &answer, &err),
		0);
	assert_int_equal(answer_check_whole(&answer, &err), 0);
	assert_null(answer.machine);
	assert_null(answer.credentials);
	assert_int_equal(answer.action, AFTER_HOLD);
	answer_clear(&answer);
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct answer answer;
	struct err err = { 0 };

	assert_int_equal(answer_read("/nonexistent/openbmr.ini", NULL, &answer, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "'/nonexistent/openbmr.ini'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_from_notepad_is_understood),
		cmocka_unit_test(a_layout_may_lie_beside_the_backup),
		cmocka_unit_test(utf_16_with_and_without_a_mark_is_understood),
		cmocka_unit_test(what_is_missing_is_named_when_nobody_is_asked),
		cmocka_unit_test(too_long_a_file_is_refused_before_it_is_read),
		cmocka_unit_test(the_shortest_file_holds_after_the_restore),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
