/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choices as a command line and as an answer file. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <setjmp.h>

#include <cmocka.h>

#include <base/cleanup.h>
#include <restore/answer.h>

#include "../choices.h"
#include "../prefill.h"

static const struct choices_secrets secrets = { "/c", "/k" };

static const struct choices all = {
	.source = "\\\\nas1\\backups\\old ones",
	.user = "D\\u",
	.password = "not-in-there",
	.require_encryption = true,
	.machine = "SRV01",
	.version = "2026-08-31T21:00Z",
	.volumes = "C:,ESP",
	.disks = { "serial:S6Z2NJ0T", "", "wwn:0x5000c500a1b2c3d4" },
	.new_ids = true,
	.no_shrink = true,
	.prove_full = true,
	.grow = "C:",
	.interface = "eth1",
	.address = "192.0.2.10/24",
	.gateway = "192.0.2.1",
	.dns = "192.0.2.1,192.0.2.2",
	.vlan = "7",
};

static void all_choices_are_in_the_command(void **state)
{
	static const char *const expected[] = {
		"bmr",		 "plan",
		"--from",	 all.source,
		"--credentials", "/c",
		"--encrypt",	 "required",
		"--machine",	 "SRV01",
		"--version",	 "2026-08-31T21:00Z",
		"--volumes",	 "C:,ESP",
		"--disk",	 "0=serial:S6Z2NJ0T",
		"--disk",	 "2=wwn:0x5000c500a1b2c3d4",
		"--grow",	 "C:",
		"--ids",	 "new",
		"--no-shrink",	 "--prove",
		"full",
	};
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	struct err err;

	assert_int_equal(choices_arguments(&all, "plan", &secrets, &arguments, &err), 0);
	assert_int_equal(arguments.count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < arguments.count; i++)
		assert_string_equal(arguments.words[i], expected[i]);
	assert_null(arguments.words[arguments.count]);
}

static void typed_keys_are_named_and_in_neither_form(void **state)
{
	const struct choices typed = { .source = "disk:auto",
				       .unlock = "/stick/keys.txt",
				       .keys = "235818-…\n" };
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *line = choices_command_line(&typed);
	AUTO_FREE char *file = choices_answer_file(&typed);
	struct err err;

	assert_int_equal(choices_arguments(&typed, "plan", &secrets, &arguments, &err),
			 0);
	assert_int_equal(arguments.count, 6);
	assert_string_equal(arguments.words[4], "--unlock");
	assert_string_equal(arguments.words[5], "/k");
	assert_string_equal(line, "bmr restore --from disk:auto --unlock openbmr.cred "
				  "--confirm erase");
	assert_non_null(strstr(file, "unlock = file:openbmr.cred\n"));
	assert_null(strstr(file, "235818"));
}

static void what_is_not_chosen_is_left_out(void **state)
{
	const struct choices few = { .source = "/mnt" };
	AUTO_FREE char *line = choices_command_line(&few);

	assert_string_equal(line, "bmr restore --from /mnt --confirm erase");
}

static void a_command_line_can_be_pasted_into_a_shell(void **state)
{
	AUTO_FREE char *line = choices_command_line(&all);

	assert_non_null(strstr(line, "--from '\\\\nas1\\backups\\old ones'"));
	assert_non_null(strstr(line, " \\\n    "));
	assert_null(strstr(line, all.password));
}

static void the_answer_file_says_the_same(void **state)
{
	AUTO_FREE char *file = choices_answer_file(&all);
	struct answer answer = { 0 };
	struct err err;

	assert_null(strstr(file, all.password));
	assert_int_equal(
		answer_parse(file, strlen(file), "openbmr.ini", "/stick", &answer, &err),
		0);
	assert_string_equal(answer.source_url, all.source);
	assert_string_equal(answer.credentials, "/stick/openbmr.cred");
	assert_true(answer.require_encryption);
	assert_string_equal(answer.machine, "SRV01");
	assert_string_equal(answer.version, "2026-08-31T21:00Z");
	assert_string_equal(answer.volumes, "C:,ESP");
	assert_int_equal(answer.disk_count, 2);
	assert_string_equal(answer.disks[0], "0=serial:S6Z2NJ0T");
	assert_string_equal(answer.disks[1], "2=wwn:0x5000c500a1b2c3d4");
	assert_true(answer.new_ids && answer.no_shrink && answer.prove_full);
	assert_string_equal(answer.grow, "C:");
	assert_string_equal(answer.network.interface, "eth1");
	assert_string_equal(answer.network.address, "192.0.2.10/24");
	assert_string_equal(answer.network.gateway, "192.0.2.1");
	assert_string_equal(answer.network.dns, "192.0.2.1,192.0.2.2");
	assert_int_equal(answer.network.vlan, 7);
	assert_int_equal(answer.action, AFTER_HOLD);
	answer_clear(&answer);
}

