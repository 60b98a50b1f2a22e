/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include <base/spawn.h>

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void output_and_errors_come_back_together(void **state)
{
	struct spawn spawn = { .argv = ARGV("sh", "-c",
					    "echo one; echo two >&2; echo three") };
	AUTO_FREE char *output = NULL;
	struct err err = { 0 };

	assert_succeeds(spawn_run(&spawn, &output, &err));
	assert_string_equal(output, "one\ntwo\nthree\n");
}

static void no_output_is_an_empty_string(void **state)
{
	struct spawn spawn = { .argv = ARGV("true") };
	AUTO_FREE char *output = NULL;
	struct err err = { 0 };

	assert_succeeds(spawn_run(&spawn, &output, &err));
	assert_string_equal(output, "");
	assert_succeeds(spawn_run(&spawn, NULL, &err));
}

/* Sixteen times what a pipe holds: cat blocks unless both ends are served. */
static void much_input_and_output_do_not_block_each_other(void **state)
{
	AUTO_FREE char *input = malloc(MiB), *output = NULL;
	struct spawn spawn = { .argv = ARGV("cat"), .input = input, .input_length = MiB };
	struct err err = { 0 };

	for (size_t i = 0; i < MiB; i++)
		input[i] = (char)('a' + i % 23);
	assert_succeeds(spawn_run(&spawn, &output, &err));
	assert_int_equal(strlen(output), MiB);
	assert_memory_equal(output, input, MiB);
}

static void a_program_may_leave_its_input_unread(void **state)
{
	AUTO_FREE char *input = calloc(1, MiB);
	struct spawn spawn = { .argv = ARGV("true"),
			       .input = input,
			       .input_length = MiB };
	struct err err = { 0 };

	assert_succeeds(spawn_run(&spawn, NULL, &err));
}

static void without_input_a_program_reads_nothing(void **state)
{
	struct spawn spawn = { .argv = ARGV("cat") };
	AUTO_FREE char *output = NULL;
	struct err err = { 0 };

	assert_succeeds(spawn_run(&spawn, &output, &err));
	assert_string_equal(output, "");
}

static void a_failure_names_program_status_and_last_line(void **state)
{
	struct spawn spawn = { .argv = ARGV("sh", "-c",
					    "echo first; echo 'no disk' >&2; exit 3") };
	char *output = NULL;
	struct err err = { 0 };

	assert_failed(spawn_run(&spawn, &output, &err), -EIO,
		      "'sh': exit status 3: no disk");
	assert_null(output);
	spawn.argv = ARGV("false");
	assert_failed(spawn_run(&spawn, &output, &err), -EIO, "'false': exit status 1");
	spawn.argv = ARGV("sh", "-c", "echo dying; kill -9 $$");
	assert_failed(spawn_run(&spawn, &output, &err), -EIO,
		      "'sh': ended by signal 9: dying");
}

static void a_missing_program_is_named_with_where_it_was_looked_for(void **state)
{
	struct spawn spawn = { .argv = ARGV("no-such-program") };
	struct err err = { 0 };

	assert_failed(spawn_run(&spawn, NULL, &err), -ENOENT,
		      "'no-such-program': not found in /usr/sbin:/usr/bin:/sbin:/bin");
	spawn.argv = ARGV("./no-such-program");
	assert_failed(spawn_run(&spawn, NULL, &err), -ENOENT,
		      "'./no-such-program': No such file or directory");
}

static void a_file_that_is_no_program_is_told(void **state)
{
	struct spawn spawn = { .argv = ARGV("./garbage") };
	struct err err = { 0 };

	file_write("garbage", "\x01\x02\x03");
	assert_int_equal(chmod("garbage", 0700), 0);
	assert_failed(spawn_run(&spawn, NULL, &err), -EIO,
		      "'./garbage': exit status 127: Exec format error");
}

static void endless_output_ends_the_program(void **state)
{
	struct spawn spawn = { .argv = ARGV("yes"), .output_limit = 100000 };
	struct err err = { 0 };

	assert_failed(spawn_run(&spawn, NULL, &err), -E2BIG,
		      "'yes': more than 100000 bytes of output");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
	assert_int_equal(errno, ECHILD);
}

static void output_may_fill_the_limit(void **state)
{
	struct spawn spawn = { .argv = ARGV("printf", "12345"), .output_limit = 5 };
	AUTO_FREE char *output = NULL;
	struct err err = { 0 };

	assert_succeeds(spawn_run(&spawn, &output, &err));
	assert_string_equal(output, "12345");
}

