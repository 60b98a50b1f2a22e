/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr net: wired interfaces up, addresses by DHCP, and what they are. */
#include "command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>
#include <net/links.h>

/* DHCP takes 1 to 5 s; a switch with spanning tree lets nothing through for 30. */
#define DEFAULT_TIMEOUT_S 45
#define MAX_TIMEOUT_S	  3600

static int print_links(struct err *err)
{
	AUTO_FREE struct link *links = NULL;
	size_t count = 0;
	int r = links_read(&links, &count, err);

	if (r < 0)
		return r;
	if (count == 0)
		puts("no wired network interface");
	for (size_t i = 0; i < count; i++)
		printf("%-15s %-17s  %-12s %-10s %s\n", links[i].name, links[i].mac,
		       links[i].driver[0] ? links[i].driver : "-",
		       !links[i].up	   ? "down"
		       : !links[i].carrier ? "no cable"
					   : "up",
		       links[i].address[0] ? links[i].address : "-");
	return 0;
}

static int bring_up(unsigned timeout_s, struct err *err)
{
	int r = links_up(err);

	if (r == 0)
		r = links_dhcp_start(err);
	if (r == 0)
		r = links_wait(timeout_s * 1000, err);
	if (r == 0)
		r = print_links(err);
	return r;
}

static enum exit_status run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "timeout", required_argument, NULL, 't' }, { 0 }
	};
	const struct command *command = &command_net;
	unsigned long timeout_s = DEFAULT_TIMEOUT_S;
	const char *action;
	struct err err = { 0 };
	char *end = NULL;
	int option, r;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 't')
			return command_usage(command,
					     "unknown option, or one without its value");
		timeout_s = strtoul(optarg, &end, 10);
		if (end == optarg || *end || timeout_s > MAX_TIMEOUT_S)
			return command_usage(command,
					     "--timeout '%s': must be from 0 to %d",
					     optarg, MAX_TIMEOUT_S);
	}
	if (optind + 1 != argc)
		return command_usage(command, "what? 'up' or 'show'");
	action = argv[optind];
	if (strcmp(action, "up") == 0)
		r = bring_up((unsigned)timeout_s, &err);
	else if (strcmp(action, "show") == 0)
		r = print_links(&err);
	else
		return command_usage(command, "'%s': neither 'up' nor 'show'", action);
	return r < 0 ? command_fail(command, &err) : EXIT_DONE;
}

const struct command command_net = {
	.name = "net",
	.group = "Environment",
	.usage = "net up [--timeout SECONDS] | net show",
	.summary = "set up the wired network by DHCP, show interfaces and addresses",
	.help = "  --timeout SECONDS     how long to wait for an address (default 45)\n",
	.run = run,
};
