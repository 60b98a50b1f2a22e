/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log as a stream: see redo-log.h. */
#include "redo-log.h"

#include <base/checked.h>

uint8_t *redo_buffer(size_t length)
{
	void *bytes = NULL;

	if (posix_memalign(&bytes, REDO_PAGE, length ? length : REDO_PAGE))
		return NULL;
	memset(bytes, 0, length);
	return bytes;
}

/* Where the next bytes lie, and how many of length in one piece; 0: behind the end. */
static size_t next_piece(struct redo_stream *stream, size_t length, uint64_t *ret_offset)
{
	const struct redo_range *extent;

	while (stream->at < stream->count &&
	       stream->within == stream->extents[stream->at].length) {
		stream->at++;
		stream->within = 0;
	}
	if (stream->at == stream->count)
		return 0;
	extent = &stream->extents[stream->at];
	*ret_offset = stream->place->offset + extent->offset + stream->within;
	return (size_t)min_u64(length, extent->length - stream->within);
}

static int no_room(struct err *err)
{
	return err_set(err, -EBADMSG, "the record of a change ends too early");
}

typedef int piece_step(struct gate *gate, void *bytes, uint64_t offset, size_t length,
		       struct err *err);

static int write_piece(struct gate *gate, void *bytes, uint64_t offset, size_t length,
		       struct err *err)
{
	return gate_write(gate, bytes, offset, length, err);
}

static int read_piece(struct gate *gate, void *bytes, uint64_t offset, size_t length,
		      struct err *err)
{
	return gate_read(gate, bytes, offset, length, err);
}

static int each_piece(struct redo_stream *stream, uint8_t *bytes, size_t length,
		      piece_step *step, struct err *err)
{
	while (length) {
		uint64_t offset = 0;
		size_t part = next_piece(stream, length, &offset);
		int r = part ? step(stream->place->gate, bytes, offset, part, err)
			     : no_room(err);

		if (r < 0)
			return r;
		stream->within += part;
		bytes += part;
		length -= part;
	}
	return 0;
}

int redo_stream_write(struct redo_stream *stream, const uint8_t *bytes, size_t length,
		      struct err *err)
{
	return each_piece(stream, (uint8_t *)bytes, length, write_piece, err);
}

int redo_stream_read(struct redo_stream *stream, uint8_t *bytes, size_t length,
		     struct err *err)
{
	return each_piece(stream, bytes, length, read_piece, err);
}
