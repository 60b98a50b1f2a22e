/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NTFS volumes: opening them, files and folders: see ntfs.h. */
#include <inttypes.h>
#include <string.h>

#include "ntfs-internal.h"
#include "ntfs-record.h"

#include <ntfs-3g/device.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/unistr.h>

#include <base/checked.h>
#include <base/utf.h>

/* The library logs on standard error unless told otherwise; libraries here never print.
 */
__attribute__((constructor)) static void silence_library(void)
{
	ntfs_log_set_handler(ntfs_log_handler_null);
	ntfs_log_clear_levels(UINT32_MAX);
}

/* -- calls of the library ---- */

/* Before each call: what it leaves behind shall be its own. */
void ntfs_forget_failure(struct ntfs *ntfs)
{
	ntfs->failure = (struct err){ 0 };
	errno = 0;
}

/* After a call failed: what of the source failed, else what the library says. */
int ntfs_library_failed(struct ntfs *ntfs, const char *what, struct err *err)
{
	int saved_errno = errno;

	if (ntfs->failure.code)
		return err_set(err, ntfs->failure.code, "%s", ntfs->failure.text);
	if (saved_errno == ENOMEM)
		return err_nomem(err);
	return err_set(err, -EBADMSG, "'%s': NTFS is damaged: %s: %s", ntfs->source->name,
		       what, saved_errno ? strerror(saved_errno) : "no reason given");
}

int ntfs_open_with(struct block_source *volume, struct overlay *overlay,
		   unsigned long flags, struct ntfs **ret, struct err *err)
{
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	int r = ntfs_records_check(volume, err);

	if (r < 0)
		return r;
	ntfs = calloc(1, sizeof(*ntfs));
	if (!ntfs)
		return err_nomem(err);
	ntfs->source = volume;
	ntfs->overlay = overlay;
	ntfs->device =
		ntfs_device_alloc(volume->name, 0, &ntfs_block_source_operations, ntfs);
	if (!ntfs->device)
		return err_nomem(err);
	ntfs_forget_failure(ntfs);
	ntfs->volume = ntfs_device_mount(ntfs->device, flags);
	if (!ntfs->volume && overlay && !ntfs->failure.code &&
	    (errno == EPERM || errno == EOPNOTSUPP))
		return err_set(
			err, -EBUSY,
			"'%s': NTFS was not closed by Windows (in use, or "
			"hibernated): it is not changed; let Windows start and shut "
			"down once",
			volume->name);
	if (!ntfs->volume)
		return ntfs_library_failed(ntfs, "it cannot be mounted", err);
	if (ntfs_set_ignore_case(ntfs->volume) < 0)
		return ntfs_library_failed(ntfs, "its table of capital letters", err);
	*ret = TAKE_PTR(ntfs);
	return 0;
}

int ntfs_open(struct block_source *volume, struct ntfs **ret, struct err *err)
{
	return ntfs_open_with(volume, NULL,
			      NTFS_MNT_RDONLY | NTFS_MNT_FORENSIC |
				      NTFS_MNT_IGNORE_HIBERFILE,
			      ret, err);
}

void ntfs_close(struct ntfs *ntfs)
{
	if (!ntfs)
		return;
	if (ntfs->volume)
		ntfs_umount(ntfs->volume, TRUE); /* frees the device, too */
	else if (ntfs->device)
		ntfs_device_free(ntfs->device);
	free(ntfs);
}

uint64_t ntfs_clusters(const struct ntfs *ntfs)
{
	return (uint64_t)ntfs->volume->nr_clusters;
}

uint32_t ntfs_cluster_size(const struct ntfs *ntfs)
{
	return ntfs->volume->cluster_size;
}

/* -- files ---- */

/* Looks a path up; "" is the root. */
int ntfs_find_inode(struct ntfs *ntfs, const char *path, ntfs_inode **ret,
		    struct err *err)
{
	ntfs_inode *inode;

