/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A question to a process of its own: see jailed-question.h. */
#include "jailed-question.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/cleanup.h>

struct reply {
	int code;
	char text[sizeof(((struct err *)NULL)->text)];
	uint8_t answer[JAILED_ANSWER_MAX];
};

_Static_assert(sizeof(struct reply) <= PIPE_BUF, "written at once");

static __attribute__((noreturn)) void child_main(jailed_answer *run, const void *question,
						 pid_t engine, int out)
{
	struct reply reply = { 0 };
	struct err err = { 0 };

	reply.code = run(question, engine, reply.answer, &err);
	snprintf(reply.text, sizeof(reply.text), "%s", err.text);
	_exit(write(out, &reply, sizeof(reply)) != sizeof(reply));
}

static int receive(pid_t pid, int in, struct reply *ret, const char *what,
		   struct err *err)
{
	ssize_t n;

	do {
		n = read(in, ret, sizeof(*ret));
	} while (n < 0 && errno == EINTR);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (n != sizeof(*ret))
		return err_set(err, -EPIPE, "%s is gone", what);
	ret->text[sizeof(ret->text) - 1] = '\0';
	for (char *c = ret->text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return 0;
}

int jailed_ask(jailed_answer *run, const void *question, const char *what, void *answer,
	       size_t size, struct err *err)
{
	pid_t engine = getpid(), pid;
	AUTO_CLOSE int in = -1;
	struct reply reply;
	int pipe_fds[2], r;

	if (size > sizeof(reply.answer))
		return err_set(err, -EMSGSIZE, "%s: an answer of %zu bytes, at most %zu",
			       what, size, sizeof(reply.answer));
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	in = pipe_fds[0];
	pid = fork();
	if (pid == 0)
		child_main(run, question, engine, pipe_fds[1]);
	close(pipe_fds[1]);
	if (pid < 0)
		return err_errno(err, errno, "fork");
	r = receive(pid, in, &reply, what, err);
	if (r < 0)
		return r;
	if (reply.code)
		return err_set(err, reply.code < 0 ? reply.code : -EIO, "%s", reply.text);
	memcpy(answer, reply.answer, size);
	return 0;
}
