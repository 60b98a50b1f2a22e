/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file or block device as a block target. Owns its descriptor. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <base/checked.h>
#include <base/log.h>

#include "full-io.h"
#include "io-queue.h"
#include "target-geometry.h"

/* Operations under way. Flash answers several at once; heads want to be kept busy, and no more.
 * Virtual disks often say that they have heads. */
#define DEPTH_FLASH 8
#define DEPTH_HEADS 4

/* Zeros are written in pieces of this size where nothing faster works: big enough for the
 * full speed of any disk. */
#define ZERO_PIECE MiB

struct target_file {
	struct block_target target;
	int fd;
	bool is_device, is_direct;
	bool zero_tried,
		zero_lies;	/* a device that was asked for zeros, and gave others */
	struct io_queue *queue; /* NULL: one operation at a time */
};

static int file_write_at(struct block_target *target, const void *buffer, uint64_t offset,
			 size_t length, struct err *err)
{
	struct target_file *file = (struct target_file *)target;
	size_t done = 0;
	int r = pwrite_full(file->fd, buffer, length, offset, &done);

	if (r < 0)
		return err_errno(err, -r, "'%s': writing %" PRIu64 "+%zu, at %" PRIu64,
				 target->name, offset, length, offset + done);
	return 0;
}

/* -- zeros ---- */

/* Ways to get zeros without sending them. Return 0, or -1 with errno. */
typedef int zero_method(int fd, uint64_t offset, uint64_t length);

static int zero_out_device(int fd, uint64_t offset, uint64_t length)
{
	uint64_t range[2] = { offset, length };

	return ioctl(fd, BLKZEROOUT, range);
}

static int punch_hole(int fd, uint64_t offset, uint64_t length)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
			 (off_t)length);
}

static int zero_range(int fd, uint64_t offset, uint64_t length)
{
	return fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
			 (off_t)length);
}

/* A hole before a zeroed range: it keeps an image file sparse. */
static zero_method *const device_methods[] = { zero_out_device, NULL };
static zero_method *const file_methods[] = { punch_hole, zero_range, NULL };

static bool is_unsupported(int errno_value)
{
	return errno_value == EOPNOTSUPP || errno_value == ENOSYS ||
	       errno_value == ENOTTY || errno_value == EINVAL;
}

static int write_zeros(struct block_target *target, uint64_t offset, uint64_t length,
		       struct err *err)
{
	AUTO_FREE void *zeros = NULL;
	int r = 0;

	if (posix_memalign(&zeros, max_u64(target->alignment, sizeof(void *)),
			   ZERO_PIECE))
		return err_nomem(err);
	memset(zeros, 0, ZERO_PIECE);
	while (length && r == 0) {
		uint64_t piece = min_u64(length, ZERO_PIECE);

		r = target_write(target, zeros, offset, piece, err);
		offset += piece;
		length -= piece;
	}
	return r;
}

/* Does a file store nothing there? */
static bool is_hole(const struct target_file *file, uint64_t offset, uint64_t length)
{
	off_t data;

	if (file->is_device)
		return false;
	data = lseek(file->fd, (off_t)offset, SEEK_DATA);
	return data < 0 ? errno == ENXIO : (uint64_t)data >= offset + length;
}

static int file_read_at(struct block_target *target, void *buffer, uint64_t offset,
			size_t length, struct err *err);

/* Some devices answer that they zeroed, and did not: the first range is looked at. */
static int check_zeroed(struct target_file *file, uint64_t offset, uint64_t length,
			struct err *err)
{
	struct block_target *target = &file->target;
	size_t sample = (size_t)min_u64(length, ZERO_PIECE);
	AUTO_FREE uint8_t *found = NULL;
	int r;

	if (file->zero_tried || !file->is_device)
		return 0;
	if (posix_memalign((void **)&found, max_u64(target->alignment, sizeof(void *)),
			   sample))
		return err_nomem(err);
	r = file_read_at(target, found, offset, sample, err);
	if (r < 0)
		return r;
	file->zero_tried = true;
	if (found[0] == 0 && memcmp(found, found + 1, sample - 1) == 0)
		return 0;
	log_warning("'%s': does not zero what it says it zeroed; zeros are written",
		    target->name);
	file->zero_lies = true;
	target->zeroes_fast = false;
	return write_zeros(target, offset, length, err);
}

