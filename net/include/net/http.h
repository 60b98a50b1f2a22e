/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * As much of HTTP/1.0 (RFC 1945) as an answer file and a status line need: one request, one
 * answer, no redirections. What comes by http:// is vouched for by nobody; what comes by https://
 * by a server whose certificate one of the given authorities signed, for its name and this time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

/* http[s]://host[:port]/path; -EINVAL for anything else. IPv6 addresses stand in brackets. */
struct http_url {
	char *host; /* owned */
	unsigned port;
	char *path; /* owned, with its '/' */
	bool tls;   /* https */
};
int http_url_parse(const char *url, struct http_url *ret, struct err *err) MUST_CHECK;
void http_url_clear(struct http_url *url);

/* Pure: the whole answer of a server. *ret_body points into it. -ENOENT: 404; -EPROTO: no answer
 * of HTTP; -EIO: any other status than 200 to 299, which the text names; -EBADMSG: cut off. */
int http_answer_parse(const char *bytes, size_t length, const char **ret_body,
		      size_t *ret_length, struct err *err) MUST_CHECK;
/* Else the end of the connection is the end of the answer. */
bool http_answer_says_length(const char *bytes, size_t length);

struct http_options {
	unsigned timeout_ms;
	/* certificates in PEM form of who may vouch for servers of https; NULL: it is refused */
	const char *ca;
};

/* Fetches url, in a process of its own without rights; more than limit bytes are -EFBIG, a
 * certificate that is not to be trusted -EACCES. The buffer has a NUL after its last byte. */
int http_get(const char *url, size_t limit, const struct http_options *options,
	     uint8_t **ret, size_t *ret_length, struct err *err) MUST_CHECK;

/* Sends a small JSON text and waits for the answer, of which only the status counts; in this
 * process. */
int http_post_json(const char *url, const char *json, const struct http_options *options,
		   struct err *err) MUST_CHECK;
