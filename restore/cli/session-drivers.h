/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the restored Windows will find its disk. */
#pragma once

#include "session.h"

/* Where the storage controller is known: looks into the image of Windows for its driver, and
 * makes the plans again, which then tell what was found. An image that cannot be asked is no
 * error: the plan says that it is not known. Drivers that the user gives are loaded. wishes
 * then points into the session. */
int session_look_for_drivers(const struct session_options *options,
			     struct plan_wishes *wishes, struct session *session,
			     struct err *err) MUST_CHECK;
void session_drivers_clear(struct session *session);