static void a_program_gets_only_the_environment_that_is_named(void **state)
{
	struct spawn spawn = { .argv = ARGV("env"), .env = ARGV("MTOOLSRC=x") };
	AUTO_FREE char *output = NULL;
	struct err err = { 0 };

	setenv("SECRET", "canary", 1);
	assert_succeeds(spawn_run(&spawn, &output, &err));
	assert_string_equal(output,
			    "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\nMTOOLSRC=x\n");
}

static void a_program_gets_only_three_descriptors(void **state)
{
	/* 3 is the folder that ls itself opens. */
	struct spawn spawn = { .argv = ARGV("ls", "/proc/self/fd") };
	AUTO_FREE char *output = NULL;
	struct err err = { 0 };
	AUTO_CLOSE int inherited = open("/dev/null", O_RDONLY); /* no O_CLOEXEC */

	assert_true(inherited > 2);
	assert_succeeds(spawn_run(&spawn, &output, &err));
	assert_string_equal(output, "0\n1\n2\n3\n");
}

static void a_service_in_the_background_is_not_waited_for(void **state)
{
	struct spawn spawn = { .argv = ARGV("sh", "-c", "sleep 20 & echo $!") };
	AUTO_FREE char *output = NULL;
	struct timespec before, after;
	struct err err = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_succeeds(spawn_run(&spawn, &output, &err));
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 10);
	assert_int_equal(kill(atoi(output), SIGKILL), 0);
}

/* Reads the process id that a program writes to path once it runs. */
static pid_t wait_for_pid(const char *path)
{
	int pid = 0;

	for (int tries = 0; tries < 500 && pid == 0; tries++) {
		AUTO_FCLOSE FILE *file = fopen(path, "r");

		if (!file || fscanf(file, "%d\n", &pid) != 1)
			nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	return pid;
}

static void a_program_dies_with_its_parent(void **state)
{
	struct spawn spawn = { .argv = ARGV("sh", "-c", "echo $$ >pid; exec sleep 20") };
	pid_t middle, program;
	int status = 0;

	/* The program becomes our child when its parent is killed. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	middle = fork();
	if (middle == 0)
		_exit(spawn_run(&spawn, NULL, NULL) < 0);
	program = wait_for_pid("pid");
	assert_true(program > 0);
	assert_int_equal(kill(middle, SIGKILL), 0);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	assert_int_equal(waitpid(program, &status, 0), program);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Runs in a child whose standard descriptors are closed, as PID 1's may be. */
static void it_works_without_standard_descriptors(void **state)
{
	struct spawn spawn = { .argv = ARGV("cat"), .input = "text", .input_length = 4 };
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		AUTO_FREE char *output = NULL;

		close(0);
		close(1);
		close(2);
		if (spawn_run(&spawn, &output, NULL) < 0)
			_exit(1);
		_exit(strcmp(output, "text") == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Bytes with NULs would be cut in a string. */
static void descriptors_can_stand_for_input_and_output(void **state)
{
	AUTO_CLOSE int input = memfd_create("in", MFD_CLOEXEC);
	AUTO_CLOSE int output = memfd_create("out", MFD_CLOEXEC);
	struct spawn spawn = { .argv = ARGV("sh", "-c",
					    "cat /proc/self/fd/0; echo told >&2"),
			       .input_fd = input,
			       .output_fd = output };
	AUTO_FREE char *told = NULL;
	struct err err = { 0 };
	char bytes[4] = "";

	assert_int_equal(pwrite(input, "a\0b", 3, 0), 3);
	assert_succeeds(spawn_run(&spawn, &told, &err));
	assert_string_equal(told, "told\n");
	assert_int_equal(lseek(output, 0, SEEK_CUR), 3);
	assert_int_equal(pread(output, bytes, sizeof(bytes), 0), 3);
	assert_memory_equal(bytes, "a\0b", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_errors_come_back_together),
		cmocka_unit_test(no_output_is_an_empty_string),
		cmocka_unit_test(much_input_and_output_do_not_block_each_other),
		cmocka_unit_test(a_program_may_leave_its_input_unread),
		cmocka_unit_test(without_input_a_program_reads_nothing),
		cmocka_unit_test(a_failure_names_program_status_and_last_line),
		cmocka_unit_test(a_missing_program_is_named_with_where_it_was_looked_for),
		cmocka_unit_test(a_file_that_is_no_program_is_told),
		cmocka_unit_test(endless_output_ends_the_program),
		cmocka_unit_test(output_may_fill_the_limit),
		cmocka_unit_test(a_program_gets_only_the_environment_that_is_named),
		cmocka_unit_test(a_program_gets_only_three_descriptors),
		cmocka_unit_test(a_service_in_the_background_is_not_waited_for),
		cmocka_unit_test(a_program_dies_with_its_parent),
		cmocka_unit_test(it_works_without_standard_descriptors),
		cmocka_unit_test(descriptors_can_stand_for_input_and_output),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
