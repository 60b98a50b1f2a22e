/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files compressed by Windows 10: see wof.h. */
#include "wof.h"

#include <inttypes.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>

#include "unpack.h"

/* Unpacked at a time: 256 chunks of the smallest kind, 32 of the largest. */
#define RUN_SIZE MiB

static const uint32_t chunk_sizes[WOF_ALGORITHMS] = {
	[WOF_XPRESS_4K] = 4096,
	[WOF_LZX_32K] = 32768,
	[WOF_XPRESS_8K] = 8192,
	[WOF_XPRESS_16K] = 16384,
};

/* -- the format ------------------------------------------------------------------- */

int wof_shape(enum wof_algorithm algorithm, uint64_t size, uint64_t stream_size,
	      struct wof_shape *ret, struct err *err)
{
	struct wof_shape shape = { .algorithm = algorithm,
				   .chunk_size = chunk_sizes[algorithm],
				   .size = size,
				   .stream_size = stream_size };

	shape.chunks = size / shape.chunk_size + (size % shape.chunk_size != 0);
	shape.entry_size = size > UINT32_MAX ? 8 : 4;
	shape.data = shape.chunks ? (shape.chunks - 1) * shape.entry_size : 0;
	if (shape.data > stream_size)
		return err_set(err, -EBADMSG,
			       "compressed file of %" PRIu64 " bytes: a table of %" PRIu64
			       " bytes in a stream of %" PRIu64,
			       size, shape.data, stream_size);
	*ret = shape;
	return 0;
}

/* The table has no entry for the first chunk, which begins at 0; entry n - 1 is for chunk n. The
 * end of the last chunk is that of the stream. */
void wof_table_range(const struct wof_shape *shape, uint64_t first, uint64_t count,
		     uint64_t *ret_offset, size_t *ret_length)
{
	uint64_t begin = first ? first - 1 : 0;
	uint64_t end = min_u64(first + count, shape->chunks - 1);

	*ret_offset = begin * shape->entry_size;
	*ret_length = (size_t)(end > begin ? end - begin : 0) * shape->entry_size;
}

static uint64_t table_entry(const struct wof_shape *shape, const uint8_t *entry)
{
	le64 wide;
	le32 narrow;

	if (shape->entry_size == sizeof(wide)) {
		memcpy(&wide, entry, sizeof(wide));
		return get_le64(wide);
	}
	memcpy(&narrow, entry, sizeof(narrow));
	return get_le32(narrow);
}

int wof_chunk_offsets(const struct wof_shape *shape, uint64_t first, uint64_t count,
		      const uint8_t *table, uint64_t *ret, struct err *err)
{
	uint64_t room = shape->stream_size - shape->data;

	for (uint64_t i = 0; i <= count; i++) {
		uint64_t chunk = first + i, at = room;

		if (chunk == 0)
			at = 0;
		else if (chunk < shape->chunks)
			at = table_entry(shape, table + (chunk - (first ? first : 1)) *
								shape->entry_size);
		if (at > room)
			return err_set(err, -EBADMSG,
				       "compressed file: chunk %" PRIu64 " at %" PRIu64
				       ", there are %" PRIu64 " bytes",
				       chunk, at, room);
		ret[i] = shape->data + at;
		if (i && (ret[i] <= ret[i - 1] ||
			  ret[i] - ret[i - 1] > wof_chunk_length(shape, chunk - 1)))
			return err_set(err, -EBADMSG,
				       "compressed file: chunk %" PRIu64
				       " begins at %" PRIu64 " and ends at %" PRIu64,
				       chunk - 1, ret[i - 1], ret[i]);
	}
	return 0;
}

uint32_t wof_chunk_length(const struct wof_shape *shape, uint64_t chunk)
{
	return (uint32_t)min_u64(shape->chunk_size,
				 shape->size - chunk * shape->chunk_size);
}

/* -- the source ------------------------------------------------------------------- */

