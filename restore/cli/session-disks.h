/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of session_open(): which disks, and the plans for them. */
#pragma once

#include "session.h"

/* Reads the disks of this machine and finds the named and the excluded ones among them. */
int session_find_disks(const struct session_options *options, struct session *session,
		       struct err *err) MUST_CHECK;

/* Makes session->plans. */
int session_make_plans(const struct session_options *options, const struct plan_wishes *wishes,
		       struct session *session, struct err *err) MUST_CHECK;
