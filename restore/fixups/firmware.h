/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The firmware's boot entry (FORMAT.md section 5, "UEFI entry"): Boot#### "Windows Boot
 * Manager" for the restored ESP, first in BootOrder, and BootNext once.
 */
#pragma once

#include <restore/plan.h>

/* *ret_done: what was written, one line. An entry that leads to the same loader is used again;
 * whatever leads to a partition that was on the plan's disk and no longer exists is removed. -ENOTSUP where there are no UEFI variables (BIOS start, efivarfs not mounted);
 * -ENOENT where the plan has no ESP. */
int firmware_entry_write(const struct restore_plan *plan, char **ret_done,
			 struct err *err) MUST_CHECK;
