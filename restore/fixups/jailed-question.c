/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A question to a process of its own: see jailed-question.h. */
#include "jailed-question.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/process.h>

struct reply {
	int code;
	char text[sizeof(((struct err *)NULL)->text)];
	uint8_t answer[JAILED_ANSWER_MAX];
};

_Static_assert(sizeof(struct reply) <= PIPE_BUF, "written at once");

static __attribute__((noreturn)) void child_main(const struct jailed_question *ask,
						 pid_t engine, int out)
{
	struct reply reply = { 0 };
	struct err err = { 0 };

	reply.code = process_limit_processor(ask->seconds, &err);
	if (reply.code == 0)
		reply.code = ask->run(ask->question, engine, reply.answer, &err);
	snprintf(reply.text, sizeof(reply.text), "%s", err.text);
	_exit(write(out, &reply, sizeof(reply)) != sizeof(reply));
}

static int receive(const struct jailed_question *ask, pid_t pid, int in,
		   struct reply *ret, struct err *err)
{
	char how[PROCESS_END_SIZE];
	int status = 0;
	ssize_t n;

	do {
		n = read(in, ret, sizeof(*ret));
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(*ret)) /* how it ended, where it has, stays as it is */
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n != sizeof(*ret)) {
		process_describe_end(status, ask->seconds, how);
		return err_set(err, -EPIPE, "%s %s", ask->what, how);
	}
	ret->text[sizeof(ret->text) - 1] = '\0';
	for (char *c = ret->text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return 0;
}

int jailed_ask(const struct jailed_question *ask, void *answer, size_t size,
	       struct err *err)
{
	pid_t engine = getpid(), pid;
	AUTO_CLOSE int in = -1;
	struct reply reply;
	int pipe_fds[2], r;

	if (size > sizeof(reply.answer))
		return err_set(err, -EMSGSIZE, "%s: an answer of %zu bytes, at most %zu",
			       ask->what, size, sizeof(reply.answer));
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	in = pipe_fds[0];
	pid = fork();
	if (pid == 0)
		child_main(ask, engine, pipe_fds[1]);
	close(pipe_fds[1]);
	if (pid < 0)
		return err_errno(err, errno, "fork");
	r = receive(ask, pid, in, &reply, err);
	if (r < 0)
		return r;
	if (reply.code)
		return err_set(err, reply.code < 0 ? reply.code : -EIO, "%s", reply.text);
	memcpy(answer, reply.answer, size);
	return 0;
}
