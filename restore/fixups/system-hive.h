/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the fix-up "SYSTEM hive" does to the hive, in steps: each is a function in a file of its
 * own and one line in the table of fixup-system-hive.c. The hive is read once, all steps change
 * it, and it is written once.
 */
#pragma once

#include "fixup.h"
#include "hives/hive-edit.h"
#include "volumes/volume-edit.h"

#define SYSTEM_HIVE_PATH "Windows/System32/config/SYSTEM"

struct system_step {
	bool (*applies)(const struct restore_plan *plan,
			const struct plan_partition *partition);
	/* Changes the hive, and notes what it changed, old → new. */
	int (*run)(struct fixup_job *job, struct hive_editor *editor, struct err *err);
	/* May be NULL: other files that go with it, once the hive is changed. */
	int (*write)(struct fixup_job *job, struct hive *hive, struct volume_edit *edit,
		     struct err *err);
};

extern const struct system_step system_step_drivers;
extern const struct system_step system_step_given;
extern const struct system_step system_step_mounted;