static int file_zero(struct block_target *target, uint64_t offset, uint64_t length,
		     struct err *err)
{
	struct target_file *file = (struct target_file *)target;

	if (file->zero_lies)
		return write_zeros(target, offset, length, err);
	if (is_hole(file, offset, length))
		return 0;
	for (zero_method *const *method = file->is_device ? device_methods : file_methods;
	     *method; method++) {
		if ((*method)(file->fd, offset, length) == 0)
			return check_zeroed(file, offset, length, err);
		if (!is_unsupported(errno))
			return err_errno(err, errno, "'%s': zeroing %" PRIu64 "+%" PRIu64,
					 target->name, offset, length);
	}
	return write_zeros(target, offset, length, err);
}

/* A disk that cannot, or will not, forget the range keeps content that no longer matters:
 * no reason to fail. */
static int file_discard(struct block_target *target, uint64_t offset, uint64_t length,
			struct err *err)
{
	struct target_file *file = (struct target_file *)target;
	uint64_t range[2] = { offset, length };
	int r = file->is_device ? ioctl(file->fd, BLKDISCARD, range)
				: punch_hole(file->fd, offset, length);

	if (r < 0)
		log_debug("'%s': discarding %" PRIu64 "+%" PRIu64 ": %s, ignoring",
			  target->name, offset, length, strerrordesc_np(errno));
	return 0;
}

/* -- the rest ---- */

static int file_flush(struct block_target *target, struct err *err)
{
	struct target_file *file = (struct target_file *)target;

	if (fdatasync(file->fd) < 0)
		return err_errno(
			err, errno,
			"'%s': flush failed, everything written since the last flush "
			"counts as unwritten",
			target->name);
	return 0;
}

static int file_read_at(struct block_target *target, void *buffer, uint64_t offset,
			size_t length, struct err *err)
{
	struct target_file *file = (struct target_file *)target;
	size_t done = 0;
	int r;

	/* Drops what the page cache holds of it; works for what was flushed. */
	if (!file->is_direct)
		(void)posix_fadvise(file->fd, (off_t)offset, (off_t)length,
				    POSIX_FADV_DONTNEED);
	r = pread_full(file->fd, buffer, length, offset, &done);
	if (r < 0)
		return err_errno(err, -r,
				 "'%s': reading back %" PRIu64 "+%zu, at %" PRIu64,
				 target->name, offset, length, offset + done);
	if (done < length)
		return err_set(err, -EIO, "'%s': ended at %" PRIu64 ", expected %" PRIu64,
			       target->name, offset + done, target->size);
	return 0;
}

/* -- several at once ---- */

static int file_start(struct block_target *target, const struct target_io *io,
		      struct err *err)
{
	struct target_file *file = (struct target_file *)target;
	int r = io_queue_start(file->queue, io);

	if (r < 0)
		return err_errno(err, -r, "'%s': starting to %s %" PRIu64 "+%zu",
				 target->name, io->read ? "read" : "write", io->offset,
				 io->length);
	return 0;
}

/* What came short is done again, from the sector on where it stopped: an error then lands on
 * the call. */
static int finish_short(struct block_target *target, const struct target_io *io,
			size_t done, struct err *err)
{
	size_t rest;

	done = align_down(done, max_u64(target->alignment, target->sector_size));
	rest = io->length - done;
	if (io->read)
		return file_read_at(target, (uint8_t *)io->buffer + done,
				    io->offset + done, rest, err);
	return file_write_at(target, (uint8_t *)io->buffer + done, io->offset + done,
			     rest, err);
}

static int file_finish(struct block_target *target, bool wait, struct target_io *ret,
		       struct err *err)
{
	struct target_file *file = (struct target_file *)target;
	int result = 0, r = io_queue_finish(file->queue, wait, ret, &result);

	if (r < 0)
		return err_errno(err, -r, "'%s': waiting for the disk", target->name);
	if (r == 0)
		return 0;
	if (result < 0 && result != -EINTR && result != -EAGAIN)
		return err_errno(err, -result, "'%s': %s %" PRIu64 "+%zu", target->name,
				 ret->read ? "reading back" : "writing", ret->offset,
				 ret->length);
	if (result < 0 || (size_t)result < ret->length) {
		r = finish_short(target, ret, result < 0 ? 0 : (size_t)result, err);
		return r < 0 ? r : 1;
	}
	return 1;
}

