/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of hive-log.c: what the two formats of logs share. */
#pragma once

#include "hive-log.h"

struct hive_log {
	struct hive_file file;
	struct hive_base_disk base; /* sound, both sequence numbers are equal */
};

struct hive_replay {
	struct hive_base_disk primary; /* as it lies there */
	bool base_is_sound;	       /* else the base block comes from a log, too */
	size_t log_count;
	struct hive_log logs[2];
	struct hive_image *image; /* takes the changes; its length covers all bins */
};

/* Makes it at least so long, with zeros. */
int hive_image_grow(struct hive_image *image, size_t length, struct err *err) MUST_CHECK;

/* Each applies what fits of its kind of log, if anything does: image->replayed counts. Then
 * the base block of the image has a right checksum. */
int hive_replay_new(struct hive_replay *job, struct err *err) MUST_CHECK;
int hive_replay_old(struct hive_replay *job, struct err *err) MUST_CHECK;
