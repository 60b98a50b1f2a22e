/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr: finds its command in a table and runs it. */
#include "command.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/log.h>

/* In the order of the help. */
static const struct command *const commands[] = {
	&command_scan,	  &command_show,   &command_files,  &command_disks, &command_plan,
	&command_restore, &command_resume, &command_verify, &command_auto,  &command_menu,
	&command_image,	  &command_pack,   &command_index,  &command_net,   &command_hw,
	&command_log,	  &command_put,
};

static void print_help(void)
{
	const char *group = "";

	puts("bmr: bare-metal recovery of Windows machines from WindowsImageBackup\n"
	     "\n"
	     "usage: bmr [--debug] COMMAND [ARGUMENT...]");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(group, commands[i]->group) != 0)
			printf("\n%s:\n", commands[i]->group);
		group = commands[i]->group;
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	}
	puts("\n'bmr COMMAND --help' tells more. Exit status: 0 done, 1 failed, 2 "
	     "usage,\n"
	     "3 cancelled, 4 refused by the plan, 5 stopped but resumable.");
}

static void print_command_help(const struct command *command)
{
	printf("usage: bmr %s\n\n%s\n", command->usage, command->summary);
	if (command->help)
		printf("\n%s", command->help);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc > 1 && strcmp(argv[1], "--debug") == 0) {
		log_set_level(LOG_LEVEL_DEBUG);
		argc--;
		argv++;
	}
	if (argc < 2) {
		print_help();
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
		print_help();
		return EXIT_DONE;
	}
	command = find_command(argv[1]);
	if (!command) {
		fprintf(stderr, "bmr: '%s' is not a command; 'bmr help' lists them\n",
			argv[1]);
		return EXIT_USAGE;
	}
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			print_command_help(command);
			return EXIT_DONE;
		}
	}
	return command->run(argc - 1, argv + 1);
}
