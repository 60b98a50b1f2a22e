/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running a command so that people see its output and the log keeps it. */
#pragma once

#include <stddef.h>

#include <base/err.h>

#define LOG_PATH "/run/openbmr/log"

#define JOB_OUTPUTS_MAX 8

struct job {
	const char *const *argv;      /* NULL-terminated, argv[0] is a path */
	int outputs[JOB_OUTPUTS_MAX]; /* standard output and error go there and to the log
				       */
	size_t output_count;
};

/* Runs and waits; *ret_status as waitpid(2) gives it. Standard input is inherited. An
 * output that takes nothing for a second is left out from then on: it must not hold up
 * the job. */
int job_run(const struct job *job, int *ret_status, struct err *err) MUST_CHECK;

/* Runs in the foreground of this process's terminal, without log. */
int job_run_terminal(const char *const *argv, int *ret_status,
		     struct err *err) MUST_CHECK;
