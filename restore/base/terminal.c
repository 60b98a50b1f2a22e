/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to a person: see base/terminal.h. */
#include <base/terminal.h>

#include <fcntl.h>
#include <string.h>
#include <termios.h>

#include <base/cleanup.h>

static int open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC);
}

bool terminal_is_there(void)
{
	AUTO_CLOSE int tty = open_terminal();

	return tty >= 0;
}

/* The terminal without echo. ^C ends the line, so that nothing kills us while echo is
 * off. */
static int silence(int tty, struct termios *ret_before, struct err *err)
{
	struct termios quiet;

	if (tcgetattr(tty, ret_before) < 0)
		return err_errno(err, errno, "the terminal");
	quiet = *ret_before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	quiet.c_lflag |= ECHONL | ICANON;
	quiet.c_cc[VEOL] = 3; /* ^C */
	if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
		return err_errno(err, errno, "the terminal: turning echo off");
	return 0;
}

/* A line without its end. */
static int read_line(int tty, char **ret, struct err *err)
{
	char line[TERMINAL_LINE_MAX + 2] = "";
	size_t length = 0;
	int r = 0;

	while (length < sizeof(line) - 1) {
		ssize_t n = read(tty, line + length, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = err_errno(err, errno, "the terminal");
		if (n == 0 || (n > 0 && line[length] == 3))
			r = err_set(err, -ECANCELED, "cancelled at the terminal");
		if (n <= 0 || r < 0 || line[length] == '\n')
			break;
		length++;
	}
	if (r == 0 && length > TERMINAL_LINE_MAX)
		r = err_set(err, -EINVAL, "more than %d bytes", TERMINAL_LINE_MAX);
	line[length] = '\0';
	if (r == 0) {
		*ret = strdup(line);
		r = *ret ? 0 : err_nomem(err);
	}
	explicit_bzero(line, sizeof(line));
	return r;
}

int terminal_ask(const char *question, bool secret, char **ret, struct err *err)
{
	AUTO_CLOSE int tty = open_terminal();
	struct termios before;
	int r = 0;

	if (tty < 0)
		return err_set(err, -ENOTTY, "no terminal to ask at");
	if (dprintf(tty, "%s", question) < 0)
		return err_errno(err, errno, "the terminal");
	if (secret)
		r = silence(tty, &before, err);
	if (r < 0)
		return r;
	r = read_line(tty, ret, err);
	if (secret)
		tcsetattr(tty, TCSAFLUSH, &before);
	return r;
}
