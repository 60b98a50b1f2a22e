/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A process in a sandbox tries what it must not be able to do, and tells what came of it. */
#include "testing.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <base/sandbox.h>
#include <base/spawn.h>

#define LANDLOCK_VERSION 1u

static bool have_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION) >= 1;
}

/* The errno value that a call ended with; 0: it succeeded. */
static int outcome(long result)
{
	return result < 0 ? errno : 0;
}

/* -- attempts --------------------------------------------------------------------- */

static int read_allowed(void)
{
	return outcome(open("allowed/file", O_RDONLY));
}

static int read_outside(void)
{
	return outcome(open("outside", O_RDONLY));
}

static int list_outside(void)
{
	return outcome(open(".", O_RDONLY | O_DIRECTORY));
}

static int read_by_way_of_allowed(void)
{
	return outcome(open("allowed/../outside", O_RDONLY));
}

static int follow_link(void)
{
	return outcome(open("allowed/link", O_RDONLY));
}

static int read_shadow(void)
{
	return outcome(open("/etc/shadow", O_RDONLY));
}

static int write_allowed(void)
{
	return outcome(open("allowed/file", O_WRONLY));
}

static int truncate_allowed(void)
{
	return outcome(truncate("allowed/file", 0));
}

static int make_file_in_allowed(void)
{
	return outcome(open("allowed/new", O_WRONLY | O_CREAT, 0600));
}

static int remove_allowed(void)
{
	return outcome(unlink("allowed/file"));
}

static int open_disk(void)
{
	return outcome(open("disk", O_RDWR));
}

static int make_node(void)
{
	return outcome(mknod("allowed/sda", S_IFBLK | 0600, makedev(8, 0)));
}

static int write_view(void)
{
	return outcome(open("view/volume", O_RDWR));
}

/* A program that is not named, whatever is one file with what is: all of busybox is. */
static int run_self(void)
{
	setenv("RUN_INSIDE", "1", 1);
	return outcome(execl("/proc/self/exe", "self", NULL));
}

static int run_shell(void)
{
	return outcome(execl("/bin/sh", "sh", "-c", "exit 0", NULL));
}

