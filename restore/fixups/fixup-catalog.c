/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up "backup catalog" (KB 2961238): where the EFI system partition changed its place,
 * Windows Server Backup cannot start until its local catalog is made anew. Its two files are
 * given other names, and nothing else is touched: `wbadmin` then builds the catalog from what
 * is on the backup media. Where the partition did not move, the catalog stays.
 */
#include "fixup.h"

#include <time.h>

#include <base/text.h>

#include "volumes/ntfs-edit.h"

/* On the volume that holds Windows (FORMAT.md section 5). */
#define FOLDER "System Volume Information/WindowsImageBackup/Catalog"

static const char *const catalog_files[] = { "GlobalCatalog", "BackupGlobalCatalog" };

/* Machines that are restored again and again have several old ones. */
#define NAMES_MAX 100

#define CURE                                                                             \
	"if Windows Server Backup does not start, 'wbadmin delete catalog' cures it "    \
	"(KB 2961238)"

static bool catalog_applies(const struct restore_plan *plan,
			    const struct plan_partition *partition)
{
	return plan->uefi && partition->volume &&
	       partition->volume->role == ROLE_WINDOWS &&
	       partition->volume->fs.fs == FS_NTFS && plan_esp_moved(plan);
}

/* The catalog's own time is the backup's: a restore that is resumed on another day gives the
 * same name. */
static char *make_name(const char *file, int64_t time, unsigned number)
{
	char date[16] = "undated";
	time_t seconds = (time_t)time;
	struct tm tm;

	if (time && gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	return number ? text_format("%s.%s.%u", file, date, number)
		      : text_format("%s.%s", file, date);
}

/* *ret_moved stays where there is no such file. */
static int move_aside(struct fixup_job *job, struct ntfs *ntfs, const char *file,
		      int64_t time, bool *ret_moved, struct err *err)
{
	int r = -EEXIST;

	for (unsigned number = 0; r == -EEXIST && number < NAMES_MAX; number++) {
		AUTO_FREE char *name = make_name(file, time, number);

		if (!name)
			return err_nomem(err);
		r = ntfs_rename_file(ntfs, FOLDER, file, name, time, err);
		if (r == -ENOENT)
			return 0;
		*ret_moved |= r == 0;
		if (r == 0)
			return fixup_note(
				job, PLAN_NOTE, err,
				"\\System Volume Information\\WindowsImageBackup"
				"\\Catalog: %s → %s",
				file, name);
	}
	return r;
}

static int move_all(struct fixup_job *job, struct ntfs *ntfs, bool *ret_moved,
		    struct err *err)
{
	const struct backup_version *version = job->plan->version;
	int64_t time = version->time.origin ? (int64_t)version->time.value : 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(catalog_files); i++)
		r = move_aside(job, ntfs, catalog_files[i], time, ret_moved, err);
	return r;
}

static int run_catalog(struct fixup_job *job, struct err *err)
{
	struct ntfs *ntfs = NULL;
	struct err fault = { 0 };
	bool moved = false;
	int r = ntfs_open_overlay(job->overlay, &ntfs, &fault), closed;

	if (r == 0) {
		r = move_all(job, ntfs, &moved, &fault);
		closed = ntfs_edit_close(&ntfs, r < 0 ? NULL : &fault);
		r = r < 0 ? r : closed;
	}
	if (r < 0)
		return err_set(err, r, "%s; " CURE, fault.text);
	if (!moved) /* it has never been backed up by a program on itself */
		return 0;
	return fixup_note(job, PLAN_NOTE, err,
			  "the EFI system partition is at another place than before: "
			  "'wbadmin' builds the catalog of backups anew; " CURE);
}

const struct fixup fixup_catalog = {
	.name = "backup catalog",
	.applies = catalog_applies,
	.run = run_catalog,
};
