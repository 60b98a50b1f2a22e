/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What becomes of a partition that something on a restored volume names: a boot store, the
 * settings of the recovery environment. Pure.
 *
 * All disks of the set are looked at. A name is first taken for an old one, then for a new
 * one, so that what was patched already stays.
 */
#pragma once

#include <restore/plan.h>

#include "evidence/bcd-element.h"

enum name_fate {
	NAME_KEPT,
	NAME_CHANGED,
	NAME_GONE,	/* its disk is restored without it */
	NAME_ELSEWHERE, /* on a disk of the backed-up machine that is not restored now */
	NAME_UNKNOWN,	/* the backup tells of no such partition */
};

struct new_name {
	enum name_fate fate;
	struct bcd_device device; /* the new name, where kept or changed */
	bool is_empty;		  /* the partition is created empty */
};

/* whole_disk: only the disk of old counts. */
struct new_name name_find(const struct restore_plan *plan, const struct bcd_device *old,
			  bool whole_disk);

/* The same by the disk and the start of a partition, as ReAgent.xml has it; *ret_offset: the new
 * start. Of old, the disk counts. */
struct new_name name_find_start(const struct restore_plan *plan, const struct bcd_device *old,
				uint64_t offset, uint64_t *ret_offset);
