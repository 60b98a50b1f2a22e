/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr menu: restoring by reading the screen. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>

#include "command.h"
#include "../menu/menu.h"

enum {
	OPTION_PLAIN = 1,
	OPTION_ASCII,
	OPTION_LANGUAGE,
	OPTION_SHELL,
	OPTION_LOG,
	OPTION_LOCK,
	OPTION_ANSWER,
	OPTION_RESULT,
	OPTION_ENVIRONMENT,
	OPTION_IMAGE,
	OPTION_READY,
	OPTION_REMOTE,
	OPTION_LANGUAGE_FILE,
};

static const struct option long_options[] = {
	{ "plain", no_argument, NULL, OPTION_PLAIN },
	{ "ascii", no_argument, NULL, OPTION_ASCII },
	{ "language", required_argument, NULL, OPTION_LANGUAGE },
	{ "shell", required_argument, NULL, OPTION_SHELL },
	{ "log", required_argument, NULL, OPTION_LOG },
	{ "lock", required_argument, NULL, OPTION_LOCK },
	{ "answer", required_argument, NULL, OPTION_ANSWER },
	{ "result", required_argument, NULL, OPTION_RESULT },
	{ "environment", no_argument, NULL, OPTION_ENVIRONMENT },
	{ "image", required_argument, NULL, OPTION_IMAGE },
	{ "ready", required_argument, NULL, OPTION_READY },
	{ "remote", required_argument, NULL, OPTION_REMOTE },
	{ "language-file", required_argument, NULL, OPTION_LANGUAGE_FILE },
	{ 0 },
};

/* Where there is none, or it names none that is known, the language stays as it is. */
static void read_language(const char *path)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	char id[8];

	if (file && fscanf(file, "%7s", id) == 1)
		(void)text_choose_language_id(id);
}

static bool take_option(int option, struct menu_options *options)
{
	switch (option) {
	case OPTION_PLAIN:
		options->plain = true;
		return true;
	case OPTION_ASCII:
		options->ascii = true;
		return true;
	case OPTION_LANGUAGE:
		return text_choose_language_id(optarg);
	case OPTION_LANGUAGE_FILE:
		read_language(optarg);
		return true;
	case OPTION_SHELL:
		options->shell = optarg;
		return true;
	case OPTION_LOG:
		options->log_path = optarg;
		return true;
	case OPTION_LOCK:
		options->lock_path = optarg;
		return true;
	case OPTION_ANSWER:
		options->answer_path = optarg;
		return true;
	case OPTION_RESULT:
		options->result_path = optarg;
		return true;
	case OPTION_IMAGE:
		options->image = optarg;
		return true;
	case OPTION_REMOTE:
		options->remote_path = optarg;
		return true;
	case OPTION_READY:
		options->ready_path = optarg;
		return true;
	case OPTION_ENVIRONMENT:
		options->environment = true;
		options->save_path = "/run/openbmr/openbmr.ini";
		return true;
	default:
		return false;
	}
}

static enum exit_status run_menu(int argc, char **argv)
{
	struct menu_options options = { .save_path = "openbmr.ini" };
	const struct command *command = &command_menu;
	char log_path[] = "/tmp/openbmr-log-XXXXXX";
	enum menu_end end = MENU_LEFT;
	struct err err = { 0 };
	int option, log_fd = -1, r;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(option, &options))
			return command_usage(command,
					     "'%s': unknown option, or one without "
					     "its value",
					     argv[optind - 1]);
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
