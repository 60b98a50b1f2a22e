/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Content of files on an NTFS volume exchanged: see ntfs-swap.h. */
#include "ntfs-swap.h"

#include <string.h>

#include "ntfs-internal.h"
#include "ntfs-item.h"

#include <ntfs-3g/security.h>
#include <ntfs-3g/xattrs.h>

#include <base/checked.h>
#include <base/text.h>

#define PIECE (256 * KiB)

/* Attributes that people give to a file; the others tell how it is stored. */
#define FREE_ATTRIBUTES (ITEM_READONLY | ITEM_HIDDEN | ITEM_SYSTEM | ITEM_ARCHIVE)

int ntfs_look_at(struct ntfs *ntfs, const char *path, struct ntfs_look *ret,
		 struct err *err)
{
	AUTO(ntfs_inode_freep) ntfs_inode *inode = NULL;
	AUTO(item_clear) struct item item = { 0 };
	int r = ntfs_find_inode(ntfs, path, &inode, err);

	if (r == 0)
		r = ntfs_item_facts(ntfs, inode, &item, err);
	if (r < 0)
		return r;
	*ret = (struct ntfs_look){
		.is_folder = item.kind == ITEM_FOLDER,
		.replaceable = item.kind == ITEM_FILE && item.content == CONTENT_STORED,
		.size = item.size,
		.allocated = item.allocated,
		.names = item.names,
		.facts = { .created = item.created,
			   .modified = item.modified,
			   .accessed = item.accessed,
			   .attributes = item.attributes },
	};
	return 0;
}

/* -- pieces ------------------------------------------------------------------------ */

int ntfs_content_equals(struct ntfs *ntfs, const char *path, struct block_source *source,
			bool *ret, struct err *err)
{
	AUTO(ntfs_file_freep) struct ntfs_file *file = NULL;
	AUTO_FREE uint8_t *a = malloc(PIECE), *b = malloc(PIECE);
	bool equal;
	int r = a && b ? ntfs_file_open(ntfs, path, &file, err) : err_nomem(err);

	if (r < 0)
		return r;
	equal = ntfs_file_size(file) == source->size;
	for (uint64_t at = 0; equal && r == 0 && at < source->size;) {
		size_t part = (size_t)min_u64(PIECE, source->size - at);

		r = source_read(source, a, at, part, err);
		if (r == 0)
			r = ntfs_file_read(file, at, b, part, err);
		equal = r < 0 || memcmp(a, b, part) == 0;
		at += part;
	}
	if (r == 0)
		*ret = equal;
	return r;
}

/* A file of the volume as a source, for a copy of it. */
struct file_source {
	struct block_source source;
	struct ntfs_file *file; /* borrowed */
};

static int file_read_at(struct block_source *source, void *buffer, uint64_t offset,
			size_t length, struct err *err)
{
	return ntfs_file_read(((struct file_source *)source)->file, offset, buffer,
			      length, err);
}

static const struct block_source_ops file_source_ops = { .read_at = file_read_at };

static int write_all(struct ntfs_file *file, struct block_source *source, struct err *err)
{
	AUTO_FREE uint8_t *bytes = malloc(PIECE);
	int r = bytes ? 0 : err_nomem(err);

	if (r < 0)
		return r;
	ntfs_forget_failure(file->ntfs);
	if (ntfs_attr_truncate(file->data, 0) < 0)
		return ntfs_change_failed(file->ntfs, file->path, "emptying a file", err);
	for (uint64_t at = 0; r == 0 && at < source->size;) {
		size_t part = (size_t)min_u64(PIECE, source->size - at);

		r = source_read(source, bytes, at, part, err);
		if (r == 0)
			r = ntfs_put_bytes(file, at, bytes, part, err);
		at += part;
	}
	return r < 0 ? r : ntfs_end_bytes(file, err);
}

/* -- facts ------------------------------------------------------------------------- */

static void take_time(int64_t ticks, ntfs_time *time)
{
	if (ticks != ITEM_NO_TIME)
		*time = cpu_to_sle64(ticks + INT64_C(116444736000000000));
}

/* The library sets times of its own while it writes; these come last. */
static int set_facts(struct ntfs *ntfs, const char *path, const struct item *facts,
		     struct err *err)
{
	ntfs_inode *inode = NULL;
	uint32_t attributes;
	int r = ntfs_find_inode(ntfs, path, &inode, err);

