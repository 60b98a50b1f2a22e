/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A new FAT32 volume: see fat-make.h. */
#include "fat-make.h"

#include <unistd.h>

#include <base/checked.h>
#include <base/spawn.h>
#include <base/text.h>

#include "fat-scratch.h"

/* The first day that FAT can say: equal input gives equal bytes. */
static const char *const made_when[] = { "SOURCE_DATE_EPOCH=315532800", "TZ=UTC", NULL };

int fat_make(const struct fat_format *format, int *ret_fd, struct err *err)
{
	AUTO_FREE char *size = text_format("%u", format->sector_size);
	AUTO_FREE char *hidden = text_format("%u", format->hidden);
	AUTO_FREE char *serial = text_format("%08x", format->serial);
	AUTO_CLOSE int fd = -1;
	const char *argv[16] = { "mkfs.fat", "-F",   "32", "-S",  size,
				 "-i",	     serial, "-h", hidden };
	struct spawn spawn = { .argv = argv, .env = made_when };
	size_t count = 9;
	int r;

	if (!size || !hidden || !serial)
		return err_nomem(err);
	if (format->sector_size > 512) { /* else FAT32 would have too few clusters */
		argv[count++] = "-s";
		argv[count++] = "1";
	}
	if (format->label[0]) {
		argv[count++] = "-n";
		argv[count++] = format->label;
	}
	argv[count] = FAT_VOLUME_PATH;
	r = fat_memory_file("fat", format->length, &fd, err);
	if (r < 0)
		return r;
	spawn.input_fd = fd;
	r = spawn_run(&spawn, NULL, err);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int fat_visit_data(int fd, uint64_t length, overlay_visit *visit, void *context,
		   struct err *err)
{
	AUTO_FREE uint8_t *buffer = malloc(MiB);
	off_t start = 0, end;
	int r = 0;

	if (!buffer)
		return err_nomem(err);
	while (r == 0 && (start = lseek(fd, start, SEEK_DATA)) >= 0) {
		end = lseek(fd, start, SEEK_HOLE);
		if (end < 0 || (uint64_t)end > length)
			end = (off_t)length;
		while (r == 0 && start < end) {
			size_t part = (size_t)min_u64(MiB, (uint64_t)(end - start));

			if (pread(fd, buffer, part, start) != (ssize_t)part)
				return err_set(err, -EIO,
					       "the new FAT volume cannot be read");
			r = visit((uint64_t)start, buffer, part, context, err);
			start += (off_t)part;
		}
	}
	return r;
}
