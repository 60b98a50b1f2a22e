/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one file that knows libntfs-3g. The library works through device operations over a
 * block source; what it writes goes to an overlay, or is refused where there is none. It
 * reports by errno, so errors of the source are kept beside and win over its guess.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <ntfs-3g/types.h>

#include <ntfs-3g/attrib.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/unistr.h>
#include <ntfs-3g/volume.h>

#include <base/checked.h>
#include <base/overlay.h>
#include <base/utf.h>

#include "ntfs.h"

struct ntfs {
	struct block_source *source; /* borrowed */
	struct overlay *overlay; /* takes what is written, borrowed; NULL: read-only */
	uint64_t position;	 /* of the next read() or write() */
	struct err failure;	 /* of the source, in the last call; code 0: none */
	struct ntfs_device *device;
	ntfs_volume *volume;
};

/* The library logs on standard error unless told otherwise; libraries here never print.
 */
__attribute__((constructor)) static void silence_library(void)
{
	ntfs_log_set_handler(ntfs_log_handler_null);
	ntfs_log_clear_levels(UINT32_MAX);
}

/* -- device operations ---- */

static struct ntfs *device_ntfs(struct ntfs_device *device)
{
	return device->d_private;
}

static int device_open(struct ntfs_device *device, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if (writes && !device_ntfs(device)->overlay) {
		errno = EROFS;
		return -1;
	}
	if (!writes)
		NDevSetReadOnly(device);
	NDevSetOpen(device);
	return 0;
}

static int device_close(struct ntfs_device *device)
{
	NDevClearOpen(device);
	return 0;
}

static s64 device_seek(struct ntfs_device *device, s64 offset, int whence)
{
	struct ntfs *ntfs = device_ntfs(device);
	s64 from = whence == SEEK_CUR	? (s64)ntfs->position
		   : whence == SEEK_END ? (s64)ntfs->source->size
					: 0;
	s64 position;

	if (__builtin_add_overflow(from, offset, &position) || position < 0) {
		errno = EINVAL;
		return -1;
	}
	ntfs->position = (uint64_t)position;
	return position;
}

/* Short at the end of the volume, as a device would. */
static s64 device_pread(struct ntfs_device *device, void *buffer, s64 count, s64 offset)
{
	struct ntfs *ntfs = device_ntfs(device);
	uint64_t size = ntfs->source->size;

	if (count < 0 || offset < 0) {
		errno = EINVAL;
		return -1;
	}
	if ((uint64_t)offset >= size)
		return 0;
	count = (s64)min_u64((uint64_t)count, size - (uint64_t)offset);
	if (source_read(ntfs->source, buffer, (uint64_t)offset, (size_t)count,
			&ntfs->failure) < 0) {
		errno = EIO;
		return -1;
	}
	return count;
}

static s64 device_read(struct ntfs_device *device, void *buffer, s64 count)
{
	struct ntfs *ntfs = device_ntfs(device);
	s64 done = device_pread(device, buffer, count, (s64)ntfs->position);

	if (done > 0)
		ntfs->position += (uint64_t)done;
	return done;
}

static s64 device_pwrite(struct ntfs_device *device, const void *buffer, s64 count,
			 s64 offset)
{
	struct ntfs *ntfs = device_ntfs(device);

	if (!ntfs->overlay || NDevReadOnly(device)) {
		errno = EROFS;
		return -1;
	}
	if (count < 0 || offset < 0 ||
	    !range_within((uint64_t)offset, (uint64_t)count, ntfs->source->size)) {
		errno = EINVAL;
		return -1;
	}
	if (overlay_write(ntfs->overlay, buffer, (uint64_t)offset, (size_t)count,
			  &ntfs->failure) < 0) {
		errno = EIO;
		return -1;
	}
	return count;
}

static s64 device_write(struct ntfs_device *device, const void *buffer, s64 count)
{
	struct ntfs *ntfs = device_ntfs(device);
	s64 done = device_pwrite(device, buffer, count, (s64)ntfs->position);

	if (done > 0)
		ntfs->position += (uint64_t)done;
	return done;
}

static int device_sync(struct ntfs_device *device)
{
	return 0;
}

static int device_stat(struct ntfs_device *device, struct stat *st)
{
	*st = (struct stat){
		.st_mode = S_IFREG | 0400,
		.st_size = (off_t)device_ntfs(device)->source->size,
	};
	return 0;
}

