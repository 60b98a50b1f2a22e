/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Restores for other firmware: see session-firmware.h. */
#include "session-firmware.h"

#include <string.h>

#include "session-disks.h"

/* The reader is gone, or the user does not want to go on: then nothing else will work. */
static bool ends_all(int code)
{
	return code == -ENOMEM || code == -ECANCELED || code == -EPIPE;
}

int session_try_firmware(const struct session_options *options,
			 struct plan_wishes *wishes, struct session *session,
			 struct err *err)
{
	for (size_t i = 0; i < session->plans.count; i++) {
		struct err fault = { 0 };
		int r = restore_try_firmware(session->plans.plans[i], session->reader,
					     &fault);

		if (r == 0)
			continue;
		if (ends_all(r))
			return err_set(err, r, "%s", fault.text);
		session->no_conversion = strdup(fault.text);
		if (!session->no_conversion)
			return err_nomem(err);
		wishes->no_conversion = session->no_conversion;
		plan_set_clear(&session->plans);
		return session_make_plans(options, wishes, session, err);
	}
	return 0;
}
