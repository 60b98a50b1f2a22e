/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file systems whose files are read: see file-system.h. */
#include "file-system.h"

#include "ntfs.h"

/* -- NTFS, with the types of ntfs.h ----------------------------------------------- */

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

static int list_ntfs(void *fs, const char *path, struct tree_listing *ret,
		     struct err *err)
{
	return ntfs_list(fs, path, ret, err);
}

static int open_ntfs_file(void *fs, const char *path, void **ret, struct err *err)
{
	struct ntfs_file *file = NULL;
	int r = ntfs_file_open(fs, path, &file, err);

	if (r == 0)
		*ret = file;
	return r;
}

static void close_ntfs_file(void *file)
{
	ntfs_file_close(file);
}

static uint64_t ntfs_size(const void *file)
{
	return ntfs_file_size(file);
}

static int read_ntfs_file(void *file, uint64_t offset, uint8_t *bytes, size_t length,
			  struct err *err)
{
	return ntfs_file_read(file, offset, bytes, length, err);
}

const struct file_system_ops ntfs_files = {
	.fs = FS_NTFS,
	.open = open_ntfs,
	.close = close_ntfs,
	.list = list_ntfs,
	.open_file = open_ntfs_file,
	.close_file = close_ntfs_file,
	.file_size = ntfs_size,
	.read_file = read_ntfs_file,
};

/* -- the table -------------------------------------------------------------------- */

const struct file_system_ops *file_system_find(enum file_system fs)
{
	static const struct file_system_ops *const all[] = { &ntfs_files, &exfat_files };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i]->fs == fs)
			return all[i];
	return NULL;
}
