/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr menu: restoring by reading the screen. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>

#include "options.h"
#include "../menu/menu.h"

/* Where there is none, or it names none that is known, the language stays as it is. */
static void read_language(const char *path)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	char id[8];

	if (file && fscanf(file, "%7s", id) == 1)
		(void)text_choose_language_id(id);
}

static enum exit_status take_language_file(const struct command *command,
					   const char *name, const char *value,
					   void *field)
{
	read_language(value);
	return EXIT_DONE;
}

static enum exit_status take_language(const struct command *command, const char *name,
				      const char *value, void *field)
{
	if (text_choose_language_id(value))
		return EXIT_DONE;
	return command_usage(command, "--%s '%s': the menu does not have it", name,
			     value);
}

static enum exit_status take_environment(const struct command *command, const char *name,
					 const char *value, void *field)
{
	struct menu_options *options = field;

	options->environment = true;
	options->save_path = "/run/openbmr/openbmr.ini";
	return EXIT_DONE;
}

#define AT(member) offsetof(struct menu_options, member)

static const struct cli_option cli_options[] = {
	{ "plain", option_flag, AT(plain), .is_flag = true },
	{ "ascii", option_flag, AT(ascii), .is_flag = true },
	{ "language", take_language },
	{ "language-file", take_language_file },
	{ "shell", option_text, AT(shell) },
	{ "log", option_text, AT(log_path) },
	{ "lock", option_text, AT(lock_path) },
	{ "answer", option_text, AT(answer_path) },
	{ "result", option_text, AT(result_path) },
	{ "environment", take_environment, .is_flag = true },
	{ "image", option_text, AT(image) },
	{ "ready", option_text, AT(ready_path) },
	{ "remote", option_text, AT(remote_path) },
};

static enum exit_status run_menu(int argc, char **argv)
{
	struct menu_options options = { .save_path = "openbmr.ini" };
	const struct command *command = &command_menu;
	char log_path[] = "/tmp/openbmr-log-XXXXXX";
	enum menu_end end = MENU_LEFT;
	struct err err = { 0 };
	enum exit_status status = options_parse(
		command, cli_options, ARRAY_SIZE(cli_options), argc, argv, &options);
	int log_fd = -1, r;

	if (status != EXIT_DONE)
		return status;
	if (optind < argc)
		return command_usage(command, "'%s' is one argument too many",
				     argv[optind]);
	if (!options.log_path) {
		log_fd = mkstemp(log_path);
		options.log_path = log_path;
	}
	r = menu_run(&options, &end, &err);
	if (log_fd >= 0) {
		unlink(log_path);
		close(log_fd);
	}
	return r < 0 ? command_fail(command, &err) : (enum exit_status)end;
}

const struct command command_menu = {
	.name = "menu",
	.group = "Restore",
	.usage = "menu [--plain | --ascii] [--language en|de] [--log FILE] [--shell "
		 "PROGRAM]",
	.summary = "restore step by step, on a screen of 80 × 24 or in lines",
	.help = "  --plain          ask in lines: for terminals that cannot do more\n"
		"  --ascii          for terminals without UTF-8\n"
		"  --language ID    en or de\n"
		"  --log FILE       what the commands say is appended to it\n"
		"  --shell PROGRAM  what F3 starts\n"
		"  --image FILE     a disk image that is looked at beside the disks: was "
		"a "
		"restore onto\n"
		"                   it stopped?\n"
		"\n"
		"For the recovery environment:\n"
		"  --environment    offer network, keyboard layouts and restarting; "
		"write the\n"
		"                   firmware boot entry. Exit status 100: restart, 101: "
		"power off\n"
		"  --answer FILE    offer to follow this answer file\n"
		"  --result FILE    its first line is shown: how the last restore ended\n"
		"  --remote FILE    its first line is shown: how to come here by ssh\n"
		"  --language-file FILE  has the ID of the language that it begins in\n"
		"  --ready FILE     is there once all disks are\n"
		"  --lock FILE      locked while a restore runs\n",
	.run = run_menu,
};
