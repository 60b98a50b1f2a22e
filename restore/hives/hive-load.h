/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A registry hive and its logs, out of a volume. */
#pragma once

#include <restore/volume.h>

#include "hive-log.h"

/* Logs have the hive's path with one of these behind it. */
#define HIVE_LOG_COUNT 3
extern const char *const hive_log_suffixes[HIVE_LOG_COUNT];

/* Reads the hive and, where it was not written to its end, its logs: hive_recover(). -ENOENT:
 * no such file; -EFBIG: above HIVE_MAX_SIZE. */
int hive_load(struct block_source *volume, const struct volume_info *info,
	      const char *path, struct hive_image *ret, struct err *err) MUST_CHECK;