static const struct choices from_a_file = {
	.source = "smb://nas1/backups",
	.machine = "SRV01",
	.version = "2026-08-31T21:00Z",
	.volumes = "C:,ESP",
	.disks = { "serial:S6Z2NJ0T", "", "wwn:0x5000c500a1b2c3d4" },
	.excludes = { "serial:WD-1234", "wwn:0x5000c500a1b2c3d5" },
	.new_ids = true,
	.no_shrink = true,
	.prove_full = true,
	.ignore_forecast = true,
	.grow = "C:",
	.unlock = "/stick/keys.txt",
	.retry_for = "7200s",
	.controller = "nvme",
	.drivers = "/stick/drivers",
	.firmware = "uefi",
	.dynamic = "plain",
	.layout = "backup:layout.json",
	.report = "stick:report.json",
	.delta = "yes",
	.wipe = "yes",
	.address = "192.0.2.10/24",
	.gateway = "192.0.2.1",
	.vlan = "7",
};

static void what_a_file_says_is_filled_in_and_comes_out_again(void **state)
{
	AUTO_FREE char *file = choices_answer_file(&from_a_file);
	AUTO_FREE struct choices *filled = calloc(1, sizeof(*filled));
	struct answer answer = { 0 };
	struct err err = { 0 };

	assert_int_equal(
		answer_parse(file, strlen(file), "openbmr.ini", NULL, &answer, &err), 0);
	prefill_choices(&answer, filled);
	answer_clear(&answer);
	assert_memory_equal(filled, &from_a_file, sizeof(*filled));
}

static void what_no_screen_asks_for_is_in_the_command(void **state)
{
	AUTO_FREE char *line = choices_command_line(&from_a_file);
	static const char *const expected[] = {
		"--exclude serial:WD-1234",
		"--exclude wwn:0x5000c500a1b2c3d5",
		"--unlock /stick/keys.txt",
		"--retry-for 7200s",
		"--for nvme",
		"--drivers /stick/drivers",
		"--firmware uefi",
		"--dynamic plain",
		"--layout backup:",
		"--report stick:report.json",
		"--delta",
		"--wipe",
	};

	for (char *c = line; *c; c++)
		if (*c == '\\' || *c == '\n')
			*c = ' ';
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const char *blank = strchr(expected[i], ' ');
		size_t name = blank ? (size_t)(blank - expected[i]) : strlen(expected[i]);
		AUTO_FREE char *option = strndup(expected[i], name);

		assert_non_null(strstr(line, option));
		if (blank)
			assert_non_null(strstr(line, blank + 1));
	}
}

static struct answer_machine machine = { .serial = "B1", .host = "srv01" };

/* choices of a file of this text; *ret_missing, or the error. */
static int read_file(const char *text, struct choices *choices, char **ret_missing,
		     struct err *err)
{
	char path[] = "/tmp/openbmr-prefill-XXXXXX";
	int fd = mkstemp(path), r;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = prefill_read(path, &machine, choices, ret_missing, err);
	unlink(path);
	return r;
}

static void what_is_missing_is_told_and_the_rest_is_filled_in(void **state)
{
	AUTO_FREE struct choices *choices = calloc(1, sizeof(*choices));
	AUTO_FREE char *missing = NULL;
	struct err err = { 0 };

	assert_int_equal(
		read_file("format = 1\n[source]\nurl = smb://D;admin@nas1/${host}\n"
			  "[target]\ndisk0 = serial:S6Z2NJ0T\n",
			  choices, &missing, &err),
		0);
	assert_non_null(strstr(missing, "'confirm' is missing in [target]"));
	assert_string_equal(choices->source, "smb://D;admin@nas1/srv01");
	assert_string_equal(choices->user, "D\\admin");
	assert_string_equal(choices->disks[0], "serial:S6Z2NJ0T");
}

