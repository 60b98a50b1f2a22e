/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folders of NTFS volumes as items: see items-fs.h. */
#include "ntfs-item.h"

#include <string.h>

#include <ntfs-3g/dir.h>

#include <base/log.h>

static const enum file_system kinds[] = { FS_NTFS, FS_UNKNOWN };

static int open_ntfs(struct block_source *volume, void **ret, struct err *err)
{
	struct ntfs *ntfs = NULL;
	int r = ntfs_open(volume, &ntfs, err);

	if (r == 0)
		*ret = ntfs;
	return r;
}

static void close_ntfs(void *fs)
{
	ntfs_close(fs);
}

/* -- folders ---------------------------------------------------------------------- */

struct listing {
	struct item_list *items; /* until all facts are added: name and id alone */
	struct err failure;	 /* code 0: none */
};

/* The library adds these two to every folder; entries of that name are something else. */
static bool is_dots(const ntfschar *name, int length, unsigned kind)
{
	return kind == NTFS_DT_DIR && length <= 2 && le16_to_cpu(name[0]) == '.' &&
	       le16_to_cpu(name[length - 1]) == '.';
}

/* Called by the library for each entry; short names and the file system's own files are left
 * out. Non-zero ends the listing. */
static int keep_name(void *context, const ntfschar *name, const int length,
		     const int name_type, const s64 position, const MFT_REF mref,
		     const unsigned kind)
{
	struct listing *listing = context;
	AUTO_FREE char *text = NULL;
	struct item item = { 0 };

	if (name_type == FILE_NAME_DOS || MREF(mref) < FILE_first_user ||
	    (length > 0 && is_dots(name, length, kind)))
		return 0;
	text = ntfs_name_text(name, (size_t)length);
	if (!text)
		return err_nomem(&listing->failure);
	if (item_init(&item, text, &listing->failure) < 0)
		return -1;
	item.id = mref;
	return item_list_add(listing->items, &item, &listing->failure);
}

/* What cannot be read is there all the same. */
static void add_facts(struct ntfs *ntfs, struct item *item)
{
	AUTO(ntfs_inode_freep) ntfs_inode *inode = NULL;
	struct item_address address = { .id = item->id, .path = item->name };
	struct err err = { 0 };

	item->content = CONTENT_DAMAGED;
	if (ntfs_item_inode(ntfs, &address, &inode, &err) < 0 ||
	    ntfs_item_facts(ntfs, inode, item, &err) < 0)
		log_debug("%s", err.text);
}

static int list_ntfs(void *fs, const struct item_address *address, struct item_list *ret,
		     struct err *err)
{
	struct ntfs *ntfs = fs;
	AUTO(ntfs_inode_freep) ntfs_inode *folder = NULL;
	struct listing listing = { .items = ret };
	s64 position = 0;
	int r = ntfs_item_inode(ntfs, address, &folder, err);

	if (r < 0)
		return r;
	if (!(folder->mrec->flags & MFT_RECORD_IS_DIRECTORY))
		return err_set(err, -ENOTDIR, "'%s': '%s' is no folder",
			       ntfs->source->name, address->path);
	ntfs_forget_failure(ntfs);
	/* or it gives all names in small letters */
	NVolSetCaseSensitive(ntfs->volume);
	r = ntfs_readdir(folder, &position, &listing, keep_name);
	NVolClearCaseSensitive(ntfs->volume);
	if (listing.failure.code)
		return err_set(err, listing.failure.code, "'%s': '%s': %s",
			       ntfs->source->name, address->path, listing.failure.text);
	if (r < 0) {
		ntfs_library_failed(ntfs, "listing a folder", err);
		return err_add(err, "'%s'", address->path);
	}
	for (size_t i = 0; i < ret->count; i++)
		add_facts(ntfs, &ret->items[i]);
	return 0;
}

static int find_ntfs(void *fs, const struct item_address *address, struct item *ret,
		     struct err *err)
{
	AUTO(ntfs_inode_freep) ntfs_inode *inode = NULL;
	AUTO(item_clear) struct item item = { 0 };
	int r = ntfs_item_inode(fs, address, &inode, err);

	if (r == 0)
		r = item_init(&item, item_path_name(address->path), err);
	if (r == 0)
		r = ntfs_item_facts(fs, inode, &item, err);
	if (r < 0)
		return r;
	*ret = item;
	item = (struct item){ 0 };
	return 0;
}

const struct items_ops ntfs_items = {
	.kinds = kinds,
	.open = open_ntfs,
	.close = close_ntfs,
	.list = list_ntfs,
	.find = find_ntfs,
	.read = ntfs_item_read,
	.newer = ntfs_item_newer,
};
