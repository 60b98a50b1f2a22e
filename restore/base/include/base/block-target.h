/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A block target: something of a fixed size that can be written at any offset. A write
 * counts only after the next flush that succeeded. A failed flush means that everything since
 * the last good one is unwritten (SAFETY.md section 1); it is never retried on its own.
 */
#pragma once

#include <base/block-source.h>

struct block_target;

/* An operation of its own time: the buffer belongs to the target from target_start() until
 * target_finish() tells of it. */
struct target_io {
	void *buffer; /* of a write, it is only read */
	uint64_t offset;
	size_t length;
	bool read;
	void *tag; /* the caller's */
};

struct block_target_ops {
	int (*write_at)(struct block_target *target, const void *buffer, uint64_t offset,
			size_t length, struct err *err);
	/* The range reads as zeros afterwards. */
	int (*zero)(struct block_target *target, uint64_t offset, uint64_t length,
		    struct err *err);
	/* The content of the range no longer matters. May be NULL. */
	int (*discard)(struct block_target *target, uint64_t offset, uint64_t length,
		       struct err *err);
	int (*flush)(struct block_target *target, struct err *err);
	/* Reads back what is stored, past any cache where the kind can. */
	int (*read_at)(struct block_target *target, void *buffer, uint64_t offset,
		       size_t length, struct err *err);
	/* Frees everything, the name and the target itself too. Cannot fail: what was not
	 * flushed does not count. */
	void (*close)(struct block_target *target);
	/* All three may be NULL: then target_start() does the operation at once. */
	int (*start)(struct block_target *target, const struct target_io *io, struct err *err);
	int (*finish)(struct block_target *target, bool wait, struct target_io *ret,
		      struct err *err);
	void (*share)(struct block_target *target, void *memory, size_t length);
};

struct block_target {
	const struct block_target_ops *ops;
	uint64_t size;	      /* bytes */
	uint32_t sector_size; /* 512 to 4096; every offset and length is a multiple of it */
	size_t alignment;     /* of buffers in memory, for O_DIRECT; at least 1 */
	char *name;	      /* for messages; owned */
	unsigned depth;	      /* operations that may be under way at once; 0 means 1 */
	bool ascending;	      /* a disk with heads: best written in ascending order */
	bool zeroes_fast;     /* zero() costs less than writing zeros */
	struct target_io done; /* without start(): what target_finish() will tell of */
};

/* -EINVAL where the range leaves the target, is not made of whole sectors, or the buffer is
 * not aligned. length 0 is fine. A discard that the target cannot do is no error. */
int target_write(struct block_target *target, const void *buffer, uint64_t offset,
		 size_t length, struct err *err) MUST_CHECK;
int target_zero(struct block_target *target, uint64_t offset, uint64_t length,
		struct err *err) MUST_CHECK;
int target_discard(struct block_target *target, uint64_t offset, uint64_t length,
		   struct err *err) MUST_CHECK;
int target_flush(struct block_target *target, struct err *err) MUST_CHECK;
int target_read(struct block_target *target, void *buffer, uint64_t offset, size_t length,
		struct err *err) MUST_CHECK;

/* Starts a read or a write; at most target_depth() are under way. Two of them, or one and another
 * operation, must not touch the same bytes. A flush covers what target_finish() has told of, no
 * more. */
int target_start(struct block_target *target, const struct target_io *io,
		 struct err *err) MUST_CHECK;
/* 1: *ret is done. 0: none is (wait: none is under way). Negative: the one in *ret failed. */
int target_finish(struct block_target *target, bool wait, struct target_io *ret,
		  struct err *err) MUST_CHECK;
unsigned target_depth(const struct block_target *target);
/* Memory that many operations will use, up to target_close(). */
void target_share(struct block_target *target, void *memory, size_t length);

void target_close(struct block_target *target); /* NULL is fine */
DEFINE_FREEP(struct block_target, target, target_close)

/* -- kinds ------------------------------------------------------------------------------- */

/* An open file of at least size bytes, or a block device; fd is taken over. With direct, fd was
 * opened O_DIRECT and buffers are aligned to the page. */
int target_file_from_fd(int fd, const char *name, uint64_t size, uint32_t sector_size,
			bool direct, struct block_target **ret, struct err *err) MUST_CHECK;

/* size bytes of zeros in memory; *ret_bytes points at them while the target lives. */
int target_memory_new(uint64_t size, uint32_t sector_size, struct block_target **ret,
		      uint8_t **ret_bytes, struct err *err) MUST_CHECK;

/* For tests, over a parent that is taken over: appends one line per operation, before it is
 * handed on, to a log: "write 0+4096\n", "zero 8192+512\n", "discard 0+512\n", "flush\n". */
int target_recording_new(struct block_target *parent, struct block_target **ret,
			 struct err *err) MUST_CHECK;

/* Valid until the next operation. */
const char *target_recording_log(const struct block_target *recording);

/* For tests, over a parent that is taken over: the failing_operation-th write, zero, discard
 * or flush from now (1 is the next) fails with code, once or from then on. It does nothing
 * then. */
int target_flaky_new(struct block_target *parent, unsigned failing_operation, int code,
		     bool persistent, struct block_target **ret, struct err *err) MUST_CHECK;
