/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hives for tests: the generated ones of the fuzz corpus, real ones of the folder that SAMPLES
 * names, and ways to look into them and to spoil them.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "hives/hive-check.h"
#include "hives/hive-edit.h"

#define HIVES	    "restore/fuzz/corpus/hive-check/"
#define SYSTEM_HIVE HIVES "system-gpt"

/* A whole file; length 0: there is none. The caller frees. */
static inline struct hive_file file_load(const char *path)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	struct hive_file loaded = { 0 };
	uint8_t *bytes;
	long length;

	if (!file)
		return loaded;
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	length = ftell(file);
	rewind(file);
	bytes = malloc((size_t)length + 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)length, file), length);
	return (struct hive_file){ bytes, (size_t)length };
}

static inline void file_drop(struct hive_file *file)
{
	free((void *)file->bytes);
	*file = (struct hive_file){ 0 };
}

static inline uint32_t get_at(const struct hive_file *file, size_t at)
{
	le32 x;

	memcpy(&x, file->bytes + at, sizeof(x));
	return get_le32(x);
}

static inline void put_at(const struct hive_file *file, size_t at, uint32_t value)
{
	le32 x = put_le32(value);

	memcpy((uint8_t *)file->bytes + at, &x, sizeof(x));
}

/* Offset in the file of a cell's contents, by the place of what refers to it. */
static inline size_t cell_by(const struct hive_file *file, size_t at)
{
	return HIVE_BASE_SIZE + get_at(file, at) + 4;
}

static inline size_t root_of(const struct hive_file *file)
{
	return cell_by(file, offsetof(struct hive_base_disk, root));
}

static inline void seal(const struct hive_file *file)
{
	hive_base_seal((uint8_t *)file->bytes, get_at(file, 4));
}

/* A file of the samples, unpacked where its name says so; name NULL: none. */
static inline struct hive_file sample_load(const char *samples, const char *name)
{
	AUTO_FREE char *command = NULL, *path = NULL;
	size_t room = 64u << 20, length;
	struct hive_file loaded = { 0 };
	uint8_t *bytes;
	FILE *pipe;

	if (!name)
		return loaded;
	path = text_format("%s/%s", samples, name);
	if (!strstr(name, ".xz")) {
		loaded = file_load(path);
		assert_true(loaded.length > 0);
		return loaded;
	}
	command = text_format("xz -dc '%s'", path);
	pipe = popen(command, "re");
	bytes = malloc(room);
	assert_true(pipe && bytes);
	length = fread(bytes, 1, room, pipe);
	assert_int_equal(pclose(pipe), 0);
	assert_in_range(length, 1, room - 1);
	return (struct hive_file){ bytes, length };
}
