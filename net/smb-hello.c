/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process that asks, and the one that waits for it: see net/smb-hello.h. Each stage comes as
 * one message.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <base/cleanup.h>
#include <base/sandbox.h>
#include <base/text.h>

#include "smb-frames.h"
#include "smb-negotiate.h"
#include "smb-relay-process.h"
#include "smb-url.h"

#define CONNECT_TIMEOUT_MS                                                               \
	10000 /* for a host that does not answer: three SYNs are lost */
#define ANSWER_TIMEOUT_S 10

/* For all stages together, kept by whoever waits for the process: it may be in the server's hands.
 * Three name servers that do not answer take 30 s (resolv.conf(5)), which is told as that. */
#define LIMIT_S 40

#define ADDRESS_SIZE (INET6_ADDRSTRLEN + IF_NAMESIZE)

#define STAGES (SMB_HELLO_DIALECT + 1)

struct message {
	enum smb_hello_stage stage;
	unsigned ms;
	int code; /* 0: passed */
	struct smb_offer offer;
	char text[sizeof(((struct err *)0)->text)]; /* the fact, or the error's */
};

struct asker {
	int control;
	const struct smb_location *location;
	struct host host;
	int fd; /* of the connection */
};

static unsigned now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* -- the stages ------------------------------------------------------------------- */

/* Sets message's fact. */
typedef int stage_run(struct asker *asker, struct message *message, struct err *err);

static int run_name(struct asker *asker, struct message *message, struct err *err)
{
	const struct smb_location *location = asker->location;
	int length, r = host_resolve(location->host,
				     location->port ? location->port : SMB_PORT,
				     &asker->host, err);

	if (r < 0)
		return r;
	length =
		snprintf(message->text, sizeof(message->text), "'%s' is", location->host);
	for (size_t i = 0; i < asker->host.count; i++) {
		char address[ADDRESS_SIZE];

		host_format_address(&asker->host.addresses[i], address, sizeof(address));
		if ((size_t)length + strlen(address) + 3 > sizeof(message->text))
			break;
		length += snprintf(message->text + length,
				   sizeof(message->text) - (size_t)length, "%s %s",
				   i ? "," : "", address);
	}
	/* From here on bytes of the server are looked at; addresses are known. */
	return sandbox_enter(&(struct sandbox){ 0 }, err);
}

static int run_tcp(struct asker *asker, struct message *message, struct err *err)
{
	char address[ADDRESS_SIZE] = "?";
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof(peer);
	int r = host_connect(&asker->host, CONNECT_TIMEOUT_MS, &asker->fd, err);

	if (r < 0)
		return r;
	if (getpeername(asker->fd, (struct sockaddr *)&peer, &size) == 0)
		host_format_address(&peer, address, sizeof(address));
	snprintf(message->text, sizeof(message->text), "port %u at %s is open",
		 asker->host.port, address);
	return 0;
}

/* All of it before `deadline_ms`. Its length; 0: the connection ended; -ETIMEDOUT. */
static ssize_t take(int fd, uint8_t *to, size_t length, unsigned deadline_ms)
{
	for (size_t done = 0; done < length;) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		int left = (int)(deadline_ms - now_ms());
		int r = left > 0 ? poll(&readable, 1, left) : 0;
		ssize_t n;

		if (r == 0)
			return -ETIMEDOUT;
		n = r > 0 ? recv(fd, to + done, length - done, 0) : -1;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		done += (size_t)n;
	}
	return (ssize_t)length;
}

/* Bytes of the answer without its prefix; 0: the connection ended; -ETIMEDOUT: it is not there, or
 * not all of it; *ret_begun then says whether it began. */
static ssize_t ask(int fd, const uint8_t *request, size_t length, uint8_t *answer,
		   bool *ret_begun)
{
	unsigned deadline_ms = now_ms() + ANSWER_TIMEOUT_S * 1000;
	uint8_t prefix[SMB_FRAME_PREFIX];
	uint32_t size = 0;
	ssize_t n;

	*ret_begun = false;
	if (send(fd, request, length, MSG_NOSIGNAL) != (ssize_t)length)
		return 0;
	n = take(fd, prefix, sizeof(prefix), deadline_ms);
	if (n <= 0)
		return n;
	if (smb_frame_length(prefix, &size, NULL) < 0 || size > SMB_NEGOTIATE_ANSWER)
		return 0;
	*ret_begun = true;
	return take(fd, answer, size, deadline_ms);
}

/* A server that ends the connection may know only the protocol of old. */
static int explain_end(struct asker *asker, uint8_t *answer, struct err *err)
{
	uint8_t request[SMB_NEGOTIATE_SIZE];
	AUTO_CLOSE int fd = -1;
	size_t length = smb_negotiate_request1(request);
	bool begun;

	if (host_connect(&asker->host, CONNECT_TIMEOUT_MS, &fd, NULL) == 0 &&
	    ask(fd, request, length, answer, &begun) >= 4 &&
	    memcmp(answer, "\xffSMB", 4) == 0)
		return err_set(
			err, -EPROTONOSUPPORT,
			"'%s': the server speaks SMB 1 only, which is not safe and not "
			"supported: turn on SMB 2 or 3 there",
			asker->host.name);
	return err_set(
		err, -ECONNABORTED,
		"'%s': the server ends the connection at once: is it shares that it "
		"serves at port %u, and may this machine's address connect?",
		asker->host.name, asker->host.port);
}

