/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of a command as a table: one row each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "command.h"

struct cli_option {
	const char *name; /* without its dashes */
	/* Takes the value (NULL for a flag) to the field, or says by command_usage() why not. */
	enum exit_status (*take)(const struct command *command, const char *name,
				 const char *value, void *field);
	size_t field; /* offset in the struct of the command's options; 0 may be all of it */
	bool is_flag; /* has no value */
	const char *letters; /* of a flag: what '-' alone may be followed by, "rR"; NULL: none */
};

/* The kinds that many commands have: for a text (const char *), a flag (bool), a descriptor for
 * progress (int), encryption and time to retry (both: struct source_options). */
enum exit_status option_text(const struct command *command, const char *name,
			     const char *value, void *field);
enum exit_status option_flag(const struct command *command, const char *name,
			     const char *value, void *field);
enum exit_status option_progress_fd(const struct command *command, const char *name,
				    const char *value, void *field);
enum exit_status option_encrypt(const struct command *command, const char *name,
				const char *value, void *field);
enum exit_status option_retry_for(const struct command *command, const char *name,
				  const char *value, void *field);

/* For an option's own function: a whole number, from range[0] to range[1]; EXIT_USAGE after telling. */
enum exit_status option_number(const struct command *command, const char *name,
			       const char *value, const unsigned range[2], unsigned *ret);

/* Takes all options of argv to ret; then optind is the first operand, as after getopt_long().
 * EXIT_DONE, or EXIT_USAGE after telling. */
enum exit_status options_parse(const struct command *command,
			       const struct cli_option *options, size_t count, int argc,
			       char **argv, void *ret);
