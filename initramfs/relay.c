/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One terminal for all consoles: see session.h. The dialogue runs on a pseudo terminal; bytes
 * from it go to every console, keys of every console go to it.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/cleanup.h>

#include "console.h"
#include "session.h"
#include "spcr.h"

#define PTMX_PATH	"/dev/pts/ptmx"
#define RELAY_LOCK_PATH "/run/openbmr/relay.lock"
#define ROWS		24
#define COLUMNS		80
#define PIECE		4096
#define PENDING_MAX	(64 << 10) /* some screens; a serial line takes 11 KiB in a second */
#define REDRAW		"\f" /* what full-screen programs take for "draw it again" */

struct mirror {
	int fd;
	char pending[PENDING_MAX];
	size_t length;
	bool behind; /* something was left out: to be drawn again once it takes bytes */
};

struct relay {
	int master;
	size_t count;
	struct mirror mirrors[CONSOLES_MAX];
};

/* -- the terminal -------------------------------------------------------------------- */

static int open_master(struct err *err)
{
	struct winsize size = { .ws_row = ROWS, .ws_col = COLUMNS };
	int fd = open(PTMX_PATH, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "'%s': opening", PTMX_PATH);
	if (unlockpt(fd) < 0 || ioctl(fd, TIOCSWINSZ, &size) < 0) {
		int saved_errno = errno;

		close(fd);
		return err_errno(err, saved_errno, "'%s': a terminal", PTMX_PATH);
	}
	return fd;
}

static _Noreturn void run_dialogue(const char *name, enum session_end start)
{
	struct err err;
	enum session_end end = SESSION_MENU;

	if (console_take(name, &err) == 0)
		end = dialogue_run(start);
	fflush(stdout);
	_exit(end);
}

static pid_t start_dialogue(int master, enum session_end start, struct err *err)
{
	unsigned number = 0;
	char name[32];
	pid_t pid;

	if (ioctl(master, TIOCGPTN, &number) < 0)
		return err_errno(err, errno, "'%s': its number", PTMX_PATH);
	snprintf(name, sizeof(name), "pts/%u", number);
	pid = fork();
	if (pid == 0)
		run_dialogue(name, start);
	return pid < 0 ? err_errno(err, errno, "the dialogue") : pid;
}

/* -- mirrors ------------------------------------------------------------------------- */

static void close_mirror(struct mirror *mirror)
{
	close(mirror->fd);
	mirror->fd = -1;
}

static void show(struct mirror *mirror, const char *bytes, size_t length)
{
	if (mirror->fd < 0)
		return;
	if (length > PENDING_MAX - mirror->length) {
		mirror->length = 0;
		mirror->behind = true;
		return;
	}
	memcpy(mirror->pending + mirror->length, bytes, length);
	mirror->length += length;
}

static void drain(struct relay *relay, struct mirror *mirror)
{
	ssize_t n = write(mirror->fd, mirror->pending, mirror->length);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		close_mirror(mirror);
		return;
	}
	if (n > 0) {
		mirror->length -= (size_t)n;
		memmove(mirror->pending, mirror->pending + n, mirror->length);
	}
	if (mirror->length == 0 && mirror->behind) {
		mirror->behind = false;
		(void)!write(relay->master, REDRAW, strlen(REDRAW));
	}
}

static void take_keys(struct relay *relay, struct mirror *mirror)
{
	char keys[PIECE];
	ssize_t n = read(mirror->fd, keys, sizeof(keys));

	if (n > 0)
		(void)!write(relay->master, keys, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_mirror(mirror);
}

/* Those of the command line, and the one that the firmware names: found out here and not in
 * PID 1, which parses no tables. */
static void open_mirrors(struct relay *relay, struct cmdline cmdline)
{
	char name[CONSOLE_NAME_SIZE];

	if (spcr_console("", name))
		(void)cmdline_add_console(&cmdline, name);
	for (size_t i = 0; i < cmdline.console_count; i++) {
		struct mirror *mirror = &relay->mirrors[relay->count];

		if (!console_exists(cmdline.consoles[i]) ||
		    console_open(cmdline.consoles[i], &mirror->fd, NULL) < 0)
			continue;
		console_mode_raw(mirror->fd);
		relay->count++;
	}
}

/* -- the loop ------------------------------------------------------------------------ */

/* False: the dialogue has closed its end. */
static bool take_output(struct relay *relay)
{
	char bytes[PIECE];
	ssize_t n = read(relay->master, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	for (size_t i = 0; i < relay->count; i++)
		show(&relay->mirrors[i], bytes, (size_t)n);
	return n > 0;
}

/* Until the dialogue has ended: what it left behind may keep the terminal open for ever. */
static void serve(struct relay *relay, pid_t pid)
{
	AUTO_CLOSE int pid_fd = pidfd_open(pid, 0);
	struct pollfd fds[CONSOLES_MAX + 2] = { { .fd = relay->master,
						  .events = POLLIN } };
	struct pollfd *ended = &fds[relay->count + 1];

	for (;;) {
		*ended = (struct pollfd){ .fd = pid_fd, .events = POLLIN };
		for (size_t i = 0; i < relay->count; i++) {
			struct mirror *mirror = &relay->mirrors[i];
			bool waits = mirror->length || mirror->behind;

			fds[i + 1] = (struct pollfd){
				.fd = mirror->fd,
				.events = (short)(POLLIN | (waits ? POLLOUT : 0)),
			};
		}
		if (poll(fds, relay->count + 2, -1) < 0)
			continue;
		if ((fds[0].revents && !take_output(relay)) ||
		    (!fds[0].revents && ended->revents))
			return;
		for (size_t i = 0; i < relay->count; i++) {
			if (fds[i + 1].revents & (POLLIN | POLLHUP | POLLERR))
				take_keys(relay, &relay->mirrors[i]);
			if (fds[i + 1].revents & POLLOUT && relay->mirrors[i].fd >= 0)
				drain(relay, &relay->mirrors[i]);
		}
	}
}

/* The relay before this one may still be there: PID 1 has been started anew. */
static void wait_for_consoles(void)
{
	int fd = open(RELAY_LOCK_PATH, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)flock(fd, LOCK_EX); /* held until this process ends */
}

enum session_end relay_run(const struct cmdline *cmdline, enum session_end start)
{
	static struct relay relay;
	struct err err = { 0 };
	int status = 0;
	pid_t pid = -1;

	wait_for_consoles();
	open_mirrors(&relay, *cmdline);
	relay.master = open_master(&err);
	if (relay.master >= 0)
		pid = start_dialogue(relay.master, start, &err);
	if (pid < 0) {
		for (size_t i = 0; i < relay.count; i++)
			dprintf(relay.mirrors[i].fd, "openbmr: %s\r\n", err.text);
		return SESSION_MENU;
	}
	serve(&relay, pid);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? (enum session_end)WEXITSTATUS(status) : SESSION_MENU;
}
