/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The changed volume is read again: see state-parts.h. */
#include "state-parts.h"

#include <string.h>

#include "hives/hive-load.h"

#define BASE_BLOCK 4096 /* bytes, before the first bin */

static int prove_file(struct items *from, struct ntfs *ntfs,
		      const struct state_file *file, struct err *err)
{
	AUTO(source_freep) struct block_source *content = NULL;
	struct item_address address = { 0, file->path };
	bool equal = false;
	int r = items_read(from, &address, "", &content, err);

	if (r == 0)
		r = ntfs_content_equals(ntfs, file->path, content, &equal, err);
	if (r == 0 && !equal)
		r = err_set(err, -EBADMSG, "'%s': is not what the backup has",
			    file->path);
	return r;
}

/* A hive by its name alone: the others of a system state are none, and have no base block. */
static bool may_be_hive(struct ntfs *ntfs, const char *path)
{
	AUTO(ntfs_file_freep) struct ntfs_file *file = NULL;
	uint8_t head[4] = { 0 };

	if (ntfs_file_open(ntfs, path, &file, NULL) < 0 ||
	    ntfs_file_size(file) < BASE_BLOCK ||
	    ntfs_file_read(file, 0, head, sizeof(head), NULL) < 0)
		return false;
	return memcmp(head, "regf", 4) == 0;
}

static int prove_hive(struct block_source *volume, const struct volume_info *info,
		      const char *path, struct err *err)
{
	struct hive_image image = { 0 };
	int r = hive_load(volume, info, path, &image, err);

	hive_image_clear(&image);
	return r;
}

int state_prove(struct items *from, struct block_source *volume,
		const struct volume_info *info, const struct state_files *files,
		struct err *err)
{
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	int r = ntfs_open(volume, &ntfs, err);

	for (size_t i = 0; i < files->count && r == 0; i++) {
		const struct state_file *file = &files->files[i];

		r = prove_file(from, ntfs, file, err);
		if (r == 0 && !state_is_log(file->path) && may_be_hive(ntfs, file->path))
			r = prove_hive(volume, info, file->path, err);
	}
	return r;
}
