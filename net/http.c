/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See http.h. */
#include <net/http.h>

#include <ctype.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "host.h"

#define SCHEME	     "http://"
#define DEFAULT_PORT 80
#define HEAD_MAX     (16u << 10) /* servers send some hundred bytes */

/* -- addresses ---- */

/* What would end a line of the request, or a word in it. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

static bool take_port(const char *text, size_t length, unsigned *ret)
{
	unsigned long port = DEFAULT_PORT;

	if (length > 0) {
		if (text[0] != ':' || length < 2 || length > 6)
			return false;
		for (size_t i = 1; i < length; i++)
			if (!isdigit((unsigned char)text[i]))
				return false;
		port = strtoul(text + 1, NULL, 10);
	}
	*ret = (unsigned)port;
	return port >= 1 && port <= 65535;
}

int http_url_parse(const char *url, struct http_url *ret, struct err *err)
{
	const char *at, *host, *path;
	size_t authority, name;
	bool bracket;

	if (strncasecmp(url, SCHEME, strlen(SCHEME)) != 0 || !is_plain(url))
		return err_set(err, -EINVAL, "'%s': must be http://HOST/PATH", url);
	at = url + strlen(SCHEME);
	authority = strcspn(at, "/?#");
	/* not repeated: it may be a password */
	if (memchr(at, '@', authority))
		return err_set(err, -EINVAL,
			       "an http address with a user name or password in it");
	bracket = *at == '[';
	host = at + bracket;
	name = bracket ? strcspn(at, "]/") - 1 : strcspn(at, ":/?#");
	if ((bracket && host[name] != ']') || name == 0 ||
	    !take_port(host + name + bracket, authority - name - 2 * bracket, &ret->port))
		return err_set(err, -EINVAL, "'%s': must be http://HOST[:PORT]/PATH",
			       url);
	path = at + authority;
	ret->host = strndup(host, name);
	ret->path = *path == '/' ? strdup(path) : text_format("/%s", path);
	if (ret->host && ret->path)
		return 0;
	http_url_clear(ret);
	return err_nomem(err);
}

void http_url_clear(struct http_url *url)
{
	free(url->host);
	free(url->path);
	*url = (struct http_url){ 0 };
}

/* -- answers ---- */

/* Behind the empty line; NULL: there is none. */
static const char *find_body(const char *bytes, size_t length)
{
	const char *end = memmem(bytes, length, "\r\n\r\n", 4);
	const char *bare = memmem(bytes, length, "\n\n", 2);

	if (end && (!bare || end < bare))
		return end + 4;
	return bare ? bare + 2 : NULL;
}

/* What Content-Length says, if it says anything. */
static bool announced_length(const char *head, size_t length, size_t *ret)
{
	static const char name[] = "\ncontent-length:";

	for (size_t i = 0; i + strlen(name) < length; i++) {
		const char *value = head + i + strlen(name);
		size_t left = length - i - strlen(name), digits = 0;

		if (strncasecmp(head + i, name, strlen(name)) != 0)
			continue;
		while (left && *value == ' ')
			value++, left--;
		*ret = 0;
		for (; digits < left && isdigit((unsigned char)value[digits]); digits++) {
			if (*ret > SIZE_MAX / 10 - 1)
				return false;
			*ret = *ret * 10 + (size_t)(value[digits] - '0');
		}
		return digits > 0;
	}
	return false;
}

static int check_status(const char *bytes, size_t length, struct err *err)
{
	char line[64] = "";
	unsigned major, minor, status = 0;

	memcpy(line, bytes, length < sizeof(line) ? length : sizeof(line) - 1);
	line[strcspn(line, "\r\n")] = '\0';
	if (sscanf(line, "HTTP/%1u.%1u %3u", &major, &minor, &status) != 3)
		return err_set(err, -EPROTO, "the server does not speak HTTP");
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
	if (status == 404)
		return err_set(err, -ENOENT, "not there (%s)", line);
	if (status < 200 || status > 299)
		return err_set(err, -EIO, "refused (%s)", line);
	return 0;
}

int http_answer_parse(const char *bytes, size_t length, const char **ret_body,
		      size_t *ret_length, struct err *err)
{
	const char *body = find_body(bytes, length);
	size_t announced, there;
	int r = check_status(bytes, length, err);

	if (r < 0)
		return r;
	if (!body)
		return err_set(err, -EBADMSG, "the answer was cut off");
	there = length - (size_t)(body - bytes);
	if (announced_length(bytes, (size_t)(body - bytes), &announced)) {
		if (announced > there)
			return err_set(err, -EBADMSG,
				       "the answer was cut off after %zu of %zu bytes",
				       there, announced);
		there = announced;
	}
	*ret_body = body;
	*ret_length = there;
	return 0;
}

