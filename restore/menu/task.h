/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command of bmr that runs beside the menu: the menu itself opens no source and no disk. Its
 * standard output is kept, its standard error goes to the log and its last lines are kept, its
 * progress comes as lines of JSON.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <base/err.h>
#include <base/text.h>

struct task_wishes {
	const char *program;	/* path of bmr */
	char *const *arguments; /* NULL-terminated, [0] is "bmr" */
	const char *user,
		*password; /* of a share, handed over as TASK_CREDENTIALS; NULL: none */
	const char *keys; /* of BitLocker volumes, handed over as TASK_KEYS; NULL: none */
	const char *log_path; /* appended to; NULL: none */
	int lock_fd;	      /* handed on, so that it stays locked; -1: none */
	/* A line of progress, NUL-terminated; may be NULL: then none is asked for. */
	void (*progress)(const char *line, void *context);
	void *context;
};

/* What --credentials names in a task's command: a file that is in memory only. */
#define TASK_CREDENTIALS "/proc/self/fd/3"
/* The same for --unlock. */
#define TASK_KEYS "/proc/self/fd/6"

struct task {
	pid_t pid; /* 0: none */
	int fd;	   /* becomes readable when there is something for task_read() */
	int output_fd, error_fd, progress_fd, log_fd;
	struct text output; /* standard output */
	struct text errors; /* the end of standard error */
	struct text line;   /* of progress, until its end */
	void (*progress)(const char *line, void *context);
	void *context;
	bool ended;
	int status; /* as waitpid(2) gives it; once ended */
};

int task_start(const struct task_wishes *wishes, struct task *ret,
	       struct err *err) MUST_CHECK;

/* Takes what is there, without waiting. True: the task has ended. */
bool task_read(struct task *task);

/* Asks it to stop; it says itself in which state things are, and ends. */
void task_cancel(struct task *task);

/* Waits for its end, however long that takes. */
void task_wait(struct task *task);

/* Ends it if it still runs, and waits. */
void task_finish(struct task *task);

/* The exit status, -1: ended by a signal. */
int task_exit_status(const struct task *task);
