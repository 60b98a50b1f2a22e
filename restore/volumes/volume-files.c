/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of volumes, by kind of file system. See restore/volume.h. */
#include <restore/volume.h>

#include "fat-scratch.h"
#include "fat.h"
#include "ntfs.h"

static int ntfs_read_file(struct block_source *volume, const char *path, size_t limit,
			  uint8_t **ret, size_t *ret_length, struct err *err)
{
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	int r = ntfs_open(volume, &ntfs, err);

	return r < 0 ? r : ntfs_file_read_all(ntfs, path, limit, ret, ret_length, err);
}

int volume_read_file(struct block_source *volume, const struct volume_info *info,
		     const char *path, size_t limit, uint8_t **ret, size_t *ret_length,
		     struct err *err)
{
	switch (info->fs) {
	case FS_NTFS:
		return ntfs_read_file(volume, path, limit, ret, ret_length, err);
	case FS_FAT12:
	case FS_FAT16:
	case FS_FAT32:
		return fat_read_file(volume, path, limit, ret, ret_length, err);
	default:
		return err_set(err, -ENOTSUP, "'%s': no files are read from %s volumes",
			       volume->name, file_system_text(info->fs));
	}
}

int volume_keep(struct block_source **volume, const struct volume_info *info,
		struct err *err)
{
	struct block_source *kept = NULL;
	int fd = -1, r;

	if (info->fs != FS_FAT12 && info->fs != FS_FAT16 && info->fs != FS_FAT32)
		return 0;
	r = fat_scratch_copy(*volume, &fd, err);
	if (r == -EFBIG || r == -EBADMSG)
		return 0;
	if (r == 0)
		r = source_file_from_fd(fd, (*volume)->name, &kept, err);
	if (r < 0)
		return r;
	source_close(*volume);
	*volume = kept;
	return 0;
}