/* Without the size the library looks for it by reading. */
static int device_ioctl(struct ntfs_device *device, unsigned long request, void *argument)
{
	if (request == BLKGETSIZE64) {
		memcpy(argument, &device_ntfs(device)->source->size, sizeof(uint64_t));
		return 0;
	}
	errno = EOPNOTSUPP;
	return -1;
}

static struct ntfs_device_operations device_operations = {
	.open = device_open,
	.close = device_close,
	.seek = device_seek,
	.read = device_read,
	.write = device_write,
	.pread = device_pread,
	.pwrite = device_pwrite,
	.sync = device_sync,
	.stat = device_stat,
	.ioctl = device_ioctl,
};

/* -- calls of the library ---- */

/* Before each call: what it leaves behind shall be its own. */
static void forget_failure(struct ntfs *ntfs)
{
	ntfs->failure = (struct err){ 0 };
	errno = 0;
}

/* After a call failed: what of the source failed, else what the library says. */
static int library_failed(struct ntfs *ntfs, const char *what, struct err *err)
{
	int saved_errno = errno;

	if (ntfs->failure.code)
		return err_set(err, ntfs->failure.code, "%s", ntfs->failure.text);
	if (saved_errno == ENOMEM)
		return err_nomem(err);
	return err_set(err, -EBADMSG, "'%s': NTFS is damaged: %s: %s", ntfs->source->name,
		       what, saved_errno ? strerror(saved_errno) : "no reason given");
}

static int open_volume(struct block_source *volume, struct overlay *overlay,
		       unsigned long flags, struct ntfs **ret, struct err *err)
{
	AUTO(ntfs_freep) struct ntfs *ntfs = calloc(1, sizeof(*ntfs));

	if (!ntfs)
		return err_nomem(err);
	ntfs->source = volume;
	ntfs->overlay = overlay;
	ntfs->device = ntfs_device_alloc(volume->name, 0, &device_operations, ntfs);
	if (!ntfs->device)
		return err_nomem(err);
	forget_failure(ntfs);
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
		return library_failed(ntfs, "it cannot be mounted", err);
	if (ntfs_set_ignore_case(ntfs->volume) < 0)
		return library_failed(ntfs, "its table of capital letters", err);
	*ret = TAKE_PTR(ntfs);
	return 0;
}

int ntfs_open(struct block_source *volume, struct ntfs **ret, struct err *err)
{
	return open_volume(volume, NULL,
			   NTFS_MNT_RDONLY | NTFS_MNT_FORENSIC |
				   NTFS_MNT_IGNORE_HIBERFILE,
			   ret, err);
}

