/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A time limit: see watchdog.h. */
#include "watchdog.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

/* libsmbclient opens few descriptors, and a new one gets the lowest free number. */
#define MAX_DESCRIPTORS 256

static volatile sig_atomic_t has_bitten;

/* Only calls that POSIX allows in a handler (signal-safety(7)). */
static void bite(int number)
{
	int saved_errno = errno;

	has_bitten = 1;
	for (int fd = 0; fd < MAX_DESCRIPTORS; fd++) {
		struct sockaddr_storage peer = { 0 };
		socklen_t size = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 &&
		    (peer.ss_family == AF_INET || peer.ss_family == AF_INET6))
			shutdown(fd, SHUT_RDWR);
	}
	errno = saved_errno;
}

static void set_timer(unsigned timeout_ms)
{
	/* Again every second: a call may open another connection when the first one ends. */
	struct itimerval timer = {
		.it_value = { timeout_ms / 1000, timeout_ms % 1000 * 1000 },
		.it_interval = { timeout_ms ? 1 : 0, 0 },
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

void watchdog_start(unsigned timeout_ms)
{
	struct sigaction action = { .sa_handler = bite, .sa_flags = SA_RESTART };

	has_bitten = 0;
	sigaction(SIGALRM, &action, NULL);
	set_timer(timeout_ms);
}

bool watchdog_stop(void)
{
	int saved_errno = errno;

	set_timer(0);
	errno = saved_errno;
	return has_bitten;
}
