/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a program from an argument vector; there is no shell in between. The child gets only
 * the descriptors 0 to 2, an environment of PATH and LC_ALL=C (plus what the caller adds),
 * and dies with the thread that started it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <base/err.h>

struct spawn {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;	 /* further NAME=value entries, NULL-terminated, or NULL; an LC_ALL
				    among them counts */
	const void *input;	 /* bytes for standard input, or NULL: /dev/null */
	size_t input_length;
	int input_fd;	     /* above 0: becomes standard input, instead of input; borrowed */
	int output_fd;	     /* above 0: becomes standard output, for bytes that are not text;
				borrowed; the output below is then standard error alone */
	size_t output_limit; /* bytes of output kept; more is an error; 0: 1 MiB */
};

/* Runs and waits. *ret_output (if not NULL) is a new NUL-terminated string with standard
 * output and standard error together. A non-zero exit or a signal is -EIO with the program's
 * name, the exit status and the last line of output; -ETIME: it used the processor time that
 * this process has, too (base/process.h); -ENOENT: no such program; -E2BIG: more
 * output than output_limit (the program is killed). What the program left running in the
 * background is not waited for. */
int spawn_run(const struct spawn *spawn, char **ret_output, struct err *err) MUST_CHECK;
