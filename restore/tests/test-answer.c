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

#define START "format = 1\n[source]\nurl = /backups\n"
#define END   "[target]\ndisk0 = serial:1\nconfirm = erase\n"

static void what_is_wrong_is_told_with_line_and_nearest_name(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "", "'a.ini': 'format' is missing at the start" },
		{ "format = 2\n",
		  "'a.ini' line 1: 'format' cannot be '2'; write 1, the only "
		  "format so far" },
		{ START, "'a.ini': 'disk0' is missing in [target]" },
		{ START "[target]\ndisk0 = serial:1\n",
		  "'a.ini': 'confirm' is missing in [target]" },
		{ START "[taget]\n",
		  "'a.ini' line 4: [taget] is not a section; the nearest is "
		  "[target]" },
		{ START "[target\n",
		  "'a.ini' line 4: '[target' begins a section and has no ']'" },
		{ START "credential = prompt\n",
		  "'a.ini' line 4: 'credential' is not a key of "
		  "[source]; the nearest is 'credentials'" },
		{ "fromat = 1\n",
		  "'a.ini' line 1: 'fromat' is not a key of the start; the nearest "
		  "is 'format'" },
		{ START "url = /other\n",
		  "'a.ini' line 4: 'url' stands in line 3 already" },
		{ START "credentials =\n", "'a.ini' line 4: 'credentials' has no value" },
		{ START "unlock = 235818-357951\n",
		  "'a.ini' line 4: 'unlock' names no file; write file:NAME or prompt" },
		{ START "credentials = secret\n", "'a.ini' line 4: 'credentials' names "
						  "no file; write file:NAME or prompt" },
		{ START "hello\n",
		  "'a.ini' line 4: 'hello' is neither [section] nor key = value" },
		{ START "[target]\nfor = floppy\n",
		  "'a.ini' line 5: 'for' cannot be 'floppy'; write ahci, nvme, ide, "
		  "hyper-v, virtio-blk, virtio-scsi, pvscsi, lsi-sas, megasas" },
		{ START "[target]\ndrivers = vioscsi\n",
		  "'a.ini' line 5: 'drivers' cannot be 'vioscsi'; write file:FOLDER" },
		{ START "[layout]\ngrow = all\n",
		  "'a.ini' line 5: 'grow' cannot be 'all'; write a drive letter, such as "
		  "C:" },
		{ START "[target]\ndisk0 = /dev/sda\n",
		  "'a.ini' line 5: 'disk0' cannot be '/dev/sda'; write serial:…, wwn:… "
		  "or "
		  "size:900G..1100G" },
		{ START "[target]\nconfirm = yes\n",
		  "'a.ini' line 5: 'confirm' cannot be 'yes'; "
		  "write erase" },
		{ START END "[after]\naction = restart\n",
		  "'a.ini' line 8: 'action' cannot be 'restart'; write reboot, poweroff, "
		  "shell or "
		  "hold" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct answer answer;
		struct err err = { 0 };

		assert_int_equal(answer_parse(cases[i].text, strlen(cases[i].text),
					      "a.ini", NULL, &answer, &err),
				 -EINVAL);
		assert_string_equal(err.text, cases[i].error);
	}
}

static void the_shortest_file_holds_after_the_restore(void **state)
{
	struct answer answer;
	struct err err = { 0 };

	assert_int_equal(
		answer_parse(START END, strlen(START END), "a.ini", NULL, &answer, &err),
		0);
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
		cmocka_unit_test(what_is_wrong_is_told_with_line_and_nearest_name),
		cmocka_unit_test(the_shortest_file_holds_after_the_restore),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
