/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Merges all that is known of one backup set into its version: field by field, with the
 * origin of every value and with what contradicts (FORMAT.md section 4). Pure: the
 * documents are parsed and the images looked into before.
 */
#pragma once

#include <restore/backup.h>

#include "asr-writer.h"
#include "asrsif.h"
#include "backup-specs.h"
#include "bcd.h"
#include "image-name.h"
#include "mounted-devices.h"

/* What was found; NULL where there is none. */
struct evidence {
	const struct asrsif *asrsif;
	const struct asr_writer *writer;
	const struct backup_specs *specs;
	const struct bcd_store *uefi_store; /* \EFI\Microsoft\Boot\BCD of the ESP */
	const struct bcd_store *bios_store; /* \Boot\BCD of the system volume */
	const struct image_name *names;	    /* parallel to the version's volumes */
	/* The same: what the SYSTEM hive in an image says of all volumes. NULL: no image has
	 * one. */
	const struct mounted_devices *mounted;
};

/*
 * version comes with path, time and volumes: image, file system, length, role, health and
 * completeness as the image itself shows. Filled in: all values that documents, names and
 * boot stores give, firmware, disks, contradictions, reasons, notes and health.
 */
int evidence_merge(const struct evidence *evidence, struct backup_version *version,
		   struct err *err) MUST_CHECK;
