/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of FAT volumes: mtools, on a copy of the volume in memory. */
#include "fat.h"

#include <fcntl.h>
#include <string.h>

#include <base/checked.h>
#include <base/spawn.h>

#include "fat-scratch.h"

/* mcopy ends with status 0 when it cannot write. So its output may be longer than what is
 * asked for by more than it writes at once: then it shows by where it ended. */
#define OUTPUT_SLACK MiB

static int copy_out(const struct block_source *volume, int fd, const char *path,
		    const char *mtools_path, int output_fd, struct err *err)
{
	const char *const argv[] = { "mcopy",	  "-n", "-i", FAT_VOLUME_PATH,
				     mtools_path, "-",	NULL };
	struct spawn spawn = {
		.argv = argv,
		.env = fat_mtools_environment,
		.input_fd = fd,
		.output_fd = output_fd,
	};
	AUTO_FREE char *complaint = NULL;
	int r = spawn_run(&spawn, &complaint, err);

	if (r == 0 && complaint[0])
		r = err_set(err, -EIO, "mcopy: %.*s", (int)strcspn(complaint, "\n"),
			    complaint);
	if (r == -EIO)
		return err_set(err, -EBADMSG, "'%s': FAT is damaged at '%s': %s",
			       volume->name, path, err ? err->text : "");
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

int fat_read_scratch(const struct block_source *volume, int fd, const char *path,
		     size_t limit, uint8_t **ret, size_t *ret_length, struct err *err)
{
	AUTO_FREE char *mtools_path = fat_mtools_path(path, err);
	AUTO_CLOSE int output_fd = -1;
	off_t end;
	int r;

	if (!mtools_path)
		return err ? err->code : -EINVAL;
	r = fat_find_file(volume, fd, path, mtools_path, err);
	if (r == 0)
		r = fat_memory_file("file", limit + OUTPUT_SLACK, &output_fd, err);
	if (r < 0)
		return r;
	if (fcntl(output_fd, F_ADD_SEALS, F_SEAL_GROW) < 0)
		return err_errno(err, errno, "bounding a file in memory");
	r = copy_out(volume, fd, path, mtools_path, output_fd, err);
	end = lseek(output_fd, 0, SEEK_CUR);
	if (end >= 0 && (uint64_t)end > limit)
		return err_set(err, -EFBIG, "'%s': '%s' has more than %zu bytes",
			       volume->name, path, limit);
	if (r < 0)
		return r;
	r = take_output(output_fd, (size_t)end, ret, err);
	if (r == 0)
		*ret_length = (size_t)end;
	return r;
}

int fat_read_file(struct block_source *volume, const char *path, size_t limit,
		  uint8_t **ret, size_t *ret_length, struct err *err)
{
	AUTO_CLOSE int fd = -1;
	int r = fat_scratch_copy(volume, &fd, err);

	return r < 0 ? r
		     : fat_read_scratch(volume, fd, path, limit, ret, ret_length, err);
}
