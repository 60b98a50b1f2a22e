/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One error convention for all layers.
 *
 * A function that can fail returns 0 or a negative errno value, takes struct err last and is
 * MUST_CHECK. Whoever knows the fact writes the text with err_set(); callers add, with
 * err_add(), only what they alone know. The text names the object in quotes, then the fact
 * with value and limit, in lower case without a full stop; where there is a cure, it names it:
 *
 *	'C.vhdx': block size 0, must be a power of two from 1 MiB to 256 MiB
 *
 * Codes that callers may test: -EINVAL bad argument, -ENOEXEC not this format, -EBADMSG
 * damaged, -ENOTSUP valid but not supported, -ENOSPC target too small, -ECANCELED, -EACCES
 * login refused; everything else is the system's.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(a, b) __attribute__((format(printf, a, b)))

struct err {
	int code; /* 0 or negative errno */
	char text[1024];
};

/* Sets code and text (cut at the end if it is too long) and returns code. err may be NULL. */
int err_set(struct err *err, int code, const char *format, ...) PRINTF(3, 4);

/* The same for a failed system call: appends ": " and the text of errno_value; returns
 * -errno_value. */
int err_errno(struct err *err, int errno_value, const char *format, ...) PRINTF(3, 4);

/* Puts "context: " before the text that is there; returns the code that is there (-EIO where
 * err is NULL and so nothing is there). */
int err_add(struct err *err, const char *format, ...) PRINTF(2, 3);

/* -ENOMEM with its one text. */
int err_nomem(struct err *err);
