/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processor time that is limited, and how processes ended. */
#include "testing.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <base/process.h>
#include <base/spawn.h>

/* Seconds of wall-clock time: a limit that does not work ends the test, not the machine. */
#define PATIENCE_S 120

static void spin(void)
{
	for (volatile uint64_t i = 0;; i++)
		;
}

static void check_end(pid_t pid, unsigned seconds, const char *expected)
{
	char text[PROCESS_END_SIZE];
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	process_describe_end(status, seconds, text);
	assert_string_equal(text, expected);
}

static void a_process_that_spins_is_ended_at_its_limit(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(PATIENCE_S);
		if (process_limit_processor(1, NULL) == 0)
			spin();
		_exit(1);
	}
	check_end(pid, 1, "was ended: it used 1 s of processor time, its limit");
}

static void one_that_ignores_the_signal_would_be_killed_soon(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit limit;

		alarm(PATIENCE_S);
		if (process_limit_processor(1, NULL) < 0 ||
		    getrlimit(RLIMIT_CPU, &limit) < 0)
			_exit(1);
		_exit(limit.rlim_max > 10);
	}
	check_end(pid, 1, "ended with exit status 0");
}

static void a_lower_limit_stays(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit limit;

		if (process_limit_processor(7, NULL) < 0 ||
		    process_limit_processor(3600, NULL) < 0 ||
		    getrlimit(RLIMIT_CPU, &limit) < 0)
			_exit(255);
		_exit((int)limit.rlim_cur);
	}
	check_end(pid, 7, "ended with exit status 7");
}

static void a_program_that_spins_is_named_with_its_limit(void **state)
{
	static const char *const argv[] = { "sh", "-c", "while :; do :; done", NULL };
	pid_t pid = fork();

	if (pid == 0) {
		struct err err = { 0 };
		int r = process_limit_processor(1, &err);

		alarm(PATIENCE_S);
		if (r == 0)
			r = spawn_run(&(struct spawn){ .argv = argv }, NULL, &err);
		_exit(r != -ETIME ||
		      strcmp(err.text, "'sh': ended: it used 1 s of processor time, its "
				       "limit") != 0);
	}
	check_end(pid, 1, "ended with exit status 0");
}

static void other_ends_are_told_by_status_and_signal(void **state)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	check_end(pid, 0, "ended with exit status 3");
	pid = fork();
	if (pid == 0) {
		raise(SIGKILL);
		_exit(0);
	}
	check_end(pid, 0, "was killed by signal 9 (Killed)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_that_spins_is_ended_at_its_limit),
		cmocka_unit_test(one_that_ignores_the_signal_would_be_killed_soon),
		cmocka_unit_test(a_lower_limit_stays),
		cmocka_unit_test(a_program_that_spins_is_named_with_its_limit),
		cmocka_unit_test(other_ends_are_told_by_status_and_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
