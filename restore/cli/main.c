/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr: finds its command in a table and runs it. */
#include "command.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "log-bundle.h"
#include "log-sink.h"
#include "machine-facts.h"

/* In the order of the help. */
static const struct command *const commands[] = {
	&command_scan,	 &command_show,	   &command_files,  &command_disks,
	&command_plan,	 &command_restore, &command_resume, &command_systemstate,
	&command_verify, &command_auto,	   &command_menu,   &command_image,
	&command_pack,	 &command_index,   &command_net,    &command_hw,
	&command_log,	 &command_put,
};

static void print_help(void)
{
	const char *group = "";

	puts("bmr: bare-metal recovery of Windows machines from WindowsImageBackup\n"
	     "\n"
	     "usage: bmr [--log-level LEVEL] COMMAND [ARGUMENT...]\n"
	     "\n"
	     "  --log-level LEVEL  what is told beside results: error, warning "
	     "(default), "
	     "info or\n"
	     "                     debug; --debug is the last one");
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

/* What the recovery environment's log keeps: a boot entry can say more of it. */
static enum log_level stored_level(void)
{
	AUTO_FREE char *wanted = kernel_argument("", "openbmr.loglevel=");
	enum log_level level = LOG_LEVEL_INFO;

	if (wanted)
		(void)log_level_parse(wanted, &level);
	return level;
}

/* Arguments before the command: how many, or -1 where they are not understood. */
static int take_log_level(int argc, char **argv)
{
	enum log_level shown = LOG_LEVEL_WARNING;
	bool environment = access(LOG_FOLDER, W_OK) == 0;
	int taken = 0;

	if (argc > 1 && strcmp(argv[1], "--debug") == 0) {
		shown = LOG_LEVEL_DEBUG;
		taken = 1;
	} else if (argc > 1 && strcmp(argv[1], "--log-level") == 0) {
		if (argc < 3 || !log_level_parse(argv[2], &shown))
			return -1;
		taken = 2;
	}
	log_sink_open(environment ? LOG_PATH : NULL, shown,
		      environment ? stored_level() : LOG_LEVEL_INFO);
	return taken;
}

static enum exit_status run(const struct command *command, int argc, char **argv)
{
	enum exit_status status = command->run(argc, argv);
	AUTO_FREE char *text =
		text_format("bmr %s: exit status %d", command->name, status);

	if (text)
		log_sink_store(LOG_LEVEL_INFO, text);
	return status;
}

int main(int argc, char **argv)
{
	const struct command *command;
	int taken = take_log_level(argc, argv);

	if (taken < 0) {
		fprintf(stderr, "bmr: --log-level: must be error, warning, info or "
				"debug\n");
		return EXIT_USAGE;
	}
	argc -= taken;
	argv += taken;
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
	return run(command, argc - 1, argv + 1);
}
