/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The environment by ssh, where the image was made with the keys of those who may: dropbear, by key
 * only, without forwarding; its host key is made at each start. A login runs nothing but
 * bmr-attach, which joins the terminal that all consoles show.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/spawn.h>

#include "coldplug.h"
#include "console.h"
#include "session.h"

#define HOST_KEY "/run/openbmr/ssh-host-key"
#define PIECE	 4096

/* -- the server ------------------------------------------------------------------------ */

static void tell_fingerprint(const char *said)
{
	const char *print = strstr(said, "Fingerprint: ");
	AUTO_FCLOSE FILE *file = print ? fopen(SSH_PATH, "we") : NULL;

	if (file)
		fprintf(file, "By ssh, host key %.*s\n",
			(int)strcspn(print + strlen("Fingerprint: "), "\n"),
			print + strlen("Fingerprint: "));
}

static int make_host_key(struct err *err)
{
	static const char *const make[] = {
		"/usr/bin/dropbearkey", "-t", "ed25519", "-f", HOST_KEY, NULL
	};
	static const char *const show[] = { "/usr/bin/dropbearkey", "-y", "-f", HOST_KEY,
					    NULL };
	AUTO_FREE char *said = NULL;
	int r = 0;

	if (access(HOST_KEY, F_OK) < 0)
		r = spawn_run(&(struct spawn){ .argv = make }, NULL, err);
	if (r == 0)
		r = spawn_run(&(struct spawn){ .argv = show }, &said, err);
	if (r == 0)
		tell_fingerprint(said);
	return r;
}

int ssh_run(struct err *err)
{
	static const char *const network[] = { "/usr/bin/bmr", "net", "up", NULL };
	/* -s, -j, -k: no password, no forwarding; -c: whatever a client asks for */
	static const char *const server[] = {
		"/usr/sbin/dropbear",  "-F", "-s", "-j", "-k", "-r", HOST_KEY, "-c",
		"/usr/bin/bmr-attach", NULL
	};
	int r = make_host_key(err);

	if (r < 0)
		return r;
	coldplug_wait();
	/* without an address nobody comes, and the menu's network page tells why */
	(void)!spawn_run(&(struct spawn){ .argv = network }, NULL, NULL);
	execv(server[0], (char *const *)server);
	return err_errno(err, errno, "'%s'", server[0]);
}

/* -- a login --------------------------------------------------------------------------- */

static int connect_relay(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = RELAY_PATH };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* False: the other end is gone. */
static bool pass_on(int from, int to)
{
	char bytes[PIECE];
	ssize_t n = read(from, bytes, sizeof(bytes));

	for (ssize_t at = 0; at < n;) {
		ssize_t written = write(to, bytes + at, (size_t)(n - at));

		if (written <= 0)
			return false;
		at += written;
	}
	return n > 0;
}

int attach_run(void)
{
	AUTO_CLOSE int relay = connect_relay();
	struct pollfd fds[2] = { { .fd = relay, .events = POLLIN },
				 { .fd = STDIN_FILENO, .events = POLLIN } };

	if (relay < 0) {
		fprintf(stderr, "the menu is just starting: try again\n");
		return EXIT_FAILURE;
	}
	console_mode_raw(STDIN_FILENO);
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			return EXIT_FAILURE;
		if ((fds[0].revents && !pass_on(relay, STDOUT_FILENO)) ||
		    (fds[1].revents && !pass_on(STDIN_FILENO, relay)))
			return EXIT_SUCCESS;
	}
}
