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
		const char *controller, const struct driver_folder *given,
		struct plan_driver *ret, struct err *err)
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
		r = boot_driver_look(source, &volume->fs, controller, given, ret, err);
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

static int load_given(const struct session_options *options, struct plan_wishes *wishes,
		      struct session *session, struct err *err)
{
	int r;

	if (!options->drivers)
		return 0;
	session->drivers = calloc(1, sizeof(*session->drivers));
	if (!session->drivers)
		return err_nomem(err);
	r = driver_folder_load(options->drivers, session->drivers, err);
	wishes->drivers = session->drivers;
	return r;
}

/* session->driver, if the image tells. */
static int ask_image(const struct backup_volume *windows, const char *controller,
		     struct session *session, struct err *err)
{
	AUTO_FREE struct plan_driver *driver = calloc(1, sizeof(*driver));
	struct err fault = { 0 };
	int r;

	if (!driver)
		return err_nomem(err);
	r = look(session, windows, controller, session->drivers, driver, &fault);
	if (ends_all(r))
		return err_set(err, r, "%s", fault.text);
	if (r == 0)
		session->driver = TAKE_PTR(driver);
	else
		log_debug("drivers for '%s': %s, ignoring", controller ? controller : "",
			  fault.text);
	return 0;
}

int session_look_for_drivers(const struct session_options *options,
			     struct plan_wishes *wishes, struct session *session,
			     struct err *err)
{
	const struct restore_plan *plan = NULL;
	const struct backup_volume *windows = find_windows(&session->plans, &plan);
	const char *controller = windows ? plan_controller(plan) : NULL;
	int r = load_given(options, wishes, session, err);

	if (r < 0 || !windows || (!controller && !session->drivers))
		return r;
	r = ask_image(windows, controller, session, err);
	if (r < 0)
		return r;
	wishes->driver = session->driver;
	plan_set_clear(&session->plans);
	return session_make_plans(options, wishes, session, err);
}

void session_drivers_clear(struct session *session)
{
	if (session->drivers)
		driver_folder_clear(session->drivers);
	free(session->drivers);
	free(session->driver);
}
