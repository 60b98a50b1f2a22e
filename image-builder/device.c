/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See device.h. The descriptor that is checked is the one that is written to. */
#include "device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>
#include <partition/boot-medium.h>

#define PIECE	     ((size_t)1 << 20)
#define REPORT_EVERY (16 * MiB)
#define IMAGE_ALIGN                                                                      \
	4096 /* of pieces: O_DIRECT reads back from the device, not from memory */

int device_check(const struct disk *disk, uint64_t length, struct err *err)
{
	static const struct {
		enum disk_protection bit;
		const char *why;
	} reasons[] = {
		{ DISK_READ_ONLY, "is read-only" },
		{ DISK_MOUNTED, "is mounted: unmount it" },
		{ DISK_HELD, "is in use by device-mapper, md, LVM or a loop" },
		{ DISK_BOOT_MEDIUM, "is what this machine was started from" },
		{ DISK_HOLDS_SOURCE, "holds the image" },
		{ DISK_SAME_IDENTITY, "has the same identity as another disk" },
	};
	char size[SIZE_TEXT_SIZE], needed[SIZE_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (disk->protection & reasons[i].bit)
			return err_set(err, -EPERM, "'%s': %s", disk->path,
				       reasons[i].why);
	if (disk->is_file)
		return err_set(err, -EPERM, "'%s': a file; --output writes files",
			       disk->path);
	if (!(disk->protection & DISK_REMOVABLE) && strcmp(disk->bus, "usb") != 0)
		return err_set(err, -EPERM,
			       "'%s' (%s, %s): is neither removable nor on USB",
			       disk->path, disk->bus, disk->model);
	if (disk->size < length)
		return err_set(err, -ENOSPC, "'%s': has %s, the image needs %s",
			       disk->path, size_format(disk->size, size),
			       size_format(length, needed));
	return 0;
}

/* -- writing --------------------------------------------------------------------------- */

struct copy {
	const char *path; /* of the device */
	int image, device;
	uint64_t length;
	uint8_t *piece, *check; /* PIECE bytes each, aligned */
	void (*report)(const char *line);
};

static void copy_clear(struct copy *copy)
{
	cleanup_close(&copy->image);
	cleanup_close(&copy->device);
	free(copy->piece);
	free(copy->check);
}

static int copy_open(const struct disk *disk, const char *image, struct copy *copy,
		     struct err *err)
{
	copy->path = disk->path;
	copy->image = open(image, O_RDONLY | O_CLOEXEC);
	copy->device = open(disk->path, O_RDWR | O_EXCL | O_DIRECT | O_CLOEXEC);
	if (copy->device < 0)
		return err_errno(err, errno, "'%s': opening for writing", disk->path);
	if (posix_memalign((void **)&copy->piece, IMAGE_ALIGN, PIECE) != 0 ||
	    posix_memalign((void **)&copy->check, IMAGE_ALIGN, PIECE) != 0)
		return err_nomem(err);
	return disk_identity_check(copy->device, disk, err);
}

/* The image's length is whole MiB: no piece is short. */
static int read_piece(int fd, const char *name, uint64_t offset, uint8_t *piece,
		      struct err *err)
{
	ssize_t length = pread(fd, piece, PIECE, (off_t)offset);

	if (length < 0)
		return err_errno(err, errno, "'%s': reading", name);
	if ((size_t)length != PIECE)
		return err_set(err, -EIO, "'%s': ends at byte %ju", name,
			       (uintmax_t)(offset + (uint64_t)length));
	return 0;
}

static void report_progress(const struct copy *copy, const char *what, uint64_t done)
{
	char line[64];

	if (done % REPORT_EVERY != 0 && done != copy->length)
		return;
	snprintf(line, sizeof(line), "%s %ju of %ju MiB", what, (uintmax_t)(done / MiB),
		 (uintmax_t)(copy->length / MiB));
	copy->report(line);
}

static int write_all(const struct copy *copy, struct err *err)
{
	for (uint64_t at = 0; at < copy->length; at += PIECE) {
		int r = read_piece(copy->image, "the image", at, copy->piece, err);
		ssize_t length;

		if (r < 0)
			return r;
		length = pwrite(copy->device, copy->piece, PIECE, (off_t)at);
		if (length != (ssize_t)PIECE)
			return err_errno(err, length < 0 ? errno : EIO,
					 "'%s': writing at byte %ju", copy->path,
					 (uintmax_t)at);
		report_progress(copy, "written", at + PIECE);
	}
	if (fsync(copy->device) < 0)
		return err_errno(err, errno, "'%s': flushing", copy->path);
	return 0;
}

static int compare_all(const struct copy *copy, struct err *err)
{
	for (uint64_t at = 0; at < copy->length; at += PIECE) {
		int r = read_piece(copy->image, "the image", at, copy->piece, err);

		if (r == 0)
			r = read_piece(copy->device, copy->path, at, copy->check, err);
		if (r < 0)
			return r;
		if (memcmp(copy->piece, copy->check, PIECE) != 0)
			return err_set(err, -EIO,
				       "'%s': reads back other bytes than were written "
				       "at %ju: the stick is damaged or a fake",
				       copy->path, (uintmax_t)at);
		report_progress(copy, "read back", at + PIECE);
	}
	return 0;
}

/* Without this, tools complain of a table that ends before the disk does. */
static int move_backup_table(const char *path, struct err *err)
{
	const char *argv[] = { "sgdisk", "-e", path, NULL };

	return spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
}

static int write_and_compare(const struct disk *disk, const char *image, uint64_t length,
			     void (*report)(const char *line), struct err *err)
{
	AUTO(copy_clear)
	struct copy copy = {
		.image = -1, .device = -1, .length = length, .report = report
	};
	int r = copy_open(disk, image, &copy, err);

	if (r == 0)
		r = write_all(&copy, err);
	if (r == 0)
		r = compare_all(&copy, err);
	if (r == 0)
		(void)ioctl(copy.device, BLKRRPART); /* a busy kernel reads it later */
	return r;
}

int device_write(const char *which, const char *image, void (*report)(const char *line),
		 struct err *err)
{
	AUTO(disk_list_clear) struct disk_list list = { 0 };
	const char *sources[] = { image, NULL };
	AUTO_FREE char *boot_medium = boot_medium_read();
	const struct disk_list_wishes wishes = { .source_paths = sources,
						 .boot_medium = boot_medium };
	struct disk *disk = NULL;
	struct stat st;
	int r;

	if (stat(image, &st) < 0)
		return err_errno(err, errno, "'%s'", image);
	if (st.st_size == 0 || st.st_size % PIECE != 0)
		return err_set(err, -EINVAL,
			       "'%s': %jd bytes, an image of a stick has whole MiB",
			       image, (intmax_t)st.st_size);
	r = disk_list_read(&wishes, &list, err);
	if (r == 0)
		r = disk_find(&list, which, 0, &disk, err);
	if (r < 0 || !disk)
		return err_negative(r);
	r = device_check(disk, (uint64_t)st.st_size, err);
	if (r < 0)
		return r;
	r = write_and_compare(disk, image, (uint64_t)st.st_size, report, err);
	return r < 0 ? r : move_backup_table(disk->path, err);
}
