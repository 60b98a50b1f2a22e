/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The boot files that every Windows carries in \Windows\Boot, copied to where firmware finds
 * them, as 'bcdboot' does it.
 */
#pragma once

#include "fixup.h"
#include "volumes/ntfs.h"
#include "volumes/volume-edit.h"

struct boot_folder {
	const char *from, *to; /* "Windows/Boot/EFI", "EFI/Microsoft/Boot" */
	bool optional;
};

struct boot_copy {
	struct ntfs *windows; /* to read from */
	struct volume_edit *to;
	unsigned files; /* copied so far */
	uint64_t bytes;
};

/* All files of these folders and of those in them. -ENOENT: one that is not optional is missing;
 * -EFBIG: more than boot files ever are; -ENOTSUP: one is compressed in a way that is not
 * read. */
int boot_files_copy(struct boot_copy *copy, const struct boot_folder *folders,
		    size_t count, struct err *err) MUST_CHECK;

/* Opens the volume that the job's overlay has now, which holds a file system `fs`, lets `fill` put
 * boot files there out of `windows`, and closes it. *ret_files: how many were copied. */
typedef int boot_fill(struct fixup_job *job, struct boot_copy *copy, struct err *err);
int boot_files_fill(struct fixup_job *job, const struct volume_info *fs,
		    struct ntfs *windows, boot_fill *fill, unsigned *ret_files,
		    struct err *err) MUST_CHECK;

/* The language of the boot manager's texts among the folders: "en-US" if it is there, else the
 * first; "en-US" where there is none. ret holds BOOT_LOCALE_SIZE bytes. */
#define BOOT_LOCALE_SIZE 16
int boot_files_locale(struct ntfs *windows, const char *folder, char *ret,
		      struct err *err) MUST_CHECK;

/* A whole file of Windows' volume. -ENOENT. */
int boot_file_read(struct ntfs *windows, const char *path, uint8_t **ret,
		   size_t *ret_length, struct err *err) MUST_CHECK;

/* A new boot store at path, grown from the template on Windows' volume. folder: where the boot
 * manager's texts are. volume: Windows', to read from. */
struct boot_store_place {
	struct block_source *volume;
	struct ntfs *windows;
	const char *folder, *path;
};
int boot_files_add_store(const struct fixup_job *job,
			 const struct boot_store_place *place, struct volume_edit *to,
			 struct err *err) MUST_CHECK;
