/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A registry hive on a volume, with its logs beside it: NAME.LOG, or NAME.LOG1 and NAME.LOG2.
 * Opening recovers it in memory; saving writes it whole and empties the logs, which would
 * otherwise be older than the hive.
 */
#pragma once

#include "hives/hive-edit.h"
#include "volumes/volume-edit.h"

/* path: "EFI/Microsoft/Boot/BCD". *ret_how: what its logs were good for. -ENOENT: there is no
 * such hive; -EFBIG, -EBADMSG, -ENOTSUP as hive_recover() has them. */
int hive_files_open(struct volume_edit *edit, const char *path, struct hive_editor **ret,
		    enum hive_recovery *ret_how, struct err *err) MUST_CHECK;

/* Commits the editor, which is done then. */
int hive_files_save(struct volume_edit *edit, const char *path, struct hive_editor *editor,
		    struct err *err) MUST_CHECK;
