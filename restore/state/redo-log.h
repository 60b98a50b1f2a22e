/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of redo.h as a stream: its extents one behind the other. */
#pragma once

#include "redo.h"

struct redo_stream {
	const struct redo_place *place;
	const struct redo_range *extents;
	uint32_t count, at;
	uint64_t within; /* of extent at */
};

static inline struct redo_stream redo_stream_start(const struct redo_place *place,
						   const struct redo_pointer *pointer)
{
	return (struct redo_stream){ place, pointer->extents, pointer->extent_count, 0,
				     0 };
}

/* The next length bytes, whole pages; bytes is aligned for the gate. -EBADMSG behind the end. */
int redo_stream_write(struct redo_stream *stream, const uint8_t *bytes, size_t length,
		      struct err *err) MUST_CHECK;
int redo_stream_read(struct redo_stream *stream, uint8_t *bytes, size_t length,
		     struct err *err) MUST_CHECK;

/* redo_finish() behind a gate whose ranges are named already. */
int redo_finish_sealed(const struct redo_place *place, struct err *err) MUST_CHECK;

/* Rounds up to whole pages. */
static inline size_t redo_pages(uint64_t length)
{
	return (size_t)((length + REDO_PAGE - 1) / REDO_PAGE * REDO_PAGE);
}

/* Zeroed memory that the gate can write from. NULL: none. */
uint8_t *redo_buffer(size_t length);
