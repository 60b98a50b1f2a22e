/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of FAT volumes, read through mtools. */
#pragma once

#include <base/block-source.h>
#include <restore/items.h>

/* See volume_read_file(). */
int fat_read_file(struct block_source *volume, const char *path, size_t limit, uint8_t **ret,
		  size_t *ret_length, struct err *err) MUST_CHECK;

/* The same from a copy that is in memory already (fat-scratch.h). */
int fat_read_scratch(const struct block_source *volume, int fd, const char *path, size_t limit,
		     uint8_t **ret, size_t *ret_length, struct err *err) MUST_CHECK;

/* What is at a path of the copy: name, kind, size, time. -ENOENT. */
int fat_find_scratch(struct block_source *volume, int fd, const char *path, struct item *ret,
		     struct err *err) MUST_CHECK;
