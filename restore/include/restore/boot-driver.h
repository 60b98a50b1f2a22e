/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drivers of a Windows in a backup, looked at before anything is written. */
#pragma once

#include <restore/plan.h>

/* Files of a folder in which drivers lie: INF files and what they install, as bytes. */
struct driver_file {
	char *name; /* owned */
	uint8_t *bytes;
	size_t length;
};

struct driver_folder {
	size_t count;
	struct driver_file *files; /* owned, by name */
};

/* -ENOENT: no INF in it; -E2BIG: more than the folder of one driver. */
int driver_folder_load(const char *path, struct driver_folder *ret, struct err *err) MUST_CHECK;
void driver_folder_clear(struct driver_folder *folder);

/* Will the Windows of volume find a disk behind this controller? Read in a child process
 * without privileges. controller and given may be NULL. -EINVAL: no controller; -EBADMSG, -ENOENT: no SYSTEM hive that can be
 * read. */
int boot_driver_look(struct block_source *volume, const struct volume_info *info,
		     const char *controller, const struct driver_folder *given,
		     struct plan_driver *ret, struct err *err) MUST_CHECK;

/* The names that controller has, "ahci, nvme, …". NULL: no memory; the caller frees. */
char *boot_driver_controllers(void);

/* -EINVAL with the names, where text is none of them and no modalias. */
int boot_driver_check(const char *controller, struct err *err) MUST_CHECK;
