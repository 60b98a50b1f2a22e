/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Boot stores (BCD) under change: every device element of every object is compared with the new
 * disks; what names a partition by its old ids or place gets the new ones, what names nothing is
 * told. Elements without ids (boot, locate) stay.
 */
#pragma once

#include "fixup.h"
#include "hives/hive-edit.h"

#define BCD_OBJECT_MANAGER  "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"
#define BCD_ELEMENT_DEVICE  "11000001" /* of the application */
#define BCD_ELEMENT_TEXT    "12000004" /* its description */
#define BCD_ELEMENT_OS	    "21000001" /* that Windows lies on */
#define BCD_ELEMENT_DEFAULT "23000003" /* of the boot manager: its default loader */
#define BCD_ELEMENT_SDI	    "31000003" /* device of a ramdisk's description */

struct boot_store_job {
	struct fixup_job *job; /* is told */
	const char *name;      /* "\EFI\Microsoft\Boot\BCD" */
	bool starts_windows;   /* else it is the recovery environment's own store */
};

/* Changes the store that editor holds. -EBADMSG: it is not a boot store, or has no boot manager:
 * then nothing was changed. */
int boot_store_patch(const struct boot_store_job *job, struct hive_editor *editor,
		     struct err *err) MUST_CHECK;
