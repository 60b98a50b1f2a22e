/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pread and pwrite that go on after signals and short transfers. Internal to base. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Return 0 or a negative errno. *ret_done, set in either case, is how many bytes went
 * through before the error; on success less than length only where a read met the end of
 * the file. */
int pread_full(int fd, void *buffer, size_t length, uint64_t offset, size_t *ret_done);
int pwrite_full(int fd, const void *buffer, size_t length, uint64_t offset,
		size_t *ret_done);
