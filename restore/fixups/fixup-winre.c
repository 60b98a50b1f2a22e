/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up "Windows recovery environment": \Windows\System32\Recovery\ReAgent.xml names the
 * partition of WinRE by disk and start; it follows a partition that moved or got other ids. What
 * the boot store says of it is the fix-up "boot store"'s work.
 */
#include <inttypes.h>
#include <string.h>

#include <base/text.h>

#include "fixup.h"
#include "new-name.h"
#include "reagent.h"
#include "volumes/volume-edit.h"

#define REAGENT_PATH "Windows/System32/Recovery/ReAgent.xml"
#define REAGENT_NAME "\\Windows\\System32\\Recovery\\ReAgent.xml"
/* It has some 1500 bytes. */
#define REAGENT_MAX_SIZE (1u << 20)

static bool winre_applies(const struct restore_plan *plan,
			  const struct plan_partition *partition)
{
	return partition->volume && partition->volume->role == ROLE_WINDOWS;
}

static char *location_text(const struct reagent_location *location)
{
	char guid[GUID_TEXT_SIZE];

	if (location->disk.kind == BCD_DEVICE_GPT)
		return text_format("byte %" PRIu64 " of disk {%s}", location->offset,
				   guid_format(&location->disk.disk_id, guid));
	return text_format("byte %" PRIu64 " of disk %08x", location->offset,
			   location->disk.mbr_signature);
}

static int tell_lost(struct fixup_job *job, const char *element, bool enabled,
		     const struct reagent_location *location, struct err *err)
{
	AUTO_FREE char *where = location_text(location);

	if (!where)
		return err_nomem(err);
	if (!enabled)
		return fixup_note(job, PLAN_NOTE, err,
				  REAGENT_NAME ": %s is at %s, which is not restored",
				  element, where);
	return fixup_note(job, PLAN_WARNING, err,
			  "the recovery environment is disabled: " REAGENT_NAME
			  " has it at %s, which is not restored; in Windows, 'reagentc "
			  "/setreimage' and 'reagentc /enable' set it up again",
			  where);
}

static int tell_change(struct fixup_job *job, const char *element,
		       const struct reagent_location *from,
		       const struct reagent_location *to, struct err *err)
{
	AUTO_FREE char *old = location_text(from);
	AUTO_FREE char *new = location_text(to);

	if (!old || !new)
		return err_nomem(err);
	return fixup_note(job, PLAN_NOTE, err, REAGENT_NAME ": %s: %s → %s", element, old,
			  new);
}

static int visit_location(const char *element, bool enabled,
			  struct reagent_location *location, void *context,
			  struct err *err)
{
	struct fixup_job *job = context;
	const struct reagent_location old = *location;
	uint64_t offset = 0;
	struct new_name name =
		name_find_start(job->plan, &location->disk, location->offset, &offset);
	int r;

	if (name.fate == NAME_ELSEWHERE || (name.fate == NAME_KEPT && !name.is_empty))
		return 0;
	if (name.is_empty || name.fate == NAME_GONE || name.fate == NAME_UNKNOWN)
		return tell_lost(job, element, enabled, location, err);
	location->disk = name.device;
	location->offset = offset;
	r = tell_change(job, element, &old, location, err);
	return r < 0 ? r : 1;
}

static int edit_reagent(struct fixup_job *job, struct volume_edit *edit, struct err *err)
{
	const struct reagent_job reagent = { REAGENT_NAME, visit_location, job };
	AUTO_FREE uint8_t *bytes = NULL, *changed = NULL;
	struct err fault = { 0 };
	size_t length, changed_length = 0;
	int r = volume_edit_read(edit, REAGENT_PATH, REAGENT_MAX_SIZE, &bytes, &length,
				 &fault);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, r, "%s", fault.text);
	r = reagent_edit(bytes, length, &reagent, &changed, &changed_length, err);
	if (r < 0 || !changed)
		return r;
	return volume_edit_write(edit, REAGENT_PATH, changed, changed_length, err);
}

static int run_winre(struct fixup_job *job, struct err *err)
{
	AUTO(volume_edit_freep) struct volume_edit *edit = NULL;
	int r = volume_edit_open(job->overlay, &job->partition->volume->fs,
				 fixup_time(job), &edit, err);

	if (r == 0)
		r = edit_reagent(job, edit, err);
	return r < 0 ? r : volume_edit_close(&edit, err);
}

const struct fixup fixup_winre = {
	.name = "Windows recovery environment",
	.applies = winre_applies,
	.run = run_winre,
};
