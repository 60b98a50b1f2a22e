/* SPDX-License-Identifier: GPL-3.0-or-later */
/* termios and controlling terminals: see console.h. */
#include "console.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <base/cleanup.h>

#define PATH_SIZE 64

static void make_path(const char *name, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "/dev/%s", name);
}

bool console_exists(const char *name)
{
	char path[PATH_SIZE];
	struct termios settings;
	int fd;
	bool exists;

	make_path(name, path);
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	/* a serial line without hardware answers with an input/output error */
	exists = fd >= 0 && tcgetattr(fd, &settings) == 0;
	cleanup_close(&fd);
	return exists;
}

static void set_mode(int fd, tcflag_t local)
{
	struct termios settings;

	if (tcgetattr(fd, &settings) < 0)
		return;
	settings.c_iflag = (settings.c_iflag & ~(tcflag_t)(IGNCR | INLCR | ISTRIP)) |
			   ICRNL | IXON | BRKINT;
	settings.c_oflag |= OPOST | ONLCR;
	settings.c_cflag |= CREAD | CLOCAL; /* no carrier is waited for */
	settings.c_lflag = ISIG | IEXTEN | local;
	settings.c_cc[VMIN] = 1;
	settings.c_cc[VTIME] = 0;
	settings.c_cc[VINTR] = 'C' - '@';
	settings.c_cc[VEOF] = 'D' - '@';
	settings.c_cc[VERASE] = 0x7f;
	(void)tcsetattr(fd, TCSANOW, &settings);
}

void console_mode_keys(int fd)
{
	set_mode(fd, 0);
}

void console_mode_lines(int fd)
{
	set_mode(fd, ICANON | ECHO | ECHOE | ECHOK);
}

void console_mode_hidden(int fd)
{
	set_mode(fd, ICANON | ECHONL);
}

void console_mode_raw(int fd)
{
	struct termios settings;

	if (tcgetattr(fd, &settings) < 0)
		return;
	cfmakeraw(&settings);
	settings.c_cflag |= CREAD | CLOCAL;
	(void)tcsetattr(fd, TCSANOW, &settings);
}

int console_open(const char *name, int *ret_fd, struct err *err)
{
	char path[PATH_SIZE];
	int fd;

	make_path(name, path);
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "'%s': opening", path);
	*ret_fd = fd;
	return 0;
}

int console_take(const char *name, struct err *err)
{
	int fd, r;

	(void)setsid(); /* fails where this process leads a session already */
	r = console_open(name, &fd, err);
	if (r < 0)
		return r;
	if (fcntl(fd, F_SETFL, 0) < 0 || ioctl(fd, TIOCSCTTY, 1) < 0) {
		int saved_errno = errno;

		close(fd);
		return err_errno(err, saved_errno, "'/dev/%s': taking it over", name);
	}
	for (int target = STDIN_FILENO; target <= STDERR_FILENO; target++)
		if (dup2(fd, target) < 0)
			return err_errno(err, errno, "'/dev/%s'", name);
	if (fd > STDERR_FILENO)
		close(fd);
	console_mode_lines(STDIN_FILENO);
	/* the kernel's own terminal, which those at the end of a serial line understand */
	setenv("TERM", "linux", 1);
	return 0;
}

int console_read_key(void)
{
	for (;;) {
		unsigned char key;
		ssize_t length = read(STDIN_FILENO, &key, 1);

		if (length == 1)
			return key;
		if (length == 0 || errno != EINTR)
			return -1;
	}
}

static int read_line(char *answer, size_t size)
{
	ssize_t length;

	do
		length = read(STDIN_FILENO, answer, size);
	while (length < 0 && errno == EINTR);
	if (length <= 0)
		return -ECANCELED;
	if (answer[length - 1] != '\n') {
		tcflush(STDIN_FILENO, TCIFLUSH);
		return (size_t)length == size ? -E2BIG : -ECANCELED;
	}
	answer[length - 1] = '\0';
	return 0;
}

int console_ask(const char *question, bool hidden, char *answer, size_t size)
{
	int r;

	/* before the question: who answers at once must not be shown */
	if (hidden)
		console_mode_hidden(STDIN_FILENO);
	else
		console_mode_lines(STDIN_FILENO);
	printf("%s: ", question);
	fflush(stdout);
	r = read_line(answer, size);
	console_mode_lines(STDIN_FILENO);
	return r;
}
