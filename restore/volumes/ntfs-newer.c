/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of a whole NTFS volume that were written after a time: the table of files is walked from
 * its beginning to its end, each record once, which no loop of folders can lengthen.
 */
#include "ntfs-item.h"

#include <string.h>

#include <base/checked.h>
#include <base/log.h>
#include <base/text.h>

/* Windows' longest path has 32767 characters. */
#define DEPTH_MAX 512

/* The file system's own, beyond its first files. */
#define EXTEND "$Extend/"

#define BITMAP_WINDOW 4096u

/* Some seconds on a slow disk. */
#define RECORDS_AT_ONCE 20000

struct walk {
	struct ntfs *ntfs;
	int64_t since;
	items_visit *visit;
	void *context;
	uint64_t
		window; /* first byte of the bitmap that is in memory; UINT64_MAX: none */
	uint8_t bitmap[BITMAP_WINDOW];
};

/* -- paths ------------------------------------------------------------------------ */

/* The first name that is no short one. *ret_name: NULL where the file has none. */
static int find_name(struct ntfs *ntfs, ntfs_inode *inode, char **ret_name,
		     MFT_REF *ret_parent, struct err *err)
{
	ntfs_attr_search_ctx *search;
	int r = 0;

	*ret_name = NULL;
	ntfs_forget_failure(ntfs);
	search = ntfs_attr_get_search_ctx(inode, NULL);
	if (!search)
		return err_nomem(err);
	while (!*ret_name && r == 0 &&
	       ntfs_attr_lookup(AT_FILE_NAME, AT_UNNAMED, 0, CASE_SENSITIVE, 0, NULL, 0,
				search) == 0) {
		const FILE_NAME_ATTR *name =
			(const void *)((const uint8_t *)search->attr +
				       le16_to_cpu(search->attr->value_offset));

		if (search->attr->non_resident || name->file_name_type == FILE_NAME_DOS)
			continue;
		*ret_parent = le64_to_cpu(name->parent_directory);
		*ret_name = ntfs_name_text(
			(const void *)((const uint8_t *)name + sizeof(FILE_NAME_ATTR)),
			name->file_name_length);
		if (!*ret_name)
			r = err_nomem(err);
	}
	ntfs_attr_put_search_ctx(search);
	return r;
}

static int prepend(char **path, const char *name, struct err *err)
{
	char *joined = *path ? text_format("%s/%s", name, *path) : strdup(name);

	free(*path);
	*path = joined;
	return joined ? 0 : err_nomem(err);
}

/* Folders that cannot be followed to the root are written as "?". */
static int find_path(struct ntfs *ntfs, ntfs_inode *inode, char **ret, struct err *err)
{
	AUTO(ntfs_inode_freep) ntfs_inode *folder = NULL;
	ntfs_inode *at = inode;

	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		AUTO_FREE char *name = NULL;
		MFT_REF parent = 0;
		int r = find_name(ntfs, at, &name, &parent, err);

		if (r == 0)
			r = prepend(ret, name ? name : "?", err);
		if (r < 0)
			return r;
		if (name && MREF(parent) == FILE_root)
			return 0;
		ntfs_inode_freep(&folder);
		folder = name ? ntfs_inode_open(ntfs->volume, parent) : NULL;
		if (!folder)
			break;
		at = folder;
	}
	return prepend(ret, "?", err);
}

/* -- records ---------------------------------------------------------------------- */

static bool is_in_use(struct walk *walk, uint64_t record)
{
	ntfs_attr *bitmap = walk->ntfs->volume->mftbmp_na;
	uint64_t byte = record / 8, window = align_down(byte, BITMAP_WINDOW);

	if (walk->window != window) {
		memset(walk->bitmap, 0, sizeof(walk->bitmap));
		walk->window = window;
		/* what cannot be read is looked at */
		if (ntfs_attr_pread(bitmap, (s64)window, BITMAP_WINDOW, walk->bitmap) < 0)
			memset(walk->bitmap, 0xff, sizeof(walk->bitmap));
	}
	return walk->bitmap[byte - window] >> record % 8 & 1;
}

static int look_at(struct walk *walk, ntfs_inode *inode, struct err *err)
{
	struct ntfs *ntfs = walk->ntfs;
	AUTO(item_clear) struct item item = { 0 };
	AUTO_FREE char *path = NULL;
	struct err odd = { 0 };
	int r;

	if (inode->mrec->flags & MFT_RECORD_IS_DIRECTORY ||
	    !(inode->mrec->flags & MFT_RECORD_IN_USE) || inode->mrec->base_mft_record ||
	    ntfs_item_time(inode->last_data_change_time) <= walk->since)
		return 0;
	r = find_path(ntfs, inode, &path, err);
	if (r < 0 || !path)
		return r;
	if (r == 0 && strncmp(path, EXTEND, strlen(EXTEND)) == 0)
		return 0;
	if (r == 0)
		r = item_init(&item, item_path_name(path), err);
	if (r < 0)
		return r;
	if (ntfs_item_facts(ntfs, inode, &item, &odd) < 0)
		log_debug("%s", odd.text);
	return walk->visit(path, &item, walk->context, err);
}

int ntfs_item_newer(void *fs, int64_t since, uint64_t *position, items_visit *visit,
		    void *context, struct err *err)
{
	struct ntfs *ntfs = fs;
	AUTO_FREE struct walk *walk = calloc(1, sizeof(*walk));
	uint64_t records = (uint64_t)ntfs->volume->mft_na->initialized_size >>
			   ntfs->volume->mft_record_size_bits;
	int r = 0;

	if (!walk)
		return err_nomem(err);
	*walk = (struct walk){ .ntfs = ntfs,
			       .since = since,
			       .visit = visit,
			       .context = context,
			       .window = UINT64_MAX };
	for (uint64_t i = max_u64(*position, FILE_first_user), end = i + RECORDS_AT_ONCE;
	     i < records; i++) {
		AUTO(ntfs_inode_freep) ntfs_inode *inode = NULL;

		*position = i;
		if (i == end)
			return 0;
		if (!is_in_use(walk, i))
			continue;
		ntfs_forget_failure(ntfs);
		inode = ntfs_inode_open(ntfs->volume, i);
		if (!inode && ntfs->failure.code)
			return ntfs_library_failed(ntfs, "the table of files", err);
		if (inode)
			r = look_at(walk, inode, err);
		if (r)
			return r;
	}
	*position = ITEMS_ALL_SEEN;
	return 0;
}