static void a_file_that_leads_to_a_share_lacks_nothing(void **state)
{
	AUTO_FREE struct choices *choices = calloc(1, sizeof(*choices));
	AUTO_FREE char *missing = NULL;
	struct err err = { 0 };

	assert_int_equal(read_file("format = 1\n[source]\nurl = smb://nas1/b\n", choices,
				   &missing, &err),
			 0);
	assert_null(missing);
	assert_string_equal(choices->source, "smb://nas1/b");
}

static void a_file_that_can_be_followed_fills_nothing_in(void **state)
{
	AUTO_FREE struct choices *choices = calloc(1, sizeof(*choices));
	struct choices empty = { 0 };
	char *missing = NULL;
	struct err err = { 0 };

	assert_int_equal(read_file("format = 1\n[source]\nurl = /b\n[target]\n"
				   "disk0 = serial:A\nconfirm = erase\n",
				   choices, &missing, &err),
			 0);
	assert_null(missing);
	assert_memory_equal(choices, &empty, sizeof(empty));
}

static void a_file_that_is_wrong_fills_nothing_in(void **state)
{
	static const struct {
		const char *text, *error;
	} files[] = {
		{ "format = 1\n[source]\nurl = /b\n[target]\nconfirm = yes\n",
		  "line 5 column 11: 'confirm'" },
		{ "format = 1\n[match]\nserial = A*\n[source]\nurl = /b\n",
		  "is for another machine: [match] serial = 'A*' is not this machine's "
		  "'B1'" },
		{ "format = 1\n[source]\nurl = smb://nas1/${uuid}\n", "${uuid}" },
		{ "format = 2\n", "line 1 column 10" },
	};
	struct choices empty = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		AUTO_FREE struct choices *choices = calloc(1, sizeof(*choices));
		char *missing = NULL;
		struct err err = { 0 };

		assert_int_not_equal(read_file(files[i].text, choices, &missing, &err),
				     0);
		if (!strstr(err.text, files[i].error))
			fail_msg("%s", err.text);
		assert_memory_equal(choices, &empty, sizeof(empty));
	}
}

static void what_is_usual_makes_an_answer_file_too(void **state)
{
	const struct choices few = { .source = "/mnt", .disks = { "serial:A" } };
	AUTO_FREE char *file = choices_answer_file(&few);
	struct answer answer = { 0 };
	struct err err;

	assert_int_equal(
		answer_parse(file, strlen(file), "openbmr.ini", NULL, &answer, &err), 0);
	assert_false(answer.new_ids || answer.no_shrink || answer.prove_full);
	assert_null(answer.credentials);
	answer_clear(&answer);
}

static void the_end_of_a_name_confirms_it(void **state)
{
	assert_string_equal(choices_proof("serial:S6Z2NJ0T"), "NJ0T");
	assert_string_equal(choices_proof("serial:S6"), "S6");
	assert_string_equal(choices_proof("/images/disk.img"), ".img");
}

static void only_shares_need_a_login(void **state)
{
	const struct choices share = { .source = "SMB://nas/b" },
			     unc = { .source = "\\\\nas\\b" },
			     folder = { .source = "/mnt" };

	assert_true(choices_from_share(&share));
	assert_true(choices_from_share(&unc));
	assert_false(choices_from_share(&folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_choices_are_in_the_command),
		cmocka_unit_test(typed_keys_are_named_and_in_neither_form),
		cmocka_unit_test(what_is_not_chosen_is_left_out),
		cmocka_unit_test(a_command_line_can_be_pasted_into_a_shell),
		cmocka_unit_test(the_answer_file_says_the_same),
		cmocka_unit_test(what_a_file_says_is_filled_in_and_comes_out_again),
		cmocka_unit_test(what_no_screen_asks_for_is_in_the_command),
		cmocka_unit_test(what_is_missing_is_told_and_the_rest_is_filled_in),
		cmocka_unit_test(a_file_that_leads_to_a_share_lacks_nothing),
		cmocka_unit_test(a_file_that_can_be_followed_fills_nothing_in),
		cmocka_unit_test(a_file_that_is_wrong_fills_nothing_in),
		cmocka_unit_test(what_is_usual_makes_an_answer_file_too),
		cmocka_unit_test(the_end_of_a_name_confirms_it),
		cmocka_unit_test(only_shares_need_a_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
