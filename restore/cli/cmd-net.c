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
	OPTION_CREDENTIALS,
	OPTION_ENCRYPT,
	OPTION_HIDDEN,
	OPTION_CLOCK_FROM,
	OPTION_LOCK,
};

static const struct option long_options[] = {
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "interface", required_argument, NULL, OPTION_INTERFACE },
	{ "address", required_argument, NULL, OPTION_ADDRESS },
	{ "gateway", required_argument, NULL, OPTION_GATEWAY },
	{ "dns", required_argument, NULL, OPTION_DNS },
	{ "vlan", required_argument, NULL, OPTION_VLAN },
	{ "credentials", required_argument, NULL, OPTION_CREDENTIALS },
	{ "encrypt", required_argument, NULL, OPTION_ENCRYPT },
	{ "clock-from", required_argument, NULL, OPTION_CLOCK_FROM },
	{ "lock", required_argument, NULL, OPTION_LOCK },
	{ "hidden", no_argument, NULL, OPTION_HIDDEN },
	{ 0 },
};

#define ACTION_NAMES_SIZE 128

enum operand { OPERAND_NONE, OPERAND_INTERFACE, OPERAND_SOURCE };

static const struct action {
	const char *name;
	enum operand operand;
	const char *operand_name;
	int (*run)(const struct net_options *options, struct err *err);
} actions[] = {
	{ "up", OPERAND_NONE, NULL, net_up },
	{ "show", OPERAND_NONE, NULL, net_show },
	{ "set", OPERAND_INTERFACE, "an interface", net_up },
	{ "probe", OPERAND_SOURCE, "a share, smb://host/share/path", net_probe },
	{ "shares", OPERAND_SOURCE, "a server", net_shares },
	{ "folders", OPERAND_SOURCE, "a share, smb://host/share/path", net_folders },
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
	case OPTION_CREDENTIALS:
		options->source.credentials = optarg;
		return true;
	case OPTION_ENCRYPT:
		if (source_take_encryption(&options->source, optarg))
			return true;
		command_usage(&command_net,
			      "--encrypt '%s': neither required nor "
			      "if-offered",
			      optarg);
		return false;
	case OPTION_CLOCK_FROM:
		options->clock_from = optarg;
		return true;
	case OPTION_LOCK:
		options->lock = optarg;
		return true;
	case OPTION_HIDDEN:
		options->hidden = true;
		return true;
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

static const char *action_names(char text[ACTION_NAMES_SIZE])
{
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		length += (size_t)snprintf(text + length, ACTION_NAMES_SIZE - length,
					   "%s'%s'", i ? ", " : "", actions[i].name);
	return text;
}

static enum exit_status run(int argc, char **argv)
{
	struct net_options options = { .timeout_s = DEFAULT_TIMEOUT_S,
				       .source = { .may_prompt = true } };
	char names[ACTION_NAMES_SIZE];
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
		return command_usage(command, "what? one of %s", action_names(names));
	action = find_action(argv[optind]);
	if (!action)
		return command_usage(command, "'%s': none of %s", argv[optind],
				     action_names(names));
	optind++;
	if (action->operand != OPERAND_NONE && optind == argc)
		return command_usage(command, "'%s' needs %s", action->name,
				     action->operand_name);
	if (action->operand == OPERAND_INTERFACE)
		options.settings.interface = argv[optind++];
	else if (action->operand == OPERAND_SOURCE)
		options.source.text = argv[optind++];
	if (optind < argc)
		return command_usage(command, "'%s' is one argument too many",
				     argv[optind]);
	return action->run(&options, &err) < 0 ? command_fail(command, &err) : EXIT_DONE;
}

const struct command command_net = {
	.name = "net",
	.group = "Environment",
	.usage = "net up | set INTERFACE | show | probe SHARE | shares SERVER | folders "
		 "SHARE "
		 "[OPTIONS]",
	.summary = "set up the wired network; find out why a share does not open",
	.help = "  up                    by DHCP, or as the options below say\n"
		"  set INTERFACE         the same for one interface, by name or MAC\n"
		"  show                  interfaces, addresses, gateways, name servers\n"
		"  probe SHARE           the way to a share stage by stage: name, TCP, "
		"dialect,\n"
		"                        protection, login, share, path, first read\n"
		"  shares SERVER         the shares of a server (--hidden: C$, too)\n"
		"  folders SHARE         the folders of a share or of a folder in it\n"
		"  --credentials FILE    login of the share\n"
		"  --encrypt required    see bmr scan\n"
		"  --timeout SECONDS     how long to wait for an address (default 45)\n"
		"  --address A/B         such as 192.0.2.10/24, 2001:db8::10/64, or "
		"dhcp\n"
		"  --gateway G           in the network of the address\n"
		"  --dns D[,D]           name servers\n"
		"  --vlan N              802.1Q number\n"
		"  --interface I         for up: name or MAC\n"
		"  --clock-from SERVER   show how far this machine's clock is from that "
		"of "
		"a server or\n"
		"                        share; up and set: set it by that where they "
		"are "
		"more than\n"
		"                        5 minutes apart (not the hardware clock: "
		"Windows "
		"keeps local\n"
		"                        time in it)\n"
		"  --lock FILE           while it is locked the clock is not set: a "
		"restore "
		"runs\n",
	.run = run,
};
