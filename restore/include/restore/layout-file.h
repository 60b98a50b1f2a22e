/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A layout that the user gives, the last way where the set's evidence is lost or contradicts
 * itself. The format is described in restore/plan/layout-json.c: what `bmr plan --json` prints,
 * edited by hand.
 */
#pragma once

#include <restore/backup.h>

/* Such a path is one in the tree that holds the backup, '/' between its parts. */
#define LAYOUT_BESIDE_BACKUP "backup:"
#define LAYOUT_FILE_MAX (1 << 20) /* bytes; a printed plan has some KiB */

/* Puts the layout in the place of version->disks; every value gets ORIGIN_USER. Lengths are
 * compared with the images. Contradictions stay to be seen, but are fatal no more. -EINVAL with
 * the file, the JSON path and what is wrong; version is unchanged then. */
int layout_file_apply(const char *text, size_t length, const char *name,
		      struct backup_version *version, struct err *err) MUST_CHECK;
