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
	bool is_split;	  /* one of several in its folder */
	unsigned machine_number; /* is_split: of the machines in the folder, from 0 on */
};

void set_result_clear(struct set_result *result);
static inline void set_result_clearp(struct set_result *result)
{
	set_result_clear(result);
}

/* Several sets in one folder. */
struct set_groups {
	unsigned count, machines; /* of sets, of machines; count below 2: it is one set */
	bool by_time;	  /* told apart by the times of files, too */
	unsigned *sets;	  /* for each image of the folder; that of a parent says nothing */
	unsigned *machine_of; /* for each set */
};
void set_groups_clear(struct set_groups *groups);

/* An error ends the scan; what is wrong with the set is in its version. Where the images are
 * of several sets ret_groups (NULL: the caller knows that they are not) says so, and *ret is a
 * muddle of them all. */
int set_read(struct tree *tree, const struct set_folder *folder, struct set_groups *ret_groups,
	     struct set_result *ret, struct err *err) MUST_CHECK;

/* The volumes that documents list; *ret is new. What cannot be read lists nothing. */
int set_listed_volumes(struct tree *tree, const struct set_folder *folder, struct guid **ret,
		       size_t *ret_count, struct err *err) MUST_CHECK;
