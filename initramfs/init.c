/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PID 1 of the recovery environment. It prepares the system, starts a few children
 * (drivers, the automatic restore, one dialogue for all consoles), starts them again when they
 * end, reaps everything else, and never exits: the kernel would panic and take the error
 * that somebody must read with it. All that can hang or crash is in the children.
 *
 * Should PID 1 itself crash, it executes itself anew; a restore that runs goes on
 * meanwhile.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include <base/cleanup.h>
#include <base/spawn.h>

#include "cmdline.h"
#include "coldplug.h"
#include "console.h"
#include "session.h"
#include "setup.h"
#include "spcr.h"
#include "wholeness.h"

#define CHILDREN_MAX	   (CONSOLES_MAX + 4)
#define RESTART_AFTER_MS   1000 /* what ends at once is not started faster than this */
#define FAILURES_MAX	   3	/* of the drivers' process: no console depends on it */
#define TERMINATE_WITHIN_S 3
#define COMMAND_LINE_SIZE  4096

enum child_kind {
	CHILD_DEVICES,
	CHILD_SSH,
	CHILD_AUTOMATIC,
	CHILD_RELAY,
	CHILD_DIALOGUE
};

struct child {
	enum child_kind kind;
	const char *console; /* of a dialogue that has one for itself */
	pid_t pid;	     /* 0: does not run */
	bool wanted;
	unsigned failures; /* ends within RESTART_AFTER_MS, one after the other */
	int64_t start_ms;  /* when it was started last */
};

struct init {
	struct cmdline cmdline;
	struct child children[CHILDREN_MAX];
	size_t count;
	enum session_end start; /* where dialogues begin */
	int signal_fd;
};

/* Of PID 1 itself, for the crash handler. */
static const char *const crashed_argv[] = { "/init", "--crashed", NULL };

/* -- messages ------------------------------------------------------------------------ */

