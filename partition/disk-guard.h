/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What forbids to write to a disk, beyond what the disk says of itself. */
#pragma once

#include <partition/disks.h>

#include "sysfs.h"

/* A disk while the inventory is made. */
struct disk_entry {
	struct disk disk;
	struct sysfs_disk sys;
};

struct disk_entries {
	const char *root; /* "" or the folder that stands for "/" */
	size_t count;
	struct disk_entry *entries;
};

/* Mounts and swap, holders and loop devices, boot medium, source paths, equal identities.
 */
int disk_guard(struct disk_entries *entries, const struct disk_list_wishes *wishes,
	       struct err *err) MUST_CHECK;

/* Is the file behind a loop device? Sets DISK_HELD. */
int disk_guard_file(struct disk *file, struct err *err) MUST_CHECK;
