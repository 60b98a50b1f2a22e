/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the two files of taking files out share: files-get.c walks, files-copy.c copies one file
 * with its streams.
 */
#pragma once

#include <restore/files.h>

#define FILES_DEPTH_MAX 400 /* of folders: each costs a descriptor */

struct get {
	struct reader *reader;
	unsigned volume;
	struct file_target *target;
	const struct files_options *options;
	struct files_sum *sum;
	uint8_t *buffer; /* READER_SLOT_SIZE */
	void *names;	 /* tsearch() tree of the files that have several names */
	bool fatal;	 /* nothing can go on */
	unsigned depth;
	uint64_t folders[FILES_DEPTH_MAX]; /* ids of those that are open */
};

/* Where an item comes from and goes to. */
struct place {
	const char *path; /* in its volume */
	uint64_t id;
	void *folder;	  /* of the destination */
	const char *to;	  /* path of that folder in the destination */
	const char *name; /* that it gets there */
};

void files_tell(struct get *get, enum files_event event, const char *path,
		const char *text);
/* -ECANCELED, which is fatal. */
int files_progress(struct get *get, const char *path, struct err *err) MUST_CHECK;

/* Marks what no other file can be taken after. Return r. */
int files_source_failed(struct get *get, int r);
int files_target_failed(struct get *get, int r);

/* The content of a file, its streams and its times. */
int files_copy(struct get *get, const struct place *place, const struct item *item,
	       struct err *err) MUST_CHECK;
/* Streams as files of their own: of a folder, which cannot keep them. */
int files_copy_streams(struct get *get, const struct place *place,
		       const struct item *item, struct err *err) MUST_CHECK;
