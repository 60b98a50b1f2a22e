/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looks into one image of a set: what volume it holds, what part that volume plays, and
 * whether it is all there. For the process that reads backups.
 */
#pragma once

#include <restore/backup.h>

#include "bcd.h"
#include "mounted-devices.h"

/* What the files in one image tell of the machine. */
struct image_finds {
	bool has_uefi, has_bios;
	struct bcd_store uefi; /* \EFI\Microsoft\Boot\BCD of the ESP */
	struct bcd_store bios; /* \Boot\BCD */
	struct mounted_devices *mounted; /* of the SYSTEM hive; NULL: none */
	struct err problem; /* code 0, or why a store or hive could not be read */
};

static inline void image_finds_clear(struct image_finds *finds)
{
	mounted_devices_free(finds->mounted);
	*finds = (struct image_finds){ 0 };
}

/*
 * Fills image, fs, length, used, role, completeness, health and reason of a zeroed volume
 * whose image_path is set. What is wrong with the image makes it damaged and is no error;
 * an error is what ends a scan: no memory, the connection lost.
 */
int image_look(struct tree *tree, struct backup_volume *volume,
	       struct image_finds *finds, struct err *err) MUST_CHECK;

/* Does an error concern the whole tree, so that a scan must end? */
bool error_ends_scan(int code);
