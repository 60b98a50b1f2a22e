/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fitting a plan onto a smaller target. */
#pragma once

#include "session.h"

/* If a plan wants minimums: measures the volumes and makes the plans again, until ntfsresize
 * gets every volume to its new length in a trial. wishes then points into the session. */
int session_fit(const struct session_options *options, struct plan_wishes *wishes,
		struct session *session, struct err *err) MUST_CHECK;
void session_sizes_clear(struct session *session);
