/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What scan and show have in common: options, and the scan with its progress. */
#include "backup-print.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "progress.h"

enum {
	OPTION_CREDENTIALS = 1,
	OPTION_ENCRYPT,
	OPTION_MACHINE,
	OPTION_UNLOCK,
	OPTION_RETRY_FOR,
	OPTION_VERSION,
	OPTION_JSON,
	OPTION_PROGRESS_FD,
	OPTION_OUTPUT
};

static const struct option long_options[] = {
	{ "credentials", required_argument, NULL, OPTION_CREDENTIALS },
	{ "encrypt", required_argument, NULL, OPTION_ENCRYPT },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "machine", required_argument, NULL, OPTION_MACHINE },
	{ "unlock", required_argument, NULL, OPTION_UNLOCK },
	{ "retry-for", required_argument, NULL, OPTION_RETRY_FOR },
	{ "version", required_argument, NULL, OPTION_VERSION },
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ "progress-fd", required_argument, NULL, OPTION_PROGRESS_FD },
	{ 0 },
};

static bool take_option(const struct command *command, int option, bool with_choice,
			struct backup_options *ret)
{
	switch (option) {
	case OPTION_CREDENTIALS:
		ret->source.credentials = optarg;
		return true;
	case OPTION_ENCRYPT:
		return source_take_encryption(&ret->source, optarg);
	case OPTION_JSON:
		ret->json = true;
		return true;
	case OPTION_MACHINE:
		ret->machine = optarg;
		return with_choice;
	case OPTION_UNLOCK:
		ret->source.unlock = optarg;
		return true;
	case OPTION_RETRY_FOR:
		return source_take_retry(&ret->source, optarg);
	case OPTION_VERSION:
		ret->version = optarg;
		return with_choice;
	case OPTION_OUTPUT:
		ret->output = optarg;
		return command == &command_index;
	case OPTION_PROGRESS_FD:
		return progress_take_fd(optarg, &ret->progress_fd);
	default:
		return false;
	}
}

enum exit_status backup_options_parse(const struct command *command, bool with_choice,
				      int argc, char **argv, struct backup_options *ret)
{
	struct backup_options options = { .source = { .may_prompt = true,
						      .retry_ms = SOURCE_RETRY_MS } };
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(command, option, with_choice, &options))
			return command_usage(command,
					     "'%s': unknown option, or one without "
					     "its value",
					     argv[optind - 1]);
	if (optind + 1 != argc)
		return command_usage(command, optind == argc ? "SOURCE is missing"
							     : "one SOURCE, not several");
	options.source.text = argv[optind];
	*ret = options;
	return EXIT_DONE;
}

/* -- scanning ---- */

int backup_options_scan(const struct backup_options *options, struct backup **ret,
			struct err *err)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct progress_display display;
	int r = source_start(&options->source, &reader, err);

	if (r < 0)
		return r;
	progress_init(&display, source_side(&options->source), options->progress_fd);
	display.reader = reader;
	reader_on_wait(reader, progress_wait, &display);
	r = reader_scan(reader, progress_scan, &display, ret, err);
	progress_end(&display);
	return r;
}
