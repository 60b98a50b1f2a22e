/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The host of a share: its addresses, and whether something listens there. These are
 * stages of their own so that an error says which one failed (USERS.md section 2, row 7).
 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

#include <base/err.h>

/* Names with more addresses are not met; the rest is left out. */
#define HOST_MAX_ADDRESSES 16

struct host {
	const char *name; /* as the user wrote it; not owned */
	unsigned port;
	size_t count;
	struct sockaddr_storage addresses[HOST_MAX_ADDRESSES];
};

/* In digits; INET6_ADDRSTRLEN + IF_NAMESIZE bytes are enough. */
void host_format_address(const struct sockaddr_storage *address, char *text, size_t size);

/* By /etc/hosts and DNS. -ENOENT: no such name; -EHOSTUNREACH: no answer. */
int host_resolve(const char *name, unsigned port, struct host *ret,
		 struct err *err) MUST_CHECK;

/* Connects to one address after the other until one accepts. timeout_ms is for each. The error
 * is the last one's, and names the address. */
int host_connect(const struct host *host, unsigned timeout_ms, int *ret_fd,
		 struct err *err) MUST_CHECK;

/* The same, and disconnects. */
int host_probe(const struct host *host, unsigned timeout_ms, struct err *err) MUST_CHECK;

/* Do all TCP connections of this process lead to host? -EREMOTE with the address of the
 * one that does not: the server, name, sent us there. */
int host_check_peers(const struct host *host, const char *name,
		     struct err *err) MUST_CHECK;

/* -EREMOTE, with its text. */
int host_refuse_link(const char *name, const char *address, struct err *err);
