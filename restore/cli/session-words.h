/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a restore was asked for, as its journal keeps it: options of `bmr resume`, each word with a
 * NUL behind it. Files with secrets are not named, nor what concerns one run only.
 */
#pragma once

#include "session.h"

/* *ret is a new buffer of *ret_length bytes. -ENOMEM only. */
int session_words(const struct session_options *options, const struct session *session,
		  char **ret, size_t *ret_length, struct err *err) MUST_CHECK;

/* The words as arguments behind the first `count` of argv, which has room for `room`. They come from
 * a disk: -EBADMSG where one of them is none that session_words() writes, or there are too many. */
int session_words_add(char *words, size_t length, char **argv, size_t *count, size_t room,
		      struct err *err) MUST_CHECK;
