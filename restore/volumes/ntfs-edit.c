/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing the files of an NTFS volume: see ntfs-edit.h. */
#include "ntfs-edit.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "ntfs-internal.h"

#include <ntfs-3g/dir.h>
#include <ntfs-3g/security.h>
#include <ntfs-3g/unistr.h>

#include <base/checked.h>
#include <base/text.h>
#include <base/utf.h>

/* From 1601 to 1970, and how many of NTFS' units make a second. */
#define EPOCH_SECONDS	 INT64_C(11644473600)
#define UNITS_PER_SECOND INT64_C(10000000)

/* Which times of a file a change sets: as Windows does. */
enum stamp { STAMP_NAME, STAMP_CONTENT, STAMP_NEW };

int ntfs_open_overlay(struct overlay *overlay, struct ntfs **ret, struct err *err)
{
	return ntfs_open_with(overlay_source(overlay), overlay, 0, ret, err);
}

int ntfs_edit_close(struct ntfs **ntfs, struct err *err)
{
	struct ntfs *closing = TAKE_PTR(*ntfs);
	int r = 0;

	ntfs_forget_failure(closing);
	if (ntfs_umount(closing->volume, FALSE) < 0)
		r = ntfs_library_failed(closing, "closing it", err);
	if (closing->broken.code)
		r = err_set(err, closing->broken.code, "%s", closing->broken.text);
	free(closing);
	return r;
}

/* -- what all changes share ---- */

/* The library itself would pretend to write where it may not. */
static int check_writable(const struct ntfs *ntfs, struct err *err)
{
	if (!ntfs->overlay)
		return err_set(err, -EROFS, "'%s': is open for reading only",
			       ntfs->source->name);
	if (ntfs->broken.code)
		return err_set(err, ntfs->broken.code, "%s", ntfs->broken.text);
	return 0;
}

int ntfs_change_failed(struct ntfs *ntfs, const char *path, const char *what,
		       struct err *err)
{
	struct err fault = { 0 };

	if (!ntfs->failure.code && errno == ENOSPC)
		err_set(&fault, -ENOSPC, "'%s': the volume is full: no room for '%s'",
			ntfs->source->name, path);
	else if (ntfs_library_failed(ntfs, what, &fault) < 0)
		err_add(&fault, "'%s'", path);
	if (!ntfs->broken.code)
		ntfs->broken = fault;
	return err_set(err, fault.code, "%s", fault.text);
}

static char *join_path(const char *folder, const char *name)
{
	return text_format("%s%s%s", folder, folder[0] ? "/" : "", name);
}

/* The times that a file's names keep of it: as they are when the name is made. */
static int set_name_times(ntfs_inode *inode)
{
	ntfs_attr_search_ctx *found = ntfs_attr_get_search_ctx(inode, NULL);
	bool ended;

	if (!found)
		return -1;
	while (ntfs_attr_lookup(AT_FILE_NAME, AT_UNNAMED, 0, CASE_SENSITIVE, 0, NULL, 0,
				found) == 0) {
		FILE_NAME_ATTR *name = (void *)((uint8_t *)found->attr +
						le16_to_cpu(found->attr->value_offset));

		name->creation_time = inode->creation_time;
		name->last_data_change_time = inode->last_data_change_time;
		name->last_mft_change_time = inode->last_mft_change_time;
		name->last_access_time = inode->last_access_time;
		ntfs_inode_mark_dirty(found->ntfs_ino);
	}
	ended = errno == ENOENT;
	ntfs_attr_put_search_ctx(found);
	return ended ? 0 : -1;
}

/* The library sets times of its own; ours come last. */
static int set_times(struct ntfs *ntfs, const char *path, enum stamp stamp, int64_t time,
		     struct err *err)
{
	ntfs_time now = cpu_to_sle64((time + EPOCH_SECONDS) * UNITS_PER_SECOND);
	ntfs_inode *inode = NULL;
	int r = ntfs_find_inode(ntfs, path, &inode, err);

