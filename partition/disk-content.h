/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is on a disk now. */
#pragma once

#include <partition/disks.h>

/* Opens disk->path read-only and fills layout and content, and, where it is 0, the sector
 * size. That it cannot be read is no error: content says so, layout stays NULL. */
int disk_examine(struct disk *disk, struct err *err) MUST_CHECK;
