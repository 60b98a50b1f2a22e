/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands of bmr: one file each (cmd-NAME.c), a const struct command at its end, one line in
 * the table of main.c.
 */
#pragma once

#include <base/err.h>

/* Exit statuses, the same for all commands (ARCHITECTURE.md section 7). */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_CANCELLED = 3,
	EXIT_REFUSED = 4, /* by the plan */
	EXIT_RESUMABLE = 5,
};

struct command {
	const char *name;
	const char *group;   /* heading in the help */
	const char *usage;   /* "scan SOURCE [--json]" */
	const char *summary; /* one line */
	const char *help;    /* options, one per line; NULL: none */
	/* argv[0] is the command's name. Prints its result on standard output. */
	enum exit_status (*run)(int argc, char **argv);
};

extern const struct command command_auto;
extern const struct command command_disks;
extern const struct command command_files;
extern const struct command command_hw;
extern const struct command command_image;
extern const struct command command_log;
extern const struct command command_index;
extern const struct command command_menu;
extern const struct command command_net;
extern const struct command command_pack;
extern const struct command command_plan;
extern const struct command command_put;
extern const struct command command_restore;
extern const struct command command_resume;
extern const struct command command_scan;
extern const struct command command_show;
extern const struct command command_systemstate;
extern const struct command command_verify;

/* Prints "bmr COMMAND: text" and gives the exit status that belongs to the code. */
enum exit_status command_fail(const struct command *command, const struct err *err);

/* Prints what is wrong and the usage line. */
enum exit_status command_usage(const struct command *command, const char *format, ...)
	PRINTF(2, 3);
