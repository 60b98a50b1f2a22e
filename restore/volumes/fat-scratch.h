/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sparse copy of a FAT volume in memory, for mtools. The copy is an anonymous file that the
 * program gets as its standard input and opens again by name, so that nothing is left behind
 * however we end, and a process without rights can do it.
 */
#pragma once

#include <base/block-source.h>

#define FAT_VOLUME_PATH "/proc/self/fd/0"

/* Copies what is stored and not zero, at most 256 MiB. *ret_fd: the file, of the volume's
 * size. */
int fat_scratch_copy(struct block_source *volume, int *ret_fd, struct err *err) MUST_CHECK;

/* An anonymous file of this size. */
int fat_memory_file(const char *name, uint64_t size, int *ret, struct err *err) MUST_CHECK;

int fat_memory_write(int fd, const void *buffer, size_t length, uint64_t offset,
		     struct err *err) MUST_CHECK;

/* For struct spawn. */
extern const char *const fat_mtools_environment[];

/* "::/path", to be freed. NULL and an error where mtools would take the path for a pattern, a
 * drive or its own separators. */
char *fat_mtools_path(const char *path, struct err *err);

/* -EBADMSG: chains of the copy in fd cross, loop or lead nowhere. */
int fat_check(const struct block_source *volume, int fd, struct err *err) MUST_CHECK;

/* 0 if the copy in fd has that file; -ENOENT, -EISDIR, or -EBADMSG where FAT is damaged. */
int fat_find_file(const struct block_source *volume, int fd, const char *path,
		  const char *mtools_path, struct err *err) MUST_CHECK;