	ntfs_forget_failure(ntfs);
	inode = path[0] ? ntfs_pathname_to_inode(ntfs->volume, NULL, path)
			: ntfs_inode_open(ntfs->volume, FILE_root);
	if (!inode && !ntfs->failure.code && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, -ENOENT, "'%s': no file '%s'", ntfs->source->name,
			       path);
	if (!inode)
		return ntfs_library_failed(ntfs, "looking for a file", err);
	*ret = inode;
	return 0;
}

void ntfs_file_close(struct ntfs_file *file)
{
	if (!file)
		return;
	ntfs_attr_freep(&file->data);
	ntfs_inode_freep(&file->inode);
	free(file->path);
	free(file);
}

uint64_t ntfs_file_size(const struct ntfs_file *file)
{
	return (uint64_t)file->data->data_size;
}

static int check_readable(const struct ntfs_file *file, struct err *err)
{
	const char *name = file->ntfs->source->name;

	if (file->inode->flags & FILE_ATTR_REPARSE_POINT)
		return err_set(err, -ENOTSUP,
			       "'%s': '%s' is a link, or its content is kept elsewhere "
			       "(deduplicated, compressed by Windows 10): read it in "
			       "Windows",
			       name, file->path);
	if (NAttrEncrypted(file->data))
		return err_set(err, -ENOTSUP, "'%s': '%s' is encrypted", name,
			       file->path);
	if (file->data->data_size < 0)
		return err_set(err, -EBADMSG,
			       "'%s': NTFS is damaged: '%s' has %" PRId64 " bytes", name,
			       file->path, file->data->data_size);
	return 0;
}

int ntfs_file_open(struct ntfs *ntfs, const char *path, struct ntfs_file **ret,
		   struct err *err)
{
	AUTO(ntfs_file_freep) struct ntfs_file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return err_nomem(err);
	file->ntfs = ntfs;
	file->path = strdup(path);
	if (!file->path)
		return err_nomem(err);
	r = ntfs_find_inode(ntfs, path, &file->inode, err);
	if (r < 0)
		return r;
	if (file->inode->mrec->flags & MFT_RECORD_IS_DIRECTORY)
		return err_set(err, -EISDIR, "'%s': '%s' is a folder", ntfs->source->name,
			       path);
	file->data = ntfs_attr_open(file->inode, AT_DATA, AT_UNNAMED, 0);
	if (!file->data)
		return ntfs_library_failed(ntfs, "opening a file", err);
	r = check_readable(file, err);
	if (r == 0)
		*ret = TAKE_PTR(file);
	return r;
}

