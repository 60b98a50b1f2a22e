/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up "SYSTEM hive": \Windows\System32\config\SYSTEM, with which Windows starts. Where a
 * step changes it, its logs are replayed before and emptied after (SAFETY.md section 4);
 * otherwise it stays as it is, logs and all, for Windows to recover.
 */
#include "system-hive.h"

#include "hive-files.h"

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

/* -- the steps ---- */

static int tell_recovery(struct fixup_job *job, enum hive_recovery how, struct err *err)
{
	if (how == HIVE_WAS_REPLAYED)
		return fixup_note(job, PLAN_NOTE, err,
				  "SYSTEM hive: not written to its end → its logs "
				  "replayed and emptied");
	if (how == HIVE_WAS_UNLOGGED)
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

/* Other files that the steps want to have. */
static int write_others(struct fixup_job *job, struct hive_editor *editor,
			struct volume_edit *edit, struct err *err)
{
	struct hive *hive = NULL;
	int r = hive_editor_hive(editor, &hive, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
		if (steps[i]->write && steps[i]->applies(job->plan, job->partition))
			r = steps[i]->write(job, hive, edit, err);
	return r;
}

static int edit_hive(struct fixup_job *job, struct volume_edit *edit, struct err *err)
{
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL;
	enum hive_recovery how = HIVE_WAS_CLEAN;
	int r = hive_files_open(edit, SYSTEM_HIVE_PATH, &editor, &how, err);

	if (r == 0)
		r = run_steps(job, editor, err);
	if (r < 0 || !hive_editor_has_changed(editor))
		return r;
	r = tell_recovery(job, how, err);
	if (r == 0)
		r = write_others(job, editor, edit, err);
	return r < 0 ? r : hive_files_save(edit, SYSTEM_HIVE_PATH, editor, err);
}

static int run_system_hive(struct fixup_job *job, struct err *err)
{
	AUTO(volume_edit_freep) struct volume_edit *edit = NULL;
	int r = volume_edit_open(job->overlay, &job->partition->volume->fs,
				 fixup_time(job), &edit, err);

	if (r == 0)
		r = edit_hive(job, edit, err);
	return r < 0 ? r : volume_edit_close(&edit, err);
}

const struct fixup fixup_system_hive = {
	.name = "SYSTEM hive",
	.applies = system_hive_applies,
	.run = run_system_hive,
};