int ntfs_open_overlay(struct overlay *overlay, struct ntfs **ret, struct err *err)
{
	return open_volume(overlay_source(overlay), overlay, 0, ret, err);
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

/* -- $Bitmap ---- */

/* Is the part of the volume not stored at all? */
static int is_absent(struct ntfs *ntfs, uint64_t offset, uint64_t length, bool *ret,
		     struct err *err)
{
	while (length) {
		struct extent extent;
		size_t count = 0;
		int r = source_extents(ntfs->source, offset, length, &extent, 1, &count,
				       err);

		if (r < 0)
			return r;
		if (extent.kind == EXTENT_DATA) {
			*ret = false;
			return 0;
		}
		offset += extent.length;
		length -= extent.length;
	}
	*ret = true;
	return 0;
}

/* The run of $Bitmap that holds its byte offset: where on the volume, and how many of length
 * bytes from there on are in one piece. */
static int find_bitmap_run(struct ntfs *ntfs, uint64_t offset, uint64_t length,
			   uint64_t *ret_position, uint64_t *ret_length, struct err *err)
{
	uint32_t cluster_size = ntfs_cluster_size(ntfs);
	runlist_element *run;
	uint64_t within;

	forget_failure(ntfs);
	run = ntfs_attr_find_vcn(ntfs->volume->lcnbmp_na, (VCN)(offset / cluster_size));
	if (!run)
		return library_failed(ntfs, "the runs of $Bitmap", err);
	if (run->lcn < 0 || run->length <= 0 ||
	    !range_within((uint64_t)run->lcn, (uint64_t)run->length, ntfs_clusters(ntfs)))
		return err_set(
			err, -EBADMSG,
			"'%s': NTFS is damaged: $Bitmap has a hole at byte %" PRIu64,
			ntfs->source->name, offset);
	within = offset - (uint64_t)run->vcn * cluster_size;
	*ret_position = (uint64_t)run->lcn * cluster_size + within;
	*ret_length = min_u64((uint64_t)run->length * cluster_size - within, length);
	return 0;
}

int ntfs_bitmap_read(struct ntfs *ntfs, uint64_t offset, uint8_t *bits, size_t length,
		     bool *ret_absent, struct err *err)
{
	bool absent = true;

	for (uint64_t at = offset, end = offset + length; absent && at < end;) {
		uint64_t position = 0, run = 0;
		int r = find_bitmap_run(ntfs, at, end - at, &position, &run, err);

		if (r == 0)
			r = is_absent(ntfs, position, run, &absent, err);
		if (r < 0)
			return r;
		at += run;
	}
	for (size_t done = 0; !absent && done < length;) {
		uint64_t position = 0, run = 0;
		int r = find_bitmap_run(ntfs, offset + done, length - done, &position,
					&run, err);

		if (r == 0)
			r = source_read(ntfs->source, bits + done, position, (size_t)run,
					err);
		if (r < 0)
			return r;
		done += (size_t)run;
	}
	*ret_absent = absent;
	return 0;
}

static int check_used(struct ntfs *ntfs, const char *what, uint64_t cluster,
		      struct err *err)
{
	uint8_t byte = 0;
	bool absent;
	int r = ntfs_bitmap_read(ntfs, cluster / 8, &byte, 1, &absent, err);

	if (r < 0)
		return r;
	if (absent || !(byte >> cluster % 8 & 1))
		return err_set(err, -EBADMSG,
			       "'%s': NTFS is damaged: $Bitmap calls cluster %" PRIu64
			       " free, where %s lies",
			       ntfs->source->name, cluster, what);
	return 0;
}

int ntfs_bitmap_check(struct ntfs *ntfs, struct err *err)
{
	const ntfs_attr *bitmap = ntfs->volume->lcnbmp_na;
	uint64_t needed = (ntfs_clusters(ntfs) + 7) / 8, position, run;
	int r;

	if ((uint64_t)bitmap->data_size < needed ||
	    (uint64_t)bitmap->initialized_size < needed)
		return err_set(err, -EBADMSG,
			       "'%s': NTFS is damaged: $Bitmap has %" PRId64
			       " bytes, %" PRId64 " of them valid, %" PRIu64
			       " clusters need %" PRIu64,
			       ntfs->source->name, bitmap->data_size,
			       bitmap->initialized_size, ntfs_clusters(ntfs), needed);
	if (!NAttrNonResident(bitmap))
		return err_set(
			err, -EBADMSG,
			"'%s': NTFS is damaged: $Bitmap has no clusters of its own",
			ntfs->source->name);
	r = find_bitmap_run(ntfs, 0, 1, &position, &run, err);
	if (r == 0)
		r = check_used(ntfs, "the boot sector", 0, err);
	if (r == 0)
		r = check_used(ntfs, "$MFT", (uint64_t)ntfs->volume->mft_lcn, err);
	if (r == 0)
		r = check_used(ntfs, "$MFTMirr", (uint64_t)ntfs->volume->mftmirr_lcn,
			       err);
	if (r == 0)
		r = check_used(ntfs, "$Bitmap", position / ntfs_cluster_size(ntfs), err);
	return r;
}

/* -- files ---- */

static void inode_freep(ntfs_inode **inode)
{
	if (*inode)
		ntfs_inode_close(*inode);
}

static void attr_freep(ntfs_attr **attr)
{
	if (*attr)
		ntfs_attr_close(*attr);
}

/* Looks a path up; "" is the root. */
static int find_inode(struct ntfs *ntfs, const char *path, ntfs_inode **ret,
		      struct err *err)
{
	ntfs_inode *inode;

	forget_failure(ntfs);
	inode = path[0] ? ntfs_pathname_to_inode(ntfs->volume, NULL, path)
			: ntfs_inode_open(ntfs->volume, FILE_root);
	if (!inode && !ntfs->failure.code && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, -ENOENT, "'%s': no file '%s'", ntfs->source->name,
			       path);
	if (!inode)
		return library_failed(ntfs, "looking for a file", err);
	*ret = inode;
	return 0;
}

struct ntfs_file {
	struct ntfs *ntfs; /* borrowed */
	char *path;
	ntfs_inode *inode;
	ntfs_attr *data;
};

void ntfs_file_close(struct ntfs_file *file)
{
	if (!file)
		return;
	attr_freep(&file->data);
	inode_freep(&file->inode);
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
	r = find_inode(ntfs, path, &file->inode, err);
	if (r < 0)
		return r;
	if (file->inode->mrec->flags & MFT_RECORD_IS_DIRECTORY)
		return err_set(err, -EISDIR, "'%s': '%s' is a folder", ntfs->source->name,
			       path);
	file->data = ntfs_attr_open(file->inode, AT_DATA, AT_UNNAMED, 0);
	if (!file->data)
		return library_failed(ntfs, "opening a file", err);
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

		forget_failure(file->ntfs);
		n = ntfs_attr_pread(file->data, (s64)offset, (s64)length, bytes);
		if (n <= 0) {
			library_failed(file->ntfs, "reading a file", err);
			return err_add(err, "'%s'", file->path);
		}
		offset += (uint64_t)n;
		bytes += n;
		length -= (size_t)n;
	}
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
				&(struct tree_entry){ .name = text, .size = mref },
				&listing->failure);
}

