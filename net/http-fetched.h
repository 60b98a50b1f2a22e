/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the process that fetches (http_get() in net/http.h) tells whoever started it, by a pipe. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

/* In front of the bytes. */
struct fetched_head {
	int code; /* 0, or a negative errno with its text */
	size_t length;
	char text[sizeof(((struct err *)0)->text)];
};

/* Everything is bounded here once more: the process saw bytes from outside. *ret is the caller's to
 * free, with a NUL behind its bytes. -EBADMSG: no such message; -EPIPE: it ends too early. */
int fetched_take(int in, size_t limit, uint8_t **ret, size_t *ret_length,
		 struct err *err) MUST_CHECK;
