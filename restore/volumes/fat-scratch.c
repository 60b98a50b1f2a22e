/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The copy of a FAT volume on which mtools works: see fat-scratch.h. */
#include "fat-scratch.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include <base/checked.h>
#include <base/spawn.h>
#include <base/text.h>

/* An EFI system partition holds some tens of MiB. What is copied lies in memory. */
#define SCRATCH_MAX (256 * MiB)
#define COPY_SIZE   MiB
/* Zeros are left out in pieces of this size: a page. */
#define HOLE_SIZE 4096u

struct scratch {
	struct block_source *volume;
	int fd;
	uint8_t *buffer; /* COPY_SIZE */
	uint64_t stored; /* bytes written */
};

int fat_memory_write(int fd, const void *buffer, size_t length, uint64_t offset,
		     struct err *err)
{
	const uint8_t *bytes = buffer;

	while (length) {
		ssize_t n = pwrite(fd, bytes, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(err, n < 0 ? errno : EIO,
					 "writing a file in memory");
		bytes += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

static int write_piece(struct scratch *scratch, uint64_t offset, size_t length,
		       struct err *err)
{
	for (size_t done = 0; done < length; done += HOLE_SIZE) {
		size_t part = (size_t)min_u64(HOLE_SIZE, length - done);
		int r;

		if (is_zero(scratch->buffer + done, part))
			continue;
		scratch->stored += part;
		if (scratch->stored > SCRATCH_MAX)
			return err_set(
				err, -EFBIG,
				"'%s': FAT volume holds more than 256 MiB, files are "
				"only read from small ones",
				scratch->volume->name);
		r = fat_memory_write(scratch->fd, scratch->buffer + done, part,
				     offset + done, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int copy_extent(const struct extent *extent, void *context, struct err *err)
{
	struct scratch *scratch = context;
	uint64_t done = 0;

	while (extent->kind == EXTENT_DATA && done < extent->length) {
		size_t part = (size_t)min_u64(COPY_SIZE, extent->length - done);
		int r = source_read(scratch->volume, scratch->buffer,
				    extent->offset + done, part, err);

		if (r == 0)
			r = write_piece(scratch, extent->offset + done, part, err);
		if (r < 0)
			return r;
		done += part;
	}
	return 0;
}

int fat_memory_file(const char *name, uint64_t size, int *ret, struct err *err)
{
	AUTO_CLOSE int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return err_errno(err, errno,
				 "making a file of %" PRIu64 " bytes in memory", size);
	*ret = TAKE_FD(fd);
	return 0;
}

int fat_scratch_copy(struct block_source *volume, int *ret_fd, struct err *err)
{
	AUTO_FREE uint8_t *buffer = malloc(COPY_SIZE);
	AUTO_CLOSE int fd = -1;
	struct scratch scratch = { .volume = volume, .buffer = buffer };
	int r;

	if (!buffer)
		return err_nomem(err);
	r = fat_memory_file("fat", volume->size, &fd, err);
	if (r < 0)
		return r;
	scratch.fd = fd;
	r = source_walk(volume, 0, volume->size, copy_extent, &scratch, err);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Old disks and other systems' volumes have geometries that mtools finds odd. Names are UTF-8, and
 * what is printed does not depend on the machine's settings. */
const char *const fat_mtools_environment[] = { "MTOOLS_SKIP_CHECK=1", "LC_ALL=C.UTF-8",
					       "MTOOLS_DATE_STRING=yyyy-mm-dd",
					       "MTOOLS_TWENTY_FOUR_HOUR_CLOCK=1", NULL };

/* mtools takes these for patterns, drives or its own separators. */
char *fat_mtools_path(const char *path, struct err *err)
{
	char *mtools_path;

	if (!path[0] || strpbrk(path, "*?[]\\:")) {
		(void)err_set(err, -EINVAL, "'%s': not a path of a file", path);
		return NULL;
	}
	mtools_path = text_format("::/%s", path);
	if (!mtools_path)
		(void)err_nomem(err);
	return mtools_path;
}

/* mdir -b names the file itself, or what is in the folder. */
int fat_find_file(const struct block_source *volume, int fd, const char *path,
		  const char *mtools_path, struct err *err)
{
	const char *const argv[] = { "mdir",	      "-b",	   "-a", "-i",
				     FAT_VOLUME_PATH, mtools_path, NULL };
	struct spawn spawn = { .argv = argv,
			       .env = fat_mtools_environment,
			       .input_fd = fd };
	AUTO_FREE char *output = NULL;
	struct err failure = { 0 };
	size_t length = strlen(mtools_path);
	int r = spawn_run(&spawn, &output, &failure);

	if (r == -EIO && strcasestr(failure.text, "not found"))
		return err_set(err, -ENOENT, "'%s': no file '%s'", volume->name, path);
	if (r == -EIO)
		return err_set(err, -EBADMSG, "'%s': FAT is damaged: %s", volume->name,
			       failure.text);
	if (r < 0)
		return err_set(err, r, "%s", failure.text);
	if (strncasecmp(output, mtools_path, length) != 0 ||
	    strcmp(output + length, "\n") != 0)
		return err_set(err, -EISDIR, "'%s': '%s' is a folder", volume->name,
			       path);
	return 0;
}
