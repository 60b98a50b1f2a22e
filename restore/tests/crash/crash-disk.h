/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A disk with a volatile write cache, in memory. It writes down every operation, so that the
 * state of the disk after a power cut at any of them can be made: whatever was not flushed is
 * lost, kept, torn and reordered, sector by sector, as a pattern says. It can also fail an
 * operation; a failed flush loses part of what was pending, and the next one tells nothing of it.
 * Or it has a sector that cannot be written: what lies before it of such a write is written.
 */
#pragma once

#include <base/block-target.h>

enum operation_kind { OPERATION_WRITE, OPERATION_ZERO, OPERATION_FLUSH, OPERATION_READ };

struct operation {
	enum operation_kind kind;
	uint64_t offset; /* of a flush: where its part of the disk begins */
	size_t length;
	uint8_t *bytes; /* of a write */
	size_t number;	/* among all operations, reads too */
};

struct crash_log {
	size_t count, room;
	struct operation *operations; /* without reads */
};

/* Writes and reads under way: they happen when target_finish() tells of them, last first. A write
 * that a flush does not wait for is thus on the disk only after it. */
#define CRASH_DEPTH 3

struct crash_disk {
	uint64_t size;
	uint32_t sector_size;
	uint8_t *bytes;	    /* what a read shows */
	uint8_t *flushed;   /* as of the last good flush; only kept where something fails */
	struct crash_log log;
	bool logging;
	/* failing: which operation fails, reads counted; 0: none */
	size_t failing, done;
	bool persistent;
	enum operation_kind failed_kind;
	uint64_t failed_offset; /* of a flush: where its part begins */
	bool failed;
	bool has_bad_sector;
	uint64_t bad_sector; /* bytes */
};

void crash_disk_init(struct crash_disk *disk, uint64_t size, uint32_t sector_size);
void crash_disk_clear(struct crash_disk *disk);
/* Content, and nothing fails and nothing is in the log. */
void crash_disk_reset(struct crash_disk *disk, const uint8_t *content);
/* A part of it, as a target of its own; the cache is one. Takes nothing over; the disk outlives the
 * target. */
struct block_target *crash_disk_target(struct crash_disk *disk, uint64_t offset,
				       uint64_t size);

#define PATTERNS 16 /* named ones come first, random ones after them */

/* What is on the disk after a cut within operation number at: image holds what was flushed before,
 * pending is the first operation after that flush. */
void crash_apply(const struct crash_disk *disk, size_t pending, size_t at, unsigned pattern,
		 uint64_t seed, uint8_t *image);
/* Without loss. */
void operation_apply(const struct operation *operation, uint8_t *image);

uint64_t random_next(uint64_t *state);
