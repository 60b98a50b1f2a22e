/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The write gate: the only owner of the only writable descriptor of the disk that is being
 * restored. What it guarantees:
 *
 *   1. Nothing is written outside the ranges that were named with gate_allow(); once the
 *      gate is sealed, no range can be added.
 *   2. A held-back range (boot sectors, partition tables: what firmware or an operating
 *      system recognises) gets nothing but zeros before gate_begin_commit().
 *   3. gate_begin_commit() fails unless a flush has succeeded after the last write.
 *   4. After a failed flush nothing can be written or committed: everything since the last
 *      good flush counts as unwritten (SAFETY.md section 1). gate_begin_rewrite() opens it
 *      again, once, for a caller who writes all of that again.
 *   5. Every write that reached the disk is counted.
 *   6. What is under way when a flush begins is not covered by it.
 *
 * Whoever wants to be sure of that reads this file and gate.c, and of the ground floor what has the
 * descriptor after it: block-target.c, target-file.c, io-queue.c, full-io.c, err.c, log.c: 1,400 lines
 * with their comments, and liburing. None of them understands a byte that comes from outside.
 */
#pragma once

#include <base/block-target.h>

struct gate;

/* target is taken over, on failure too. */
int gate_new(struct block_target *target, struct gate **ret, struct err *err) MUST_CHECK;
void gate_free(struct gate *gate); /* NULL is fine; closes the target */
DEFINE_FREEP(struct gate, gate, gate_free)

/* Names a range; held: held back until the commit. Ranges may overlap: held wins. */
int gate_allow(struct gate *gate, uint64_t offset, uint64_t length, bool held,
	       struct err *err) MUST_CHECK;
void gate_seal(struct gate *gate);

/* -EPERM where the range is not named, or is held back and it is too early. */
int gate_write(struct gate *gate, const void *buffer, uint64_t offset, size_t length,
	       struct err *err) MUST_CHECK;
int gate_zero(struct gate *gate, uint64_t offset, uint64_t length, struct err *err) MUST_CHECK;
int gate_flush(struct gate *gate, struct err *err) MUST_CHECK;
/* -EIO where it was done before, or after the commit has begun; err keeps the flush's text. */
int gate_begin_rewrite(struct gate *gate, struct err *err) MUST_CHECK;

/* The same rules for a write, or a read, that goes on after the call: the buffer belongs to the
 * gate until gate_finish() tells of it. Nothing else may touch its bytes meanwhile (-EBUSY). A
 * flush covers what gate_finish() has told of. */
int gate_start(struct gate *gate, const struct target_io *io, struct err *err) MUST_CHECK;
/* 1: *ret is done. 0: none is (wait: none is under way). Negative: the one in *ret failed. */
int gate_finish(struct gate *gate, bool wait, struct target_io *ret, struct err *err) MUST_CHECK;
unsigned gate_under_way(const struct gate *gate);
/* How many may be. */
unsigned gate_depth(const struct gate *gate);
/* Memory that many writes will come from. */
void gate_share(struct gate *gate, void *memory, size_t length);
/* Is the disk best written in ascending order? Does it cost less to zero than to write zeros? */
bool gate_ascending(const struct gate *gate);
bool gate_zeroes_fast(const struct gate *gate);

bool gate_flush_failed(const struct gate *gate);
/* Did the disk itself fail, or refuse, an operation? */
bool gate_disk_failed(const struct gate *gate);
int gate_read(struct gate *gate, void *buffer, uint64_t offset, size_t length,
	      struct err *err) MUST_CHECK;

/* From here on the held-back ranges may be written. */
int gate_begin_commit(struct gate *gate, struct err *err) MUST_CHECK;

struct gate_counts {
	uint64_t writes, bytes; /* writes and bytes that reached the target */
	uint64_t zeroed_bytes;
	uint64_t flushes;
	uint64_t refused; /* operations that the gate did not let through */
};
struct gate_counts gate_counts(const struct gate *gate);
/* How long callers stood still because of the disk; grows. Valid as long as the gate. */
const uint64_t *gate_waited_ns(const struct gate *gate);
/* Of buffers; fit for posix_memalign(). */
size_t gate_alignment(const struct gate *gate);
