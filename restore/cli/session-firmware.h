/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the files of the backup allow a restore for other firmware. */
#pragma once

#include "session.h"

/* Where the plans convert: tries it, and where it does not work makes the plans again, which then
 * refuse with the reason. wishes then points into the session. */
int session_try_firmware(const struct session_options *options, struct plan_wishes *wishes,
			 struct session *session, struct err *err) MUST_CHECK;
