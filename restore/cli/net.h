/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `bmr net` does, one function for each of its words. All print on standard output. */
#pragma once

#include <net/links.h>

#include "source.h"

struct net_options {
	struct source_options
		source; /* text: what stands behind the word; NULL: nothing */
	struct link_settings settings;
	unsigned timeout_s;
	const char *clock_from; /* server whose clock is compared; NULL: none */
	const char *lock;	/* while this file is locked the clock is not set; NULL */
	bool hidden;		/* shares whose names end in '$', too */
};

/* Interfaces, gateways, name servers, the difference of the clocks. */
int net_show(const struct net_options *options, struct err *err) MUST_CHECK;

/* Makes the settings so, or asks DHCP, waits for an address, sets the clock, and shows all. */
int net_up(const struct net_options *options, struct err *err) MUST_CHECK;

/* Each stage of the way to a share, and what helps where it fails. */
int net_probe(const struct net_options *options, struct err *err) MUST_CHECK;

/* The shares of a server, or the folders of a folder of one: a name a line. */
int net_shares(const struct net_options *options, struct err *err) MUST_CHECK;
int net_folders(const struct net_options *options, struct err *err) MUST_CHECK;