	if (r < 0)
		return ntfs_change_failed(ntfs, path, "looking for a changed file", err);
	take_time(facts->created, &inode->creation_time);
	take_time(facts->modified, &inode->last_data_change_time);
	take_time(facts->accessed, &inode->last_access_time);
	attributes = le32_to_cpu(inode->flags) & ~(uint32_t)FREE_ATTRIBUTES;
	inode->flags = cpu_to_le32(attributes | (facts->attributes & FREE_ATTRIBUTES));
	NInoSetDirty(inode);
	NInoFileNameSetDirty(inode);
	ntfs_forget_failure(ntfs);
	if (ntfs_inode_close(inode) < 0)
		return ntfs_change_failed(ntfs, path, "writing a file's times", err);
	return 0;
}

/* 64 KiB is the longest that Windows allows. */
#define DESCRIPTOR_MAX 65536

static int copy_descriptor(struct ntfs *ntfs, ntfs_inode *from, ntfs_inode *to)
{
	struct PERMISSIONS_CACHE *cache = NULL;
	struct SECURITY_CONTEXT security = { .vol = ntfs->volume, .pseccache = &cache };
	AUTO_FREE char *bytes = malloc(DESCRIPTOR_MAX);
	int length, r = -1;

	if (!bytes)
		return -1;
	ntfs_forget_failure(ntfs);
	length = ntfs_get_ntfs_acl(&security, from, bytes, DESCRIPTOR_MAX);
	if (length > 0 && length <= DESCRIPTOR_MAX)
		r = ntfs_set_ntfs_acl(&security, to, bytes, (size_t)length, 0);
	ntfs_destroy_security_context(&security);
	return r;
}

static int give_descriptor(struct ntfs *ntfs, const char *from, const char *to,
			   struct err *err)
{
	AUTO(ntfs_inode_freep) ntfs_inode *source = NULL;
	ntfs_inode *target = NULL;
	int r = ntfs_find_inode(ntfs, from, &source, err), copied;

	if (r == 0)
		r = ntfs_find_inode(ntfs, to, &target, err);
	if (r < 0)
		return r;
	copied = copy_descriptor(ntfs, source, target);
	if (ntfs_inode_close(target) < 0 || copied < 0)
		return ntfs_change_failed(ntfs, to, "copying a security descriptor", err);
	return 0;
}

/* -- the calls --------------------------------------------------------------------- */

int ntfs_fill_file(struct ntfs *ntfs, const char *path, struct block_source *source,
		   const struct item *facts, struct err *err)
{
	struct ntfs_file *file = NULL;
	struct ntfs_look look = { 0 };
	int r = ntfs_look_at(ntfs, path, &look, err);

	if (r == 0 && !ntfs->overlay)
		r = err_set(err, -EROFS, "'%s': is open for reading only",
			    ntfs->source->name);
	if (r == 0)
		r = ntfs_file_open(ntfs, path, &file, err);
	if (r < 0)
		return r;
	r = write_all(file, source, err);
	ntfs_attr_freep(&file->data);
	file->data = NULL;
	ntfs_forget_failure(ntfs);
	if (ntfs_inode_close(TAKE_PTR(file->inode)) < 0 && r == 0)
		r = ntfs_change_failed(ntfs, path, "writing a file's record", err);
	ntfs_file_close(file);
	return r < 0 ? r : set_facts(ntfs, path, facts ? facts : &look.facts, err);
}

/* One inode of a record may be open at a time: the copy is another. */
static int copy_content(struct ntfs *ntfs, const char *path, const char *copy,
			struct err *err)
{
	AUTO(ntfs_file_freep) struct ntfs_file *file = NULL;
	struct file_source from = { .source = { .ops = &file_source_ops,
						.name = ntfs->source->name } };
	struct ntfs_look look = { 0 };
	int r = ntfs_look_at(ntfs, path, &look, err);

	if (r == 0)
		r = ntfs_file_open(ntfs, path, &file, err);
	if (r < 0)
		return r;
	from.file = file;
	from.source.size = ntfs_file_size(file);
	return ntfs_fill_file(ntfs, copy, &from.source, &look.facts, err);
}

int ntfs_copy_file(struct ntfs *ntfs, const char *path, const char *folder, int64_t time,
		   struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	AUTO_FREE char *copy = text_format("%s%s%s", folder, folder[0] ? "/" : "", name);
	int r = copy ? ntfs_create_file(ntfs, folder, name, "", 0, time, err)
		     : err_nomem(err);

	if (r == 0)
		r = give_descriptor(ntfs, path, copy, err);
	return r < 0 ? r : copy_content(ntfs, path, copy, err);
}
