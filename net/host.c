/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, addresses and TCP: see host.h. */
#include "host.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>

void host_format_address(const struct sockaddr_storage *address, char *text, size_t size)
{
	if (getnameinfo((const struct sockaddr *)address, sizeof(*address), text,
			(socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
		snprintf(text, size, "?");
}

int host_resolve(const char *name, unsigned port, struct host *ret, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_NUMERICSERV };
	struct host host = { .name = name, .port = port };
	struct addrinfo *list = NULL;
	char service[8];
	int r;

	snprintf(service, sizeof(service), "%u", port);
	r = getaddrinfo(name, service, &hints, &list);
	if (r == EAI_NONAME || r == EAI_NODATA || r == EAI_ADDRFAMILY)
		return err_set(
			err, -ENOENT,
			"'%s': no host of that name: check the spelling, or use its "
			"address instead",
			name);
	if (r == EAI_MEMORY)
		return err_nomem(err);
	if (r != 0)
		return err_set(
			err, -EHOSTUNREACH,
			"'%s': the name cannot be looked up (%s): check cable, address "
			"and DNS server, or use the host's address instead",
			name, gai_strerror(r));
	for (struct addrinfo *p = list; p && host.count < HOST_MAX_ADDRESSES;
	     p = p->ai_next)
		memcpy(&host.addresses[host.count++], p->ai_addr, p->ai_addrlen);
	freeaddrinfo(list);
	*ret = host;
	return 0;
}

/* 0 or a positive errno value. The socket blocks, as sockets do. */
static int try_connect(const struct sockaddr_storage *address, unsigned timeout_ms,
		       int *ret_fd)
{
	AUTO_CLOSE int fd =
		socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd writable = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int r, code = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	    errno != EINPROGRESS)
		return errno;
	do
		r = poll(&writable, 1, (int)timeout_ms);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return ETIMEDOUT;
	if (r < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0 ||
	    fcntl(fd, F_SETFL, 0) < 0)
		return errno;
	if (code == 0)
		*ret_fd = TAKE_FD(fd);
	return code;
}

/* What to do about it. */
static const char *connect_advice(int code)
{
	switch (code) {
	case ECONNREFUSED:
		return "the host is there, but shares no files at this port";
	case ETIMEDOUT:
		return "is the host switched on, and does a firewall let the port "
		       "through?";
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
		return "no way there: check cable, address and gateway of this machine";
	default:
		return "check the network";
	}
}

int host_connect(const struct host *host, unsigned timeout_ms, int *ret_fd,
		 struct err *err)
{
	char address[INET6_ADDRSTRLEN + IF_NAMESIZE] = "?";
	int code = EADDRNOTAVAIL;

	for (size_t i = 0; i < host->count; i++) {
		code = try_connect(&host->addresses[i], timeout_ms, ret_fd);
		if (code == 0)
			return 0;
		host_format_address(&host->addresses[i], address, sizeof(address));
	}
	return err_set(err, -code, "'%s': no connection to port %u at %s (%s): %s",
		       host->name, host->port, address, strerror(code),
		       connect_advice(code));
}

int host_probe(const struct host *host, unsigned timeout_ms, struct err *err)
{
	AUTO_CLOSE int fd = -1;

	return host_connect(host, timeout_ms, &fd, err);
}

/* -- peers ------------------------------------------------------------------------ */

/* IPv4 in IPv6's clothes is IPv4. */
static bool same_address(const struct sockaddr_storage *a,
			 const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a6->sin6_addr) &&
	    b->ss_family == AF_INET)
		return memcmp(&a6->sin6_addr.s6_addr[12], &b4->sin_addr, 4) == 0;
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

int host_refuse_link(const char *name, const char *address, struct err *err)
{
	return err_set(
		err, -EREMOTE,
		"'%s' sends us to another host, %s (a DFS link): name that host and its "
		"share instead",
		name, address);
}

static int check_peer(int fd, const struct host *host, const char *name, struct err *err)
{
	char address[INET6_ADDRSTRLEN + IF_NAMESIZE];
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof(peer);

	if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0)
		return 0; /* no socket, or none that is connected */
	if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6)
		return 0;
	for (size_t i = 0; i < host->count; i++)
		if (same_address(&peer, &host->addresses[i]))
			return 0;
	host_format_address(&peer, address, sizeof(address));
	return host_refuse_link(name, address, err);
}

int host_check_peers(const struct host *host, const char *name, struct err *err)
{
	DIR *descriptors = opendir("/proc/self/fd");
	struct dirent *entry;
	int r = 0;

	if (!descriptors)
		return err_errno(err, errno, "'/proc/self/fd'");
	while (r == 0 && (entry = readdir(descriptors)))
		if (entry->d_name[0] != '.')
			r = check_peer(atoi(entry->d_name), host, name, err);
	closedir(descriptors);
	return r;
}
