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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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
#define ATTACHED_MAX	4	   /* who come by ssh at once */
#define MIRRORS_MAX	(CONSOLES_MAX + ATTACHED_MAX)
#define REDRAW		"\f" /* what full-screen programs take for "draw it again" */

struct mirror {
	int fd;
	char pending[PENDING_MAX];
	size_t length;
	bool behind; /* something was left out: to be drawn again once it takes bytes */
};

struct relay {
	int master;
	int listener; /* for those who come by ssh; -1: nobody may */
	size_t count;
	struct mirror mirrors[MIRRORS_MAX];
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

/* -- those who come by ssh --------------------------------------------------------------- */

/* Of root alone, and there is none where the image has no keys. */
static int open_listener(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = RELAY_PATH };
	AUTO_CLOSE int fd = -1;
	mode_t before;
	int r;

	if (access(SSH_KEYS_PATH, F_OK) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(RELAY_PATH);
	before = umask(0177);
	r = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(before);
	return r < 0 || listen(fd, ATTACHED_MAX) < 0 ? -1 : TAKE_FD(fd);
}

/* A place that is free again, or a new one; NULL: all are taken. */
static struct mirror *find_place(struct relay *relay)
{
	for (size_t i = 0; i < relay->count; i++)
		if (relay->mirrors[i].fd < 0)
			return &relay->mirrors[i];
	return relay->count < MIRRORS_MAX ? &relay->mirrors[relay->count++] : NULL;
}

static void take_visitor(struct relay *relay)
{
	int fd = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct mirror *mirror = fd < 0 ? NULL : find_place(relay);

	if (!mirror) {
		if (fd >= 0)
			close(fd);
		return;
	}
	mirror->fd = fd;
	mirror->length = 0;
	mirror->behind = true; /* once it takes bytes all is drawn again */
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

#define FIRST_MIRROR 3 /* of what is polled */

/* Until the dialogue has ended: what it left behind may keep the terminal open for ever. */
static void serve(struct relay *relay, pid_t pid)
{
	AUTO_CLOSE int pid_fd = pidfd_open(pid, 0);
	struct pollfd fds[FIRST_MIRROR + MIRRORS_MAX] = {
		{ .fd = relay->master, .events = POLLIN },
		{ .fd = pid_fd, .events = POLLIN },
		{ .fd = relay->listener, .events = POLLIN },
	};

	for (;;) {
		size_t count = relay->count;

		for (size_t i = 0; i < count; i++) {
			struct mirror *mirror = &relay->mirrors[i];
			bool waits = mirror->length || mirror->behind;

			fds[FIRST_MIRROR + i] = (struct pollfd){
				.fd = mirror->fd,
				.events = (short)(POLLIN | (waits ? POLLOUT : 0)),
			};
		}
		if (poll(fds, FIRST_MIRROR + count, -1) < 0)
			continue;
		if ((fds[0].revents && !take_output(relay)) ||
		    (!fds[0].revents && fds[1].revents))
			return;
		for (size_t i = 0; i < count; i++) {
			short what = fds[FIRST_MIRROR + i].revents;

			if (what & (POLLIN | POLLHUP | POLLERR))
				take_keys(relay, &relay->mirrors[i]);
			if (what & POLLOUT && relay->mirrors[i].fd >= 0)
				drain(relay, &relay->mirrors[i]);
		}
		/* after the others: it may take the place of one that has just gone */
		if (fds[2].revents)
			take_visitor(relay);
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
	relay.listener = open_listener();
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
