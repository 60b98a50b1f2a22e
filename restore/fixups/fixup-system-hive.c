/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up "SYSTEM hive": \Windows\System32\config\SYSTEM, with which Windows starts. Where a
 * step changes it, its logs are replayed before and emptied after (SAFETY.md section 4);
 * otherwise it stays as it is, logs and all, for Windows to recover.
 */
#include "system-hive.h"

#include <base/text.h>

#include "hives/hive-load.h"
#include "volumes/volume-edit.h"

/* In the order in which they run. */
static const struct system_step *const steps[] = {
	&system_step_mounted,
	&system_step_given,
	&system_step_drivers,
};

static bool system_hive_applies(const struct restore_plan *plan,
				const struct plan_partition *partition)
{
	if (!partition->volume || partition->volume->role != ROLE_WINDOWS ||
	    partition->volume->fs.fs != FS_NTFS)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i]->applies(plan, partition))
			return true;
	return false;
}

/* -- the steps
 * --------------------------------------------------------------------------- */

static int tell_recovery(struct fixup_job *job, const struct hive_image *image,
			 struct err *err)
{
	if (image->how == HIVE_WAS_REPLAYED)
		return fixup_note(job, PLAN_NOTE, err,
				  "SYSTEM hive: not written to its end → %u %s of its "
				  "logs replayed",
				  image->replayed,
				  image->replayed == 1 ? "part" : "parts");
	if (image->how == HIVE_WAS_UNLOGGED)
		return fixup_note(job, PLAN_WARNING, err,
				  "the SYSTEM hive was not written to its end and has no "
				  "log that fits; all that is in it is sound, so it was "
				  "changed all the same, but what Windows wrote last may "
				  "be missing");
	return 0;
}

static int run_steps(struct fixup_job *job, struct hive_editor *editor, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
		if (steps[i]->applies(job->plan, job->partition))
			r = steps[i]->run(job, editor, err);
	return r;
}

/* -- the files
 * --------------------------------------------------------------------------- */

/* The logs are of no use to the hive as it is now. */
static int empty_logs(struct fixup_job *job, struct volume_edit *edit, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < HIVE_LOG_COUNT; i++) {
		AUTO_FREE char *path =
			text_format(SYSTEM_HIVE_PATH "%s", hive_log_suffixes[i]);
		AUTO_FREE uint8_t *unused = NULL;
		struct err fault = { 0 };
		size_t length = 0;

		if (!path)
			return err_nomem(err);
		r = volume_edit_read(edit, path, 0, &unused, &length, &fault);
		if (r == -EFBIG)
			r = volume_edit_write(edit, path, "", 0, err);
		else if (r == -ENOENT)
			r = 0;
		else if (r < 0)
			r = err_set(err, r, "%s", fault.text);
	}
	return r;
}

static int write_others(struct fixup_job *job, struct hive *hive,
			struct volume_edit *edit, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
		if (steps[i]->write && steps[i]->applies(job->plan, job->partition))
			r = steps[i]->write(job, hive, edit, err);
	return r;
}

static int write_files(struct fixup_job *job, struct hive_editor *editor, struct err *err)
{
	AUTO(volume_edit_freep) struct volume_edit *edit = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	struct hive *hive = NULL;
	size_t length = 0;
	int r = hive_editor_hive(editor, &hive, err);

	if (r == 0)
		r = volume_edit_open(job->overlay, &job->partition->volume->fs,
				     fixup_time(job), &edit, err);
	if (r == 0)
		r = write_others(job, hive, edit, err);
	if (r == 0)
		r = hive_editor_commit(editor, &bytes, &length, err);
	if (r == 0)
		r = volume_edit_write(edit, SYSTEM_HIVE_PATH, bytes, length, err);
	if (r == 0)
		r = empty_logs(job, edit, err);
	return r < 0 ? r : volume_edit_close(&edit, err);
}

static int run_system_hive(struct fixup_job *job, struct err *err)
{
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL;
	struct hive_image image = { 0 }, told;
	int r = hive_load(job->volume, &job->partition->volume->fs, SYSTEM_HIVE_PATH,
			  &image, err);

	if (r < 0)
		return r;
	told = image;
	r = hive_editor_new(&image, "SYSTEM", &editor, err);
	if (r == 0)
		r = run_steps(job, editor, err);
	if (r < 0 || !hive_editor_has_changed(editor))
		return r;
	r = tell_recovery(job, &told, err);
	return r < 0 ? r : write_files(job, editor, err);
}

const struct fixup fixup_system_hive = {
	.name = "SYSTEM hive",
	.applies = system_hive_applies,
	.run = run_system_hive,
};
