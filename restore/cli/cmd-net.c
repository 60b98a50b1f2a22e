/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr net: the network of this machine, and the way to a share. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>

#include "net.h"
#include "options.h"

/* DHCP takes 1 to 5 s; a switch with spanning tree lets nothing through for 30. */
#define DEFAULT_TIMEOUT_S 45
#define MAX_TIMEOUT_S	  3600

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

static enum exit_status take_timeout(const struct command *command, const char *name,
				     const char *value, void *field)
{
	static const unsigned range[] = { 0, MAX_TIMEOUT_S };

	return option_number(command, name, value, range, field);
}

static enum exit_status take_vlan(const struct command *command, const char *name,
				  const char *value, void *field)
{
	static const unsigned range[] = { 1, LINK_VLAN_MAX };

	return option_number(command, name, value, range, field);
}

static enum exit_status take_address(const struct command *command, const char *name,
				     const char *value, void *field)
{
	*(const char **)field = strcmp(value, "dhcp") == 0 ? NULL : value;
	return EXIT_DONE;
}

#define AT(member) offsetof(struct net_options, member)

static const struct cli_option cli_options[] = {
	{ "timeout", take_timeout, AT(timeout_s) },
	{ "interface", option_text, AT(settings.interface) },
	{ "address", take_address, AT(settings.address) },
	{ "gateway", option_text, AT(settings.gateway) },
	{ "dns", option_text, AT(settings.dns) },
	{ "vlan", take_vlan, AT(settings.vlan) },
	{ "credentials", option_text, AT(source.credentials) },
	{ "encrypt", option_encrypt, AT(source) },
	{ "clock-from", option_text, AT(clock_from) },
	{ "lock", option_text, AT(lock) },
	{ "hidden", option_flag, AT(hidden), .is_flag = true },
};

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
	enum exit_status status = options_parse(
		command, cli_options, ARRAY_SIZE(cli_options), argc, argv, &options);

	if (status != EXIT_DONE)
		return status;
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