static int trace_me(void)
{
	return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int trace_parent(void)
{
	return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int read_parent(void)
{
	return outcome(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}

static int mount_something(void)
{
	return outcome(mount("none", "allowed", "tmpfs", 0, NULL));
}

static int be_root_elsewhere(void)
{
	return outcome(unshare(CLONE_NEWUSER));
}

static int be_root_in_a_child(void)
{
	return outcome(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static int raw_packets(void)
{
	return outcome(socket(AF_PACKET, SOCK_RAW, 0));
}

static int load_program(void)
{
	return outcome(syscall(SYS_bpf, 0, NULL, 0));
}

static int set_up_ring(void)
{
	return outcome(syscall(SYS_io_uring_setup, 1, NULL));
}

static int take_keys(void)
{
	return outcome(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static int reboot_machine(void)
{
	return outcome(syscall(SYS_reboot, 0, 0, 0, NULL)); /* wrong magic numbers */
}

struct attempt {
	const char *name;
	int (*run)(void);
	int expected; /* errno value */
	bool needs_landlock;
};

/* -- the sandbox ------------------------------------------------------------------ */

/* Runs in a child, which enters the sandbox first; gives what run() gave. */
static int run_inside(int (*run)(void), bool strict)
{
	static const char *const readable[] = { "allowed", NULL };
	static const char *const writable[] = { "view", NULL };
	static const char *const programs[] = { "/bin/cat", NULL };
	struct sandbox sandbox = { .readable = readable,
				   .writable = writable,
				   .programs = strict ? NULL : programs };
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (sandbox_enter(&sandbox, NULL) < 0)
			_exit(255);
		_exit(run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void check(const struct attempt *attempt)
{
	int result;

	if (attempt->needs_landlock && !have_landlock())
		return;
	result = run_inside(attempt->run, false);
	if (result != attempt->expected)
		fail_msg("%s: '%s', must be '%s'", attempt->name, strerror(result),
			 strerror(attempt->expected));
}

static int set_up_files(void **state)
{
	int r = scratch_enter(state);

	if (r < 0 || mkdir("allowed", 0755) < 0 || mkdir("view", 0755) < 0)
		return -1;
	file_write("allowed/file", "inside");
	file_write("outside", "outside");
	file_write("disk", "a disk");
	file_write("view/volume", "a view");
	return symlink("../outside", "allowed/link");
}

static void a_process_does_what_it_is_for(void **state)
{
	static const struct attempt attempts[] = {
		{ "reading what is allowed", read_allowed, 0, false },
		{ "writing a view", write_view, 0, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		check(&attempts[i]);
}

static void files_outside_cannot_be_opened(void **state)
{
	static const struct attempt attempts[] = {
		{ "a file outside", read_outside, EACCES, true },
		{ "a folder outside", list_outside, EACCES, true },
		{ "a file outside by '..'", read_by_way_of_allowed, EACCES, true },
		{ "a link that leads outside", follow_link, EACCES, true },
		{ "a disk", open_disk, EACCES, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		check(&attempts[i]);
	/* the recovery environment has none */
	if (access("/etc/shadow", F_OK) == 0)
		check(&(struct attempt){ "/etc/shadow", read_shadow, EACCES, true });
}

static void nothing_can_be_written_made_or_removed(void **state)
{
	static const struct attempt attempts[] = {
		{ "writing", write_allowed, EACCES, true },
		{ "truncating", truncate_allowed, EPERM, false },
		{ "a new file", make_file_in_allowed, EACCES, true },
		{ "removing", remove_allowed, EPERM, false },
		{ "a device", make_node, EPERM, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		check(&attempts[i]);
}

static void no_other_program_runs(void **state)
{
	check(&(struct attempt){ "this program", run_self, EACCES, true });
}

static int run_cat(void)
{
	static const char *const argv[] = { "/bin/cat", "allowed/file", NULL };
	AUTO_FREE char *output = NULL;
	struct err err = { 0 };
	int r = spawn_run(&(struct spawn){ .argv = argv }, &output, &err);

	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	return r < 0 || strcmp(output, "inside") != 0;
}

static void the_program_that_is_named_runs(void **state)
{
	assert_int_equal(run_inside(run_cat, false), 0);
}

static void without_programs_not_even_libraries_are_seen(void **state)
{
	if (!have_landlock())
		skip();
	assert_int_equal(run_inside(run_shell, true), EACCES);
}

static void system_calls_that_reach_out_are_refused(void **state)
{
	static const struct attempt attempts[] = {
		{ "ptrace", trace_me, EPERM, false },
		{ "ptrace of the engine", trace_parent, EPERM, false },
		{ "reading the engine's memory", read_parent, EPERM, false },
		{ "mount", mount_something, EPERM, false },
		{ "a user namespace", be_root_elsewhere, EPERM, false },
		{ "a user namespace for a child", be_root_in_a_child, EPERM, false },
		{ "raw packets", raw_packets, EPERM, false },
		{ "bpf", load_program, EPERM, false },
		{ "io_uring", set_up_ring, EPERM, false },
		{ "keys", take_keys, EPERM, false },
		{ "reboot", reboot_machine, EPERM, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		check(&attempts[i]);
}

int main(void)
{
	if (getenv("RUN_INSIDE"))
		return 0; /* the sandbox has let it run */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_does_what_it_is_for),
		cmocka_unit_test(files_outside_cannot_be_opened),
		cmocka_unit_test(nothing_can_be_written_made_or_removed),
		cmocka_unit_test(no_other_program_runs),
		cmocka_unit_test(the_program_that_is_named_runs),
		cmocka_unit_test(without_programs_not_even_libraries_are_seen),
		cmocka_unit_test(system_calls_that_reach_out_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up_files, scratch_leave);
}