	if (r < 0)
		return ntfs_change_failed(ntfs, path, "looking for a changed file", err);
	inode->last_mft_change_time = now;
	if (stamp >= STAMP_CONTENT) {
		inode->last_data_change_time = now;
		inode->last_access_time = now;
	}
	if (stamp >= STAMP_NEW)
		inode->creation_time = now;
	NInoSetDirty(inode);
	NInoFileNameSetDirty(inode);
	ntfs_forget_failure(ntfs);
	r = stamp == STAMP_CONTENT ? 0 : set_name_times(inode);
	if (ntfs_inode_close(inode) < 0 || r < 0)
		return ntfs_change_failed(ntfs, path, "writing a file's times", err);
	return 0;
}

/* -- content ---- */

int ntfs_put_bytes(struct ntfs_file *file, uint64_t offset, const uint8_t *bytes,
		   size_t length, struct err *err)
{
	while (length) {
		s64 done;

		ntfs_forget_failure(file->ntfs);
		done = ntfs_attr_pwrite(file->data, (s64)offset, (s64)length, bytes);
		if (done <= 0)
			return ntfs_change_failed(file->ntfs, file->path,
						  "writing a file", err);
		offset += (uint64_t)done;
		bytes += done;
		length -= (size_t)done;
	}
	return 0;
}

int ntfs_end_bytes(struct ntfs_file *file, struct err *err)
{
	ntfs_forget_failure(file->ntfs);
	if (NAttrNonResident(file->data) && NAttrCompressed(file->data) &&
	    ntfs_attr_pclose(file->data) < 0)
		return ntfs_change_failed(file->ntfs, file->path, "compressing a file",
					  err);
	return 0;
}

static int write_bytes(struct ntfs_file *file, uint64_t offset, const uint8_t *bytes,
		       size_t length, struct err *err)
{
	int r = ntfs_put_bytes(file, offset, bytes, length, err);

	return r < 0 ? r : ntfs_end_bytes(file, err);
}

/* Closes it as what was written must be: with a look at the result. */
static int close_written(struct ntfs_file *file, struct err *err)
{
	int r = 0;

	ntfs_attr_freep(&file->data);
	file->data = NULL;
	ntfs_forget_failure(file->ntfs);
	if (ntfs_inode_close(TAKE_PTR(file->inode)) < 0)
		r = ntfs_change_failed(file->ntfs, file->path, "writing a file's record",
				       err);
	return r;
}

int ntfs_write_file(struct ntfs *ntfs, const char *path, uint64_t offset,
		    const void *bytes, size_t length, struct err *err)
{
	AUTO(ntfs_file_freep) struct ntfs_file *file = NULL;
	int r = check_writable(ntfs, err);

	if (r == 0)
		r = ntfs_file_open(ntfs, path, &file, err);
	if (r < 0)
		return r;
	if (!range_within(offset, length, ntfs_file_size(file)))
		return err_set(err, -EINVAL,
			       "'%s': '%s' has %" PRIu64 " bytes, %" PRIu64
			       "+%zu does not lie in it",
			       ntfs->source->name, path, ntfs_file_size(file), offset,
			       length);
	r = write_bytes(file, offset, bytes, length, err);
	return r < 0 ? r : close_written(file, err);
}

static int write_content(struct ntfs_file *file, const void *bytes, size_t length,
			 struct err *err)
{
	int r;

	ntfs_forget_failure(file->ntfs);
	if (ntfs_attr_truncate(file->data, 0) < 0)
		return ntfs_change_failed(file->ntfs, file->path, "emptying a file", err);
	r = write_bytes(file, 0, bytes, length, err);
	return r < 0 ? r : close_written(file, err);
}

int ntfs_replace_file(struct ntfs *ntfs, const char *path, const void *bytes,
		      size_t length, int64_t time, struct err *err)
{
	AUTO(ntfs_file_freep) struct ntfs_file *file = NULL;
	int r = check_writable(ntfs, err);

	if (r == 0)
		r = ntfs_file_open(ntfs, path, &file, err);
	if (r == 0)
		r = write_content(file, bytes, length, err);
	return r < 0 ? r : set_times(ntfs, path, STAMP_CONTENT, time, err);
}

/* -- names ---- */

/* A name in a folder, as the library wants it. */
struct entry_name {
	ntfschar *text; /* owned */
	u8 length;	/* characters */
};

