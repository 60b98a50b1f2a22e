/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses by dhcpcd.
 *
 * What an image needs for this besides the program and its libraries:
 *	/usr/sbin/dhcpcd, /usr/lib/dhcpcd (package dhcpcd-base; "dev" below it is not needed)
 *	/bin/sh and rm, mkdir, cat, chmod, sed in PATH, for the hook that writes resolv.conf
 *	user "dhcpcd" in /etc/passwd (without it dhcpcd runs as root)
 *	/run, /var/lib/dhcpcd, /etc writable; /sys and /proc mounted
 *	kernel module af_packet (built in or loaded)
 */
#include "links-dhcp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/spawn.h>

#define PID_FILE "/run/dhcpcd/pid"

#define END_TRIES   100 /* of 100 ms: it runs its hooks before it ends */
#define END_POLL_US 100000

/* Its process id; 0: it does not run. It cares for new interfaces itself. */
static pid_t dhcp_process(void)
{
	AUTO_FCLOSE FILE *file = fopen(PID_FILE, "re");
	char path[64];
	int pid = 0;

	if (!file || fscanf(file, "%d", &pid) != 1 || pid <= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	return access(path, F_OK) == 0 ? pid : 0;
}

/* Its own file of settings is left out, so that all images and hosts behave alike. */
static const char *const dhcp_options[] = {
	"dhcpcd",
	"--quiet",
	"--background",
	"--config=/dev/null",
	"--nodev",	/* it would wait for udev, which nobody runs here */
	"--persistent", /* keep the address when it ends */
	"--nodelay",
	"--noarp",    /* 5 s: the server has probed the address */
	"--noipv4ll", /* an address that leads nowhere */
	"--option=domain_name_servers,domain_name,domain_search",
	"--option=classless_static_routes,interface_mtu",
	"--slaac=hwaddr",
	/* all hooks but resolv.conf */
	"--nohook=test,hostname,ntp,chrony,timesyncd,openntpd",
};

static int run_on(const struct link *links, size_t count, const char *interface,
		  struct err *err)
{
	const char *argv[ARRAY_SIZE(dhcp_options) + 2 * MAX_LINKS + 1];
	size_t n = 0;

	for (; n < ARRAY_SIZE(dhcp_options); n++)
		argv[n] = dhcp_options[n];
	for (size_t i = 0; i < count; i++) {
		if (interface && strcmp(links[i].name, interface) != 0)
			continue;
		argv[n++] = "--allowinterfaces";
		argv[n++] = links[i].name;
	}
	argv[n] = NULL;
	return spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
}

int dhcp_start(const char *interface, struct err *err)
{
	AUTO_FREE struct link *links = NULL;
	size_t count = 0;
	int r;

	if (dhcp_process())
		return 0;
	r = links_read(&links, &count, err);
	if (r < 0)
		return r;
	if (count == 0)
		return err_set(
			err, -ENODEV,
			"no wired network interface: no card, no driver for it, or its "
			"firmware is missing");
	return run_on(links, count, interface, err);
}

int dhcp_stop(struct err *err)
{
	pid_t pid = dhcp_process();

	if (!pid)
		return 0;
	if (kill(pid, SIGTERM) < 0)
		return err_errno(err, errno, "ending dhcpcd (process %d)", pid);
	for (unsigned i = 0; i < END_TRIES && dhcp_process(); i++)
		usleep(END_POLL_US);
	if (dhcp_process())
		return err_set(err, -EBUSY, "dhcpcd (process %d) does not end", pid);
	return 0;
}
