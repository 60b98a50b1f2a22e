/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the fuzz targets share: see fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>

#define RECORDS_MAX 512 /* more than any seed has; bounds the time of one read */

struct record_disk {
	le64 offset; /* 0 */
	le32 length; /* 8 */
};
_Static_assert(sizeof(struct record_disk) == 12, "no padding");

struct record {
	uint64_t offset, length;
	const uint8_t *bytes;
};

struct source_sparse {
	struct block_source source;
	size_t count;
	struct record records[RECORDS_MAX];
};

void fuzz_require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

char *fuzz_text(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length + 1);

	fuzz_require(text, "out of memory");
	if (length)
		memcpy(text, bytes, length);
	text[length] = '\0';
	return text;
}

static int sparse_read_at(struct block_source *source, void *buffer, uint64_t offset,
			  size_t length, struct err *err)
{
	const struct source_sparse *sparse = (const struct source_sparse *)source;
	uint8_t *to = buffer;

	memset(buffer, 0, length);
	for (size_t i = 0; i < sparse->count; i++) {
		const struct record *record = &sparse->records[i];
		uint64_t first = record->offset > offset ? record->offset : offset;
		uint64_t end = min_u64(record->offset + record->length, offset + length);

		if (first < end)
			memcpy(to + (first - offset),
			       record->bytes + (first - record->offset), end - first);
	}
	return 0;
}

static void sparse_close(struct block_source *source)
{
	free(source->name);
	free(source);
}

static const struct block_source_ops sparse_ops = {
	.read_at = sparse_read_at,
	.close = sparse_close,
};

/* Takes the records; what is cut off or leaves the file is left out. */
static void take_records(struct source_sparse *sparse, const uint8_t *bytes,
			 size_t length)
{
	struct record_disk disk;

	while (length >= sizeof(disk) && sparse->count < RECORDS_MAX) {
		struct record *record = &sparse->records[sparse->count];

		memcpy(&disk, bytes, sizeof(disk));
		bytes += sizeof(disk);
		length -= sizeof(disk);
		record->offset = get_le64(disk.offset);
		record->length = min_u64(get_le32(disk.length), length);
		record->bytes = bytes;
		if (range_within(record->offset, record->length, sparse->source.size))
			sparse->count++;
		bytes += record->length;
		length -= record->length;
	}
}

struct block_source *fuzz_sparse_source(const uint8_t *bytes, size_t length,
					const char *name)
{
	struct source_sparse *sparse;
	le64 size;

	if (length < sizeof(size))
		return NULL;
	memcpy(&size, bytes, sizeof(size));
	sparse = calloc(1, sizeof(*sparse));
	fuzz_require(sparse, "out of memory");
	sparse->source = (struct block_source){
		.ops = &sparse_ops,
		.size = get_le64(size) & INT64_MAX, /* as a file's size */
		.max_parallel = 1,
		.name = strdup(name),
	};
	take_records(sparse, bytes + sizeof(size), length - sizeof(size));
	return &sparse->source;
}

static void read_at(struct block_source *source, uint64_t offset)
{
	uint8_t buffer[8192];
	struct err err = { 0 };
	size_t part = min_u64(sizeof(buffer), source->size - offset);
	int r = source_read(source, buffer, offset, part, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
}

static void ask_extents(struct block_source *source, uint64_t offset)
{
	struct extent extents[16];
	struct err err = { 0 };
	size_t count = 0;
	int r = source_extents(source, offset, source->size - offset, extents,
			       ARRAY_SIZE(extents), &count, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	for (size_t i = 0; r == 0 && i < count; i++) {
		fuzz_require(extents[i].offset == offset, "extents with a gap");
		fuzz_require(extents[i].length > 0 &&
				     extents[i].length <= source->size - offset,
			     "an extent that leaves its source");
		offset += extents[i].length;
	}
}

void fuzz_read_around(struct block_source *source)
{
	uint64_t places[] = { 0, source->size / 2, source->size - 1,
			      source->size > 8192 ? source->size - 8192 : 0 };

	if (source->size == 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		read_at(source, places[i]);
		ask_extents(source, places[i]);
	}
}
