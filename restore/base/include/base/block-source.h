/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A block source: something of a fixed size that can be read at any offset. Sources stack:
 * a slice of a VHDX over a file on a share is four of them. A source owns what it was built
 * from where its constructor says "takes over", and then closes it, on failure too.
 *
 * There are no short reads: read_at fills the whole buffer or fails. Sources are read-only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/cleanup.h>
#include <base/err.h>

enum extent_kind {
	EXTENT_DATA,   /* must be read */
	EXTENT_ZERO,   /* stored or marked as zeros: reads as zeros */
	EXTENT_ABSENT, /* not stored at all: reads as zeros */
};

struct extent {
	uint64_t offset; /* bytes from the start of the source */
	uint64_t length; /* bytes */
	enum extent_kind kind;
};

struct block_source;

struct block_source_ops {
	/* Within size and with length > 0: the wrappers below check that. */
	int (*read_at)(struct block_source *source, void *buffer, uint64_t offset,
		       size_t length, struct err *err);
	/* Covers [offset, offset + something > 0 up to length) without a gap by up to
	 * max extents. May be NULL: all data. */
	int (*extents)(struct block_source *source, uint64_t offset, uint64_t length,
		       struct extent *extents, size_t max, size_t *ret_count, struct err *err);
	/* Frees everything, the name and the source itself too. */
	void (*close)(struct block_source *source);
};

/* The first member of every kind of source. */
struct block_source {
	const struct block_source_ops *ops;
	uint64_t size;	       /* bytes */
	uint32_t sector_size;  /* logical sector of the disk it shows: 512, 4096; 0: a file */
	int64_t mtime_ns;      /* of the file, since 1970; 0: unknown, or no file */
	unsigned max_parallel; /* how many reads may run at once; 1: one after the other */
	char *name;	       /* for messages; owned */
};

/* -EINVAL where the range leaves the source. length 0 is fine. */
int source_read(struct block_source *source, void *buffer, uint64_t offset, size_t length,
		struct err *err) MUST_CHECK;

/* Describes the range from offset on: up to max extents, adjacent, in order, cut at
 * offset + length; they may end before it, then ask again from where they end. */
int source_extents(struct block_source *source, uint64_t offset, uint64_t length,
		   struct extent *extents, size_t max, size_t *ret_count,
		   struct err *err) MUST_CHECK;

/* Calls visit for each extent of the range, neighbours of one kind joined. A visit that
 * returns non-zero ends the walk with that value. */
typedef int extent_visit(const struct extent *extent, void *context, struct err *err);
int source_walk(struct block_source *source, uint64_t offset, uint64_t length,
		extent_visit *visit, void *context, struct err *err) MUST_CHECK;

void source_close(struct block_source *source); /* NULL is fine */
DEFINE_FREEP(struct block_source, source, source_close)

/* -- kinds ------------------------------------------------------------------------------- */

/* A file or block device, opened read-only. Holes (SEEK_HOLE) are absent extents. */
int source_file_open(const char *path, struct block_source **ret, struct err *err) MUST_CHECK;

/* All of a small file; *ret has room for one byte more, the caller frees. `what` names its kind with
 * an article, "an answer file". -EFBIG: longer than max. */
int source_file_read_whole(const char *path, const char *what, size_t max, uint8_t **ret,
			   size_t *ret_length, struct err *err) MUST_CHECK;

/* The same as the first from a descriptor, taken over. */
int source_file_from_fd(int fd, const char *name, struct block_source **ret,
			struct err *err) MUST_CHECK;

/* A copy of length bytes. */
int source_memory_new(const void *bytes, size_t length, const char *name,
		      struct block_source **ret, struct err *err) MUST_CHECK;

/* length bytes of parent from offset on. parent is taken over if owns_parent. */
int source_slice_new(struct block_source *parent, bool owns_parent, uint64_t offset,
		     uint64_t length, const char *name, struct block_source **ret,
		     struct err *err) MUST_CHECK;

/* Over a parent that is taken over, on failure too: short reads come from pages that are kept
 * in memory, 8 MiB at most. One read at a time. For metadata over a network. */
int source_cached_new(struct block_source *parent, struct block_source **ret,
		      struct err *err) MUST_CHECK;

/* For tests, over a parent that is taken over: the failing_read-th read from now (1 is the
 * next) fails with code, once, or from then on if persistent. */
int source_flaky_new(struct block_source *parent, unsigned failing_read, int code,
		     bool persistent, struct block_source **ret, struct err *err) MUST_CHECK;

/* For tests, over a parent that is taken over: every read takes delay_us longer. */
int source_slow_new(struct block_source *parent, unsigned delay_us, struct block_source **ret,
		    struct err *err) MUST_CHECK;
