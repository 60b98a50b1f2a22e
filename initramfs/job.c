/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A child and the pipe from it: see job.h. */
#include "job.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <base/cleanup.h>

#define PIECE		  4096
#define PATIENCE_MS	  1000
#define LOG_SIZE_MAX	  (8 * 1024 * 1024) /* in memory; a restore writes some KiB */
#define EXIT_CANNOT_START 127

/* -- outputs ------------------------------------------------------------------------- */

struct tee {
	const struct job *job;
	bool stuck[JOB_OUTPUTS_MAX];
	int log_fd;
};

static void write_output(struct tee *tee, size_t which, const char *bytes, size_t length)
{
	struct pollfd fd = { .fd = tee->job->outputs[which], .events = POLLOUT };

	while (length > 0 && !tee->stuck[which]) {
		ssize_t n = write(fd.fd, bytes, length);
		bool later = n < 0 && (errno == EAGAIN || errno == EINTR);

		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		} else {
			tee->stuck[which] = !later || poll(&fd, 1, PATIENCE_MS) == 0;
		}
	}
}

/* The log keeps the newest: it starts anew when it is full, the old one stays beside it.
 */
static void write_log(struct tee *tee, const char *bytes, size_t length)
{
	struct stat st;

	if (tee->log_fd >= 0 && fstat(tee->log_fd, &st) == 0 &&
	    st.st_size > LOG_SIZE_MAX && rename(LOG_PATH, LOG_PATH ".old") == 0) {
		close(tee->log_fd);
		tee->log_fd =
			open(LOG_PATH, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	}
	if (tee->log_fd >= 0 && write(tee->log_fd, bytes, length) < 0)
		cleanup_close(&tee->log_fd);
}

/* False at the end of the pipe, or where nothing is in it. */
static bool pass_on(struct tee *tee, int fd)
{
	char bytes[PIECE];
	ssize_t length = read(fd, bytes, sizeof(bytes));

	if (length < 0 && errno == EINTR)
		return true;
	if (length <= 0)
		return false;
	for (size_t i = 0; i < tee->job->output_count; i++)
		write_output(tee, i, bytes, (size_t)length);
	write_log(tee, bytes, (size_t)length);
	return true;
}

/* -- the child ----------------------------------------------------------------------- */

static _Noreturn void run_child(const char *const *argv, int output_fd)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (output_fd >= 0) {
		dup2(output_fd, STDOUT_FILENO);
		dup2(output_fd, STDERR_FILENO);
	}
	execv(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s: cannot be started: %s\n", argv[0], strerror(errno));
	_exit(EXIT_CANNOT_START);
}

static int wait_for(pid_t pid, int *ret_status, struct err *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, errno, "waiting for process %d", pid);
	*ret_status = status;
	return 0;
}

/* Until the child has ended and its output is out: something that it left behind (a
 * daemon) may keep the pipe open for ever. */
static void follow(struct tee *tee, pid_t pid, int pipe_fd)
{
	AUTO_CLOSE int pid_fd = pidfd_open(pid, 0);
	struct pollfd fds[2] = { { .fd = pipe_fd, .events = POLLIN },
				 { .fd = pid_fd, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents && !pass_on(tee, pipe_fd))
			fds[0].fd = -1; /* end of the output: wait for the process */
		else if (!fds[0].revents && fds[1].revents)
			return;
		if (fds[0].fd < 0 && pid_fd < 0)
			return;
	}
}

int job_run(const struct job *job, int *ret_status, struct err *err)
{
	struct tee tee = { .job = job };
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe for '%s'", job->argv[0]);
	pid = fork();
	if (pid == 0)
		run_child(job->argv, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_errno(err, errno, "starting '%s'", job->argv[0]);
	}
	tee.log_fd = open(LOG_PATH, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	follow(&tee, pid, ends[0]);
	cleanup_close(&tee.log_fd);
	close(ends[0]);
	return wait_for(pid, ret_status, err);
}

int job_run_terminal(const char *const *argv, int *ret_status, struct err *err)
{
	pid_t pid = fork();

	if (pid == 0)
		run_child(argv, -1);
	if (pid < 0)
		return err_errno(err, errno, "starting '%s'", argv[0]);
	return wait_for(pid, ret_status, err);
}
