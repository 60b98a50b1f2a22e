/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of volumes, by kind of file system. See restore/volume.h. */
#include <restore/volume.h>

#include "fat.h"
#include "ntfs.h"

int volume_read_file(struct block_source *volume, const struct volume_info *info,
		     const char *path, size_t limit, uint8_t **ret, size_t *ret_length,
		     struct err *err)
{
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	int r;

	switch (info->fs) {
	case FS_NTFS:
		r = ntfs_open(volume, &ntfs, err);
		if (r < 0)
			return r;
		return ntfs_read_file(ntfs, path, limit, ret, ret_length, err);
	case FS_FAT12:
	case FS_FAT16:
	case FS_FAT32:
		return fat_read_file(volume, path, limit, ret, ret_length, err);
	default:
		return err_set(err, -ENOTSUP, "'%s': no files are read from %s volumes",
			       volume->name, file_system_text(info->fs));
	}
}
