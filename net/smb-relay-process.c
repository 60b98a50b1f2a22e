/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The relay process: takes the listener, and for each connection made to it makes one to the
 * server and passes frames between the two, a thread for each direction. The first bytes of
 * each frame are looked at (smb-frames.h); the rest goes through a pipe, unseen and uncopied.
 */
#include "smb-relay-process.h"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <base/checked.h>
#include <base/sandbox.h>

#include "smb-frames.h"

#define NOBODY		   65534 /* owns nothing, on every Linux */
#define CONTROL_FD	   3
#define PIPE_SIZE	   (1 << 20) /* bytes: what an unprivileged process may have */
#define CONNECT_TIMEOUT_MS 10000

/* What it may allocate: stacks of 8 MiB for two threads of each connection are most of it. */
#define MEMORY_MAX (UINT64_C(512) << 20)

struct connection {
	struct relay_process *relay;
	int ends[2];	      /* by enum smb_direction: where it leads to */
	pthread_mutex_t lock; /* of watch */
	struct smb_watch watch;
};

struct lane {
	struct connection *connection;
	enum smb_direction direction;
};

/* -- rights ----------------------------------------------------------------------- */

void relay_isolate(int *control)
{
	int null = fcntl(open("/dev/null", O_RDWR), F_DUPFD, CONTROL_FD + 1);
	int moved = fcntl(*control, F_DUPFD, CONTROL_FD + 1);

	prctl(PR_SET_NAME, "bmr-relay");
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	/* A key that interrupts the engine: the engine decides what it means. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (null < 0 || moved < 0 || dup2(moved, CONTROL_FD) < 0)
		_exit(2);
	for (int fd = 0; fd < CONTROL_FD; fd++)
		if (dup2(null, fd) < 0)
			_exit(2);
	if (close_range(CONTROL_FD + 1, ~0U, 0) < 0)
		_exit(2);
	*control = CONTROL_FD;
}

int relay_drop_rights(struct err *err)
{
	/* Without the last user id of root the kernel clears the capabilities, too. */
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	     setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return err_errno(err, errno, "the relay process cannot become user %d",
				 NOBODY);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) < 0)
		return err_errno(err, errno, "the relay process cannot be locked in");
#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes */
	if (setrlimit(RLIMIT_DATA, &(struct rlimit){ MEMORY_MAX, MEMORY_MAX }) < 0)
		return err_errno(err, errno, "limiting the memory of the relay process");
#endif
	return 0;
}

/* -- descriptors ------------------------------------------------------------------ */

