/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up "boot files for BIOS", where a backup of a UEFI machine goes onto a BIOS machine:
 * Windows' volume becomes the active partition and gets \bootmgr, \Boot and a boot store, out of
 * its own \Windows\Boot\PCAT and its template. The volume's boot record must be Windows' own: we
 * have none to put there.
 */
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#include "boot-files.h"

/* The code of an NTFS boot sector goes on in the sectors behind it; the second begins with the
 * name of the file that it starts, in UTF-16. */
#define BOOT_RECORD_SIZE (8 * KiB)

#define LOADER "Windows/System32/winload.exe"

static const struct boot_folder folders[] = {
	{ "Windows/Boot/PCAT", "Boot", false },
	{ "Windows/Boot/Fonts", "Boot/Fonts", true },
	{ "Windows/Boot/Resources", "Boot/Resources", true },
};

/* What firmware and boot record look for in the root. */
static const struct {
	const char *from, *to;
	bool optional;
} root_files[] = {
	{ "Windows/Boot/PCAT/bootmgr", "bootmgr", false },
	{ "Windows/Boot/PCAT/bootnxt", "BOOTNXT", true },
};

static bool bios_applies(const struct restore_plan *plan,
			 const struct plan_partition *partition)
{
	return !plan->uefi && plan_converts_firmware(plan) && partition->volume &&
	       partition->volume->role == ROLE_WINDOWS;
}

static int check_boot_record(struct block_source *volume, struct err *err)
{
	static const uint8_t name[] = "B\0O\0O\0T\0M\0G\0R";
	uint8_t record[BOOT_RECORD_SIZE];
	int r = source_read(volume, record, 0, min_u64(sizeof(record), volume->size),
			    err);

	if (r < 0 || memmem(record, sizeof(record), name, sizeof(name)))
		return r;
	return err_set(err, -ENOTSUP,
		       "'%s': the volume's boot record holds no program of Windows that "
		       "starts 'bootmgr': it cannot start by BIOS",
		       volume->name);
}

static int check_loader(struct ntfs *windows, struct err *err)
{
	AUTO(ntfs_file_freep) struct ntfs_file *file = NULL;
	int r = ntfs_file_open(windows, LOADER, &file, err);

	return r < 0 ? err_add(err, "this Windows cannot start by BIOS") : 0;
}

static int copy_root_files(struct boot_copy *copy, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(root_files); i++) {
		AUTO_FREE uint8_t *bytes = NULL;
		struct err fault = { 0 };
		size_t length = 0;
		int r = boot_file_read(copy->windows, root_files[i].from, &bytes, &length,
				       &fault);

		if (r == -ENOENT && root_files[i].optional)
			continue;
		if (r == 0)
			r = volume_edit_write(copy->to, root_files[i].to, bytes, length,
					      &fault);
		if (r < 0)
			return err_set(err, r, "%s", fault.text);
		copy->files++;
	}
	return 0;
}

static int fill(struct fixup_job *job, struct boot_copy *copy, struct err *err)
{
	const struct boot_store_place store = { job->volume, copy->windows,
						folders[0].from, "Boot/BCD" };
	int r = boot_files_copy(copy, folders, ARRAY_SIZE(folders), err);

	if (r == 0)
		r = copy_root_files(copy, err);
	return r < 0 ? r : boot_files_add_store(job, &store, copy->to, err);
}

static int run_bios(struct fixup_job *job, struct err *err)
{
	AUTO(ntfs_freep) struct ntfs *windows = NULL;
	unsigned files = 0;
	int r = check_boot_record(job->volume, err);

	if (r == 0)
		r = ntfs_open(job->volume, &windows, err);
	if (r == 0)
		r = check_loader(windows, err);
	if (r == 0)
		r = boot_files_fill(job, &job->partition->volume->fs, windows, fill,
				    &files, err);
	return r < 0 ? r
		     : fixup_note(job, PLAN_NOTE, err,
				  "\\bootmgr and \\Boot: %u boot files of "
				  "\\Windows\\Boot\\PCAT and a boot store grown from "
				  "\\Windows\\System32\\config\\BCD-Template",
				  files);
}

const struct fixup fixup_bios_files = {
	.name = "boot files for BIOS",
	.essential = true,
	.applies = bios_applies,
	.run = run_bios,
};
