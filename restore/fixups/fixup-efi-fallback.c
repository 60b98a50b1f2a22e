/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up "EFI fallback loader": a firmware without a boot entry for the disk starts
 * \EFI\Boot\bootx64.efi, or what it is called on other machines (UEFI 3.5.1.1). Where the ESP
 * of the backup has none, Windows' boot manager is copied there, as Windows' own setup does.
 */
#include "fixup.h"

#include <base/checked.h>
#include <base/text.h>

#include "forecast/pe.h"
#include "volumes/fat-edit.h"

#define BOOT_MANAGER	"EFI/Microsoft/Boot/bootmgfw.efi"
#define FALLBACK_FOLDER "EFI/Boot"
#define MANAGER_MAX	(64 * MiB) /* real ones have 1.5 to 3 MB */

static bool fallback_applies(const struct restore_plan *plan,
			     const struct plan_partition *partition)
{
	return plan->uefi && partition->volume && partition->volume->role == ROLE_ESP &&
	       !plan_remakes(plan, partition->volume); /* that adds it itself */
}

static int add_fallback(struct fixup_job *job, struct fat_edit *edit, const char *name,
			struct err *err)
{
	int r = fat_edit_check(edit, err);

	if (r == 0)
		r = fat_edit_copy(edit, BOOT_MANAGER, FALLBACK_FOLDER, name,
				  fixup_time(job), err);

	if (r == 0)
		r = fat_edit_changes(edit, fixup_take_change, job, err);
	if (r < 0)
		return r;
	return fixup_note(job, PLAN_NOTE, err,
			  "\\EFI\\Boot\\%s: absent → copy of "
			  "\\EFI\\Microsoft\\Boot\\bootmgfw.efi",
			  name);
}

/* For the machine that the boot manager is for. *ret_manager: is there one? */
static int find_name(struct fat_edit *edit, const char **ret, bool *ret_manager,
		     struct err *err)
{
	AUTO_FREE uint8_t *manager = NULL;
	size_t length = 0;
	int r = fat_edit_read(edit, BOOT_MANAGER, MANAGER_MAX, &manager, &length, err);

	if (r < 0 && r != -ENOENT)
		return r;
	*ret = pe_fallback_name(manager, length);
	*ret_manager = r == 0;
	return 0;
}

static int run_fallback(struct fixup_job *job, struct err *err)
{
	AUTO(fat_edit_freep) struct fat_edit *edit = NULL;
	bool has_fallback = false, has_manager = false;
	AUTO_FREE char *path = NULL;
	const char *name = NULL;
	int r = fat_edit_open(job->volume, &edit, err);

	if (r == 0)
		r = find_name(edit, &name, &has_manager, err);
	if (r < 0)
		return r;
	path = text_format(FALLBACK_FOLDER "/%s", name);
	if (!path)
		return err_nomem(err);
	r = fat_edit_exists(edit, path, &has_fallback, err);
	if (r < 0 || has_fallback)
		return r;
	if (has_manager)
		return add_fallback(job, edit, name, err);
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
