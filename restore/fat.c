/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of FAT volumes: mtools, on a sparse copy of the volume in memory. The copy is an
 * anonymous file that the program gets as its standard input and opens again by name, so
 * that nothing is left behind however we end, and a process without rights can do it.
 */
#include "fat.h"

#include <fcntl.h>
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
/* mcopy ends with status 0 when it cannot write. So its output may be longer than what is
 * asked for by more than it writes at once: then it shows by where it ended. */
#define OUTPUT_SLACK MiB

#define VOLUME_PATH "/proc/self/fd/0"

/* -- the copy ---------------------------------------------------------------------------- */

struct scratch {
	struct block_source *volume;
	int fd;
	uint8_t *buffer; /* COPY_SIZE */
	uint64_t stored; /* bytes written */
};

static int write_all(int fd, const uint8_t *bytes, size_t length, uint64_t offset,
		     struct err *err)
{
	while (length) {
		ssize_t n = pwrite(fd, bytes, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(err, n < 0 ? errno : EIO,
					 "copying a FAT volume to memory");
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
			return err_set(err, -EFBIG,
				       "'%s': FAT volume holds more than 256 MiB, files are "
				       "only read from small ones",
				       scratch->volume->name);
		r = write_all(scratch->fd, scratch->buffer + done, part, offset + done, err);
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
		int r = source_read(scratch->volume, scratch->buffer, extent->offset + done,
				    part, err);

		if (r == 0)
			r = write_piece(scratch, extent->offset + done, part, err);
		if (r < 0)
			return r;
		done += part;
	}
	return 0;
}

/* An anonymous file of this size. */
static int memory_file(const char *name, uint64_t size, int *ret, struct err *err)
{
	AUTO_CLOSE int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return err_errno(err, errno, "making a file of %" PRIu64 " bytes in memory",
				 size);
	*ret = TAKE_FD(fd);
	return 0;
}

static int copy_volume(struct block_source *volume, int *ret_fd, struct err *err)
{
	AUTO_FREE uint8_t *buffer = malloc(COPY_SIZE);
	AUTO_CLOSE int fd = -1;
	struct scratch scratch = { .volume = volume, .buffer = buffer };
	int r;

	if (!buffer)
		return err_nomem(err);
	r = memory_file("fat", volume->size, &fd, err);
	if (r < 0)
		return r;
	scratch.fd = fd;
	r = source_walk(volume, 0, volume->size, copy_extent, &scratch, err);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* -- mtools ------------------------------------------------------------------------------ */

/* Old disks and other systems' volumes have geometries that mtools finds odd. */
static const char *const environment[] = { "MTOOLS_SKIP_CHECK=1", NULL };

/* mtools takes these for patterns, drives or its own separators. */
static int check_path(const char *path, struct err *err)
{
	if (path[0] && !strpbrk(path, "*?[]\\:"))
		return 0;
	return err_set(err, -EINVAL, "'%s': not a path of a file", path);
}

/* mdir -b names the file itself, or what is in the folder. */
static int find_file(const struct block_source *volume, int fd, const char *path,
		     const char *mtools_path, struct err *err)
{
	const char *const argv[] = { "mdir", "-b", "-a", "-i", VOLUME_PATH, mtools_path, NULL };
	struct spawn spawn = { .argv = argv, .env = environment, .input_fd = fd };
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
	if (strncasecmp(output, mtools_path, length) != 0 || strcmp(output + length, "\n") != 0)
		return err_set(err, -EISDIR, "'%s': '%s' is a folder", volume->name, path);
	return 0;
}

static int copy_out(const struct block_source *volume, int fd, const char *path,
		    const char *mtools_path, int output_fd, struct err *err)
{
	const char *const argv[] = { "mcopy", "-n", "-i", VOLUME_PATH, mtools_path, "-", NULL };
	struct spawn spawn = {
		.argv = argv,
		.env = environment,
		.input_fd = fd,
		.output_fd = output_fd,
	};
	AUTO_FREE char *complaint = NULL;
	int r = spawn_run(&spawn, &complaint, err);

	if (r == 0 && complaint[0])
		r = err_set(err, -EIO, "mcopy: %.*s", (int)strcspn(complaint, "\n"), complaint);
	if (r == -EIO)
		return err_set(err, -EBADMSG, "'%s': FAT is damaged at '%s': %s", volume->name,
			       path, err ? err->text : "");
	return r;
}

/* Reads back what mcopy wrote, up to where it stood at the end. */
static int take_output(int fd, size_t length, uint8_t **ret, struct err *err)
{
	AUTO_FREE uint8_t *bytes = calloc(1, length + 1);
	size_t done = 0;

	if (!bytes)
		return err_nomem(err);
	while (done < length) {
		ssize_t n = pread(fd, bytes + done, length - done, (off_t)done);

		if (n <= 0)
			return err_errno(err, n < 0 ? errno : EIO,
					 "reading a file of a FAT volume");
		done += (size_t)n;
	}
	*ret = TAKE_PTR(bytes);
	return 0;
}

int fat_read_file(struct block_source *volume, const char *path, size_t limit, uint8_t **ret,
		  size_t *ret_length, struct err *err)
{
	AUTO_FREE char *mtools_path = text_format("::/%s", path);
	AUTO_CLOSE int volume_fd = -1, output_fd = -1;
	off_t end;
	int r = check_path(path, err);

	if (r < 0)
		return r;
	if (!mtools_path)
		return err_nomem(err);
	r = copy_volume(volume, &volume_fd, err);
	if (r == 0)
		r = find_file(volume, volume_fd, path, mtools_path, err);
	if (r == 0)
		r = memory_file("file", limit + OUTPUT_SLACK, &output_fd, err);
	if (r < 0)
		return r;
	if (fcntl(output_fd, F_ADD_SEALS, F_SEAL_GROW) < 0)
		return err_errno(err, errno, "bounding a file in memory");
	r = copy_out(volume, volume_fd, path, mtools_path, output_fd, err);
	end = lseek(output_fd, 0, SEEK_CUR);
	if (end >= 0 && (uint64_t)end > limit)
		return err_set(err, -EFBIG, "'%s': '%s' has more than %zu bytes", volume->name,
			       path, limit);
	if (r < 0)
		return r;
	r = take_output(output_fd, (size_t)end, ret, err);
	if (r == 0)
		*ret_length = (size_t)end;
	return r;
}
