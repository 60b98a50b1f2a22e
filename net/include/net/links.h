/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wired network interfaces: up, and addresses by DHCP (dhcpcd, spawned) or as somebody says
 * (ip, spawned). DNS goes to /etc/resolv.conf.
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
	unsigned speed; /* Mbit/s; 0: not known */
	char address
		[64]; /* first global address with prefix, IPv4 before IPv6; "" if none */
	char address6[64];		/* first global one of IPv6 */
	char gateway[48], gateway6[48]; /* of the default route through it */
};

/* Wired interfaces (no loopback, no wireless, no virtual ones without a device).
 * The caller frees *ret. */
int links_read(struct link **ret, size_t *ret_count, struct err *err) MUST_CHECK;

/* What /etc/resolv.conf names, with blanks between; "" if nothing. */
void links_name_servers(char *text, size_t size);

/* Sets every wired interface up. */
int links_up(struct err *err) MUST_CHECK;

/* Starts dhcpcd for all wired interfaces, in the background; it stays and renews. Does nothing
 * where it runs already, or where links_set() gave an address. What it needs: net/links.c. */
int links_dhcp_start(struct err *err) MUST_CHECK;

/* Waits until at least one interface has a global address, and then up to 10 s for IPv4 and
 * name servers. -ETIMEDOUT with the state of each
 * interface: driver, carrier, address, and what to look at. */
int links_wait(unsigned timeout_ms, struct err *err) MUST_CHECK;

/* Settings that do not come from DHCP. Strings as in the answer file's [network]; NULL: not
 * given. */
struct link_settings {
	const char *
		interface; /* name or MAC; NULL: the only one, or the only one with a cable */
	const char *address; /* "192.0.2.10/24", "2001:db8::10/64"; NULL: by DHCP */
	const char *gateway; /* of the same family, within the address's network */
	const char *dns;     /* addresses with commas, LINK_DNS_MAX at most */
	unsigned vlan;	     /* 802.1Q number; 0: none */
};

#define LINK_DNS_MAX  3 /* as many as resolvers look at */
#define LINK_VLAN_MAX 4094

/* Is anything set? */
bool link_settings_given(const struct link_settings *settings);

/* Pure. -EINVAL: what is wrong with which value. */
int link_settings_check(const struct link_settings *settings, struct err *err) MUST_CHECK;

/* Checks them, makes them so on one interface, which is then the only one: a dhcpcd that runs is
 * ended, and started again for this interface where the address comes by DHCP. timeout_ms: how
 * long to wait for a cable where no interface is named. */
int links_set(const struct link_settings *settings, unsigned timeout_ms,
	      struct err *err) MUST_CHECK;
