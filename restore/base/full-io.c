/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See full-io.h. */
#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

#include "full-io.h"

int pread_full(int fd, void *buffer, size_t length, uint64_t offset, size_t *ret_done)
{
	uint8_t *to = buffer;

	*ret_done = 0;
	while (*ret_done < length) {
		ssize_t n = pread(fd, to + *ret_done, length - *ret_done,
				  (off_t)(offset + *ret_done));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0)
			*ret_done += (size_t)n;
	}
	return 0;
}

int pwrite_full(int fd, const void *buffer, size_t length, uint64_t offset,
		size_t *ret_done)
{
	const uint8_t *from = buffer;

	*ret_done = 0;
	while (*ret_done < length) {
		ssize_t n = pwrite(fd, from + *ret_done, length - *ret_done,
				   (off_t)(offset + *ret_done));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n ==
		    0) /* no file system does this; without an answer it would loop */
			return -EIO;
		if (n > 0)
			*ret_done += (size_t)n;
	}
	return 0;
}
