/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * This machine's clock beside that of the server that holds the backup. A login by Kerberos and
 * certificates need clocks that agree; reports and logs do, too. The hardware clock is never
 * written: Windows keeps local time in it, Linux would write UTC.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>
#include <net/smb.h>

#define CLOCK_MAX_DIFFERENCE_S 300 /* what Kerberos lets pass (RFC 4120 section 1.6) */
/* 2024-01-01: no build of this program is older, so no clock that is right shows less. */
#define CLOCK_EARLIEST_S INT64_C(1704067200)

enum clock_verdict {
	CLOCK_AGREES,
	CLOCK_DIFFERS, /* and the server's is to be believed */
	CLOCK_UNKNOWN, /* the server does not tell, or is wrong itself */
};

/* Pure. Seconds since 1970; server_s 0: not told. */
enum clock_verdict clock_judge(int64_t own_s, int64_t server_s);

/* Pure: "17 s", "3 min", "2 h 5 min", "312 days". */
#define CLOCK_SPAN_SIZE 48
const char *clock_span(int64_t seconds, char text[CLOCK_SPAN_SIZE]);

/* Asks the server (net/smb-hello.h); *ret_text is a new string, one line without its end, about
 * both clocks. set: this machine's clock is set by the server's where it differs. */
int clock_compare(const struct smb_location *location, bool set, char **ret_text,
		  struct err *err) MUST_CHECK;

/* Is this file locked (flock), because a restore runs, whose times would make no sense? NULL: no. */
bool clock_is_locked(const char *lock);

/* Pure: what `bmr net up --clock-from` printed about a clock that it set; false: it set none. */
bool clock_note(const char *output, char *to, size_t size);
