/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rule that tells whether the restored Windows will find its disk. */
#include "plan-rules.h"

const char *plan_controller(const struct restore_plan *plan)
{
	const char *of_disk = plan->disk->controller;

	if (plan->wishes.controller)
		return plan->wishes.controller;
	return of_disk && of_disk[0] ? of_disk : NULL;
}

static int tell_unknown(struct restore_plan *plan, const char *rule, struct err *err)
{
	if (plan_controller(plan))
		return 0;
	return plan_find(plan, PLAN_NOTE, rule, err,
			 "'%s': what storage controller Windows will find it behind is "
			 "not known; '--for CONTROLLER' looks whether its drivers start",
			 plan->disk->path);
}

static int tell_given(struct restore_plan *plan, const char *rule, struct err *err)
{
	const struct plan_driver *driver = plan->wishes.driver;
	int r = 0;

	for (size_t i = 0; driver && r == 0 && i < driver->given_count; i++)
		r = plan_find(plan, driver->given[i].refused ? PLAN_WARNING : PLAN_NOTE,
			      rule, err, "%s", driver->given[i].text);
	return r;
}

int plan_tell_drivers(const struct plan_context *context, const char *rule,
		      struct err *err)
{
	struct restore_plan *plan = context->plan;
	const struct plan_driver *driver = plan->wishes.driver;
	int r;

	if (!plan->after || !plan_has_role(plan, ROLE_WINDOWS))
		return 0;
	r = tell_given(plan, rule, err);
	if (r < 0)
		return r;
	if (!driver || !driver->controller[0])
		return tell_unknown(plan, rule, err);
	if (driver->serves && !driver->change[0])
		return plan_find(plan, PLAN_NOTE, rule, err,
				 "storage controller %s: driver %s starts at boot",
				 driver->controller, driver->services);
	if (driver->serves)
		return plan_find(
			plan, PLAN_NOTE, rule, err,
			"storage controller %s: driver %s will start at boot: %s",
			driver->controller, driver->services, driver->change);
	return plan_find(plan, PLAN_WARNING, rule, err,
			 "storage controller %s: Windows will stop with "
			 "INACCESSIBLE_BOOT_DEVICE: %s%s%s",
			 driver->controller,
			 driver->services[0] ? "the driver's file is not in the image: "
					     : "no driver in the image serves it",
			 driver->missing[0] && !driver->services[0] ? "; it usually is "
								    : "",
			 driver->missing);
}
