/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a session tells of a restore that has ended, and keeps where it was told to. */
#pragma once

#include "session.h"

/* Prints the report, saves it, shows the QR code. error NULL: it succeeded. The disk is as it is:
 * what cannot be saved is told, and changes nothing of that. */
void session_report(const struct session *session, const struct session_options *options,
		    const struct restore_result *result, const struct err *error);

/* The same without printing: for a plan that is refused. */
void session_save_refusal(const struct session *session,
			  const struct session_options *options);

/* Saves a report where --report says: a path, a share or a medium, reached by the source's login. What
 * cannot be saved is told. */
void report_keep(const char *where, const struct source_options *source,
		 const char *machine, const char *json, const char *text);

/* Saves to where: in a folder as "openbmr-MACHINE-TIME.json" and ".txt", which must not be there;
 * else the one of them that the name's end asks for (".txt", else JSON), in place of what is
 * there. */
int report_save(const char *where, const char *machine, const char *json,
		const char *text, struct err *err) MUST_CHECK;
