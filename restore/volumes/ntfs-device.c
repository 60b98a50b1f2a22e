/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How libntfs-3g reads and writes: device operations over a block source; what it writes goes
 * to an overlay, or is refused where there is none. The library reports by errno, so errors of
 * the source are kept beside and win over its guess.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>

#include "ntfs-internal.h"

#include <ntfs-3g/device.h>

#include <base/checked.h>

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
		if (!ntfs->broken.code) /* the library may go on */
			ntfs->broken = ntfs->failure;
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

struct ntfs_device_operations ntfs_block_source_operations = {
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
