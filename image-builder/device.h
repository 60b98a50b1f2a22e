/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes an image to a USB stick. Which one is said by its identity, as for a restore
 * (SAFETY.md section 2); what is mounted, held, read-only, too small or not removable is
 * refused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>
#include <partition/disks.h>

/* Pure: may an image of this length be written to the disk? -EPERM with the reason; -ENOSPC
 * with both sizes. */
int device_check(const struct disk *disk, uint64_t length, struct err *err) MUST_CHECK;

/* Finds the disk that which names ("serial:…", "wwn:…", "size:…", /dev/disk/by-id/…), checks
 * it, writes the image, reads it back, and moves the backup table to the disk's end. report
 * gets a line now and then. */
int device_write(const char *which, const char *image, void (*report)(const char *line),
		 struct err *err) MUST_CHECK;
