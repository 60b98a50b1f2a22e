/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recovery of a hive from its logs, as Windows does when it loads one: libhivex does not know
 * them. Pure: files in, a clean hive in memory out. What cannot be made whole is an error;
 * there is no half-recovered hive.
 */
#pragma once

#include "hive-base.h"

struct hive_files {
	const char *what; /* names the hive in messages */
	struct hive_file primary;
	struct hive_file logs[2]; /* .LOG1 and .LOG2, or one .LOG */
};

enum hive_recovery {
	HIVE_WAS_CLEAN,	   /* its logs hold nothing for it */
	HIVE_WAS_REPLAYED, /* its logs held what was missing */
	/* It was not written to its end and has no log that fits, but each bin, cell and key
	 * is sound. Changes that its writer wanted may be missing. */
	HIVE_WAS_UNLOGGED,
};

/* A whole hive: both sequence numbers are equal, the checksum is right, hive_check() holds. */
struct hive_image {
	uint8_t *bytes; /* owned */
	size_t length;
	enum hive_recovery how;
	unsigned replayed; /* entries of logs; 1 for a log of the old format */
};

/* -EBADMSG: damaged, and the logs do not cure it; -ENOTSUP: unknown version. */
int hive_recover(const struct hive_files *files, struct hive_image *ret,
		 struct err *err) MUST_CHECK;
void hive_image_clear(struct hive_image *image);
