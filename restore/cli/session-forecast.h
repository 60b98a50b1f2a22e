/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Will the machine of a session boot? See restore/forecast.h. */
#pragma once

#include <restore/forecast.h>

#include "session.h"

/* Of what the plans would restore, or of the disks as they are now. Nothing for plans that are
 * refused. The caller clears *ret. */
int session_forecast(const struct session *session, const struct session_options *options,
		     bool on_disks, struct forecast *ret, struct err *err) MUST_CHECK;

/* The same, told on out; what cannot be told is told as that. *ret_red: a restore that nobody
 * watches should not begin. */
void session_tell_forecast(const struct session *session,
			   const struct session_options *options, FILE *out, bool *ret_red);

/* A report with the forecast of the disks behind it: either may be NULL. What was in them is
 * freed. */
void session_add_forecast(const struct session *session, const struct session_options *options,
			  char **text, char **json);
