/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keeper: a small process that starts a fresh reader whenever the engine asks for one, so that
 * nothing of a lost connection is used again. It is forked before any disk is opened and before the
 * login is forgotten: a reader that the engine forked later would inherit the disk's descriptors
 * and rings, and the engine would have to keep the password.
 *
 *	engine ── start, stop ──► keeper ── forks ──► reader
 *	       ◄═══════════ socket, memory ══════════►
 *
 * It parses nothing: two kinds of request, each a number. There is one reader at a time, and the
 * next one is forked when the one before is dead: nobody else writes to the ring then. It ends
 * with the engine, and the reader with it.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "reader-internal.h"

#define KEEPER_FD 3

/* Forking takes no time; what is waited for is a reader that was killed. */
#define KEEPER_TIMEOUT_MS 10000

enum keeper_op { KEEPER_START, KEEPER_STOP, KEEPER_OP_COUNT };

struct keeper_request {
	uint64_t id;
	uint32_t op;
	uint32_t grace_ms; /* so long the reader may take to end by itself */
};

/* START: the socket of the new reader comes with it. */
struct keeper_reply {
	uint64_t id;
	int32_t code;	/* 0 or negative errno */
	int32_t status; /* wait(2)'s, of the reader before; 0 where there was none */
};

union one_descriptor {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

/* -- the process ------------------------------------------------------------------ */

struct keeper {
	const struct reader_options *options;
	reader_main *main;
	uint8_t *memory;
	pid_t reader; /* 0: none */
};

static int end_reader(struct keeper *keeper, unsigned grace_ms)
{
	AUTO_CLOSE int pidfd = keeper->reader > 0 ? pidfd_open(keeper->reader, 0) : -1;
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	int status = 0;

	if (keeper->reader <= 0)
		return 0;
	if (pidfd < 0 || !grace_ms || poll(&ended, 1, (int)grace_ms) != 1)
		kill(keeper->reader, SIGKILL);
	while (waitpid(keeper->reader, &status, 0) < 0 && errno == EINTR)
		;
	keeper->reader = 0;
	return status;
}

/* *ret_socket: the engine's end. */
static int fork_reader(struct keeper *keeper, int *ret_socket)
{
	struct reader_process start = { .options = keeper->options,
					.memory = keeper->memory,
					.engine = getpid() };
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	start.socket = sockets[1];
	keeper->reader = fork();
	if (keeper->reader == 0) {
		close(sockets[0]);
		close(KEEPER_FD);
		keeper->main(&start);
		_exit(2); /* not reached */
	}
	close(sockets[1]);
	if (keeper->reader < 0) {
		keeper->reader = 0;
		close(sockets[0]);
		return -errno;
	}
	*ret_socket = sockets[0];
	return 0;
}

static void send_with_descriptor(int fd, const struct keeper_reply *reply, int descriptor)
{
	union one_descriptor control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
						     .cmsg_level = SOL_SOCKET,
						     .cmsg_type = SCM_RIGHTS } };
	struct iovec part = { (void *)reply, sizeof(*reply) };
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };

	if (descriptor >= 0) {
		memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(descriptor));
		head.msg_control = control.room;
		head.msg_controllen = sizeof(control.room);
	}
	/* An engine that does not want to know finds out by itself. */
	(void)!sendmsg(fd, &head, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static __attribute__((noreturn)) void keep(struct keeper *keeper)
{
	struct keeper_request request;
	ssize_t n;

	for (;;) {
		struct keeper_reply reply = { 0 };
		int socket = -1;

		n = recv(KEEPER_FD, &request, sizeof(request), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(request) || request.op >= KEEPER_OP_COUNT)
			break;
		reply.id = request.id;
		reply.status = end_reader(keeper, request.grace_ms);
		if (request.op == KEEPER_START)
			reply.code = fork_reader(keeper, &socket);
		send_with_descriptor(KEEPER_FD, &reply, socket);
		if (socket >= 0)
			close(socket);
	}
	end_reader(keeper, 0);
	_exit(0);
}

/* Keys that interrupt the engine reach this process as well: the engine decides what they mean. */
static void ignore_keys(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
}

static __attribute__((noreturn)) void keeper_main(struct keeper *keeper, int socket,
						  pid_t engine)
{
	prctl(PR_SET_NAME, "bmr-keeper");
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	ignore_keys();
	if (getppid() != engine || (socket != KEEPER_FD && dup2(socket, KEEPER_FD) < 0) ||
	    close_range(KEEPER_FD + 1, ~0U, 0) < 0)
		_exit(2);
	keep(keeper);
}

/* -- the engine's side ------------------------------------------------------------ */

int keeper_fork(struct reader *reader, const struct reader_options *options,
		reader_main *main, struct err *err)
{
	struct keeper keeper = { options, main, reader->memory, 0 };
	int sockets[2];

	reader->shared = mmap(NULL, sizeof(*reader->shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (reader->shared == MAP_FAILED) {
		reader->shared = NULL;
		return err_nomem(err);
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return err_errno(err, errno, "a socket for the keeper process");
	reader->keeper = sockets[0];
	reader->keeper_pid = fork();
	if (reader->keeper_pid == 0) {
		/* What engine and its children tell each other is not for readers. */
		munmap(reader->shared, sizeof(*reader->shared));
		keeper_main(&keeper, sockets[1], reader->engine);
	}
	close(sockets[1]);
	if (reader->keeper_pid < 0)
		return err_errno(err, errno, "starting the keeper process");
	return 0;
}

/* An answer to this request: what a child asked for that is no more may still be there. */
static int receive_reply(struct reader *reader, uint64_t id, struct keeper_reply *ret,
			 int *ret_descriptor)
{
	union one_descriptor control = { 0 };
	struct iovec part = { ret, sizeof(*ret) };
	struct msghdr head = { .msg_iov = &part,
			       .msg_iovlen = 1,
			       .msg_control = control.room,
			       .msg_controllen = sizeof(control.room) };
	struct pollfd readable = { .fd = reader->keeper, .events = POLLIN };
	const struct cmsghdr *first;
	ssize_t n;

	if (poll(&readable, 1, KEEPER_TIMEOUT_MS) != 1)
		return -ETIMEDOUT;
	n = recvmsg(reader->keeper, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n != sizeof(*ret))
		return n < 0 ? -errno : -EPIPE;
	first = CMSG_FIRSTHDR(&head);
	*ret_descriptor = -1;
	if (first && first->cmsg_type == SCM_RIGHTS)
		memcpy(ret_descriptor, CMSG_DATA(first), sizeof(int));
	if (ret->id == id)
		return 0;
	if (*ret_descriptor >= 0)
		close(*ret_descriptor);
	return -EAGAIN;
}

static int ask_keeper(struct reader *reader, enum keeper_op op, unsigned grace_ms,
		      struct keeper_reply *ret, int *ret_descriptor)
{
	struct keeper_request request = {
		.id = (uint64_t)getpid() << 32 | (uint32_t)++reader->keeper_calls,
		.op = op,
		.grace_ms = grace_ms,
	};
	int r = -EAGAIN;

	if (send(reader->keeper, &request, sizeof(request), MSG_NOSIGNAL) !=
	    sizeof(request))
		return -EPIPE;
	while (r == -EAGAIN || r == -EINTR)
		r = receive_reply(reader, request.id, ret, ret_descriptor);
	return r < 0 ? r : ret->code;
}

int keeper_start_reader(struct reader *reader, struct err *err)
{
	struct reader_link *link = &reader->links[0];
	struct keeper_reply reply = { 0 };
	int socket = -1, r;

	if (link->socket >= 0)
		close(link->socket);
	*link = (struct reader_link){ .pid = -1, .pidfd = -1, .socket = -1 };
	r = ask_keeper(reader, KEEPER_START, 0, &reply, &socket);
	if (r == 0 && socket < 0)
		r = -EPROTO;
	if (r < 0)
		return err_set(err, -EPIPE, "the keeper of the reader process fails: %s",
			       strerror(-r));
	link->socket = socket;
	return 0;
}

void keeper_stop_reader(struct reader *reader, unsigned grace_ms, int *ret_status)
{
	struct keeper_reply reply = { 0 };
	int socket = -1;

	*ret_status = 0;
	if (ask_keeper(reader, KEEPER_STOP, grace_ms, &reply, &socket) == 0)
		*ret_status = reply.status;
	if (socket >= 0)
		close(socket);
}

void keeper_end(struct reader *reader)
{
	if (reader->keeper > 0) {
		shutdown(reader->keeper, SHUT_RDWR); /* whoever else has it open */
		close(reader->keeper);
	}
	while (reader->keeper_pid > 0 && waitpid(reader->keeper_pid, NULL, 0) < 0 &&
	       errno == EINTR)
		;
	if (reader->shared)
		munmap(reader->shared, sizeof(*reader->shared));
	reader->shared = NULL;
}
