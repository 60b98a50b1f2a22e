/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * As much of HTTP/1.0 (RFC 1945) as an answer file and a status line need: one request, one
 * answer, no redirections, nothing encrypted. What comes is vouched for by nobody.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

/* http://host[:port]/path; -EINVAL for anything else. IPv6 addresses stand in brackets. */
struct http_url {
	char *host; /* owned */
	unsigned port;
	char *path; /* owned, with its '/' */
};
int http_url_parse(const char *url, struct http_url *ret, struct err *err) MUST_CHECK;
void http_url_clear(struct http_url *url);

/* Pure: the whole answer of a server. *ret_body points into it. -ENOENT: 404; -EPROTO: no answer
 * of HTTP; -EIO: any other status than 200 to 299, which the text names; -EBADMSG: cut off. */
int http_answer_parse(const char *bytes, size_t length, const char **ret_body,
		      size_t *ret_length, struct err *err) MUST_CHECK;

/* Fetches url; more than limit bytes are -EFBIG. The buffer has a NUL after its last byte. */
int http_get(const char *url, size_t limit, unsigned timeout_ms, uint8_t **ret,
	     size_t *ret_length, struct err *err) MUST_CHECK;

/* Sends a small JSON text and waits for the answer, of which only the status counts. */
int http_post_json(const char *url, const char *json, unsigned timeout_ms,
		   struct err *err) MUST_CHECK;
