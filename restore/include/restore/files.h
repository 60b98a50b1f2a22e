/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files and folders taken out of a volume of a backup, onto a folder of this machine or a share.
 * The volume is read, and all that is in it understood, in the reader process; here names are
 * made harmless and files are written. A name cannot lead out of the destination, no link is
 * followed, nothing that is there is overwritten.
 */
#pragma once

#include <restore/reader.h>

/* -- where they go ------------------------------------------------------------------------ */

/* Times of a file, 100 ns since 1970; ITEM_NO_TIME: not known. */
struct file_times {
	int64_t created, modified, accessed;
};

/* Folders and files are what file_target_ops gave; names are single parts of paths, that
 * file_name_for() made. */
struct file_target;

struct file_target_ops {
	/* A folder in another one (NULL: the destination itself), made if it is not there. */
	int (*enter)(struct file_target *target, void *folder, const char *name, void **ret,
		     struct err *err);
	/* NULL is fine. times: NULL leaves them. */
	int (*leave)(struct file_target *target, void *folder, const struct file_times *times,
		     struct err *err);
	/* A new file of size bytes that reads as zeros. -EEXIST; -EFBIG: the file system cannot
	 * hold it; -ENAMETOOLONG. */
	int (*create)(struct file_target *target, void *folder, const char *name, uint64_t size,
		      void **ret, struct err *err);
	int (*write)(struct file_target *target, void *file, const void *bytes, uint64_t offset,
		     size_t length, struct err *err);
	/* Written, with its times; frees file, on failure too. */
	int (*finish)(struct file_target *target, void *file, const struct file_times *times,
		      struct err *err);
	/* Removes and frees it. */
	void (*abandon)(struct file_target *target, void *file);
	/* A stream kept with the file. NULL, or -ENOTSUP: a file of its own is written. */
	int (*set_stream)(struct file_target *target, void *file, const char *name,
			  const void *bytes, size_t length, struct err *err);
	/* One more name for the file at a path from the destination on. NULL, or -ENOTSUP: it is
	 * written once more. */
	int (*link)(struct file_target *target, const char *path, void *folder, const char *name,
		    struct err *err);
	/* All that was written is on the disk. */
	int (*flush)(struct file_target *target, struct err *err);
	void (*close)(struct file_target *target);
};

struct file_target {
	const struct file_target_ops *ops;
	bool windows_names; /* names that Windows forbids cannot be written */
	char *name;	    /* for messages; owned by the kind */
};

/* A folder of this machine, which must be there. What it is on decides about names. */
int file_target_folder(const char *path, struct file_target **ret, struct err *err) MUST_CHECK;
void file_target_close(struct file_target *target); /* NULL is fine */
DEFINE_FREEP(struct file_target, file_target, file_target_close)

/* The name that a file gets: *ret is a copy, in which what the destination cannot have is written
 * as %3A; what is too long is cut, with a number of the whole in its place. *ret_changed: it is
 * another than name. */
#define FILE_NAME_LENGTH 255 /* bytes; of Linux' file systems, fewer than Windows' 255 units */
int file_name_for(const char *name, bool windows_names, char **ret, bool *ret_changed,
		  struct err *err) MUST_CHECK;

/* -- taking them -------------------------------------------------------------------------- */

enum files_event {
	FILES_SKIPPED, /* it is not there; text: why */
	FILES_INCOMPLETE, /* it is there, with zeros where the image holds nothing of it */
	FILES_ODD,     /* it is there, but not as it was; text: how */
	FILES_LINK,    /* text: where it leads; nothing is written */
};

struct files_sum {
	uint64_t files, folders, links, streams;
	uint64_t bytes;	    /* written, without holes */
	uint64_t skipped, incomplete, odd;
};

struct files_options {
	/* path: of the item in its volume, with '/'. */
	void (*tell)(enum files_event event, const char *path, const char *text, void *context);
	/* Some times a second; non-zero cancels: -ECANCELED. NULL: nobody asks. */
	int (*progress)(const char *path, const struct files_sum *sum, void *context);
	void *context;
};

/* Takes one item, with all that is in it, into the destination's folder; its own name is the last
 * part of path ("" takes what is in the root). What cannot be had is told of, and the rest goes
 * on; an error is returned where nothing can go on: the destination is full or gone, the reader
 * ended, somebody cancelled. sum is added to. */
int files_get(struct reader *reader, unsigned volume, const char *path,
	      struct file_target *target, const struct files_options *options,
	      struct files_sum *sum, struct err *err) MUST_CHECK;

/* The same for the one file at path, into the folders of its path below another one of the
 * destination: "a/b/file" is below/a/b/file there. */
int files_get_at(struct reader *reader, unsigned volume, const char *path,
		 const char *below, struct file_target *target, const struct files_options *options,
		 struct files_sum *sum, struct err *err) MUST_CHECK;
