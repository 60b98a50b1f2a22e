/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drivers of the target's storage controller: see session-drivers.h. */
#include "session-drivers.h"

#include <stdlib.h>

#include <base/log.h>
#include <restore/boot-driver.h>

#include "session-disks.h"

/* The Windows that is written, and the plan that writes it; NULL: none. */
static const struct backup_volume *find_windows(const struct plan_set *set,
						const struct restore_plan **ret_plan)
{
	for (size_t p = 0; p < set->count; p++) {
		const struct restore_plan *plan = set->plans[p];

		for (size_t i = 0; plan->after && i < plan->after->count; i++) {
			const struct plan_partition *partition = &plan->partitions[i];

			if (!partition->volume || partition->kept ||
			    partition->volume->role != ROLE_WINDOWS)
				continue;
			*ret_plan = plan;
			return partition->volume;
		}
	}
	return NULL;
}

static int look(const struct session *session, const struct backup_volume *volume,
		const char *controller, struct plan_driver *ret, struct err *err)
{
	struct block_source *source;
	struct err fault = { 0 };
	unsigned number;
	uint64_t length;
	int r = reader_open_volume(session->reader, volume, &number, &length, err);

	if (r < 0)
		return r;
	r = reader_source(session->reader, number, &source, err);
	if (r == 0) {
		r = boot_driver_look(source, &volume->fs, controller, ret, err);
		source_close(source);
	}
	if (r < 0) {
		if (reader_close_volume(session->reader, number, &fault) < 0)
			log_debug("%s, ignoring", fault.text);
		return r;
	}
	return reader_close_volume(session->reader, number, err);
}

/* The reader is gone, or the user does not want to go on: then nothing else will work. */
static bool ends_all(int code)
{
	return code == -ENOMEM || code == -ECANCELED || code == -EPIPE;
}

int session_look_for_drivers(const struct session_options *options,
			     struct plan_wishes *wishes, struct session *session,
			     struct err *err)
{
	const struct restore_plan *plan = NULL;
	const struct backup_volume *windows = find_windows(&session->plans, &plan);
	const char *controller = windows ? plan_controller(plan) : NULL;
	struct err fault = { 0 };
	int r;

	if (!controller)
		return 0;
	session->driver = calloc(1, sizeof(*session->driver));
	if (!session->driver)
		return err_nomem(err);
	r = look(session, windows, controller, session->driver, &fault);
	if (ends_all(r))
		return err_set(err, r, "%s", fault.text);
	if (r < 0) {
		log_debug("drivers for '%s': %s, ignoring", controller, fault.text);
		return 0;
	}
	wishes->driver = session->driver;
	plan_set_clear(&session->plans);
	return session_make_plans(options, wishes, session, err);
}
