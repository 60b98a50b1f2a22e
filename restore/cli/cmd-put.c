/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr put: keeps a small file on a share or a removable medium. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <base/block-source.h>
#include <base/cleanup.h>

#include "command.h"
#include "store.h"

#define PUT_MAX (16u << 20) /* logs and reports have some hundred KiB */

static int put(const char *file, const char *where, const struct source_options *options,
	       struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r = source_file_read_whole(file, "what is kept", PUT_MAX, &bytes, &length,
				       err);

	return r < 0 ? r : store_put(where, options, bytes, length, err);
}

static enum exit_status run_put(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "credentials", required_argument, NULL, 'c' },
		{ "encrypt", required_argument, NULL, 'e' },
		{ 0 },
	};
	const struct command *command = &command_put;
	struct source_options options = { 0 };
	struct err err = { 0 };
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'c')
			options.credentials = optarg;
		else if (option != 'e')
			return command_usage(command,
					     "unknown option, or one without its value");
		else if (!source_take_encryption(&options, optarg))
			return command_usage(
				command, "--encrypt '%s': must be required or if-offered",
				optarg);
	}
	if (optind + 2 != argc)
		return command_usage(command, "a file, and where it is kept");
	if (!store_is_elsewhere(argv[optind + 1]) || store_is_folder(argv[optind + 1]))
		return command_usage(command, "'%s': must be smb://…/NAME or stick:NAME",
				     argv[optind + 1]);
	if (put(argv[optind], argv[optind + 1], &options, &err) < 0)
		return command_fail(command, &err);
	printf("kept: %s\n", argv[optind + 1]);
	return EXIT_DONE;
}

const struct command command_put = {
	.name = "put",
	.group = "Environment",
	.usage = "put FILE WHERE [--credentials FILE] [--encrypt WHEN]",
	.summary = "keep a small file, such as a report, on a share or the stick",
	.help = "  WHERE               smb://[DOMAIN;]user@host[:port]/share/path/NAME, "
		"whose folders\n"
		"                      are made, or stick:NAME: the boot medium, or the "
		"only other\n"
		"                      removable one. What is there is replaced\n"
		"  --credentials FILE  user name and password for a share\n"
		"  --encrypt WHEN      required, or if-offered (default)\n",
	.run = run_put,
};
