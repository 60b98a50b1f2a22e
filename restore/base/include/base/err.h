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

/* Compilers cannot look into err.c. This tells them that a failure is always negative, so that
 * they do not warn of paths on which a call failed with 0 and left its results unset. */
static inline int err_negative(int code)
{
	return code < 0 ? code : -EIO;
}

/* Sets code and text (cut at the end if it is too long) and returns code. err may be NULL. */
#define err_set(err, code, ...) err_negative(err_set_text(err, code, __VA_ARGS__))
int err_set_text(struct err *err, int code, const char *format, ...) PRINTF(3, 4);

/* The same for a failed system call: appends ": " and the text of errno_value; returns
 * -errno_value. */
#define err_errno(err, errno_value, ...)                                                      \
	err_negative(err_errno_text(err, errno_value, __VA_ARGS__))
int err_errno_text(struct err *err, int errno_value, const char *format, ...) PRINTF(3, 4);

/* Puts "context: " before the text that is there; returns the code that is there (-EIO where
 * err is NULL and so nothing is there). */
#define err_add(err, ...) err_negative(err_add_text(err, __VA_ARGS__))
int err_add_text(struct err *err, const char *format, ...) PRINTF(2, 3);

/* -ENOMEM with its one text. */
#define err_nomem(err) err_set(err, -ENOMEM, "out of memory")
