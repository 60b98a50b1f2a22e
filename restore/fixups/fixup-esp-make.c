/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up "new EFI system partition", where a backup of a BIOS machine goes onto a UEFI machine:
 * FAT32 with Windows' own boot files, taken from its volume, and a boot store grown from its
 * template. job->volume is Windows' volume here.
 */
#include <string.h>
#include <unistd.h>

#include <base/text.h>

#include "boot-files.h"
#include "forecast/pe.h"
#include "volumes/fat-make.h"

#define BOOT_MANAGER "Windows/Boot/EFI/bootmgfw.efi"
#define LOADER	     "Windows/System32/winload.efi"

static const struct boot_folder folders[] = {
	{ "Windows/Boot/EFI", "EFI/Microsoft/Boot", false },
	{ "Windows/Boot/Fonts", "EFI/Microsoft/Boot/Fonts", true },
	{ "Windows/Boot/Resources", "EFI/Microsoft/Boot/Resources", true },
};

static bool make_applies(const struct restore_plan *plan,
			 const struct plan_partition *partition)
{
	return partition->volume && partition->volume == plan->made_esp;
}

/* Without these the new disk would not start: then nothing is begun. */
static int check_files(struct ntfs *windows, struct err *err)
{
	static const char *const needed[] = { BOOT_MANAGER, LOADER };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		AUTO(ntfs_file_freep) struct ntfs_file *file = NULL;
		int r = ntfs_file_open(windows, needed[i], &file, err);

		if (r < 0)
			return err_add(err, "this Windows cannot start by UEFI");
	}
	return 0;
}

static int make_fat(struct fixup_job *job, struct err *err)
{
	const struct disk_layout *after = job->plan->after;
	const struct disk_partition *p =
		&after->partitions[job->partition - job->plan->partitions];
	struct fat_format format = {
		.length = p->length,
		.sector_size = after->sector_size,
		.hidden = (uint32_t)(p->offset / after->sector_size),
		.label = "",
	};
	AUTO_CLOSE int fd = -1;
	int r;

	memcpy(&format.serial, p->id.b, sizeof(format.serial));
	r = fat_make(&format, &fd, err);
	return r < 0 ? r : fat_visit_data(fd, p->length, fixup_take_change, job, err);
}

static int write_fallback(struct boot_copy *copy, const uint8_t *manager, size_t length,
			  struct err *err)
{
	AUTO_FREE char *path =
		text_format("EFI/Boot/%s", pe_fallback_name(manager, length));

	return path ? volume_edit_write(copy->to, path, manager, length, err)
		    : err_nomem(err);
}

static int fill(struct fixup_job *job, struct boot_copy *copy, struct err *err)
{
	const struct boot_store_place store = { job->volume, copy->windows,
						folders[0].from,
						"EFI/Microsoft/Boot/BCD" };
	AUTO_FREE uint8_t *manager = NULL;
	size_t length = 0;
	int r = boot_files_copy(copy, folders, ARRAY_SIZE(folders), err);

	if (r == 0)
		r = boot_file_read(copy->windows, BOOT_MANAGER, &manager, &length, err);
	if (r == 0)
		r = volume_edit_make_folder(copy->to, "EFI/Boot", err);
	if (r == 0)
		r = write_fallback(copy, manager, length, err);
	return r < 0 ? r : boot_files_add_store(job, &store, copy->to, err);
}

static int run_make(struct fixup_job *job, struct err *err)
{
	const struct volume_info fat = { .fs = FS_FAT32 };
	AUTO(ntfs_freep) struct ntfs *windows = NULL;
	unsigned files = 0;
	int r = ntfs_open(job->volume, &windows, err);

	if (r == 0)
		r = check_files(windows, err);
	if (r == 0)
		r = make_fat(job, err);
	if (r == 0)
		r = boot_files_fill(job, &fat, windows, fill, &files, err);
	return r < 0 ? r
		     : fixup_note(job, PLAN_NOTE, err,
				  "EFI system partition: made anew, FAT32, with %u boot "
				  "files of \\Windows\\Boot and a boot store grown from "
				  "\\Windows\\System32\\config\\BCD-Template",
				  files);
}

const struct fixup fixup_esp_make = {
	.name = "new EFI system partition",
	.reshapes = true,
	.applies = make_applies,
	.run = run_make,
};