/* -- talking ---- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t deadline, struct err *err)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int64_t left = deadline - now_ms();

	if (left <= 0 || poll(&poll_fd, 1, (int)left) <= 0)
		return err_set(err, -ETIMEDOUT, "the server does not answer");
	return 0;
}

static int send_all(int fd, const char *text, size_t length, int64_t deadline,
		    struct err *err)
{
	while (length) {
		int r = wait_for(fd, POLLOUT, deadline, err);
		ssize_t n;

		if (r < 0)
			return r;
		n = send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_errno(err, errno, "sending");
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

static int receive_all(int fd, char *bytes, size_t room, int64_t deadline,
		       size_t *ret_length, struct err *err)
{
	size_t length = 0;

	for (;;) {
		int r = wait_for(fd, POLLIN, deadline, err);
		ssize_t n;

		if (r < 0)
			return r;
		if (length == room)
			return err_set(err, -EFBIG, "more than %zu bytes", room);
		n = recv(fd, bytes + length, room - length, MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_errno(err, errno, "receiving");
		if (n == 0)
			break;
		if (n > 0)
			length += (size_t)n;
	}
	*ret_length = length;
	return 0;
}

static int connect_to(const struct http_url *url, unsigned timeout_ms, int *ret,
		      struct err *err)
{
	struct host host;
	int r = host_resolve(url->host, url->port, &host, err);

	return r < 0 ? r : host_connect(&host, timeout_ms, ret, err);
}

/* The answer, at most room bytes of it, with a NUL behind it. */
static int ask(const char *method, const char *address, const char *body, size_t room,
	       unsigned timeout_ms, char **ret, size_t *ret_length, struct err *err)
{
	AUTO(http_url_clear) struct http_url url = { 0 };
	int64_t deadline = now_ms() + timeout_ms;
	AUTO_FREE char *request = NULL;
	AUTO_FREE char *bytes = malloc(room + 1);
	AUTO_CLOSE int fd = -1;
	bool bracket;
	int r = http_url_parse(address, &url, err);

	if (r == 0)
		r = connect_to(&url, timeout_ms, &fd, err);
	if (r < 0)
		return r;
	bracket = strchr(url.host, ':') != NULL;
	request = text_format(
		"%s %s HTTP/1.0\r\nHost: %s%s%s:%u\r\nUser-Agent: openbmr\r\n"
		"%s%s%zu\r\nConnection: close\r\n\r\n%s",
		method, url.path, bracket ? "[" : "", url.host, bracket ? "]" : "",
		url.port, body ? "Content-Type: application/json\r\n" : "",
		"Content-Length: ", body ? strlen(body) : 0, body ? body : "");
	if (!request || !bytes)
		return err_nomem(err);
	r = send_all(fd, request, strlen(request), deadline, err);
	if (r == 0)
		r = receive_all(fd, bytes, room, deadline, ret_length, err);
	if (r < 0)
		return err_add(err, "'%s'", address);
	bytes[*ret_length] = '\0';
	*ret = TAKE_PTR(bytes);
	return 0;
}

int http_get(const char *url, size_t limit, unsigned timeout_ms, uint8_t **ret,
	     size_t *ret_length, struct err *err)
{
	AUTO_FREE char *bytes = NULL;
	const char *body = NULL;
	size_t length = 0, body_length = 0;
	int r = ask("GET", url, NULL, limit + HEAD_MAX, timeout_ms, &bytes, &length, err);

	if (r < 0)
		return r;
	r = http_answer_parse(bytes, length, &body, &body_length, err);
	if (r == 0 && body_length > limit)
		r = err_set(err, -EFBIG, "%zu bytes, must be at most %zu", body_length,
			    limit);
	if (r < 0)
		return err_add(err, "'%s'", url);
	memmove(bytes, body, body_length);
	bytes[body_length] = '\0';
	*ret_length = body_length;
	*ret = (uint8_t *)TAKE_PTR(bytes);
	return 0;
}

int http_post_json(const char *url, const char *json, unsigned timeout_ms,
		   struct err *err)
{
	AUTO_FREE char *bytes = NULL;
	const char *body = NULL;
	size_t length = 0, body_length = 0;
	int r = ask("POST", url, json, HEAD_MAX, timeout_ms, &bytes, &length, err);

	if (r < 0)
		return r;
	r = http_answer_parse(bytes, length, &body, &body_length, err);
	return r < 0 ? err_add(err, "'%s'", url) : 0;
}
