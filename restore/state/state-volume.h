/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The volume whose files get another content, by its file system: NTFS as it lies
 * (volumes/ntfs-swap.h), FAT by mtools on a copy (volumes/fat-edit.h). Paths have '/' between names
 * and need not have the capital letters of the volume.
 */
#pragma once

#include <base/overlay.h>
#include <restore/items.h>

struct state_look {
	bool is_folder;
	bool replaceable; /* its content lies in the file itself */
	uint64_t size;
	uint32_t attributes;
	unsigned names; /* hard links, without short names */
};

struct state_volume {
	const struct state_volume_ops *ops;
};

struct state_volume_ops {
	const enum file_system *kinds;	/* FS_UNKNOWN ends them */
	const char *added;		/* told of a file that is new; "" */
	bool moves;			/* an old file that is kept takes no more room */
	bool keeps_attributes;		/* of the old file: a backup does not tell them */
	/* Of overlay, or for reading of volume; both are borrowed. time: of what is made, seconds
	 * since 1970. -EBADMSG: damaged; -EBUSY: Windows did not close it. */
	int (*open)(struct overlay *overlay, int64_t time, struct state_volume **ret,
		    struct err *err);
	int (*open_reading)(struct block_source *volume, struct state_volume **ret,
			    struct err *err);
	/* What is still held goes to the overlay. *volume is NULL afterwards, on failure too. */
	int (*close)(struct state_volume **volume, struct err *err);
	/* -ENOENT */
	int (*look)(struct state_volume *volume, const char *path, struct state_look *ret,
		    struct err *err);
	int (*equals)(struct state_volume *volume, const char *path,
		      struct block_source *content, bool *ret, struct err *err);
	/* A folder in a folder that exists, "" is the root. */
	int (*make_folder)(struct state_volume *volume, const char *folder,
			   const char *name, struct err *err);
	/* The file as it is, under its last name in another folder; it is to be filled next. */
	int (*keep)(struct state_volume *volume, const char *path, const char *folder,
		    struct err *err);
	/* A new file, to be filled next. */
	int (*add)(struct state_volume *volume, const char *folder, const char *name,
		   struct err *err);
	/* Content, times and attributes; facts NULL: those of the file stay. */
	int (*fill)(struct state_volume *volume, const char *path,
		    struct block_source *content, const struct item *facts,
		    struct err *err);
};

extern const struct state_volume_ops state_ntfs, state_fat;

/* -ENOTSUP: another file system. */
int state_volume_find(const struct volume_info *info, const struct state_volume_ops **ret,
		      struct err *err) MUST_CHECK;
/* For what was only read, and for the way out of a failure. */
void state_volume_drop(struct state_volume *volume); /* NULL is fine */
DEFINE_FREEP(struct state_volume, state_volume, state_volume_drop)