static void file_share(struct block_target *target, void *memory, size_t length)
{
	io_queue_register(((struct target_file *)target)->queue, memory, length);
}

/* Nothing to check: what was not flushed does not count. */
static void file_close(struct block_target *target)
{
	struct target_file *file = (struct target_file *)target;

	io_queue_free(file->queue);
	close(file->fd);
	free(target->name);
	free(file);
}

static const struct block_target_ops queue_ops = {
	.write_at = file_write_at,
	.zero = file_zero,
	.discard = file_discard,
	.flush = file_flush,
	.read_at = file_read_at,
	.close = file_close,
	.start = file_start,
	.finish = file_finish,
	.share = file_share,
};

/* Where there is no io_uring. */
static const struct block_target_ops file_ops = {
	.write_at = file_write_at,
	.zero = file_zero,
	.discard = file_discard,
	.flush = file_flush,
	.read_at = file_read_at,
	.close = file_close,
};

/* An attribute of the disk's queue, of a partition's disk too; or fallback. */
static uint64_t queue_attribute(dev_t device, const char *name, uint64_t fallback)
{
	static const char *const places[] = { "queue", "../queue" };
	unsigned long long value = fallback;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		AUTO_FCLOSE FILE *file = NULL;
		char path[96];

		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/%s", major(device),
			 minor(device), places[i], name);
		file = fopen(path, "re");
		if (file && fscanf(file, "%llu", &value) == 1)
			break;
	}
	return value;
}

/* What the disk is, or the disk that the file lies on. */
static void measure_disk(struct target_file *file)
{
	struct block_target *target = &file->target;
	struct stat st;
	dev_t device;

	if (fstat(file->fd, &st) < 0)
		return;
	device = file->is_device ? st.st_rdev : st.st_dev;
	target->ascending = queue_attribute(device, "rotational", 0) != 0;
	target->zeroes_fast = !file->is_device ||
			      queue_attribute(device, "write_zeroes_max_bytes", 0) != 0;
}

/* Without O_DIRECT the page cache does what a queue would. */
static void open_queue(struct target_file *file)
{
	unsigned depth = file->target.ascending ? DEPTH_HEADS : DEPTH_FLASH;
	struct err why = { 0 };

	if (!file->is_direct)
		return;
	if (io_queue_new(file->fd, depth, &file->queue, &why) < 0) {
		log_debug("'%s': %s: one operation at a time", file->target.name,
			  why.text);
		return;
	}
	file->target.ops = &queue_ops;
	file->target.depth = depth;
}

/* A file that is too short would grow by a write, but not by a hole. */
static int check_file(int fd, const char *name, uint64_t size, bool *ret_is_device,
		      struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "'%s'", name);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(err, -EINVAL, "'%s': neither a file nor a block device",
			       name);
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < size)
		return err_set(err, -EINVAL,
			       "'%s': file of %" PRIu64 " bytes, must have %" PRIu64,
			       name, (uint64_t)st.st_size, size);
	*ret_is_device = S_ISBLK(st.st_mode);
	return 0;
}

int target_file_from_fd(int fd, const char *name, uint64_t size, uint32_t sector_size,
			bool direct, struct block_target **ret, struct err *err)
{
	AUTO_CLOSE int owned_fd = fd;
	AUTO_FREE struct target_file *file = malloc(sizeof(*file));
	AUTO_FREE char *own_name = strdup(name);
	bool is_device = false;
	int r;

	if (!file || !own_name)
		return err_nomem(err);
	r = target_check_geometry(name, size, sector_size, err);
	if (r < 0)
		return r;
	r = check_file(fd, name, size, &is_device, err);
	if (r < 0)
		return r;
	*file = (struct target_file){
		.target = {
			.ops = &file_ops,
			.size = size,
			.sector_size = sector_size,
			.alignment = direct ? max_u64((uint64_t)getpagesize(), sector_size) : 1,
			.name = TAKE_PTR(own_name),
		},
		.fd = TAKE_FD(owned_fd),
		.is_device = is_device,
		.is_direct = direct,
	};
	measure_disk(file);
	open_queue(file);
	*ret = (struct block_target *)TAKE_PTR(file);
	return 0;
}
