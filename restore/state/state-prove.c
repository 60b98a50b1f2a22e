/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The changed volume is read again: see state-parts.h. */
#include "state-parts.h"

#include <string.h>

#include "hives/hive-load.h"

#define BASE_BLOCK 4096 /* bytes, before the first bin */

static int prove_file(struct items *from, struct state_volume *to,
		      const struct state_file *file, bool *ret_hive, struct err *err)
{
	AUTO(source_freep) struct block_source *content = NULL;
	struct item_address address = { 0, file->path };
	uint8_t head[4] = { 0 };
	bool equal = false;
	int r = items_read(from, &address, "", &content, err);

	if (r == 0)
		r = to->ops->equals(to, file->path, content, &equal, err);
	if (r == 0 && !equal)
		r = err_set(err, -EBADMSG, "'%s': is not what the backup has",
			    file->path);
	if (r == 0 && content->size >= BASE_BLOCK)
		r = source_read(content, head, 0, sizeof(head), err);
	/* A hive by its name alone: the others of a system state are none, and have no base
	 * block. */
	*ret_hive = r == 0 && memcmp(head, "regf", 4) == 0 && !state_is_log(file->path);
	return r;
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
	AUTO(state_volume_freep) struct state_volume *to = NULL;
	const struct state_volume_ops *ops;
	int r = state_volume_find(info, &ops, err);

	if (r == 0)
		r = ops->open_reading(volume, &to, err);
	for (size_t i = 0; i < files->count && r == 0; i++) {
		bool hive = false;

		r = prove_file(from, to, &files->files[i], &hive, err);
		if (hive)
			r = prove_hive(volume, info, files->files[i].path, err);
	}
	return r;
}
