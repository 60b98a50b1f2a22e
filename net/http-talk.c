/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Talking to a web server: see net/http.h. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <net/http.h>

#include <base/cleanup.h>
#include <base/sandbox.h>
#include <base/text.h>

#include "host.h"
#include "http-fetched.h"
#include "smb-relay-process.h"
#include "tls.h"

#define HEAD_MAX (16u << 10) /* servers send some hundred bytes */

/* -- one connection ---- */

struct connection {
	int fd;		 /* does not block */
	struct tls *tls; /* NULL: http */
	int64_t deadline;
	bool cut; /* it ended, and the server did not say so */
};

static void connection_clear(struct connection *connection)
{
	tls_free(connection->tls);
	if (connection->fd >= 0)
		close(connection->fd);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static int wait_for(const struct connection *connection, short events, struct err *err)
{
	struct pollfd poll_fd = { .fd = connection->fd, .events = events };
	int64_t left = connection->deadline - now_ms();

	if (left <= 0 || poll(&poll_fd, 1, (int)left) <= 0)
		return err_set(err, -ETIMEDOUT, "the server does not answer");
	return 0;
}

static ssize_t judge_plain(ssize_t n, const char *what, struct err *err)
{
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return -EAGAIN;
	return err_errno(err, errno, "%s", what);
}

static int send_all(struct connection *connection, const char *text, size_t length,
		    struct err *err)
{
	while (length) {
		short events = POLLOUT;
		ssize_t n = connection->tls ? tls_send(connection->tls, text, length,
						       &events, err)
					    : judge_plain(send(connection->fd, text,
							       length, MSG_NOSIGNAL),
							  "sending", err);

		if (n == -EAGAIN)
			n = wait_for(connection, events, err);
		if (n < 0)
			return (int)n;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Up to its end. */
static int receive_all(struct connection *connection, char *bytes, size_t room,
		       size_t *ret_length, struct err *err)
{
	size_t length = 0;

	for (;;) {
		short events = POLLIN;
		ssize_t n;

		if (length == room)
			return err_set(err, -EFBIG, "more than %zu bytes", room);
		n = connection->tls
			    ? tls_receive(connection->tls, bytes + length, room - length,
					  &connection->cut, &events, err)
			    : judge_plain(recv(connection->fd, bytes + length,
					       room - length, 0),
					  "receiving", err);
		if (n == 0)
			break;
		if (n == -EAGAIN) {
			int r = wait_for(connection, events, err);

			if (r < 0)
				return r;
			continue;
		}
		if (n < 0)
			return (int)n;
		length += (size_t)n;
	}
	*ret_length = length;
	return 0;
}

static int shake_hands(struct connection *connection, struct err *err)
{
	short events = 0;
	int r;

	while ((r = tls_handshake(connection->tls, &events, err)) == -EAGAIN) {
		r = wait_for(connection, events, err);
		if (r < 0)
			break;
	}
	return r;
}

static int connect_to(const struct http_url *url, unsigned timeout_ms, int *ret,
		      struct err *err)
{
	struct host host;
	int r = host_resolve(url->host, url->port, &host, err);

	if (r == 0)
		r = host_connect(&host, timeout_ms, ret, err);
	if (r == 0 && fcntl(*ret, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, errno, "setting up a connection");
	return r;
}

/* -- one question ---- */

struct question {
	const char *method, *address;
	const char *body; /* NULL: none */
	size_t room;	  /* for the answer, with its head */
	const struct http_options *options;
	bool jailed; /* the walls go up when the server is connected to */
};

static char *make_request(const struct question *question, const struct http_url *url)
{
	bool bracket = strchr(url->host, ':') != NULL;
	const char *body = question->body ? question->body : "";

	return text_format("%s %s HTTP/1.0\r\nHost: %s%s%s:%u\r\nUser-Agent: openbmr\r\n"
			   "%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
			   question->method, url->path, bracket ? "[" : "", url->host,
			   bracket ? "]" : "", url->port,
			   question->body ? "Content-Type: application/json\r\n" : "",
			   strlen(body), body);
}

static int open_connection(const struct question *question, const struct http_url *url,
			   struct connection *connection, struct err *err)
{
	const char *ca = question->options->ca;
	int r;

	if (url->tls && !ca)
		return err_set(
			err, -EACCES,
			"nobody is known who may vouch for an https server: make the "
			"image with --ca, or give --ca FILE");
	r = connect_to(url, question->options->timeout_ms, &connection->fd, err);
	if (r == 0 && question->jailed)
		r = sandbox_enter(&(struct sandbox){ 0 }, err);
	if (r < 0 || !url->tls)
		return r;
	r = tls_new(connection->fd, url->host, ca, &connection->tls, err);
	return r < 0 ? r : shake_hands(connection, err);
}

static int exchange(const struct question *question, char *bytes, size_t *ret_length,
		    struct err *err)
{
	AUTO(http_url_clear) struct http_url url = { 0 };
	AUTO(connection_clear)
	struct connection connection = {
		.fd = -1, .deadline = now_ms() + question->options->timeout_ms
	};
	AUTO_FREE char *request = NULL;
	int r = http_url_parse(question->address, &url, err);

	if (r < 0)
		return r;
	request = make_request(question, &url);
	if (!request)
		return err_nomem(err);
	r = open_connection(question, &url, &connection, err);
	if (r == 0)
		r = send_all(&connection, request, strlen(request), err);
	if (r == 0)
		r = receive_all(&connection, bytes, question->room, ret_length, err);
	if (r == 0 && connection.cut && !http_answer_says_length(bytes, *ret_length))
		r = err_set(err, -EBADMSG, "the answer was cut off");
	return r < 0 ? err_add(err, "'%s'", question->address) : 0;
}

/* The body of the answer, at most limit bytes, is moved to its start. */
static int ask(const struct question *question, size_t limit, char *bytes,
	       size_t *ret_length, struct err *err)
{
	const char *body = NULL;
	size_t length = 0;
	int r = exchange(question, bytes, &length, err);

	if (r < 0)
		return r;
	r = http_answer_parse(bytes, length, &body, ret_length, err);
	if (r == 0 && *ret_length > limit)
		r = err_set(err, -EFBIG, "%zu bytes, must be at most %zu", *ret_length,
			    limit);
	if (r < 0)
		return err_add(err, "'%s'", question->address);
	memmove(bytes, body, *ret_length);
	return 0;
}

int http_post_json(const char *url, const char *json, const struct http_options *options,
		   struct err *err)
{
	const struct question question = { .method = "POST",
					   .address = url,
					   .body = json,
					   .room = HEAD_MAX,
					   .options = options };
	AUTO_FREE char *bytes = malloc(question.room);
	size_t length = 0;

	return bytes ? ask(&question, question.room, bytes, &length, err)
		     : err_nomem(err);
}

/* -- the process that fetches ---- */

/* A pipe that blocks takes all of it: no signal has a handler in this process. */
static bool write_all(int fd, const void *bytes, size_t length)
{
	return write(fd, bytes, length) == (ssize_t)length;
}

static bool read_all(int fd, void *bytes, size_t length)
{
	char *at = bytes;

	while (length) {
		ssize_t n = read(fd, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		length -= (size_t)n;
	}
	return true;
}

static __attribute__((noreturn)) void fetch(const struct question *question, size_t limit,
					    int out)
{
	struct fetched_head message = { 0 };
	struct err err = { 0 };
	char *bytes = malloc(question->room);

	relay_isolate(&out);
	message.code = bytes ? relay_drop_rights(&err) : err_nomem(&err);
	if (message.code == 0)
		message.code = ask(question, limit, bytes, &message.length, &err);
	snprintf(message.text, sizeof(message.text), "%s", err.text);
	if (message.code < 0)
		message.length = 0;
	if (write_all(out, &message, sizeof(message)) && bytes)
		write_all(out, bytes, message.length);
	_exit(0);
}

int fetched_take(int in, size_t limit, uint8_t **ret, size_t *ret_length, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	struct fetched_head message = { 0 };

	if (!read_all(in, &message, sizeof(message)))
		return err_set(err, -EPIPE, "the process that fetches is gone");
	if (message.code > 0 || message.length > limit)
		return err_set(err, -EBADMSG, "the process that fetches says nonsense");
	message.text[sizeof(message.text) - 1] = '\0';
	if (message.code != 0)
		return err_set(err, message.code, "%s", message.text);
	bytes = malloc(message.length + 1);
	if (!bytes)
		return err_nomem(err);
	if (!read_all(in, bytes, message.length)) {
		explicit_bzero(bytes, message.length); /* it may be a login */
		return err_set(err, -EPIPE, "the process that fetches is gone");
	}
	bytes[message.length] = '\0';
	*ret_length = message.length;
	*ret = TAKE_PTR(bytes);
	return 0;
}

int http_get(const char *url, size_t limit, const struct http_options *options,
	     uint8_t **ret, size_t *ret_length, struct err *err)
{
	const struct question question = { .method = "GET",
					   .address = url,
					   .room = limit + HEAD_MAX,
					   .options = options,
					   .jailed = true };
	AUTO_CLOSE int in = -1;
	int pipe_fds[2], r;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "a pipe");
	in = pipe_fds[0];
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		fetch(&question, limit, pipe_fds[1]);
	close(pipe_fds[1]);
	if (pid < 0)
		return err_errno(err, errno, "starting a process");
	r = fetched_take(in, limit, ret, ret_length, err);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}
