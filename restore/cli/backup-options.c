/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What scan and show have in common: options, and the scan with its progress. */
#include "backup-print.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <base/log.h>

enum {
	OPTION_CREDENTIALS = 1,
	OPTION_ENCRYPT,
	OPTION_MACHINE,
	OPTION_VERSION,
	OPTION_JSON
};

static const struct option long_options[] = {
	{ "credentials", required_argument, NULL, OPTION_CREDENTIALS },
	{ "encrypt", required_argument, NULL, OPTION_ENCRYPT },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "machine", required_argument, NULL, OPTION_MACHINE },
	{ "version", required_argument, NULL, OPTION_VERSION },
	{ 0 },
};

static bool take_option(int option, bool with_choice, struct backup_options *ret)
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
	case OPTION_VERSION:
		ret->version = optarg;
		return with_choice;
	default:
		return false;
	}
}

enum exit_status backup_options_parse(const struct command *command, bool with_choice,
				      int argc, char **argv, struct backup_options *ret)
{
	struct backup_options options = { .source = { .may_prompt = true } };
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(option, with_choice, &options))
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

/* -- scanning
 * ---------------------------------------------------------------------------- */

static int show_progress(const struct scan_progress *progress, void *context)
{
	const bool *terminal = context;

	if (progress->found)
		log_debug("found %s in '%s'", progress->found, progress->folder);
	else
		log_debug("searching '%s'", progress->folder);
	if (*terminal)
		fprintf(stderr, "\rsearched %llu folders, %llu files\033[K",
			(unsigned long long)progress->folders,
			(unsigned long long)progress->files);
	return 0;
}

int backup_options_scan(const struct backup_options *options, struct backup **ret,
			struct err *err)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	bool terminal = isatty(STDERR_FILENO);
	int r = source_start(&options->source, &reader, err);

	if (r < 0)
		return r;
	r = reader_scan(reader, show_progress, &terminal, ret, err);
	if (terminal)
		fprintf(stderr, "\r\033[K");
	return r;
}
