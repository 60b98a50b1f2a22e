/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that Windows 10 keeps compressed ("compact /exe", system files of small machines): the
 * unnamed stream is empty and as long as the file; the stream WofCompressedData holds a table and
 * chunks that are compressed one by one.
 *
 *	table: for each chunk but the first, where it begins behind the table (4 bytes each; 8
 *	       where the file has more than 4 GiB)
 *	chunks: of 4 KiB (XPRESS), 8, 16 KiB (XPRESS) or 32 KiB (LZX) when unpacked; one that is as
 *		long as that is stored as it is
 *
 * The first part of this is pure, the last a block source over the stream's.
 */
#pragma once

#include <base/block-source.h>

#define WOF_STREAM "WofCompressedData"

/* The numbers are those on disk. */
enum wof_algorithm {
	WOF_XPRESS_4K,
	WOF_LZX_32K,
	WOF_XPRESS_8K,
	WOF_XPRESS_16K,
	WOF_ALGORITHMS
};

struct wof_shape {
	enum wof_algorithm algorithm;
	uint32_t chunk_size; /* bytes */
	uint64_t size;	     /* bytes of the file */
	uint64_t chunks;
	unsigned entry_size; /* bytes of the table: 4 or 8 */
	uint64_t data;	     /* offset of the first chunk in the stream */
	uint64_t stream_size;
};

/* -EBADMSG: the stream has no room for its table. */
int wof_shape(enum wof_algorithm algorithm, uint64_t size, uint64_t stream_size,
	      struct wof_shape *ret, struct err *err) MUST_CHECK;

/* Which bytes of the table say where chunks first to first + count - 1 lie. */
void wof_table_range(const struct wof_shape *shape, uint64_t first, uint64_t count,
		     uint64_t *ret_offset, size_t *ret_length);

/* Offsets in the stream of these chunks and of the end of the last one, count + 1 numbers, from
 * those bytes. -EBADMSG: they are not ascending, beyond the stream, or longer than a chunk. */
int wof_chunk_offsets(const struct wof_shape *shape, uint64_t first, uint64_t count,
		      const uint8_t *table, uint64_t *ret, struct err *err) MUST_CHECK;

/* Bytes of a chunk when unpacked. */
uint32_t wof_chunk_length(const struct wof_shape *shape, uint64_t chunk);

/* The file of size bytes. stream is taken over, on failure too. */
int wof_source_new(struct block_source *stream, enum wof_algorithm algorithm,
		   uint64_t size, struct block_source **ret, struct err *err) MUST_CHECK;
