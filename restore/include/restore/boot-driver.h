/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drivers of a Windows in a backup, looked at before anything is written. */
#pragma once

#include <restore/plan.h>

/* Will the Windows of volume find a disk behind this controller? Read in a child process
 * without privileges. -EINVAL: no controller; -EBADMSG, -ENOENT: no SYSTEM hive that can be
 * read. */
int boot_driver_look(struct block_source *volume, const struct volume_info *info,
		     const char *controller, struct plan_driver *ret,
		     struct err *err) MUST_CHECK;

/* The names that controller has, "ahci, nvme, …". NULL: no memory; the caller frees. */
char *boot_driver_controllers(void);

/* -EINVAL with the names, where text is none of them and no modalias. */
int boot_driver_check(const char *controller, struct err *err) MUST_CHECK;
