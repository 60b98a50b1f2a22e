/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands beside the menu, with a shell in the place of bmr; and their progress as text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

#include <base/cleanup.h>

#include "../progress-text.h"
#include "../task.h"
#include "../texts.h"

static void keep_line(const char *line, void *context)
{
	text_add(context, "[%s]", line);
}

/* What a script leaves: its status. */
static int run(const char *script, struct task *task, struct text *lines)
{
	char *arguments[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	const struct task_wishes wishes = {
		.program = "/bin/sh",
		.arguments = arguments,
		.user = "D\\u",
		.password = "geheim",
		.keys = "235818-357951\n",
		.lock_fd = -1,
		.progress = keep_line,
		.context = lines,
	};
	struct err err;

	assert_int_equal(task_start(&wishes, task, &err), 0);
	task_wait(task);
	return task_exit_status(task);
}

static void output_errors_progress_and_status_are_told_apart(void **state)
{
	struct text lines = { 0 };
	struct task task;

	assert_int_equal(run("echo out; echo err >&2; printf 'one\\ntw' >&4; echo o >&4; "
			     "exit 4",
			     &task, &lines),
			 4);
	assert_string_equal(task.output.string, "out\n");
	assert_string_equal(task.errors.string, "err\n");
	assert_string_equal(lines.string, "[one][two]");
	text_clear(&lines);
	task_finish(&task);
}

static void the_login_is_a_file_that_only_the_command_has(void **state)
{
	struct text lines = { 0 };
	struct task task;

	assert_int_equal(
		run("cat " TASK_CREDENTIALS "; ls -l /proc/self/fd/3 >&2", &task, &lines),
		0);
	assert_string_equal(task.output.string, "username = D\\u\npassword = geheim\n");
	assert_non_null(strstr(task.errors.string, "memfd:credentials"));
	text_clear(&lines);
	task_finish(&task);
}

static void typed_keys_are_a_file_that_only_the_command_has(void **state)
{
	struct text lines = { 0 };
	struct task task;

	assert_int_equal(run("cat " TASK_KEYS "; ls -l /proc/self/fd/6 >&2; echo $0 $*",
			     &task, &lines),
			 0);
	assert_string_equal(task.output.string, "235818-357951\nsh\n");
	assert_non_null(strstr(task.errors.string, "memfd:keys"));
	text_clear(&lines);
	task_finish(&task);
}

static void nothing_else_that_is_open_is_handed_on(void **state)
{
	struct text lines = { 0 };
	struct task task;

	assert_int_equal(run("ls /proc/$$/fd", &task, &lines), 0);
	assert_string_equal(task.output.string, "0\n1\n2\n3\n4\n6\n");
	text_clear(&lines);
	task_finish(&task);
}

static void a_command_that_is_cancelled_ends_itself(void **state)
{
	char *arguments[] = { (char *)"sh", (char *)"-c",
			      (char *)"trap 'exit 3' TERM; while :; do sleep 0.05; done",
			      NULL };
	const struct task_wishes wishes = { .program = "/bin/sh",
					    .arguments = arguments,
					    .lock_fd = -1 };
	struct task task;
	struct err err;

	assert_int_equal(task_start(&wishes, &task, &err), 0);
	assert_false(task_read(&task));
	usleep(200000); /* until the trap is set */
	task_cancel(&task);
	task_wait(&task);
	assert_int_equal(task_exit_status(&task), 3);
	task_finish(&task);
}

static void a_program_that_is_missing_says_so(void **state)
{
	char *arguments[] = { (char *)"bmr", NULL };
	const struct task_wishes wishes = { .program = "/nowhere/bmr",
					    .arguments = arguments,
					    .lock_fd = -1 };
	struct task task;
	struct err err;

	assert_int_equal(task_start(&wishes, &task, &err), 0);
	task_wait(&task);
	assert_int_equal(task_exit_status(&task), 127);
	assert_string_equal(task.errors.string,
			    "'/nowhere/bmr': No such file or directory\n");
	task_finish(&task);
}

static void progress_is_a_text_and_a_bar(void **state)
{
	struct progress_text progress = { .bar = 7 };

	progress_text_take(
		&progress,
		"{\"phase\": \"copy\", \"volume\": \"C:\", \"bytes_done\": 1073741824, "
		"\"bytes_total\": 4294967296, \"rate_now\": 1048576, "
		"\"rate_average\": 2097152, \"eta_s\": 3725, \"source_busy\": 98, "
		"\"disk_busy\": 41, \"idle_ms\": 31000}");
	assert_int_equal(progress.bar, 250);
	assert_string_equal(
		progress.text,
		"Writing C:\n\n1.0 GiB of 4.0 GiB written\n1.0 MiB/s now, 2.0 "
		"MiB/s on average\n1:02:05 left\nsource busy 98 %, disk busy 41 "
		"%\n\nNO BYTE FOR 31 s: is the server still there?");
	progress_text_take(&progress, "{\"phase\": \"copy\", \"idle_ms\": 900, "
				      "\"lost_ms\": 12900, \"lost_tries\": 4}");
	assert_string_equal(progress.text,
			    "Writing\n\nWAITING FOR THE SERVER: 12 s, try 4");
	progress_text_take(&progress, "{\"phase\": \"copy\", \"retries\": 2, "
				      "\"reconnects\": 1}");
	assert_string_equal(progress.text,
			    "Writing\nbegun again: 2, connection lost and back: 1");
}

static void each_volume_has_a_bar_of_its_own(void **state)
{
	struct progress_text progress = { 0 };

	progress_text_take(&progress,
			   "{\"phase\":\"copy\",\"volume\":\"C:\",\"bytes_done\":3145728,"
			   "\"bytes_total\":6291456,\"rate_now\":0,\"rate_average\":0,"
			   "\"volume_at\":2,\"volume_count\":3,\"volumes\":["
			   "{\"number\":1,\"name\":\"ESP\",\"bytes_done\":1048576,"
			   "\"bytes_total\":1048576},"
			   "{\"number\":2,\"name\":\"C:\",\"bytes_done\":2097152,"
			   "\"bytes_total\":4194304},"
			   "{\"number\":3,\"name\":\"recovery\",\"bytes_done\":0,"
			   "\"bytes_total\":1048576}]}");
	assert_int_equal(progress.bar, 500);
	assert_string_equal(
		progress.text,
		"Writing C: (volume 2 of 3)\n\n3.0 MiB of 6.0 MiB written\n"
		"0 B/s now, 0 B/s on average\n"
		"\n  ESP          [####################] 100 %  done, 1.0 MiB"
		"\n> C:           [##########..........]  50 %  2.0 MiB of 4.0 MiB"
		"\n  recovery     [....................]   0 %  waits, 1.0 MiB");
}

/* Of many volumes the one that is worked on is always among those that are shown. */
static void of_many_volumes_the_active_one_is_shown(void **state)
{
	for (int at = 1; at <= 40; at++) {
		struct progress_text progress = { 0 };
		struct text line = { 0 };
		char active[32];
		size_t lines = 1;

		text_add(&line, "{\"phase\":\"copy\",\"volume_at\":%d,\"volumes\":[", at);
		for (int i = 1; i <= 40; i++)
			text_add(&line,
				 "%s{\"number\":%d,\"name\":\"D%d:\",\"bytes_done\":1,"
				 "\"bytes_total\":2}",
				 i > 1 ? "," : "", i, i);
		text_add(&line, "]}");
		progress_text_take(&progress, line.string);
		text_clear(&line);
		snprintf(active, sizeof(active), "\n> D%d: ", at);
		assert_non_null(strstr(progress.text, active));
		for (const char *c = progress.text; *c; c++)
			lines += *c == '\n';
		assert_int_equal(lines, PROGRESS_LINES);
	}
}

/* What stopping means depends on it. */
static void the_disk_is_changed_from_its_invalidation_on(void **state)
{
	static const struct {
		const char *phase;
		bool writes;
	} phases[] = {
		{ "scan", false },  { "measure", false }, { "preflight", false },
		{ "prove", false }, { "compare", false }, { "invalidate", true },
		{ "copy", true },   { "verify", true },	  { "commit", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		struct progress_text progress = { 0 };
		char line[64];

		snprintf(line, sizeof(line), "{\"phase\": \"%s\"}", phases[i].phase);
		progress_text_take(&progress, line);
		assert_int_equal(progress.writes, phases[i].writes);
		progress_text_take(&progress, "{\"phase\": \"scan\"}");
		assert_int_equal(progress.writes, phases[i].writes);
	}
}

static void progress_that_cannot_be_understood_changes_nothing(void **state)
{
	struct progress_text progress = { .text = "before", .bar = 7 };

	progress_text_take(&progress, "[1, 2]");
	progress_text_take(&progress, "nonsense");
	assert_string_equal(progress.text, "before");
	assert_int_equal(progress.bar, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_errors_progress_and_status_are_told_apart),
		cmocka_unit_test(the_login_is_a_file_that_only_the_command_has),
		cmocka_unit_test(typed_keys_are_a_file_that_only_the_command_has),
		cmocka_unit_test(nothing_else_that_is_open_is_handed_on),
		cmocka_unit_test(a_command_that_is_cancelled_ends_itself),
		cmocka_unit_test(a_program_that_is_missing_says_so),
		cmocka_unit_test(progress_is_a_text_and_a_bar),
		cmocka_unit_test(each_volume_has_a_bar_of_its_own),
		cmocka_unit_test(of_many_volumes_the_active_one_is_shown),
		cmocka_unit_test(the_disk_is_changed_from_its_invalidation_on),
		cmocka_unit_test(progress_that_cannot_be_understood_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
