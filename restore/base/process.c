/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See base/process.h. */
#include <base/process.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Behind the soft limit, for a process that took SIGXCPU away: then SIGKILL. */
#define GRACE_S 5

int process_limit_processor(unsigned seconds, struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CPU, &limit) < 0)
		return err_errno(err, errno, "limiting processor time");
	if (limit.rlim_cur <= seconds)
		return 0;
	limit.rlim_cur = seconds;
	if (limit.rlim_max > seconds + GRACE_S)
		limit.rlim_max = seconds + GRACE_S;
	signal(SIGXCPU, SIG_DFL);
	if (setrlimit(RLIMIT_CPU, &limit) < 0)
		return err_errno(err, errno, "limiting processor time");
	return 0;
}

void process_describe_end(int status, unsigned seconds, char text[PROCESS_END_SIZE])
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		snprintf(text, PROCESS_END_SIZE,
			 "was ended: it used %u s of processor time, its limit", seconds);
	else if (WIFSIGNALED(status))
		snprintf(text, PROCESS_END_SIZE, "was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, PROCESS_END_SIZE, "ended with exit status %d",
			 WEXITSTATUS(status));
}
