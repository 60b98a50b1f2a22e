/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drive letters and volumes follow their partitions: the key MountedDevices of the SYSTEM hive
 * (evidence/mounted-devices.h) gets the names that partitions have on the new disks. What names
 * a partition of a restored disk that is no more goes; all other devices stay.
 */
#pragma once

#include "evidence/mounted-devices.h"
#include "hives/hive-edit.h"
#include "plan/plan-mounted.h"

struct mounted_change {
	struct mounted_device old, new; /* identity only */
	bool gone;			/* no new one */
	bool new_table;			/* of its disk: there are no other partitions */
};

/* All partitions of the source's disks that the plans of the set restore. */
struct mounted_changes {
	size_t count;
	struct mounted_change *changes; /* owned */
};

/* Pure. Nothing of a disk that keeps its table. */
int mounted_changes_of(const struct restore_plan *plan, struct mounted_changes *ret,
		       struct err *err) MUST_CHECK;
void mounted_changes_clear(struct mounted_changes *changes);

/* Called for each value that is changed; new NULL: removed. */
typedef int mounted_report(const char *name, const struct mounted_device *old,
			   const struct mounted_device *new, void *context,
			   struct err *err);

/* A hive that was changed already stays as it is. */
int mounted_devices_edit(struct hive_editor *editor,
			 const struct mounted_changes *changes, mounted_report *report,
			 void *context, struct err *err) MUST_CHECK;