static void entry_name_clear(struct entry_name *name)
{
	free(name->text);
}

static int make_name(struct ntfs *ntfs, const char *text, struct entry_name *ret,
		     struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length;
	int r = utf8_to_utf16le(text, &bytes, &length, err);

	if (r < 0)
		return r;
	if (!length || length / 2 > NTFS_MAX_NAME_LEN || strchr(text, '/') ||
	    ntfs_forbidden_names(ntfs->volume, (ntfschar *)(void *)bytes,
				 (int)(length / 2), TRUE))
		return err_set(err, -EINVAL, "'%s' is no file name for Windows", text);
	*ret = (struct entry_name){ (ntfschar *)(void *)TAKE_PTR(bytes),
				    (u8)(length / 2) };
	return 0;
}

static int check_absent(struct ntfs *ntfs, const char *path, struct err *err)
{
	AUTO(ntfs_inode_freep) ntfs_inode *inode = NULL;
	int r = ntfs_find_inode(ntfs, path, &inode, err);

	if (r == 0)
		return err_set(err, -EEXIST, "'%s': '%s' exists", ntfs->source->name,
			       path);
	return r == -ENOENT ? 0 : r;
}

static int find_folder(struct ntfs *ntfs, const char *path, ntfs_inode **ret,
		       struct err *err)
{
	AUTO(ntfs_inode_freep) ntfs_inode *folder = NULL;
	int r = ntfs_find_inode(ntfs, path, &folder, err);

	if (r < 0)
		return r;
	if (!(folder->mrec->flags & MFT_RECORD_IS_DIRECTORY) ||
	    folder->flags & FILE_ATTR_REPARSE_POINT)
		return err_set(err, -ENOTDIR, "'%s': '%s' is no folder",
			       ntfs->source->name, path);
	*ret = TAKE_PTR(folder);
	return 0;
}

/* -- new files ---- */

/* The security descriptor that Windows would give a new entry of the folder. */
static int inherit_security(struct ntfs *ntfs, ntfs_inode *folder, bool is_folder,
			    le32 *ret, struct err *err)
{
	struct PERMISSIONS_CACHE *cache = NULL;
	struct SECURITY_CONTEXT security = { .vol = ntfs->volume, .pseccache = &cache };

	ntfs_forget_failure(ntfs);
	*ret = ntfs_inherited_id(&security, folder, is_folder);
	ntfs_destroy_security_context(&security);
	if (!*ret)
		return ntfs_change_failed(ntfs, "$Secure",
					  "inheriting a security descriptor", err);
	return 0;
}

/* An entry without content. */
static int create_entry(struct ntfs *ntfs, const char *folder, const char *path,
			const struct entry_name *name, mode_t type, struct err *err)
{
	AUTO(ntfs_inode_freep) ntfs_inode *parent = NULL;
	ntfs_inode *inode = NULL;
	le32 security = 0;
	int r = find_folder(ntfs, folder, &parent, err);

	if (r == 0)
		r = inherit_security(ntfs, parent, S_ISDIR(type), &security, err);
	if (r < 0)
		return r;
	ntfs_forget_failure(ntfs);
	inode = ntfs_create(parent, security, name->text, name->length, type);
	if (!inode || ntfs_inode_close_in_dir(inode, parent) < 0)
		return ntfs_change_failed(ntfs, path, "creating a file", err);
	if (ntfs_inode_close(TAKE_PTR(parent)) < 0)
		return ntfs_change_failed(ntfs, path, "writing a folder", err);
	return 0;
}

static int create_named(struct ntfs *ntfs, const char *folder, const char *name,
			const char *path, mode_t type, struct err *err)
{
	AUTO(entry_name_clear) struct entry_name text = { 0 };
	int r = check_writable(ntfs, err);

	if (r == 0)
		r = make_name(ntfs, name, &text, err);
	if (r == 0)
		r = check_absent(ntfs, path, err);
	return r < 0 ? r : create_entry(ntfs, folder, path, &text, type, err);
}

