/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wired network interfaces: up, and addresses by DHCP (dhcpcd, spawned). DNS goes to
 * /etc/resolv.conf as dhcpcd's hook writes it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>

struct link {
	char name[16];
	char mac[18];
	char driver[32]; /* "" if unknown */
	bool up, carrier;
	char address[64]; /* first global address with prefix; "" if none */
};

/* Wired interfaces (no loopback, no wireless, no virtual ones without a device).
 * The caller frees *ret. */
int links_read(struct link **ret, size_t *ret_count, struct err *err) MUST_CHECK;

/* Sets every wired interface up. */
int links_up(struct err *err) MUST_CHECK;

/* Starts dhcpcd for all wired interfaces, in the background; it stays and renews. Does nothing
 * where it runs already. What it needs: net/links.c. */
int links_dhcp_start(struct err *err) MUST_CHECK;

/* Waits until at least one interface has a global address, and then up to 3 s for IPv4 and
 * name servers. -ETIMEDOUT with the state of each
 * interface: driver, carrier, address, and what to look at. */
int links_wait(unsigned timeout_ms, struct err *err) MUST_CHECK;
