/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A FAT volume whose files get another content: see state-volume.h. What is replaced is moved, entry
 * for entry, and a new file is made in its place: FAT has neither hard links nor security descriptors
 * that would be lost, and an EFI system partition seldom has room for copies.
 */
#include "state-volume.h"

#include <inttypes.h>
#include <string.h>

#include <base/text.h>

#include "volumes/fat-edit.h"

#define TICKS 10000000 /* of struct item in a second */

struct fat_volume {
	struct state_volume volume;
	struct overlay *overlay; /* borrowed; NULL: for reading */
	struct fat_edit *edit;
	int64_t time;
};

static struct fat_volume *fat_of(struct state_volume *volume)
{
	return (struct fat_volume *)volume;
}

/* Chains that cross would be changed together. */
static int open_source(struct block_source *source, struct overlay *overlay, int64_t time,
		       struct state_volume **ret, struct err *err)
{
	AUTO(fat_edit_freep) struct fat_edit *edit = NULL;
	struct fat_volume *opened;
	int r = fat_edit_open(source, &edit, err);

	if (r == 0)
		r = fat_edit_check(edit, err);
	if (r < 0)
		return r;
	opened = malloc(sizeof(*opened));
	if (!opened)
		return err_nomem(err);
	*opened = (struct fat_volume){ { &state_fat }, overlay, TAKE_PTR(edit), time };
	*ret = &opened->volume;
	return 0;
}

static int open_overlay(struct overlay *overlay, int64_t time, struct state_volume **ret,
			struct err *err)
{
	return open_source(overlay_source(overlay), overlay, time, ret, err);
}

static int open_reading(struct block_source *source, struct state_volume **ret,
			struct err *err)
{
	return open_source(source, NULL, 0, ret, err);
}

static int take_change(uint64_t offset, const void *bytes, size_t length, void *context,
		       struct err *err)
{
	return overlay_write(context, bytes, offset, length, err);
}

static int close_volume(struct state_volume **volume, struct err *err)
{
	struct fat_volume *closing = fat_of(TAKE_PTR(*volume));
	int r = closing->overlay ? fat_edit_changes(closing->edit, take_change,
						    closing->overlay, err)
				 : 0;

	fat_edit_close(closing->edit);
	free(closing);
	return r;
}

static int look(struct state_volume *volume, const char *path, struct state_look *ret,
		struct err *err)
{
	AUTO(item_clear) struct item item = { 0 };
	int r = fat_edit_look(fat_of(volume)->edit, path, &item, err);

	if (r == 0)
		*ret = (struct state_look){ item.kind == ITEM_FOLDER,
					    item.kind == ITEM_FILE, item.size,
					    item.attributes, 1 };
	return r;
}

static int read_whole(struct block_source *content, uint8_t **ret, struct err *err)
{
	AUTO_FREE uint8_t *bytes = malloc((size_t)content->size + 1);
	int r = bytes ? source_read(content, bytes, 0, (size_t)content->size, err)
		      : err_nomem(err);

	if (r == 0)
		*ret = TAKE_PTR(bytes);
	return r;
}

static int equals(struct state_volume *volume, const char *path,
		  struct block_source *content, bool *ret, struct err *err)
{
	AUTO_FREE uint8_t *found = NULL, *wanted = NULL;
	struct err fault = { 0 };
	size_t length = 0;
	int r = fat_edit_read(fat_of(volume)->edit, path, (size_t)content->size, &found,
			      &length, &fault);

	if (r == -EFBIG || (r == 0 && length != content->size)) {
		*ret = false;
		return 0;
	}
	if (r < 0)
		return err_set(err, r, "%s", fault.text);
	r = read_whole(content, &wanted, err);
	if (r == 0)
		*ret = memcmp(found, wanted, length) == 0;
	return r;
}

static int make_folder(struct state_volume *volume, const char *folder, const char *name,
		       struct err *err)
{
	struct fat_volume *of = fat_of(volume);
	AUTO_FREE char *path = text_format("%s%s%s", folder, folder[0] ? "/" : "", name);

	return path ? fat_edit_make_folder(of->edit, path, of->time, err)
		    : err_nomem(err);
}

/* mtools would ask what to do with a file that is there. */
static int keep(struct state_volume *volume, const char *path, const char *folder,
		struct err *err)
{
	struct fat_volume *of = fat_of(volume);
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *to = text_format("%s/%s", folder, slash ? slash + 1 : path);
	bool there = false;
	int r = to ? fat_edit_exists(of->edit, to, &there, err) : err_nomem(err);

	if (r == 0 && there)
		r = err_set(err, -EEXIST, "'%s': is there already", to);
	return r < 0 ? r : fat_edit_move(of->edit, path, to, of->time, err);
}

static int add(struct state_volume *volume, const char *folder, const char *name,
	       struct err *err)
{
	return 0; /* filling makes it */
}

static int fill(struct state_volume *volume, const char *path,
		struct block_source *content, const struct item *facts, struct err *err)
{
	struct fat_volume *of = fat_of(volume);
	int64_t time = facts && facts->modified != ITEM_NO_TIME ? facts->modified / TICKS
								: of->time;
	AUTO_FREE uint8_t *bytes = NULL;
	int r = read_whole(content, &bytes, err);

	if (r == 0)
		r = fat_edit_write(of->edit, path, bytes, (size_t)content->size, time,
				   err);
	if (r == 0 && facts)
		r = fat_edit_mark(of->edit, path, facts->attributes, err);
	return r;
}

static const enum file_system kinds[] = { FS_FAT12, FS_FAT16, FS_FAT32, FS_UNKNOWN };

const struct state_volume_ops state_fat = {
	.kinds = kinds,
	.added = "",
	.moves = true,
	.keeps_attributes = true,
	.open = open_overlay,
	.open_reading = open_reading,
	.close = close_volume,
	.look = look,
	.equals = equals,
	.make_folder = make_folder,
	.keep = keep,
	.add = add,
	.fill = fill,
};
