/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "job.h"

/* What the command wrote, by way of a pipe as the one output. */
static int run(const char *script, char *output, size_t size)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	struct job job = { .argv = argv, .output_count = 1 };
	struct err err;
	int ends[2], status;
	ssize_t length;

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	job.outputs[0] = ends[1];
	assert_int_equal(job_run(&job, &status, &err), 0);
	close(ends[1]);
	length = read(ends[0], output, size - 1);
	output[length > 0 ? length : 0] = '\0';
	close(ends[0]);
	return status;
}

static void output_and_status_come_through(void **state)
{
	char output[256];
	int status = run("echo out; echo error >&2; exit 4", output, sizeof(output));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 4);
	assert_string_equal(output, "out\nerror\n");
}

static void a_signal_is_told_from_an_exit(void **state)
{
	char output[256];
	int status = run("kill -9 $$", output, sizeof(output));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), 9);
}

static void a_program_that_is_absent_is_named(void **state)
{
	const char *argv[] = { "/nonexistent/bmr", "scan", NULL };
	int ends[2], status;
	struct job job = { .argv = argv, .output_count = 1 };
	char output[256] = "";
	struct err err;

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	job.outputs[0] = ends[1];
	assert_int_equal(job_run(&job, &status, &err), 0);
	assert_true(read(ends[0], output, sizeof(output) - 1) > 0);
	assert_int_equal(WEXITSTATUS(status), 127);
	assert_string_equal(
		output,
		"/nonexistent/bmr: cannot be started: No such file or directory\n");
	close(ends[0]);
	close(ends[1]);
}

static void a_daemon_left_behind_holds_up_nothing(void **state)
{
	char output[256];
	time_t start = time(NULL);
	int status = run("sleep 5 & echo started", output, sizeof(output));

	assert_int_equal(status, 0);
	assert_string_equal(output, "started\n");
	assert_true(time(NULL) - start < 4);
}

static void an_output_that_takes_nothing_holds_up_nothing(void **state)
{
	char output[256];
	/* more than a pipe holds, and nobody reads it before the end */
	int status = run("head -c 1000000 /dev/zero; exit 3", output, sizeof(output));

	assert_int_equal(WEXITSTATUS(status), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_status_come_through),
		cmocka_unit_test(a_signal_is_told_from_an_exit),
		cmocka_unit_test(a_program_that_is_absent_is_named),
		cmocka_unit_test(a_daemon_left_behind_holds_up_nothing),
		cmocka_unit_test(an_output_that_takes_nothing_holds_up_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