/* 100 ns since 1601. */
static int64_t seconds_of(ntfs_time time)
{
	return le64_to_cpu(time) / 10000000 - INT64_C(11644473600);
}

/* What cannot be opened is left for whoever opens it by name. *ret_link: a folder that leads
 * elsewhere, or in circles. */
static int add_facts(struct ntfs *ntfs, struct tree_entry *entry, bool *ret_link,
		     struct err *err)
{
	AUTO(inode_freep) ntfs_inode *inode = NULL;

	forget_failure(ntfs);
	inode = ntfs_inode_open(ntfs->volume, (MFT_REF)entry->size);
	entry->size = 0;
	*ret_link = false;
	if (!inode && ntfs->failure.code)
		return library_failed(ntfs, "a file of a folder", err);
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
	AUTO(inode_freep) ntfs_inode *folder = NULL;
	AUTO(tree_listing_clear) struct tree_listing entries = { 0 };
	struct listing listing = { .entries = &entries };
	s64 position = 0;
	int r = find_inode(ntfs, path, &folder, err);

	if (r < 0)
		return r;
	if (!(folder->mrec->flags & MFT_RECORD_IS_DIRECTORY))
		return err_set(err, -ENOTDIR, "'%s': '%s' is no folder",
			       ntfs->source->name, path);
	forget_failure(ntfs);
	/* or it gives all names in small letters */
	NVolSetCaseSensitive(ntfs->volume);
	r = ntfs_readdir(folder, &position, &listing, keep_name);
	NVolClearCaseSensitive(ntfs->volume);
	if (r < 0)
		return listing.failure.code
			       ? err_nomem(err)
			       : library_failed(ntfs, "listing a folder", err);
	r = add_all_facts(ntfs, &entries, err);
	if (r < 0)
		return r;
	*ret = entries;
	entries = (struct tree_listing){ 0 };
	return 0;
}

/* -- changing files ---- */

static int write_bytes(struct ntfs_file *file, uint64_t offset, const uint8_t *bytes,
		       size_t length, struct err *err)
{
	while (length) {
		s64 done;

		forget_failure(file->ntfs);
		done = ntfs_attr_pwrite(file->data, (s64)offset, (s64)length, bytes);
		if (done <= 0)
			return library_failed(file->ntfs, "writing a file", err);
		offset += (uint64_t)done;
		bytes += done;
		length -= (size_t)done;
	}
	return 0;
}

int ntfs_write_file(struct ntfs *ntfs, const char *path, uint64_t offset,
		    const void *bytes, size_t length, struct err *err)
{
	struct ntfs_file *file = NULL;
	uint64_t size;
	int r;

	/* The library itself would pretend to write. */
	if (!ntfs->overlay)
		return err_set(err, -EROFS, "'%s': is open for reading only",
			       ntfs->source->name);
	r = ntfs_file_open(ntfs, path, &file, err);
	if (r < 0)
		return r;
	size = ntfs_file_size(file);
	if (!range_within(offset, length, size))
		r = err_set(err, -EINVAL,
			    "'%s': '%s' has %" PRIu64 " bytes, %" PRIu64
			    "+%zu does not lie in it",
			    ntfs->source->name, path, size, offset, length);
	if (r == 0)
		r = write_bytes(file, offset, bytes, length, err);
	if (r == 0 && ntfs_inode_sync(file->inode) < 0)
		r = library_failed(ntfs, "writing a file's record", err);
	ntfs_file_close(file);
	return r;
}
