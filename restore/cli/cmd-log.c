/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr log: what happened, on the screen or in one file to take away. */
#include "command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>

#include "log-bundle.h"
#include "log-sink.h"

/* level: of the lines that are shown; NULL: all, those without a level, too. */
static enum exit_status show(const char *log, const enum log_level *level)
{
	AUTO_FCLOSE FILE *file = fopen(log, "re");
	struct err err = { 0 };
	char line[4096];

	if (!file) {
		(void)err_errno(&err, errno, "'%s'", log);
		return command_fail(&command_log, &err);
	}
	while (fgets(line, sizeof(line), file))
		if (!level || log_line_has(line, *level))
			fputs(line, stdout);
	return EXIT_DONE;
}

static enum exit_status save(const char *log, const char *where, const char *login)
{
	const struct source_options share = { .credentials = login };
	struct err err = { 0 };
	size_t length = 0;

	if (log_bundle_save(log, where, &share, &length, &err) < 0)
		return command_fail(&command_log, &err);
	printf("saved: %s, %zu bytes\n", where, length);
	return EXIT_DONE;
}

static enum exit_status run_log(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "credentials", required_argument, NULL, 'c' },
		{ "log", required_argument, NULL, 'l' },
		{ "level", required_argument, NULL, 'v' },
		{ 0 },
	};
	const char *log = LOG_PATH, *where = NULL, *login = NULL;
	bool saves = argc > 1 && strcmp(argv[1], "save") == 0;
	enum log_level level, *least = NULL;
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 't')
			where = optarg;
		else if (option == 'c')
			login = optarg;
		else if (option == 'l')
			log = optarg;
		else if (option == 'v' && log_level_parse(optarg, &level))
			least = &level;
		else if (option == 'v')
			return command_usage(&command_log,
					     "--level: must be error, warning, info or "
					     "debug");
		else
			return command_usage(&command_log,
					     "unknown option, or one without its value");
	}
	if (optind + saves < argc)
		return command_usage(&command_log, "'%s' is one argument too many",
				     argv[optind + saves]);
	if (saves != (where != NULL))
		return command_usage(&command_log, "save and --to WHERE go together");
	return where ? save(log, where, login) : show(log, least);
}

const struct command command_log = {
	.name = "log",
	.group = "Environment",
	.usage =
		"log [--level LEVEL] [save --to WHERE [--credentials FILE]] [--log FILE]",
	.summary = "show the log, or save it with all that helps to understand it",
	.help = "  --level LEVEL       only lines of this level and graver ones: error, "
		"warning, info, debug\n"
		"  save                the log, the kernel's log, the last plan and "
		"report, "
		"disks, devices,\n"
		"                      network and versions as one .tar.gz, without "
		"secrets\n"
		"  --to WHERE          a file; stick:NAME, on the stick that the machine "
		"was "
		"started\n"
		"                      from; smb://user@host/share/NAME\n"
		"  --credentials FILE  the login of the share\n"
		"  --log FILE          another log than that of the recovery "
		"environment\n",
	.run = run_log,
};
