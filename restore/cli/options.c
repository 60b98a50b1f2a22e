/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options of commands: see options.h. */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "progress.h"
#include "source.h"

#define FIRST_ROW 256 /* what getopt says itself are characters */

enum exit_status option_text(const struct command *command, const char *name,
			     const char *value, void *field)
{
	*(const char **)field = value;
	return EXIT_DONE;
}

enum exit_status option_flag(const struct command *command, const char *name,
			     const char *value, void *field)
{
	*(bool *)field = true;
	return EXIT_DONE;
}

enum exit_status option_progress_fd(const struct command *command, const char *name,
				    const char *value, void *field)
{
	if (progress_take_fd(value, field))
		return EXIT_DONE;
	return command_usage(command, "--%s '%s': no open descriptor from 1 on", name,
			     value);
}

enum exit_status option_encrypt(const struct command *command, const char *name,
				const char *value, void *field)
{
	if (source_take_encryption(field, value))
		return EXIT_DONE;
	return command_usage(command, "--%s '%s': must be required or if-offered", name,
			     value);
}

enum exit_status option_retry_for(const struct command *command, const char *name,
				  const char *value, void *field)
{
	if (source_take_retry(field, value))
		return EXIT_DONE;
	return command_usage(command, "--%s '%s': a time such as 90s, 30m, 2h or 0", name,
			     value);
}

enum exit_status option_number(const struct command *command, const char *name,
			       const char *value, const unsigned range[2], unsigned *ret)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || number < range[0] ||
	    number > range[1])
		return command_usage(command, "--%s '%s': must be from %u to %u", name,
				     value, range[0], range[1]);
	*ret = (unsigned)number;
	return EXIT_DONE;
}

/* What getopt says stands for one of the rows; NULL: for none. */
static const struct cli_option *find_option(const struct cli_option *options,
					    size_t count, int value)
{
	if (value >= FIRST_ROW)
		return &options[value - FIRST_ROW];
	for (size_t i = 0; i < count; i++)
		if (options[i].letters && strchr(options[i].letters, value))
			return &options[i];
	return NULL;
}

enum exit_status options_parse(const struct command *command,
			       const struct cli_option *options, size_t count, int argc,
			       char **argv, void *ret)
{
	AUTO_FREE struct option *rows = calloc(count + 1, sizeof(*rows));
	struct text letters = { 0 };
	AUTO_FREE char *short_options = NULL;
	struct err err = { 0 };
	int value;

	for (size_t i = 0; i < count; i++)
		text_add(&letters, "%s", options[i].letters ? options[i].letters : "");
	short_options = text_take(&letters);
	if (!rows || !short_options) {
		err_nomem(&err);
		return command_fail(command, &err);
	}
	for (size_t i = 0; i < count; i++)
		rows[i] = (struct option){
			.name = options[i].name,
			.has_arg = options[i].is_flag ? no_argument : required_argument,
			.val = FIRST_ROW + (int)i,
		};
	opterr = 0;
	optind = 1;
	while ((value = getopt_long(argc, argv, short_options, rows, NULL)) != -1) {
		const struct cli_option *option = find_option(options, count, value);
		enum exit_status status;

		if (!option)
			return command_usage(
				command, "'%s': unknown option, or one without its value",
				argv[optind - 1]);
		status = option->take(command, option->name, optarg,
				      (char *)ret + option->field);
		if (status != EXIT_DONE)
			return status;
	}
	return EXIT_DONE;
}