struct source_wof {
	struct block_source source;
	struct block_source *stream; /* owned */
	struct wof_shape shape;
	struct decompressor *decompressor;
	uint8_t *packed, *unpacked;		  /* RUN_SIZE each */
	uint8_t table[(RUN_SIZE / 4096 + 1) * 8]; /* of one run */
	uint64_t offsets[RUN_SIZE / 4096 + 1];	  /* of one run */
	uint64_t run_first, run_count;		  /* chunks in unpacked; count 0: none */
};

static int unpack_chunk(struct source_wof *own, uint64_t i, struct err *err)
{
	uint64_t chunk = own->run_first + i, from = own->offsets[i] - own->offsets[0];
	uint64_t length = own->offsets[i + 1] - own->offsets[i];
	uint8_t *to = own->unpacked + i * own->shape.chunk_size;
	uint32_t size = wof_chunk_length(&own->shape, chunk);

	if (length == size) {
		memcpy(to, own->packed + from, size);
		return 0;
	}
	if (decompressor_run(own->decompressor, own->packed + from, length, to, size) ==
	    0)
		return 0;
	return err_set(err, -EBADMSG, "'%s': compressed chunk %" PRIu64 " is damaged",
		       own->source.name, chunk);
}

static int load_run(struct source_wof *own, uint64_t first, struct err *err)
{
	uint64_t count =
		min_u64(RUN_SIZE / own->shape.chunk_size, own->shape.chunks - first);
	uint64_t at;
	size_t length;
	int r;

	own->run_count = 0;
	wof_table_range(&own->shape, first, count, &at, &length);
	r = source_read(own->stream, own->table, at, length, err);
	if (r == 0)
		r = wof_chunk_offsets(&own->shape, first, count, own->table, own->offsets,
				      err);
	if (r == 0)
		r = source_read(own->stream, own->packed, own->offsets[0],
				own->offsets[count] - own->offsets[0], err);
	own->run_first = first;
	for (uint64_t i = 0; i < count && r == 0; i++)
		r = unpack_chunk(own, i, err);
	if (r == 0)
		own->run_count = count;
	return r;
}

static int wof_read(struct block_source *source, void *buffer, uint64_t offset,
		    size_t length, struct err *err)
{
	struct source_wof *own = (struct source_wof *)source;
	uint8_t *to = buffer;

	while (length) {
		uint64_t first = align_down(offset, RUN_SIZE) / own->shape.chunk_size;
		uint64_t within = offset % RUN_SIZE;
		size_t part = (size_t)min_u64(RUN_SIZE - within, length);

		if (!own->run_count || own->run_first != first) {
			int r = load_run(own, first, err);

			if (r < 0)
				return r;
		}
		memcpy(to, own->unpacked + within, part);
		to += part;
		offset += part;
		length -= part;
	}
	return 0;
}

static void wof_close(struct block_source *source)
{
	struct source_wof *own = (struct source_wof *)source;

	decompressor_free(own->decompressor);
	source_close(own->stream);
	free(own->packed);
	free(own->unpacked);
	free(own->source.name);
	free(own);
}

static const struct block_source_ops wof_ops = {
	.read_at = wof_read,
	.close = wof_close,
};

int wof_source_new(struct block_source *stream, enum wof_algorithm algorithm,
		   uint64_t size, struct block_source **ret, struct err *err)
{
	struct source_wof *own = calloc(1, sizeof(*own));
	int r;

	if (!own) {
		source_close(stream);
		return err_nomem(err);
	}
	own->stream = stream;
	own->source = (struct block_source){
		.ops = &wof_ops,
		.size = size,
		.mtime_ns = stream->mtime_ns,
		.max_parallel = 1,
		.name = strdup(stream->name),
	};
	own->packed = malloc(RUN_SIZE);
	own->unpacked = malloc(RUN_SIZE);
	r = own->source.name && own->packed && own->unpacked ? 0 : err_nomem(err);
	if (r == 0)
		r = wof_shape(algorithm, size, stream->size, &own->shape, err);
	if (r == 0)
		r = decompressor_new(algorithm == WOF_LZX_32K, own->shape.chunk_size,
				     &own->decompressor, err);
	if (r < 0) {
		wof_close(&own->source);
		return r;
	}
	*ret = &own->source;
	return 0;
}