static void complain(const char *line)
{
	AUTO_CLOSE int fd =
		open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		dprintf(fd, "openbmr: %s\r\n", line); /* it may be in raw mode */
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* -- children ------------------------------------------------------------------------ */

/* bmr-image --keyboard; without it the layout is the kernel's. */
static int load_keymap(struct err *err)
{
	static const char *const argv[] = { "loadkmap", NULL };
	AUTO_CLOSE int fd = open("/etc/openbmr/keymap", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? 0
		      : spawn_run(&(struct spawn){ .argv = argv, .input_fd = fd }, NULL,
				  err);
}

static int run_devices(void)
{
	struct err err;

	/* through modprobe, which needs the index that coldplug needs as well */
	if (setup_firmware_variables(&err) < 0 && err.code != -ENODEV)
		complain(err.text);
	if (load_keymap(&err) < 0)
		complain(err.text);
	if (coldplug_run(&err) < 0)
		complain(err.text);
	return EXIT_FAILURE;
}

static _Noreturn void run_child(const struct init *init, const struct child *child)
{
	sigset_t none;
	int status = EXIT_FAILURE;
	struct err err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	signal(SIGFPE, SIG_DFL);
	signal(SIGILL, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	switch (child->kind) {
	case CHILD_DEVICES:
		status = run_devices();
		break;
	case CHILD_SSH:
		if (ssh_run(&err) < 0)
			complain(err.text);
		break;
	case CHILD_AUTOMATIC:
		status = (int)automatic_start(&init->cmdline);
		break;
	case CHILD_RELAY:
		status = (int)relay_run(&init->cmdline, init->start);
		break;
	case CHILD_DIALOGUE:
		if (console_take(child->console, &err) == 0)
			status = (int)dialogue_run(init->start);
		break;
	}
	fflush(stdout);
	_exit(status);
}

static void start_child(struct init *init, struct child *child)
{
	pid_t pid;

	child->start_ms = now_ms();
	pid = fork();
	if (pid == 0)
		run_child(init, child);
	if (pid < 0)
		complain("no memory for a process; trying again");
	child->pid = pid > 0 ? pid : 0;
}

/* Starts what is wanted and does not run; returns the time until the next is due in
 * milliseconds, -1: none. */
static int start_children(struct init *init)
{
	int64_t now = now_ms(), next = -1;

	for (size_t i = 0; i < init->count; i++) {
		struct child *child = &init->children[i];
		int64_t due =
			child->start_ms ? child->start_ms + RESTART_AFTER_MS - now : 0;

		if (!child->wanted || child->pid)
			continue;
		if (due <= 0)
			start_child(init, child);
		else if (next < 0 || due < next)
			next = due;
	}
	return (int)next;
}

static void add_child(struct init *init, enum child_kind kind, const char *console)
{
	if (init->count < CHILDREN_MAX)
		init->children[init->count++] = (struct child){ .kind = kind,
								.console = console,
								.wanted = true };
}

static void add_dialogues(struct init *init)
{
	size_t before = init->count;

	for (size_t i = 0; i < init->cmdline.console_count; i++)
		if (console_exists(init->cmdline.consoles[i]))
			add_child(init, CHILD_DIALOGUE, init->cmdline.consoles[i]);
	if (init->count == before)
		add_child(init, CHILD_DIALOGUE, "console");
}

/* -- the end ------------------------------------------------------------------------- */

static void terminate_all(void)
{
	struct timespec second = { .tv_sec = 1 };

	kill(-1, SIGTERM);
	for (unsigned i = 0; i < TERMINATE_WITHIN_S; i++) {
		pid_t pid;

		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0)
			return; /* none left */
		nanosleep(&second, NULL);
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void stop_machine(struct init *init, enum session_end how)
{
	complain(how == SESSION_REBOOT ? "restarting the machine" : "powering off");
	sync();
	terminate_all();
	setup_undo();
	reboot(how == SESSION_REBOOT ? RB_AUTOBOOT : RB_POWER_OFF);
	/* some machines cannot: the consoles come back */
	complain("the machine did not stop; switch it off by hand");
	for (size_t i = 0; i < init->count; i++)
		init->children[i].pid = 0;
}

/* -- the loop ------------------------------------------------------------------------ */

static void child_ended(struct init *init, struct child *child, int status)
{
	int end = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	struct err err;

	child->pid = 0;
	child->failures =
		now_ms() - child->start_ms < RESTART_AFTER_MS ? child->failures + 1 : 0;
	if (child->kind == CHILD_DEVICES && child->failures == FAILURES_MAX) {
		complain("no drivers are loaded any more");
		child->wanted = false;
		if (coldplug_mark_ready(&err) < 0)
			complain(err.text);
	} else if (child->kind == CHILD_SSH) {
		child->wanted = child->failures < FAILURES_MAX;
		return;
	} else if (child->kind == CHILD_AUTOMATIC) {
		child->wanted = false;
		init->start = end == SESSION_MENU || end == SESSION_SHELL
				      ? (enum session_end)end
				      : SESSION_RESULT;
		add_child(init, CHILD_RELAY, NULL);
	} else if (child->kind == CHILD_RELAY && child->failures == FAILURES_MAX) {
		complain("the consoles cannot be joined; each has a dialogue of its own");
		child->wanted = false;
		add_dialogues(init);
	} else if (child->kind != CHILD_DEVICES) {
		init->start = SESSION_MENU;
	}
	if (child->kind != CHILD_DEVICES &&
	    (end == SESSION_REBOOT || end == SESSION_POWER_OFF))
		stop_machine(init, (enum session_end)end);
}

static void reap(struct init *init)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < init->count; i++)
			if (init->children[i].pid == pid) {
				child_ended(init, &init->children[i], status);
				break;
			}
}

static void wait_for_signal(struct init *init, int timeout_ms)
{
	struct pollfd fd = { .fd = init->signal_fd, .events = POLLIN };
	struct signalfd_siginfo info;

	if (poll(&fd, 1, timeout_ms) <= 0 ||
	    read(init->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	/* Ctrl-Alt-Delete */
	if (info.ssi_signo == SIGINT) {
		if (restore_is_running())
			complain("a restore is running: Ctrl-Alt-Delete is ignored");
		else
			stop_machine(init, SESSION_REBOOT);
	}
}

/* -- the start ----------------------------------------------------------------------- */

static void crash_handler(int number)
{
	/* async-signal-safe calls only */
	execv(crashed_argv[0], (char *const *)crashed_argv);
	for (;;)
		pause();
	(void)number;
}

static void set_signals(struct init *init)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct sigaction crash = { .sa_handler = crash_handler, .sa_flags = SA_NODEFER };
	sigset_t watched;

	/* SIGCHLD wakes the loop; the others must not end it */
	sigemptyset(&watched);
	sigaddset(&watched, SIGCHLD);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGHUP);
	sigaddset(&watched, SIGPIPE);
	sigprocmask(SIG_SETMASK, &watched, NULL);
	init->signal_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		sigaction(crashes[i], &crash, NULL);
	reboot(RB_DISABLE_CAD);
}

static struct cmdline read_cmdline(void)
{
	AUTO_CLOSE int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	char text[COMMAND_LINE_SIZE] = "";
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[length > 0 ? length : 0] = '\0';
	return cmdline_parse(text);
}

/* On every console: nothing else will be shown. In a process of its own, as PID 1 parses no
 * tables of the firmware. */
static void tell(struct cmdline cmdline, const char *text)
{
	char name[CONSOLE_NAME_SIZE];

	if (fork() != 0)
		return;
	if (spcr_console("", name))
		(void)cmdline_add_console(&cmdline, name);
	for (size_t i = 0; i < cmdline.console_count; i++) {
		struct err ignored;
		int fd;

		if (console_exists(cmdline.consoles[i]) &&
		    console_open(cmdline.consoles[i], &fd, &ignored) == 0)
			dprintf(fd, "%s", text);
	}
	_exit(EXIT_SUCCESS);
}

/* False: programs, libraries or drivers are missing, and somebody was told. */
static bool is_whole(const struct init *init)
{
	AUTO_FREE char *text = NULL;
	struct err err;
	int r = wholeness_check("", &err);

	if (r == 0)
		return true;
	if (asprintf(&text,
		     "\r\nopenbmr: cannot start: %s\r\nNext step: %s. "
		     "Ctrl-Alt-Delete restarts the machine.\r\n",
		     err.text, wholeness_cure(r)) < 0)
		text = NULL;
	tell(init->cmdline, text ? text : err.text);
	return false;
}

static void prepare(struct init *init, bool crashed)
{
	struct err err;
	int r = setup_system(complain, &err);

	if (r < 0) {
		complain("the recovery environment cannot start; a shell may help to see "
			 "why");
		add_child(init, CHILD_DIALOGUE, "console");
		return;
	}
	init->cmdline = read_cmdline();
	if (!is_whole(init))
		return;
	add_child(init, CHILD_DEVICES, NULL);
	if (access(SSH_KEYS_PATH, F_OK) == 0)
		add_child(init, CHILD_SSH, NULL);
	if (crashed)
		complain("PID 1 crashed and was started anew; what runs goes on");
	if (!crashed && automatic_is_wanted(&init->cmdline))
		add_child(init, CHILD_AUTOMATIC, NULL);
	else
		add_child(init, CHILD_RELAY, NULL);
}

int main(int argc, char **argv)
{
	static struct init init = { .start = SESSION_MENU, .signal_fd = -1 };

	if (strcmp(program_invocation_short_name, "bmr-attach") == 0)
		return attach_run();
	if (getpid() != 1) {
		fprintf(stderr,
			"%s: runs as the first process of the recovery environment "
			"only\n",
			argv[0]);
		return 2;
	}
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	set_signals(&init);
	prepare(&init, argc > 1 && strcmp(argv[1], crashed_argv[1]) == 0);
	for (;;) {
		wait_for_signal(&init, start_children(&init));
		reap(&init);
	}
}