union descriptors {
	struct cmsghdr header;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

int relay_send_descriptors(int control, int listener, int process, struct err *err)
{
	int fds[2] = { listener, process };
	union descriptors descriptors = {
		.header = { .cmsg_len = CMSG_LEN(sizeof(fds)),
			    .cmsg_level = SOL_SOCKET,
			    .cmsg_type = SCM_RIGHTS },
	};
	char byte = 0;
	struct iovec part = { &byte, sizeof(byte) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = descriptors.room,
				  .msg_controllen = sizeof(descriptors.room) };

	memcpy(CMSG_DATA(&descriptors.header), fds, sizeof(fds));
	if (sendmsg(control, &message, MSG_NOSIGNAL) != sizeof(byte))
		return err_errno(err, errno, "handing the listener to the relay process");
	return 0;
}

/* Ends the process where the others are gone before they sent any. */
static void receive_descriptors(int control, int fds[2])
{
	union descriptors descriptors = { 0 };
	char byte;
	struct iovec part = { &byte, sizeof(byte) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = descriptors.room,
				  .msg_controllen = sizeof(descriptors.room) };

	if (recvmsg(control, &message, MSG_CMSG_CLOEXEC) != sizeof(byte) ||
	    message.msg_controllen != sizeof(descriptors.room))
		_exit(0);
	memcpy(fds, CMSG_DATA(&descriptors.header), 2 * sizeof(int));
}

/* -- frames ----------------------------------------------------------------------- */

/* The first one is kept: what follows it may be its consequence. */
static void tell_cut(struct relay_report *report, const struct err *err)
{
	if (!atomic_load(&report->cut))
		snprintf(report->text, sizeof(report->text), "%s", err->text);
	atomic_store(&report->cut, true);
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void tell_seen(struct relay_report *report, const struct smb_watch *watch)
{
	if (watch->seen_clear)
		atomic_store(&report->seen_clear, true);
	if (watch->seen_encrypted)
		atomic_store(&report->seen_encrypted, true);
	if (watch->in_session && !atomic_load(&report->login_ns))
		atomic_store(&report->login_ns, now_ns());
	for (unsigned i = 0; i < SMB_MATTERS; i++)
		if (watch->failed[i])
			atomic_store(&report->failed[i], watch->failed[i]);
}

static bool may_pass(struct lane *lane, const uint8_t *head, uint32_t length)
{
	struct connection *connection = lane->connection;
	struct relay_report *report = connection->relay->report;
	struct err err = { 0 };
	int r;

	pthread_mutex_lock(&connection->lock);
	r = smb_watch_frame(&connection->watch, lane->direction, head, length, &err);
	if (r < 0)
		tell_cut(report, &err);
	tell_seen(report, &connection->watch);
	pthread_mutex_unlock(&connection->lock);
	return r == 0;
}

static bool receive_all(int fd, uint8_t *buffer, size_t length)
{
	return recv(fd, buffer, length, MSG_WAITALL) == (ssize_t)length;
}

static bool send_all(int fd, const uint8_t *buffer, size_t length, int flags)
{
	while (length) {
		ssize_t n = send(fd, buffer, length, MSG_NOSIGNAL | flags);

		if (n <= 0)
			return false;
		buffer += n;
		length -= (size_t)n;
	}
	return true;
}

static bool pass_rest(int from, int to, const int pipe[2], uint32_t length)
{
	while (length) {
		ssize_t in = splice(from, NULL, pipe[1], NULL, min_u64(length, PIPE_SIZE),
				    SPLICE_F_MOVE);

		if (in <= 0)
			return false;
		length -= (uint32_t)in;
		while (in) {
			ssize_t out =
				splice(pipe[0], NULL, to, NULL, (size_t)in,
				       SPLICE_F_MOVE | (length ? SPLICE_F_MORE : 0));

			if (out <= 0)
				return false;
			in -= out;
		}
	}
	return true;
}

/* false: the connection is at its end, or has been cut. */
static bool pass_frame(struct lane *lane, const int pipe[2])
{
	uint8_t bytes[SMB_FRAME_PREFIX + SMB_FRAME_HEAD];
	int to = lane->connection->ends[lane->direction];
	int from = lane->connection->ends[!lane->direction];
	struct err err = { 0 };
	uint32_t length = 0, head;

	if (!receive_all(from, bytes, SMB_FRAME_PREFIX))
		return false;
	if (smb_frame_length(bytes, &length, &err) < 0) {
		tell_cut(lane->connection->relay->report, &err);
		return false;
	}
	head = (uint32_t)min_u64(length, SMB_FRAME_HEAD);
	if (!receive_all(from, bytes + SMB_FRAME_PREFIX, head) ||
	    !may_pass(lane, bytes + SMB_FRAME_PREFIX, length))
		return false;
	if (!send_all(to, bytes, SMB_FRAME_PREFIX + head, length > head ? MSG_MORE : 0))
		return false;
	return pass_rest(from, to, pipe, length - head);
}

static void *run_lane(void *context)
{
	struct lane *lane = context;
	int pipe[2];

	if (pipe2(pipe, O_CLOEXEC) == 0) {
		fcntl(pipe[1], F_SETPIPE_SZ, PIPE_SIZE);
		while (pass_frame(lane, pipe))
			;
		close(pipe[0]);
		close(pipe[1]);
	}
	/* Both, so that the other direction ends, too. */
	shutdown(lane->connection->ends[0], SHUT_RDWR);
	shutdown(lane->connection->ends[1], SHUT_RDWR);
	return NULL;
}

/* -- connections ------------------------------------------------------------------ */

static void set_no_delay(int fd)
{
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

static void *run_connection(void *context)
{
	struct connection *connection = context;
	struct lane lanes[2] = { { connection, SMB_TO_SERVER },
				 { connection, SMB_TO_CLIENT } };
	struct err err = { 0 };
	pthread_t other;

	if (host_connect(&connection->relay->host, CONNECT_TIMEOUT_MS,
			 &connection->ends[SMB_TO_SERVER], &err) == 0) {
		set_no_delay(connection->ends[0]);
		set_no_delay(connection->ends[1]);
		if (pthread_create(&other, NULL, run_lane, &lanes[1]) == 0) {
			run_lane(&lanes[0]);
			pthread_join(other, NULL);
		}
		close(connection->ends[SMB_TO_SERVER]);
	}
	close(connection->ends[SMB_TO_CLIENT]);
	pthread_mutex_destroy(&connection->lock);
	free(connection);
	return NULL;
}

static void start_connection(struct relay_process *relay, int client)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	pthread_t thread;

	if (!connection) {
		close(client);
		return;
	}
	connection->relay = relay;
	connection->ends[SMB_TO_CLIENT] = client;
	connection->watch = (struct smb_watch){
		.host = relay->host.name,
		.require_encryption = relay->require_encryption,
	};
	pthread_mutex_init(&connection->lock, NULL);
	if (pthread_create(&thread, NULL, run_connection, connection) == 0) {
		pthread_detach(thread);
		return;
	}
	close(client);
	free(connection);
}

void relay_serve(struct relay_process *relay)
{
	struct pollfd events[2] = { { .events = POLLIN }, { .events = POLLIN } };
	int fds[2];

	receive_descriptors(relay->control, fds);
	/* Addresses are known: it only connects to them from here on. */
	if (sandbox_enter(&(struct sandbox){ 0 }, NULL) < 0)
		_exit(2);
	events[0].fd = fds[0];
	events[1].fd = fds[1];
	for (;;) {
		int client;

		if (poll(events, 2, -1) < 0 && errno != EINTR)
			_exit(2);
		if (events[1].revents) /* the reader has ended */
			_exit(0);
		if (!(events[0].revents & POLLIN))
			continue;
		client = accept4(fds[0], NULL, NULL, SOCK_CLOEXEC);
		if (client >= 0)
			start_connection(relay, client);
	}
}
