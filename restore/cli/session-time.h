/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long a restore will take, as far as that can be told before: what there is to copy, at the rate
 * at which a sample of it is read now. The disk is not measured: it would have to be written.
 */
#pragma once

#include <jansson.h>

#include "session.h"

struct session_time {
	uint64_t bytes; /* of data, which the copy reads */
	/* Of the sample; bytes 0: there is too little for one. */
	uint64_t sample_bytes, sample_ms;
	char sample_of[64]; /* "C:" */
	uint64_t rate;	    /* bytes per second */
	uint64_t seconds;   /* that the copy takes at least */
};

/* Reads the tables of every volume, as a restore does, and the sample: for a second, 64 MiB at most.
 * Nothing of plans that are refused: bytes is 0 then. */
int session_time(struct session *session, struct session_time *ret,
		 struct err *err) MUST_CHECK;

/* A few lines for people; a new string, NULL: no memory. why: it could not be measured; NULL. */
char *session_time_text(const struct session_time *time, const char *why);
/* The same as an object of JSON. */
json_t *session_time_json(const struct session_time *time, const char *why);
