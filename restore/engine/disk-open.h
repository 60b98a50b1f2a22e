/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening the target for writing: the step between the plan and the gate (SAFETY.md section
 * 1, step 2).
 */
#pragma once

#include <base/block-target.h>
#include <partition/disks.h>

/* Opens the whole disk O_RDWR|O_EXCL|O_DIRECT and locks it, reads its identity again from the
 * descriptor and compares it with disk. A file that does not exist is created, sparse, with
 * size bytes. -EBUSY: in use; -ESTALE: not the disk that was planned for. */
int disk_open_for_writing(const struct disk *disk, uint64_t size, struct block_target **ret,
			  struct err *err) MUST_CHECK;

/* Read-only, for the verification of a disk that was restored earlier. */
int disk_open_for_reading(const struct disk *disk, struct block_source **ret,
			  struct err *err) MUST_CHECK;
