/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up "EFI fallback loader": a firmware without a boot entry for the disk starts
 * \EFI\Boot\bootx64.efi (UEFI 3.5.1.1). Where the ESP of the backup has none, Windows'
 * boot manager is copied there, as Windows' own setup does.
 */
#include "fixup.h"

#include "volumes/fat-edit.h"

#define BOOT_MANAGER	"EFI/Microsoft/Boot/bootmgfw.efi"
#define FALLBACK_FOLDER "EFI/Boot"
#define FALLBACK_NAME	"bootx64.efi"

static bool fallback_applies(const struct restore_plan *plan,
			     const struct plan_partition *partition)
{
	return plan->uefi && partition->volume && partition->volume->role == ROLE_ESP &&
	       !plan_remakes(plan, partition->volume); /* that adds it itself */
}

static int add_fallback(struct fixup_job *job, struct fat_edit *edit, struct err *err)
{
	int r = fat_edit_check(edit, err);

	if (r == 0)
		r = fat_edit_copy(edit, BOOT_MANAGER, FALLBACK_FOLDER, FALLBACK_NAME,
				  fixup_time(job), err);

	if (r == 0)
		r = fat_edit_changes(edit, fixup_take_change, job, err);
	if (r < 0)
		return r;
	return job->note(job, PLAN_NOTE,
			 "\\EFI\\Boot\\bootx64.efi: absent → copy of "
			 "\\EFI\\Microsoft\\Boot\\bootmgfw.efi",
			 err);
}

static int run_fallback(struct fixup_job *job, struct err *err)
{
	AUTO(fat_edit_freep) struct fat_edit *edit = NULL;
	bool has_fallback = false, has_manager = false;
	int r = fat_edit_open(job->volume, &edit, err);

	if (r == 0)
		r = fat_edit_exists(edit, FALLBACK_FOLDER "/" FALLBACK_NAME,
				    &has_fallback, err);
	if (r == 0 && !has_fallback)
		r = fat_edit_exists(edit, BOOT_MANAGER, &has_manager, err);
	if (r < 0 || has_fallback)
		return r;
	if (has_manager)
		return add_fallback(job, edit, err);
	return job->note(
		job, PLAN_WARNING,
		"the EFI system partition has no \\EFI\\Microsoft\\Boot\\bootmgfw.efi: "
		"Windows will not start from it; repair it with 'bcdboot' from a "
		"Windows installation medium",
		err);
}

const struct fixup fixup_efi_fallback = {
	.name = "EFI fallback loader",
	.applies = fallback_applies,
	.run = run_fallback,
};
