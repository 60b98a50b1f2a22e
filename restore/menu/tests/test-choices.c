/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choices as a command line and as an answer file. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

#include <base/cleanup.h>
#include <restore/answer.h>

#include "../choices.h"

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

	assert_int_equal(choices_arguments(&all, "plan", "/c", &arguments, &err), 0);
	assert_int_equal(arguments.count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < arguments.count; i++)
		assert_string_equal(arguments.words[i], expected[i]);
	assert_null(arguments.words[arguments.count]);
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
		cmocka_unit_test(what_is_not_chosen_is_left_out),
		cmocka_unit_test(a_command_line_can_be_pasted_into_a_shell),
		cmocka_unit_test(the_answer_file_says_the_same),
		cmocka_unit_test(what_is_usual_makes_an_answer_file_too),
		cmocka_unit_test(the_end_of_a_name_confirms_it),
		cmocka_unit_test(only_shares_need_a_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
