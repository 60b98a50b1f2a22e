/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of exFAT volumes as items: what exfat.c knows of them. */
#include <string.h>

#include "file-system.h"
#include "items-fs.h"

struct exfat_volume {
	struct block_source *volume; /* borrowed */
	void *exfat;
};

static const enum file_system kinds[] = { FS_EXFAT, FS_UNKNOWN };

static int exfat_open(struct block_source *volume, void **ret, struct err *err)
{
	AUTO_FREE struct exfat_volume *own = calloc(1, sizeof(*own));
	int r;

	if (!own)
		return err_nomem(err);
	own->volume = volume;
	r = exfat_files.open(volume, &own->exfat, err);
	if (r == 0)
		*ret = TAKE_PTR(own);
	return r;
}

static void exfat_close(void *fs)
{
	struct exfat_volume *own = fs;

	exfat_files.close(own->exfat);
	free(own);
}

static int take_entry(const struct tree_entry *entry, struct item *item, struct err *err)
{
	int r = item_init(item, entry->name, err);

	if (r < 0)
		return r;
	item->kind = entry->is_folder ? ITEM_FOLDER : ITEM_FILE;
	item->size = item->allocated = entry->size;
	if (entry->mtime_s)
		item->modified = entry->mtime_s * 10000000;
	return 0;
}

static int exfat_list(void *fs, const struct item_address *folder, struct item_list *ret,
		      struct err *err)
{
	struct exfat_volume *own = fs;
	AUTO(tree_listing_clear) struct tree_listing entries = { 0 };
	int r = exfat_files.list(own->exfat, folder->path, &entries, err);

	for (size_t i = 0; i < entries.count && r == 0; i++) {
		struct item item = { 0 };

		r = take_entry(&entries.entries[i], &item, err);
		if (r == 0)
			r = item_list_add(ret, &item, err);
	}
	return r;
}

/* What the folder above says of it. */
static int exfat_find(void *fs, const struct item_address *address, struct item *ret,
		      struct err *err)
{
	struct exfat_volume *own = fs;
	const char *name = item_path_name(address->path);
	AUTO(tree_listing_clear) struct tree_listing entries = { 0 };
	AUTO_FREE char *folder =
		strndup(address->path,
			name > address->path ? (size_t)(name - address->path) - 1 : 0);
	int r;

	if (!folder)
		return err_nomem(err);
	if (!name[0])
		return take_entry(&(struct tree_entry){ .name = "", .is_folder = true },
				  ret, err);
	r = exfat_files.list(own->exfat, folder, &entries, err);
	for (size_t i = 0; i < entries.count && r == 0; i++)
		if (strcasecmp(entries.entries[i].name, name) == 0)
			return take_entry(&entries.entries[i], ret, err);
	if (r == 0)
		r = err_set(err, -ENOENT, "'%s': no file '%s'", own->volume->name,
			    address->path);
	return r;
}

/* -- an open file ----------------------------------------------------------------- */

struct source_exfat {
	struct block_source source;
	void *file;
};

static int source_read_exfat(struct block_source *source, void *buffer, uint64_t offset,
			     size_t length, struct err *err)
{
	struct source_exfat *own = (struct source_exfat *)source;

	return exfat_files.read_file(own->file, offset, buffer, length, err);
}

static void source_close_exfat(struct block_source *source)
{
	struct source_exfat *own = (struct source_exfat *)source;

	exfat_files.close_file(own->file);
	free(source->name);
	free(own);
}

static const struct block_source_ops source_ops = {
	.read_at = source_read_exfat,
	.close = source_close_exfat,
};

static int exfat_read(void *fs, const struct item_address *address, const char *stream,
		      struct block_source **ret, struct err *err)
{
	struct exfat_volume *own = fs;
	AUTO_FREE struct source_exfat *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return err_nomem(err);
	if (stream[0])
		return err_set(err, -ENOENT, "'%s': exFAT has no streams ('%s')",
			       own->volume->name, stream);
	file->source = (struct block_source){
		.ops = &source_ops,
		.max_parallel = 1,
		.name = strdup(own->volume->name),
	};
	if (!file->source.name)
		return err_nomem(err);
	r = exfat_files.open_file(own->exfat, address->path, &file->file, err);
	if (r < 0) {
		free(file->source.name);
		return r;
	}
	file->source.size = exfat_files.file_size(file->file);
	*ret = &TAKE_PTR(file)->source;
	return 0;
}

const struct items_ops exfat_items = {
	.kinds = kinds,
	.open = exfat_open,
	.close = exfat_close,
	.list = exfat_list,
	.find = exfat_find,
	.read = exfat_read,
};
