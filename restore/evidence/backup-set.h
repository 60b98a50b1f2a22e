/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One set of images and documents in one folder: reads it into a version. */
#pragma once

#include <restore/backup.h>

struct set_file {
	char *name;
	uint64_t size;	 /* bytes */
	int64_t mtime_s; /* seconds since 1970, UTC; 0: unknown */
};

struct set_files {
	size_t count;
	struct set_file *files;
};

struct set_folder {
	const char *path; /* in the tree */
	struct set_files images, documents;
};

struct set_result {
	struct backup_version version; /* without time and id */
	char *machine;		       /* as AsrSif says, or NULL */
	bool has_documents;	       /* any that was understood */
	bool opened;		       /* at least one volume */
};

void set_result_clear(struct set_result *result);
static inline void set_result_clearp(struct set_result *result)
{
	set_result_clear(result);
}

/* An error ends the scan; what is wrong with the set is in its version. */
int set_read(struct tree *tree, const struct set_folder *folder, struct set_result *ret,
	     struct err *err) MUST_CHECK;
