/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up "boot store": every BCD of a volume is compared with the new disks and follows
 * partitions that moved or got other ids. A store that nothing has to be changed in is only
 * read.
 */
#include <base/text.h>

#include "boot-store.h"
#include "hive-files.h"

/* Which volume has which store. A machine without a partition of its own for them has \Boot on
 * the volume of Windows. */
static const struct place {
	const char *path, *name;
	enum volume_role role;
	bool starts_windows;
} places[] = {
	{ "EFI/Microsoft/Boot/BCD", "\\EFI\\Microsoft\\Boot\\BCD", ROLE_ESP, true },
	{ "EFI/Microsoft/Recovery/BCD", "\\EFI\\Microsoft\\Recovery\\BCD", ROLE_ESP,
	  false },
	{ "Boot/BCD", "\\Boot\\BCD", ROLE_SYSTEM, true },
	{ "Boot/BCD", "\\Boot\\BCD", ROLE_WINDOWS, true },
};

static bool has_files(enum file_system fs)
{
	return fs == FS_NTFS || fs == FS_FAT32 || fs == FS_FAT16 || fs == FS_FAT12;
}

static bool store_applies(const struct restore_plan *plan,
			  const struct plan_partition *partition)
{
	if (!partition->volume || !has_files(partition->volume->fs.fs))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i].role == partition->volume->role)
			return true;
	return false;
}

static int tell_recovery(struct fixup_job *job, const char *name, enum hive_recovery how,
			 struct err *err)
{
	switch (how) {
	case HIVE_WAS_REPLAYED:
		return fixup_note(
			job, PLAN_NOTE, err,
			"%s: was not written to its end; completed from its log", name);
	case HIVE_WAS_UNLOGGED:
		return fixup_note(
			job, PLAN_WARNING, err,
			"%s: was not written to its end and has no log that fits; it is "
			"whole, but may lack the last changes before the backup",
			name);
	default:
		return 0;
	}
}

/* One store that cannot be changed does not keep the others from being changed. */
static int tell_left(struct fixup_job *job, const struct place *place,
		     const struct err *fault, struct err *err)
{
	if (fault->code == -ENOMEM)
		return err_nomem(err);
	return fixup_note(job, PLAN_WARNING, err, "%s stays as in the backup: %s",
			  place->name, fault->text);
}

static int patch_store(struct fixup_job *job, struct volume_edit *edit,
		       const struct place *place, struct err *err)
{
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL;
	const struct boot_store_job store = { job, place->name, place->starts_windows };
	enum hive_recovery how;
	struct err fault = { 0 };
	int r = hive_files_open(edit, place->path, &editor, &how, &fault);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = boot_store_patch(&store, editor, &fault);
	if (r < 0)
		return tell_left(job, place, &fault, err);
	if (!hive_editor_has_changed(editor))
		return 0;
	r = tell_recovery(job, place->name, how, err);
	return r < 0 ? r : hive_files_save(edit, place->path, editor, err);
}

static int run_store(struct fixup_job *job, struct err *err)
{
	const struct backup_volume *volume = job->partition->volume;
	AUTO(volume_edit_freep) struct volume_edit *edit = NULL;
	int r = volume_edit_open(job->overlay, &volume->fs, fixup_time(job), &edit, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++)
		if (places[i].role == volume->role)
			r = patch_store(job, edit, &places[i], err);
	return r < 0 ? r : volume_edit_close(&edit, err);
}

const struct fixup fixup_boot_store = {
	.name = "boot store",
	.applies = store_applies,
	.run = run_store,
};
