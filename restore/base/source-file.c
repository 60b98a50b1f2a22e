/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file or block device as a block source. Owns its descriptor. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <base/block-source.h>
#include <base/checked.h>

#include "full-io.h"

/* pread has no limit of its own; more than this brings nothing on any disk. */
#define FILE_MAX_PARALLEL 64

struct source_file {
	struct block_source source;
	int fd;
};

static int file_read_at(struct block_source *source, void *buffer, uint64_t offset,
			size_t length, struct err *err)
{
	struct source_file *file = (struct source_file *)source;
	size_t done = 0;
	int r = pread_full(file->fd, buffer, length, offset, &done);

	if (r < 0)
		return err_errno(err, -r, "'%s': reading %" PRIu64 "+%zu", source->name,
				 offset, length);
	if (done < length)
		return err_set(err, -EIO,
			       "'%s': file ended at %" PRIu64 ", expected %" PRIu64,
			       source->name, offset + done, source->size);
	return 0;
}

/* lseek says ENXIO both for "only a hole from here on" and for a file that was truncated
 * since it was opened. The second must not read as zeros. */
static int check_not_truncated(struct source_file *file, struct err *err)
{
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return err_errno(err, errno, "'%s'", file->source.name);
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < file->source.size)
		return err_set(
			err, -EIO, "'%s': file ended at %" PRIu64 ", expected %" PRIu64,
			file->source.name, (uint64_t)st.st_size, file->source.size);
	return 0;
}

/* The first extent of [offset, end). */
static int file_extent(struct source_file *file, uint64_t offset, uint64_t end,
		       struct extent *ret, struct err *err)
{
	off_t data = lseek(file->fd, (off_t)offset, SEEK_DATA), hole;
	struct extent extent = { .offset = offset,
				 .length = end - offset,
				 .kind = EXTENT_DATA };

	if (data < 0 && errno == ENXIO) {
		int r = check_not_truncated(file, err);

		if (r < 0)
			return r;
		extent.kind = EXTENT_ABSENT;
	} else if (data >= 0 && (uint64_t)data > offset) {
		extent.kind = EXTENT_ABSENT;
		extent.length = min_u64((uint64_t)data, end) - offset;
	} else if (data >= 0) {
		hole = lseek(file->fd, (off_t)offset, SEEK_HOLE);
		if (hole >= 0 && (uint64_t)hole > offset)
			extent.length = min_u64((uint64_t)hole, end) - offset;
	}
	/* Any other error: a file system or device that cannot tell. All data. */
	*ret = extent;
	return 0;
}

static int file_extents(struct block_source *source, uint64_t offset, uint64_t length,
			struct extent *extents, size_t max, size_t *ret_count,
			struct err *err)
{
	struct source_file *file = (struct source_file *)source;
	uint64_t end = offset + length;
	size_t count = 0;

	while (offset < end && count < max) {
		int r = file_extent(file, offset, end, &extents[count], err);

		if (r < 0)
			return r;
		offset += extents[count++].length;
	}
	*ret_count = count;
	return 0;
}

static void file_close(struct block_source *source)
{
	struct source_file *file = (struct source_file *)source;

	close(file->fd);
	free(source->name);
	free(file);
}

static const struct block_source_ops file_ops = {
	.read_at = file_read_at,
	.extents = file_extents,
	.close = file_close,
};

/* Fills in what a descriptor tells of its file or device; sector_size 0 for a file. */
static int measure(int fd, const char *name, struct block_source *source, struct err *err)
{
	int64_t mtime_ns = 0;
	int sector_size = 0;
	uint64_t size = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "'%s'", name);
	if (S_ISREG(st.st_mode)) {
		size = (uint64_t)st.st_size;
		mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	} else if (S_ISBLK(st.st_mode)) {
		if (ioctl(fd, BLKGETSIZE64, &size) < 0 ||
		    ioctl(fd, BLKSSZGET, &sector_size) < 0)
			return err_errno(err, errno, "'%s': size of the device", name);
	} else {
		return err_set(err, -EINVAL, "'%s': neither a file nor a block device%s",
			       name, S_ISDIR(st.st_mode) ? " but a folder" : "");
	}
	source->size = size;
	source->sector_size = (uint32_t)sector_size;
	source->mtime_ns = mtime_ns;
	return 0;
}

int source_file_from_fd(int fd, const char *name, struct block_source **ret,
			struct err *err)
{
	AUTO_CLOSE int owned_fd = fd;
	AUTO_FREE struct source_file *file = NULL;
	AUTO_FREE char *own_name = NULL;
	struct block_source measured = { 0 };
	int r;

	r = measure(fd, name, &measured, err);
	if (r < 0)
		return r;
	file = malloc(sizeof(*file));
	own_name = strdup(name);
	if (!file || !own_name)
		return err_nomem(err);
	*file = (struct source_file){
		.source = {
			.ops = &file_ops,
			.size = measured.size,
			.sector_size = measured.sector_size,
			.mtime_ns = measured.mtime_ns,
			.max_parallel = FILE_MAX_PARALLEL,
			.name = TAKE_PTR(own_name),
		},
		.fd = TAKE_FD(owned_fd),
	};
	*ret = (struct block_source *)TAKE_PTR(file);
	return 0;
}

int source_file_open(const char *path, struct block_source **ret, struct err *err)
{
	/* O_NONBLOCK: a FIFO would wait here for a writer; files and disks do not care.
	 */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return err_errno(err, errno, "'%s': opening for reading", path);
	return source_file_from_fd(fd, path, ret, err);
}

int source_file_read_whole(const char *path, const char *what, size_t max, uint8_t **ret,
			   size_t *ret_length, struct err *err)
{
	AUTO(source_freep) struct block_source *file = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	int r = source_file_open(path, &file, err);

	if (r < 0)
		return r;
	if (file->size > max)
		return err_set(err, -EFBIG, "'%s': %llu bytes, %s has at most %zu", path,
			       (unsigned long long)file->size, what, max);
	bytes = malloc((size_t)file->size + 1);
	if (!bytes)
		return err_nomem(err);
	r = source_read(file, bytes, 0, file->size, err);
	if (r < 0)
		return r;
	*ret_length = (size_t)file->size;
	*ret = TAKE_PTR(bytes);
	return 0;
}
