/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr net up, set, show: wired interfaces and what they are called. */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/log.h>
#include <base/text.h>

#include "clock.h"

static const char *state_of(const struct link *link)
{
	if (!link->up)
		return "down";
	return link->carrier ? "up" : "no cable";
}

/* What there is besides, on a line of its own. */
static void print_more(const struct link *link)
{
	AUTO(text_clear) struct text more = { 0 };

	if (link->speed)
		text_add(&more, ", %u Mbit/s", link->speed);
	if (link->gateway[0])
		text_add(&more, ", gateway %s", link->gateway);
	if (link->address6[0] && strcmp(link->address, link->address6) != 0)
		text_add(&more, ", %s", link->address6);
	if (link->gateway6[0])
		text_add(&more, ", gateway %s", link->gateway6);
	if (more.string)
		printf("%-15s %s\n", "", more.string + strlen(", "));
}

/* A server that does not answer is nobody's failure here: it will be told of when it is read. */
static void tell_clock(const struct net_options *options, bool set)
{
	AUTO(smb_location_clear) struct smb_location location = { 0 };
	AUTO_FREE char *text = NULL;
	struct err err = { 0 };

	if (!options->clock_from)
		return;
	if (smb_server_parse(options->clock_from, &location, &err) < 0 ||
	    clock_compare(&location, set, &text, &err) < 0)
		log_warning("clock: %s, ignoring", err.text);
	else
		printf("clock           %s\n", text);
}

static int show_links(struct err *err)
{
	AUTO_FREE struct link *links = NULL;
	char servers[256];
	size_t count = 0;
	int r = links_read(&links, &count, err);

	if (r < 0)
		return r;
	if (count == 0)
		puts("no wired network interface");
	for (size_t i = 0; i < count; i++) {
		printf("%-15s %-17s  %-12s %-10s %s\n", links[i].name, links[i].mac,
		       links[i].driver[0] ? links[i].driver : "-", state_of(&links[i]),
		       links[i].address[0] ? links[i].address : "-");
		print_more(&links[i]);
	}
	links_name_servers(servers, sizeof(servers));
	printf("name servers    %s\n", servers[0] ? servers : "none");
	return 0;
}

int net_show(const struct net_options *options, struct err *err)
{
	int r = show_links(err);

	if (r == 0)
		tell_clock(options, false);
	return r;
}

int net_up(const struct net_options *options, struct err *err)
{
	const struct link_settings *settings = &options->settings;
	int r = links_up(err);

	if (r == 0 && link_settings_given(settings))
		r = links_set(settings, options->timeout_s * 1000, err);
	else if (r == 0)
		r = links_dhcp_start(err);
	if (r == 0 && !settings->address)
		r = links_wait(options->timeout_s * 1000, err);
	if (r == 0)
		r = show_links(err);
	if (r == 0)
		tell_clock(options, !clock_is_locked(options->lock));
	return r;
}
