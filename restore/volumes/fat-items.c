/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of FAT volumes as items: mtools, on a copy of the volume in memory. */
#include <string.h>
#include <strings.h>

#include <base/checked.h>
#include <base/spawn.h>

#include "fat-listing.h"
#include "fat-scratch.h"
#include "fat.h"
#include "items-fs.h"

/* Of one file, in memory: EFI system partitions hold nothing that is larger. */
#define FILE_MAX (256 * MiB)
/* A folder of FAT has at most 65536 entries, and a line each. */
#define LISTING_MAX (16 * MiB)

struct fat_volume {
	struct block_source *volume; /* borrowed */
	int fd;			     /* the copy */
};

static const enum file_system kinds[] = { FS_FAT12, FS_FAT16, FS_FAT32, FS_UNKNOWN };

static int fat_open(struct block_source *volume, void **ret, struct err *err)
{
	AUTO_FREE struct fat_volume *fat = calloc(1, sizeof(*fat));
	int r;

	if (!fat)
		return err_nomem(err);
	fat->volume = volume;
	r = fat_scratch_copy(volume, &fat->fd, err);
	if (r == 0)
		*ret = TAKE_PTR(fat);
	return r;
}

static void fat_close(void *fs)
{
	struct fat_volume *fat = fs;

	close(fat->fd);
	free(fat);
}

static int run_mdir(struct fat_volume *fat, const char *path, char **ret, struct err *err)
{
	AUTO_FREE char *mtools_path =
		path[0] ? fat_mtools_path(path, err) : strdup("::/");
	const char *const argv[] = { "mdir",	      "-a",	   "-i",
				     FAT_VOLUME_PATH, mtools_path, NULL };
	struct spawn spawn = { .argv = argv,
			       .env = fat_mtools_environment,
			       .input_fd = fat->fd,
			       .output_limit = LISTING_MAX };
	struct err failure = { 0 };
	int r;

	if (!mtools_path)
		return err && err->code ? err->code : err_nomem(err);
	r = spawn_run(&spawn, ret, &failure);
	if (r == -EIO && strcasestr(failure.text, "not found"))
		return err_set(err, -ENOENT, "'%s': no folder '%s'", fat->volume->name,
			       path);
	if (r == -EIO)
		return err_set(err, -EBADMSG, "'%s': FAT is damaged at '%s': %s",
			       fat->volume->name, path, failure.text);
	return r < 0 ? err_set(err, r, "%s", failure.text) : 0;
}

static int list_folder(struct fat_volume *fat, const char *path, struct item_list *ret,
		       struct err *err)
{
	AUTO_FREE char *output = NULL;
	int r = run_mdir(fat, path, &output, err);

	return r < 0 ? r : fat_listing_parse(output, ret, err);
}

static int find_in(const struct item_list *list, const char *name, struct item *ret,
		   struct err *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct item *item = &list->items[i];
		int r;

		if (strcasecmp(item->name, name) != 0)
			continue;
		r = item_init(ret, item->name, err);
		if (r < 0)
			return r;
		ret->kind = item->kind;
		ret->size = ret->allocated = item->size;
		ret->modified = item->modified;
		return 0;
	}
	return -ENOENT;
}

static int fat_find(void *fs, const struct item_address *address, struct item *ret,
		    struct err *err)
{
	struct fat_volume *fat = fs;
	const char *name = item_path_name(address->path);
	size_t length = name > address->path ? (size_t)(name - address->path) - 1 : 0;
	AUTO_FREE char *folder = strndup(address->path, length);
	AUTO(item_list_clear) struct item_list list = { 0 };
	int r;

	if (!folder)
		return err_nomem(err);
	if (!name[0]) {
		r = item_init(ret, "", err);
		ret->kind = ITEM_FOLDER;
		return r;
	}
	r = list_folder(fat, folder, &list, err);
	if (r == 0)
		r = find_in(&list, name, ret, err);
	if (r == -ENOENT)
		return err_set(err, -ENOENT, "'%s': no file '%s'", fat->volume->name,
			       address->path);
	return r;
}

int fat_find_scratch(struct block_source *volume, int fd, const char *path,
		     struct item *ret, struct err *err)
{
	struct fat_volume fat = { volume, fd };
	const struct item_address address = { 0, path };

	return fat_find(&fat, &address, ret, err);
}

static int fat_list(void *fs, const struct item_address *folder, struct item_list *ret,
		    struct err *err)
{
	AUTO(item_clear) struct item item = { 0 };
	int r = fat_find(fs, folder, &item, err);

	if (r < 0)
		return r;
	if (item.kind != ITEM_FOLDER)
		return err_set(err, -ENOTDIR, "'%s': '%s' is no folder",
			       ((struct fat_volume *)fs)->volume->name, folder->path);
	return list_folder(fs, folder->path, ret, err);
}

static int fat_read(void *fs, const struct item_address *file, const char *stream,
		    struct block_source **ret, struct err *err)
{
	struct fat_volume *fat = fs;
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r;

	if (stream[0])
		return err_set(err, -ENOENT, "'%s': FAT has no streams ('%s')",
			       fat->volume->name, stream);
	r = fat_read_scratch(fat->volume, fat->fd, file->path, FILE_MAX, &bytes, &length,
			     err);
	return r < 0 ? r : source_memory_new(bytes, length, file->path, ret, err);
}

const struct items_ops fat_items = {
	.kinds = kinds,
	.open = fat_open,
	.close = fat_close,
	.list = fat_list,
	.find = fat_find,
	.read = fat_read,
};
