/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of image formats share: bytes put at offsets by hand (from the formats'
 * specifications, not from the readers' structures), a content that is different in every
 * sector, and qemu-img as a judge.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <base/spawn.h>
#include <restore/image.h>

#define assert_succeeds(call)                                                                 \
	do {                                                                                  \
		if ((call) != 0)                                                              \
			fail_msg("%s", err.text);                                             \
	} while (0)

#define assert_failed(call, expected_code, expected_text)                                     \
	do {                                                                                  \
		assert_int_equal(call, expected_code);                                        \
		assert_string_equal(err.text, expected_text);                                 \
		assert_int_equal(err.code, expected_code);                                    \
	} while (0)

/* width bytes of value, most significant first. */
static inline void put_be(uint8_t *at, unsigned width, uint64_t value)
{
	for (unsigned i = width; i-- > 0; value >>= 8)
		at[i] = (uint8_t)value;
}

/* width bytes of value, least significant first. */
static inline void put_le(uint8_t *at, unsigned width, uint64_t value)
{
	for (unsigned i = 0; i < width; i++, value >>= 8)
		at[i] = (uint8_t)value;
}

/* A GUID in the order of Windows' disks. */
static inline void put_guid(uint8_t *at, const char *text)
{
	struct guid guid;

	assert_int_equal(guid_parse(text, strlen(text), &guid), 0);
	memcpy(at, guid.b, sizeof(guid.b));
}

/* Every sector tells its own number and seed: nothing can be swapped or shifted unseen. */
static inline void fill_pattern(uint8_t *bytes, size_t length, uint64_t seed)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)((i / 512 + seed) * 31 + i % 512 * 7 + seed);
}

/* A folder of its own for each group of tests. */
static inline int scratch_enter(void **state)
{
	char *path = strdup("/tmp/restore-test-XXXXXX");

	*state = path;
	return path && mkdtemp(path) ? chdir(path) : -1;
}

static inline int scratch_leave(void **state)
{
	AUTO_FREE char *path = *state;
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	return chdir("/") == 0 ? system(command) : -1;
}

/* Runs a program that must succeed; its output goes nowhere. */
#define run_tool(...) run_tool_argv((const char *const[]){ __VA_ARGS__, NULL })
static inline void run_tool_argv(const char *const *argv)
{
	struct spawn spawn = { .argv = argv };
	struct err err = { 0 };

	if (spawn_run(&spawn, NULL, &err) < 0)
		fail_msg("%s", err.text);
}

static inline bool have_tool(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/usr/bin/%s", name);
	if (access(path, X_OK) == 0)
		return true;
	snprintf(path, sizeof(path), "/usr/sbin/%s", name);
	if (access(path, X_OK) == 0)
		return true;
	print_message("skipped: no %s here\n", name);
	return false;
}

static inline void write_file(const char *path, const uint8_t *bytes, size_t length)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
}

/* An image of bytes in memory; name decides what a file without marks counts as. */
static inline int open_bytes(const uint8_t *bytes, size_t length, const char *name,
			     struct image_info *info, struct block_source **ret,
			     struct err *err)
{
	struct block_source *file = NULL;

	assert_int_equal(source_memory_new(bytes, length, name, &file, err), 0);
	return image_open(file, info, ret, err);
}

/* Opening must fail so. */
static inline void expect_refusal(const uint8_t *bytes, size_t length, const char *name,
				  int code, const char *text)
{
	struct block_source *disk = NULL;
	struct image_info info;
	struct err err = { 0 };

	assert_failed(open_bytes(bytes, length, name, &info, &disk, &err), code, text);
}

/* Reads all of a small source. The caller frees the result. */
static inline uint8_t *read_all(struct block_source *source)
{
	uint8_t *bytes = malloc(source->size);
	struct err err = { 0 };

	assert_non_null(bytes);
	memset(bytes, 0xa5, source->size); /* what a reader leaves out shall show */
	assert_succeeds(source_read(source, bytes, 0, source->size, &err));
	return bytes;
}

/* Same size, same bytes as the file of this path. */
static inline void expect_same_as_file(struct block_source *disk, const char *path)
{
	AUTO(source_freep) struct block_source *file = NULL;
	AUTO_FREE uint8_t *ours = malloc(MiB), *theirs = malloc(MiB);
	struct err err = { 0 };

	assert_succeeds(source_file_open(path, &file, &err));
	assert_int_equal(disk->size, file->size);
	for (uint64_t at = 0; at < disk->size; at += MiB) {
		size_t part = (size_t)min_u64(MiB, disk->size - at);

		assert_succeeds(source_read(disk, ours, at, part, &err));
		assert_succeeds(source_read(file, theirs, at, part, &err));
		assert_memory_equal(ours, theirs, part);
	}
}

/* Every extent that is not data must read as zeros, and they must cover the disk. */
static inline void expect_sound_extents(struct block_source *disk)
{
	uint64_t at = 0;

	while (at < disk->size) {
		struct extent extents[4];
		size_t count = 0;
		struct err err = { 0 };

		assert_succeeds(source_extents(disk, at, disk->size - at, extents, 4, &count,
					       &err));
		for (size_t i = 0; i < count; i++) {
			AUTO_FREE uint8_t *bytes = malloc(extents[i].length);

			at += extents[i].length;
			if (extents[i].kind == EXTENT_DATA)
				continue;
			assert_succeeds(source_read(disk, bytes, extents[i].offset,
						    extents[i].length, &err));
			for (uint64_t k = 0; k < extents[i].length; k++)
				assert_int_equal(bytes[k], 0);
		}
	}
}

/* The n-th read fails, for every n: each time an error with its text, nothing lost. */
static inline void expect_every_failing_read_to_be_told(const uint8_t *bytes, size_t length,
							const char *name)
{
	for (unsigned n = 1;; n++) {
		struct block_source *file = NULL, *flaky = NULL, *disk = NULL;
		struct image_info info;
		struct err err = { 0 };

		assert_succeeds(source_memory_new(bytes, length, name, &file, &err));
		assert_succeeds(source_flaky_new(file, n, -ETIMEDOUT, false, &flaky, &err));
		if (image_open(flaky, &info, &disk, &err) == 0) {
			source_close(disk);
			assert_true(n > 3);
			return;
		}
		assert_int_equal(err.code, -ETIMEDOUT);
		assert_true(strlen(err.text) > 0);
	}
}

/* Makes a raw file of size bytes with some content and large holes. */
static inline void make_raw(const char *path, uint64_t size)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	AUTO_FREE uint8_t *bytes = malloc(300 * KiB);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	for (uint64_t at = 0, n = 1; at < size; at += 5 * MiB + 12 * KiB, n++) {
		size_t length = (size_t)min_u64(300 * KiB, size - at);

		fill_pattern(bytes, length, n);
		assert_int_equal(pwrite(fd, bytes, length, (off_t)at), length);
	}
}