int ntfs_create_file(struct ntfs *ntfs, const char *folder, const char *name,
		     const void *bytes, size_t length, int64_t time, struct err *err)
{
	AUTO(ntfs_file_freep) struct ntfs_file *file = NULL;
	AUTO_FREE char *path = join_path(folder, name);
	int r = path ? create_named(ntfs, folder, name, path, S_IFREG, err)
		     : err_nomem(err);

	if (r < 0)
		return r;
	if (ntfs_file_open(ntfs, path, &file, err) < 0)
		return ntfs_change_failed(ntfs, path, "opening a new file", err);
	r = write_content(file, bytes, length, err);
	if (r == 0)
		r = set_times(ntfs, path, STAMP_NEW, time, err);
	return r < 0 ? r : set_times(ntfs, folder, STAMP_CONTENT, time, err);
}

int ntfs_create_folder(struct ntfs *ntfs, const char *folder, const char *name,
		       int64_t time, struct err *err)
{
	AUTO_FREE char *path = join_path(folder, name);
	int r = path ? create_named(ntfs, folder, name, path, S_IFDIR, err)
		     : err_nomem(err);

	if (r == 0)
		r = set_times(ntfs, path, STAMP_NEW, time, err);
	return r < 0 ? r : set_times(ntfs, folder, STAMP_CONTENT, time, err);
}

/* -- other names ---- */

/* Both are open, and are closed by whatever takes them. */
struct entry {
	ntfs_inode *folder, *inode;
	struct entry_name name;
};

static void entry_clear(struct entry *entry)
{
	ntfs_inode_freep(&entry->inode);
	ntfs_inode_freep(&entry->folder);
	entry_name_clear(&entry->name);
}

static int open_entry(struct ntfs *ntfs, const char *folder, const char *name,
		      const char *path, struct entry *entry, struct err *err)
{
	int r = make_name(ntfs, name, &entry->name, err);

	if (r == 0)
		r = find_folder(ntfs, folder, &entry->folder, err);
	if (r == 0)
		r = ntfs_find_inode(ntfs, path, &entry->inode, err);
	if (r < 0)
		return r;
	if (entry->inode->mrec->flags & MFT_RECORD_IS_DIRECTORY)
		return err_set(err, -EISDIR, "'%s': '%s' is a folder", ntfs->source->name,
			       path);
	return 0;
}

/* Takes one of its names away. The library closes both inodes. */
static int delete_name(struct ntfs *ntfs, struct entry *entry, const char *path,
		       struct err *err)
{
	ntfs_forget_failure(ntfs);
	if (ntfs_delete(ntfs->volume, path, TAKE_PTR(entry->inode),
			TAKE_PTR(entry->folder), entry->name.text,
			entry->name.length) < 0)
		return ntfs_change_failed(ntfs, path, "removing a name", err);
	return 0;
}

static int give_name(struct ntfs *ntfs, const char *folder, const char *path,
		     const char *name, const struct entry_name *new_name, struct err *err)
{
	AUTO(entry_clear) struct entry entry = { 0 };
	int r = open_entry(ntfs, folder, name, path, &entry, err);

	if (r < 0)
		return r;
	ntfs_forget_failure(ntfs);
	if (ntfs_link(entry.inode, entry.folder, new_name->text, new_name->length) < 0)
		return ntfs_change_failed(ntfs, path, "giving a file another name", err);
	return delete_name(ntfs, &entry, path, err);
}

int ntfs_rename_file(struct ntfs *ntfs, const char *folder, const char *name,
		     const char *new_name, int64_t time, struct err *err)
{
	AUTO(entry_name_clear) struct entry_name text = { 0 };
	AUTO_FREE char *from = join_path(folder, name);
	AUTO_FREE char *to = join_path(folder, new_name);
	int r = from && to ? check_writable(ntfs, err) : err_nomem(err);

	if (r == 0)
		r = make_name(ntfs, new_name, &text, err);
	if (r == 0)
		r = check_absent(ntfs, to, err);
	if (r == 0)
		r = give_name(ntfs, folder, from, name, &text, err);
	if (r == 0)
		r = set_times(ntfs, to, STAMP_NAME, time, err);
	return r < 0 ? r : set_times(ntfs, folder, STAMP_CONTENT, time, err);
}
