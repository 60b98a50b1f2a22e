/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The step "drive letters" of the fix-up "SYSTEM hive": what names a partition that got other
 * ids or another place gets its new name (mounted-edit.h). Else the system drive would come up
 * with another letter.
 */
#include <stdlib.h>
#include <string.h>

#include "mounted-edit.h"
#include "system-hive.h"

/* No memory: then running tells so. */
static bool mounted_applies(const struct restore_plan *plan,
			    const struct plan_partition *partition)
{
	AUTO(mounted_changes_clear) struct mounted_changes changes = { 0 };

	if (mounted_changes_of(plan, &changes, NULL) < 0)
		return true;
	for (size_t i = 0; i < changes.count; i++)
		if (changes.changes[i].gone ||
		    !mounted_device_equal(&changes.changes[i].old,
					  &changes.changes[i].new))
			return true;
	return false;
}

static int tell_change(const char *name, const struct mounted_device *old,
		       const struct mounted_device *new, void *context, struct err *err)
{
	AUTO_FREE char *from = mounted_device_text(old);
	AUTO_FREE char *to = new ? mounted_device_text(new) : strdup("removed");

	if (!from || !to)
		return err_nomem(err);
	return fixup_note(context, PLAN_NOTE, err, "MountedDevices: %s: %s → %s", name,
			  from, to);
}

static int run_mounted(struct fixup_job *job, struct hive_editor *editor, struct err *err)
{
	AUTO(mounted_changes_clear) struct mounted_changes changes = { 0 };
	int r = mounted_changes_of(job->plan, &changes, err);

	return r < 0 ? r : mounted_devices_edit(editor, &changes, tell_change, job, err);
}

const struct system_step system_step_mounted = {
	.applies = mounted_applies,
	.run = run_mounted,
};
