/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the target: see disk-open.h. */
#include "disk-open.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>

/* tmpfs of older kernels and some network file systems have no O_DIRECT; for a file, the
 * verification then drops the page cache before it reads. */
static int open_file(const struct disk *disk, bool *ret_direct, struct err *err)
{
	int flags =
		O_RDWR | O_CLOEXEC | O_NOFOLLOW | (disk->exists ? 0 : O_CREAT | O_EXCL);
	int fd = open(disk->path, flags, 0600);

	if (fd < 0)
		return err_errno(err, errno, "'%s': cannot be %s for writing", disk->path,
				 disk->exists ? "opened" : "created");
	*ret_direct = fcntl(fd, F_SETFL, O_DIRECT) == 0;
	return fd;
}

static int open_device(const struct disk *disk, bool *ret_direct, struct err *err)
{
	int fd = open(disk->path, O_RDWR | O_EXCL | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		return err_errno(
			err, errno, "'%s': cannot be opened for writing%s", disk->path,
			errno == EBUSY ? " (it is mounted or held; release it first)"
				       : "");
	*ret_direct = true;
	return fd;
}

/* Such a disk can be opened for writing; the first write would fail. */
static int check_writable(int fd, const struct disk *disk, struct err *err)
{
	int read_only = 0;

	if (disk->is_file)
		return 0;
	if (ioctl(fd, BLKROGET, &read_only) < 0)
		return err_errno(err, errno, "'%s': asking whether it is read-only",
				 disk->path);
	return read_only ? err_set(err, -EROFS, "'%s': it is read-only", disk->path) : 0;
}

int disk_open_for_writing(const struct disk *disk, uint64_t size,
			  struct block_target **ret, struct err *err)
{
	AUTO_CLOSE int fd = -1;
	bool direct = false;
	int r;

	fd = disk->is_file ? open_file(disk, &direct, err)
			   : open_device(disk, &direct, err);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_errno(err, errno, "'%s': another program has locked it",
				 disk->path);
	if (!disk->exists && ftruncate(fd, (off_t)size) < 0)
		return err_errno(err, errno,
				 "'%s': cannot be made %" PRIu64 " bytes long",
				 disk->path, size);
	if (disk->exists) {
		r = disk_identity_check(fd, disk, err);
		if (r == 0)
			r = check_writable(fd, disk, err);
		if (r < 0)
			return r;
	}
	return target_file_from_fd(TAKE_FD(fd), disk->path, size, disk->sector_size,
				   direct, ret, err);
}

int disk_open_for_reading(const struct disk *disk, struct block_source **ret,
			  struct err *err)
{
	AUTO_CLOSE int fd = -1;
	int r;

	fd = open(disk->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "'%s': cannot be opened for reading",
				 disk->path);
	r = disk_identity_check(fd, disk, err);
	if (r < 0)
		return r;
	return source_file_from_fd(TAKE_FD(fd), disk->path, ret, err);
}
