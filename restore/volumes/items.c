/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files and folders of volumes, by kind of file system: see restore/items.h. */
#include <inttypes.h>
#include <string.h>

#include "items-fs.h"

struct items {
	const struct items_ops *ops;
	char *name; /* of the volume, for messages */
	void *fs;   /* the kind's own */
};

static const char *const content_texts[] = {
	[CONTENT_STORED] = "",
	[CONTENT_COMPRESSED] = "",
	[CONTENT_ENCRYPTED] = "encrypted by EFS: only its owner's key under Windows "
			      "reads it",
	[CONTENT_DEDUPLICATED] = "deduplicated: its data is in the chunk store of the "
				 "volume; restore the volume and read it with Windows "
				 "Server",
	[CONTENT_ELSEWHERE] = "only a placeholder is here: its data is in a cloud, an "
			      "archive or another image",
	[CONTENT_UNKNOWN] = "a reparse point of a program that is not known here",
	[CONTENT_DAMAGED] = "damaged: its file record cannot be read",
};

const char *item_content_text(enum item_content content)
{
	return (size_t)content < ARRAY_SIZE(content_texts) ? content_texts[content] : "";
}

/* -- what the kinds share --------------------------------------------------------- */

int item_init(struct item *item, const char *name, struct err *err)
{
	*item = (struct item){ .name = strdup(name),
			       .created = ITEM_NO_TIME,
			       .modified = ITEM_NO_TIME,
			       .changed = ITEM_NO_TIME,
			       .accessed = ITEM_NO_TIME,
			       .names = 1 };
	return item->name ? 0 : err_nomem(err);
}

void item_clear(struct item *item)
{
	for (size_t i = 0; i < item->stream_count; i++)
		free(item->streams[i].name);
	free(item->streams);
	free(item->target);
	free(item->name);
	*item = (struct item){ 0 };
}

void item_list_clear(struct item_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		item_clear(&list->items[i]);
	free(list->items);
	*list = (struct item_list){ 0 };
}

/* Room is there for the next power of two. */
static int grow(struct item_list *list, struct err *err)
{
	struct item *grown;

	if (list->count == FOLDER_ITEMS_MAX)
		return err_set(err, -E2BIG, "a folder of more than %d files",
			       FOLDER_ITEMS_MAX);
	if (list->count & (list->count - 1))
		return 0;
	grown = reallocarray(list->items, list->count ? 2 * list->count : 1,
			     sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	list->items = grown;
	return 0;
}

int item_list_add(struct item_list *list, struct item *item, struct err *err)
{
	int r = grow(list, err);

	if (r < 0) {
		item_clear(item);
		return r;
	}
	list->items[list->count++] = *item;
	*item = (struct item){ 0 };
	return 0;
}

const char *item_path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int item_check_readable(const struct item *item, const char *volume, const char *path,
			struct err *err)
{
	if (item->kind == ITEM_FOLDER)
		return err_set(err, -EISDIR, "'%s': '%s' is a folder", volume, path);
	if (item->kind == ITEM_LINK)
		return err_set(err, -ENOTSUP, "'%s': '%s' is a link, to '%s'", volume,
			       path, item->target ? item->target : "");
	if (!item_content_readable(item->content))
		return err_set(err, -ENOTSUP, "'%s': '%s' cannot be read: %s", volume,
			       path, item_content_text(item->content));
	return 0;
}

/* -- the volume ------------------------------------------------------------------- */

static const struct items_ops *find_ops(enum file_system fs)
{
	static const struct items_ops *const all[] = { &ntfs_items, &fat_items,
						       &exfat_items };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (const enum file_system *kind = all[i]->kinds; *kind != FS_UNKNOWN;
		     kind++)
			if (*kind == fs)
				return all[i];
	return NULL;
}

int items_open(struct block_source *volume, const struct volume_info *info,
	       struct items **ret, struct err *err)
{
	AUTO(items_freep) struct items *items = calloc(1, sizeof(*items));
	int r;

	if (!items)
		return err_nomem(err);
	items->ops = find_ops(info->fs);
	if (!items->ops)
		return err_set(err, -ENOTSUP,
			       "'%s': no files are read from volumes of this file "
			       "system (%s)",
			       volume->name, file_system_text(info->fs));
	items->name = strdup(volume->name);
	if (!items->name)
		return err_nomem(err);
	r = items->ops->open(volume, &items->fs, err);
	if (r == 0)
		*ret = TAKE_PTR(items);
	return r;
}

void items_close(struct items *items)
{
	if (!items)
		return;
	if (items->fs)
		items->ops->close(items->fs);
	free(items->name);
	free(items);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

int items_list(struct items *items, const struct item_address *folder,
	       struct item_list *ret, struct err *err)
{
	AUTO(item_list_clear) struct item_list list = { 0 };
	int r = items->ops->list(items->fs, folder, &list, err);

	if (r < 0)
		return r;
	if (list.count)
		qsort(list.items, list.count, sizeof(*list.items), compare_names);
	*ret = list;
	list = (struct item_list){ 0 };
	return 0;
}

int items_find(struct items *items, const struct item_address *address, struct item *ret,
	       struct err *err)
{
	return items->ops->find(items->fs, address, ret, err);
}

int items_read(struct items *items, const struct item_address *file, const char *stream,
	       struct block_source **ret, struct err *err)
{
	return items->ops->read(items->fs, file, stream, ret, err);
}

int items_newer(struct items *items, int64_t since, uint64_t *position,
		items_visit *visit, void *context, struct err *err)
{
	if (!items->ops->newer)
		return err_set(err, -ENOTSUP,
			       "'%s': files are searched by time on NTFS alone",
			       items->name);
	return items->ops->newer(items->fs, since, position, visit, context, err);
}