int ntfs_file_read(struct ntfs_file *file, uint64_t offset, uint8_t *bytes, size_t length,
		   struct err *err)
{
	while (length) {
		s64 n;

		ntfs_forget_failure(file->ntfs);
		n = ntfs_attr_pread(file->data, (s64)offset, (s64)length, bytes);
		if (n <= 0) {
			ntfs_library_failed(file->ntfs, "reading a file", err);
			return err_add(err, "'%s'", file->path);
		}
		offset += (uint64_t)n;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

int ntfs_file_read_all(struct ntfs *ntfs, const char *path, size_t limit, uint8_t **ret,
		       size_t *ret_length, struct err *err)
{
	AUTO(ntfs_file_freep) struct ntfs_file *file = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length;
	int r = ntfs_file_open(ntfs, path, &file, err);

	if (r < 0)
		return r;
	if (ntfs_file_size(file) > limit)
		return err_set(err, -EFBIG,
			       "'%s': '%s' has %" PRIu64 " bytes, at most %zu",
			       ntfs->source->name, path, ntfs_file_size(file), limit);
	length = (size_t)ntfs_file_size(file);
	bytes = calloc(1, length + 1);
	if (!bytes)
		return err_nomem(err);
	r = ntfs_file_read(file, 0, bytes, length, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(bytes);
	*ret_length = length;
	return 0;
}

/* -- folders ---- */

struct listing {
	struct tree_listing *entries; /* until add_facts(), size is the MFT reference */
	struct err failure;	      /* code 0: none */
};

/* Called by the library for each entry of a folder; its short names and its own files are left
 * out. */
static int keep_name(void *context, const ntfschar *name, const int length,
		     const int name_type, const s64 position, const MFT_REF mref,
		     const unsigned kind)
{
	struct listing *listing = context;
	AUTO_FREE char *text = NULL;

	if (name_type == FILE_NAME_DOS || MREF(mref) < FILE_first_user ||
	    tree_listing_is_full(listing->entries) ||
	    utf16le_to_utf8((const uint8_t *)name, 2 * (size_t)length, &text, NULL) < 0)
		return 0;
	return tree_listing_add(listing->entries,
				&(struct tree_entry){ .name = text,
						      .is_folder = kind == NTFS_DT_DIR,
						      .size = mref },
				&listing->failure);
}

/* 100 ns since 1601. */
static int64_t seconds_of(ntfs_time time)
{
	return le64_to_cpu(time) / 10000000 - INT64_C(11644473600);
}

/* What cannot be opened is what the folder says of it, for whoever opens it by name. *ret_link: a
 * folder that leads elsewhere, or in circles. */
static int add_facts(struct ntfs *ntfs, struct tree_entry *entry, bool *ret_link,
		     struct err *err)
{
	AUTO(ntfs_inode_freep) ntfs_inode *inode = NULL;

	ntfs_forget_failure(ntfs);
	inode = ntfs_inode_open(ntfs->volume, (MFT_REF)entry->size);
	entry->size = 0;
	*ret_link = false;
	if (!inode && ntfs->failure.code)
		return ntfs_library_failed(ntfs, "a file of a folder", err);
	if (!inode)
		return 0;
	entry->is_folder = inode->mrec->flags & MFT_RECORD_IS_DIRECTORY;
	entry->mtime_s = seconds_of(inode->last_data_change_time);
	*ret_link = entry->is_folder && inode->flags & FILE_ATTR_REPARSE_POINT;
	if (!entry->is_folder && inode->data_size > 0)
		entry->size = (uint64_t)inode->data_size;
	return 0;
}

static int add_all_facts(struct ntfs *ntfs, struct tree_listing *listing, struct err *err)
{
	size_t kept = 0, count = listing->count;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct tree_entry entry = listing->entries[i];
		bool is_link = false;

		r = add_facts(ntfs, &entry, &is_link, err);
		listing->entries[i].name = NULL;
		if (is_link)
			free((char *)entry.name);
		else
			listing->entries[kept++] = entry;
	}
	if (r == 0)
		listing->count = kept;
	return r;
}

int ntfs_list(struct ntfs *ntfs, const char *path, struct tree_listing *ret,
	      struct err *err)
{
	AUTO(ntfs_inode_freep) ntfs_inode *folder = NULL;
	AUTO(tree_listing_clear) struct tree_listing entries = { 0 };
	struct listing listing = { .entries = &entries };
	s64 position = 0;
	int r = ntfs_find_inode(ntfs, path, &folder, err);

	if (r < 0)
		return r;
	if (!(folder->mrec->flags & MFT_RECORD_IS_DIRECTORY))
		return err_set(err, -ENOTDIR, "'%s': '%s' is no folder",
			       ntfs->source->name, path);
	ntfs_forget_failure(ntfs);
	/* or it gives all names in small letters */
	NVolSetCaseSensitive(ntfs->volume);
	r = ntfs_readdir(folder, &position, &listing, keep_name);
	NVolClearCaseSensitive(ntfs->volume);
	if (r < 0)
		return listing.failure.code
			       ? err_nomem(err)
			       : ntfs_library_failed(ntfs, "listing a folder", err);
	r = add_all_facts(ntfs, &entries, err);
	if (r < 0)
		return r;
	*ret = entries;
	entries = (struct tree_listing){ 0 };
	return 0;
}
