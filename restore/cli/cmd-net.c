/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr net: the network of this machine, and the way to a share. */
#include "command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>

#include "net.h"

/* DHCP takes 1 to 5 s; a switch with spanning tree lets nothing through for 30. */
#define DEFAULT_TIMEOUT_S 45
#define MAX_TIMEOUT_S	  3600

enum {
	OPTION_TIMEOUT = 1,
	OPTION_INTERFACE,
	OPTION_ADDRESS,
	OPTION_GATEWAY,
	OPTION_DNS,
	OPTION_VLAN,
};

static const struct option long_options[] = {
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "interface", required_argument, NULL, OPTION_INTERFACE },
	{ "address", required_argument, NULL, OPTION_ADDRESS },
	{ "gateway", required_argument, NULL, OPTION_GATEWAY },
	{ "dns", required_argument, NULL, OPTION_DNS },
	{ "vlan", required_argument, NULL, OPTION_VLAN },
	{ 0 },
};

enum operand { OPERAND_NONE, OPERAND_INTERFACE };

static const struct action {
	const char *name;
	enum operand operand;
	const char *operand_name;
	int (*run)(const struct net_options *options, struct err *err);
} actions[] = {
	{ "up", OPERAND_NONE, NULL, net_up },
	{ "show", OPERAND_NONE, NULL, net_show },
	{ "set", OPERAND_INTERFACE, "an interface", net_up },
};

static bool take_number(const char *text, unsigned long min, unsigned long max,
			unsigned *ret)
{
	char *end = NULL;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end || text[0] == '-' || number < min || number > max)
		return false;
	*ret = (unsigned)number;
	return true;
}

/* false: told on standard error. */
static bool take_option(int option, struct net_options *options)
{
	struct link_settings *settings = &options->settings;

	switch (option) {
	case OPTION_TIMEOUT:
		if (take_number(optarg, 0, MAX_TIMEOUT_S, &options->timeout_s))
			return true;
		command_usage(&command_net, "--timeout '%s': must be from 0 to %d",
			      optarg, MAX_TIMEOUT_S);
		return false;
	case OPTION_INTERFACE:
		settings->interface = optarg;
		return true;
	case OPTION_ADDRESS:
		settings->address = strcmp(optarg, "dhcp") == 0 ? NULL : optarg;
		return true;
	case OPTION_GATEWAY:
		settings->gateway = optarg;
		return true;
	case OPTION_DNS:
		settings->dns = optarg;
		return true;
	case OPTION_VLAN:
		if (take_number(optarg, 1, LINK_VLAN_MAX, &settings->vlan))
			return true;
		command_usage(&command_net, "--vlan '%s': must be from 1 to %d", optarg,
			      LINK_VLAN_MAX);
		return false;
	default:
		command_usage(&command_net, "unknown option, or one without its value");
		return false;
	}
}

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

static enum exit_status run(int argc, char **argv)
{
	struct net_options options = { .timeout_s = DEFAULT_TIMEOUT_S };
	const struct command *command = &command_net;
	const struct action *action;
	struct err err = { 0 };
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(option, &options))
			return EXIT_USAGE;
	if (optind == argc)
		return command_usage(command, "what? 'up', 'set' or 'show'");
	action = find_action(argv[optind]);
	if (!action)
		return command_usage(command, "'%s': none of 'up', 'set' and 'show'",
				     argv[optind]);
	optind++;
	if (action->operand != OPERAND_NONE && optind == argc)
		return command_usage(command, "'%s' needs %s", action->name,
				     action->operand_name);
	if (action->operand == OPERAND_INTERFACE)
		options.settings.interface = argv[optind++];
	if (optind < argc)
		return command_usage(command, "'%s' is one argument too many",
				     argv[optind]);
	return action->run(&options, &err) < 0 ? command_fail(command, &err) : EXIT_DONE;
}

const struct command command_net = {
	.name = "net",
	.group = "Environment",
	.usage = "net up | set INTERFACE | show [OPTIONS]",
	.summary = "set up the wired network, show interfaces and addresses",
	.help = "  up                    by DHCP, or as the options below say\n"
		"  set INTERFACE         the same for one interface, by name or MAC\n"
		"  show                  interfaces, addresses, gateways, name servers\n"
		"  --timeout SECONDS     how long to wait for an address (default 45)\n"
		"  --address A/B         such as 192.0.2.10/24, 2001:db8::10/64, or "
		"dhcp\n"
		"  --gateway G           in the network of the address\n"
		"  --dns D[,D]           name servers\n"
		"  --vlan N              802.1Q number\n"
		"  --interface I         for up: name or MAC\n",
	.run = run,
};
