/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr pack: stores an image of a backup as seekable zstd. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/text.h>
#include <restore/pack.h>

#include "options.h"
#include "progress.h"

struct pack_arguments {
	const char *path, *out; /* out NULL: path with ".zst" */
	struct pack_options options;
	int progress_fd;
};

static enum exit_status take_level(const struct command *command, const char *name,
				   const char *value, void *field)
{
	static const unsigned range[] = { PACK_LEVEL_MIN, PACK_LEVEL_MAX };
	unsigned level = 0;
	enum exit_status status = option_number(command, name, value, range, &level);

	*(int *)field = (int)level;
	return status;
}

static enum exit_status take_threads(const struct command *command, const char *name,
				     const char *value, void *field)
{
	static const unsigned range[] = { 1, PACK_MAX_THREADS };

	return option_number(command, name, value, range, field);
}

#define AT(member) offsetof(struct pack_arguments, member)

static const struct cli_option cli_options[] = {
	{ "output", option_text, AT(out) },
	{ "level", take_level, AT(options.level) },
	{ "threads", take_threads, AT(options.threads) },
	{ "progress-fd", option_progress_fd, AT(progress_fd) },
};

static enum exit_status parse(int argc, char **argv, struct pack_arguments *ret)
{
	enum exit_status status;

	*ret = (struct pack_arguments){ .options = { .level = PACK_LEVEL_DEFAULT } };
	status = options_parse(&command_pack, cli_options, ARRAY_SIZE(cli_options), argc,
			       argv, ret);
	if (status != EXIT_DONE)
		return status;
	if (optind == argc)
		return command_usage(&command_pack, "no image is named");
	ret->path = argv[optind++];
	if (optind < argc)
		return command_usage(&command_pack, "'%s': unexpected", argv[optind]);
	return EXIT_DONE;
}

static void print_result(const char *out, const struct pack_result *result)
{
	char size[SIZE_TEXT_SIZE], stored[SIZE_TEXT_SIZE];

	printf("%s: %s in %s (%.0f %%), read back and compared, %.0f s\n", out,
	       size_format(result->size, size), size_format(result->stored, stored),
	       100.0 * (double)result->stored / (double)result->size, result->seconds);
}

static enum exit_status run_pack(int argc, char **argv)
{
	struct pack_arguments arguments;
	struct progress_display display;
	struct pack_result result;
	AUTO_FREE char *out = NULL;
	struct err err = { 0 };
	enum exit_status status = parse(argc, argv, &arguments);
	int r;

	if (status != EXIT_DONE)
		return status;
	out = arguments.out ? strdup(arguments.out)
			    : text_format("%s.zst", arguments.path);
	if (!out) {
		(void)err_nomem(&err);
		return command_fail(&command_pack, &err);
	}
	progress_init(&display, "source", arguments.progress_fd);
	arguments.options.report = progress_show;
	arguments.options.context = &display;
	r = pack_file(arguments.path, out, &arguments.options, &result, &err);
	progress_end(&display);
	if (r < 0)
		return command_fail(&command_pack, &err);
	print_result(out, &result);
	return EXIT_DONE;
}

const struct command command_pack = {
	.name = "pack",
	.group = "Images",
	.usage = "pack FILE [--output FILE] [--level N] [--threads N] [--progress-fd N]",
	.summary = "store an image of a backup as seekable zstd, proved by reading back",
	.help = "FILE, a VHD or VHDX, stays. The packed file can take its place in the "
		"backup's\n"
		"folder: all commands read it where it is. 'zstd -d' unpacks it.\n"
		"\n"
		"  --output FILE    the file to write, which must not exist; default: "
		"FILE "
		"with .zst\n"
		"  --level N        of zstd, from 1 (fast) to 19 (small); default: 3\n"
		"  --threads N      that compress; default: one for each processor\n"
		"  --progress-fd N  a line of JSON some times a second on this "
		"descriptor\n",
	.run = run_pack,
};
