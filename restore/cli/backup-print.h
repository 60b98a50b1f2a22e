/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Backups as text for people, at most 80 columns wide apart from names, for scan and
 * show. Names come from outside: what could steer a terminal is replaced.
 */
#pragma once

#include <restore/reader.h>

#include "command.h"
#include "source.h"

/* Options of scan and show. */
struct backup_options {
	struct source_options source;
	const char *machine, *version; /* NULL: not given */
	bool json;
	const char *output; /* of index: the file to write; NULL: not given */
	int progress_fd; /* descriptor for progress as JSON; 0: none */
};

/* EXIT_DONE, or EXIT_USAGE after telling. with_choice: --machine and --version are known.
 */
enum exit_status backup_options_parse(const struct command *command, bool with_choice,
				      int argc, char **argv, struct backup_options *ret);

/* Starts a reader, scans, and stops it; shows where it is on a terminal. */
int backup_options_scan(const struct backup_options *options, struct backup **ret,
			struct err *err) MUST_CHECK;

void print_backup_list(const struct backup *backup);
void print_backup_version(const struct backup_machine *machine,
			  const struct backup_version *version);
