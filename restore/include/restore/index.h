/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sidecar of block hashes (formats/block-index.h), written: a restore with --delta then
 * reads of the backup only what the disk does not hold already.
 */
#pragma once

#include <restore/restore.h>

/* Under this name, in the folder of the images, a restore finds it. */
#define INDEX_FILE_NAME "openbmr.index"

struct index_options {
	restore_report *report; /* may be NULL; non-zero cancels */
	void *context;
};

struct index_result {
	size_t images;
	uint64_t bytes, stored; /* that were hashed; of the sidecar */
	double seconds;
};

/* Reads all data of a version and writes the hashes of its blocks to a new file out. Never
 * overwrites: -EEXIST; on failure out is not there. -ENOTSUP: differencing images, whose content
 * is not theirs alone; -ESTALE: an image changed meanwhile. */
int index_make(struct reader *reader, const struct backup_version *version, const char *out,
	       const struct index_options *options, struct index_result *ret,
	       struct err *err) MUST_CHECK;