static int run_dialect(struct asker *asker, struct message *message, struct err *err)
{
	AUTO_FREE uint8_t *answer = malloc(SMB_NEGOTIATE_ANSWER);
	uint8_t request[SMB_NEGOTIATE_SIZE], random[48] = { 0 };
	size_t length;
	bool begun;
	ssize_t n;

	if (!answer)
		return err_nomem(err);
	if (getrandom(random, sizeof(random), GRND_NONBLOCK) < 0)
		memset(random, 0x5a, sizeof(random)); /* no secret depends on it */
	length = smb_negotiate_request(random, request);
	n = ask(asker->fd, request, length, answer, &begun);
	if (n == 0)
		return explain_end(asker, answer, err);
	if (n < 0)
		return err_set(
			err, -ETIMEDOUT,
			"'%s': the server takes the connection but %s %d s: restart its "
			"file service, and look for a firewall that lets connections "
			"through and no data",
			asker->host.name,
			begun ? "has not ended its first answer after"
			      : "says nothing for",
			ANSWER_TIMEOUT_S);
	if (smb_negotiate_parse(answer, (size_t)n, &message->offer, err) < 0)
		return err_add(err, "'%s'", asker->host.name);
	snprintf(message->text, sizeof(message->text), "%s",
		 smb_dialect_text(message->offer.dialect));
	return 0;
}

static stage_run *const stages[STAGES] = {
	[SMB_HELLO_NAME] = run_name,
	[SMB_HELLO_TCP] = run_tcp,
	[SMB_HELLO_DIALECT] = run_dialect,
};

/* -- the process ------------------------------------------------------------------ */

static bool tell(const struct asker *asker, const struct message *message)
{
	return send(asker->control, message, sizeof(*message), MSG_NOSIGNAL) ==
	       sizeof(*message);
}

static __attribute__((noreturn)) void run(struct asker *asker)
{
	struct err err = { 0 };

	relay_isolate(&asker->control);
	for (enum smb_hello_stage stage = 0; stage < STAGES; stage++) {
		struct message message = { .stage = stage };
		unsigned start = now_ms();
		int r = stage == 0 ? relay_drop_rights(&err) : 0;

		if (r == 0)
			r = stages[stage](asker, &message, &err);
		message.ms = now_ms() - start;
		message.code = r;
		if (r < 0)
			snprintf(message.text, sizeof(message.text), "%s", err.text);
		if (!tell(asker, &message) || r < 0)
			break;
	}
	_exit(0);
}

/* Whoever waits for the process. */
struct listener {
	int fd;
	const char *host;
	unsigned start_ms;
};

/* Is there a message, or the end? */
static bool wait_for_message(const struct listener *listener)
{
	struct pollfd readable = { .fd = listener->fd, .events = POLLIN };
	int r;

	do {
		unsigned gone = now_ms() - listener->start_ms;

		r = gone < LIMIT_S * 1000
			    ? poll(&readable, 1, (int)(LIMIT_S * 1000 - gone))
			    : 0;
	} while (r < 0 && errno == EINTR);
	return r != 0;
}

/* What the process said is bounded here once more: it saw bytes from outside. */
static int receive(const struct listener *listener, enum smb_hello_stage stage,
		   struct message *message, struct err *err)
{
	unsigned start = now_ms();
	bool there = wait_for_message(listener);
	ssize_t n = there ? recv(listener->fd, message, sizeof(*message), 0) : 0;

	message->stage = stage;
	if (!there) {
		message->ms = now_ms() - start;
		return err_set(
			err, -ETIMEDOUT,
			"'%s': asking the server took more than %d s, and was given up: "
			"restart its file service, and look for a firewall that holds "
			"data back",
			listener->host, LIMIT_S);
	}
	if (n != sizeof(*message))
		return err_set(
			err, -EPIPE,
			"the process that asks the server ended before it answered");
	message->text[sizeof(message->text) - 1] = '\0';
	if (message->code > 0)
		return err_set(err, -EBADMSG,
			       "the process that asks the server says nonsense");
	if (message->code < 0)
		return err_set(err, message->code, "%s", message->text);
	return 0;
}

static int follow(const struct listener *listener, smb_hello_report *report,
		  void *context, struct smb_offer *ret, struct message *message,
		  struct err *err)
{
	for (enum smb_hello_stage stage = 0; stage < STAGES; stage++) {
		int r = receive(listener, stage, message, err);

		if (r < 0)
			return r;
		if (report)
			report(stage, message->ms, message->text, context);
	}
	*ret = message->offer;
	return 0;
}

int smb_hello(const struct smb_location *location, smb_hello_report *report,
	      void *context, struct smb_offer *ret, enum smb_hello_stage *ret_stage,
	      unsigned *ret_ms, struct err *err)
{
	struct asker asker = { .location = location, .fd = -1 };
	struct listener listener = { .host = location->host, .start_ms = now_ms() };
	struct message message = { 0 };
	int sockets[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return err_errno(err, errno, "a socket for the process that asks");
	listener.fd = sockets[0];
	asker.control = sockets[1];
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run(&asker);
	close(sockets[1]);
	if (pid < 0)
		r = err_errno(err, errno, "starting the process that asks");
	else
		r = follow(&listener, report, context, ret, &message, err);
	close(sockets[0]);
	if (pid > 0)
		kill(pid, SIGKILL); /* it is done, or was given up */
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (ret_stage)
		*ret_stage = message.stage;
	if (ret_ms)
		*ret_ms = message.ms;
	return r;
}
