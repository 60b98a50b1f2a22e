/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk with a volatile write cache: see crash-disk.h. */
#include "crash-disk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Tests that make allocations fail must not make these fail. */
void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

void crash_disk_init(struct crash_disk *disk, uint64_t size, uint32_t sector_size)
{
	*disk = (struct crash_disk){ .size = size, .sector_size = sector_size };
	disk->bytes = must(__real_malloc(size));
	disk->flushed = must(__real_malloc(size));
}

static void clear_log(struct crash_log *log)
{
	for (size_t i = 0; i < log->count; i++)
		free(log->operations[i].bytes);
	log->count = 0;
}

void crash_disk_clear(struct crash_disk *disk)
{
	clear_log(&disk->log);
	free(disk->log.operations);
	free(disk->bytes);
	free(disk->flushed);
}

void crash_disk_reset(struct crash_disk *disk, const uint8_t *content)
{
	clear_log(&disk->log);
	memcpy(disk->bytes, content, disk->size);
	disk->failing = disk->done = 0;
	disk->failed = disk->persistent = disk->logging = false;
	disk->has_bad_sector = false;
}

/* -- the target ------------------------------------------------------------------- */

struct crash_target {
	struct block_target target;
	struct crash_disk *disk;
	uint64_t base; /* where the part begins */
	struct target_io ios[CRASH_DEPTH];
	unsigned under_way;
};

static uint64_t base_of(struct block_target *target)
{
	return ((struct crash_target *)target)->base;
}

static struct crash_disk *disk_of(struct block_target *target)
{
	return ((struct crash_target *)target)->disk;
}

static int fail(struct crash_disk *disk, enum operation_kind kind, uint64_t offset,
		struct err *err)
{
	disk->done++;
	if (disk->failing == 0 || disk->done < disk->failing ||
	    (disk->done > disk->failing && !disk->persistent))
		return 0;
	if (!disk->failed) {
		disk->failed_kind = kind;
		disk->failed_offset = offset;
	}
	disk->failed = true;
	return err_set(err, -EIO, "'disk': operation %zu made to fail", disk->done);
}

static void remember(struct crash_disk *disk, enum operation_kind kind, uint64_t offset,
		     const void *bytes, size_t length)
{
	struct crash_log *log = &disk->log;
	struct operation *operation;

	if (!disk->logging)
		return;
	if (log->count == log->room) {
		log->room = log->room ? log->room * 2 : 256;
		log->operations = must(__real_realloc(
			log->operations, log->room * sizeof(*log->operations)));
	}
	operation = &log->operations[log->count++];
	*operation = (struct operation){ kind, offset, length, NULL, disk->done };
	if (kind == OPERATION_WRITE) {
		operation->bytes = must(__real_malloc(length));
		memcpy(operation->bytes, bytes, length);
	}
}

/* Part of what is pending never reaches the disk, and nobody will say so again. */
static void lose_pending(struct crash_disk *disk)
{
	uint64_t state = 88172645463325252;

	for (uint64_t at = 0; at < disk->size; at += disk->sector_size)
		if (random_next(&state) >> 63)
			memcpy(disk->bytes + at, disk->flushed + at, disk->sector_size);
	/* For the log the loss is what the disk wrote by itself, all at once. */
	remember(disk, OPERATION_WRITE, 0, disk->bytes, disk->size);
	remember(disk, OPERATION_FLUSH, 0, NULL, 0);
}

/* *length: bytes that are written, up to a sector that cannot be. */
static int meet_bad_sector(struct crash_disk *disk, enum operation_kind kind,
			   uint64_t offset, uint64_t *length, struct err *err)
{
	if (!disk->has_bad_sector || disk->bad_sector < offset ||
	    disk->bad_sector - offset >= *length)
		return 0;
	*length = disk->bad_sector - offset;
	disk->failed = true;
	disk->failed_kind = kind;
	disk->failed_offset = offset;
	return err_set(err, -EIO, "'disk': the sector at %" PRIu64 " cannot be written",
		       disk->bad_sector);
}

static int crash_write_at(struct block_target *target, const void *buffer,
			  uint64_t offset, size_t length, struct err *err)
{
	struct crash_disk *disk = disk_of(target);
	uint64_t written = length;
	int r;

	offset += base_of(target);
	r = fail(disk, OPERATION_WRITE, offset, err);
	if (r < 0)
		return r;
	r = meet_bad_sector(disk, OPERATION_WRITE, offset, &written, err);
	remember(disk, OPERATION_WRITE, offset, buffer, written);
	memcpy(disk->bytes + offset, buffer, written);
	return r;
}

static int crash_zero(struct block_target *target, uint64_t offset, uint64_t length,
		      struct err *err)
{
	struct crash_disk *disk = disk_of(target);
	int r;

	offset += base_of(target);
	r = fail(disk, OPERATION_ZERO, offset, err);
	if (r < 0)
		return r;
	r = meet_bad_sector(disk, OPERATION_ZERO, offset, &length, err);
	remember(disk, OPERATION_ZERO, offset, NULL, length);
	memset(disk->bytes + offset, 0, length);
	return r;
}

static int crash_flush(struct block_target *target, struct err *err)
{
	struct crash_disk *disk = disk_of(target);
	int r = fail(disk, OPERATION_FLUSH, base_of(target), err);

	if (r < 0) {
		lose_pending(disk);
		return r;
	}
	remember(disk, OPERATION_FLUSH, base_of(target), NULL, 0);
	if (disk->failing)
		memcpy(disk->flushed, disk->bytes, disk->size);
	return 0;
}

static int crash_read_at(struct block_target *target, void *buffer, uint64_t offset,
			 size_t length, struct err *err)
{
	struct crash_disk *disk = disk_of(target);
	int r;

	offset += base_of(target);
	r = fail(disk, OPERATION_READ, offset, err);
	if (r < 0)
		return r;
	memcpy(buffer, disk->bytes + offset, length);
	return 0;
}

static int crash_start(struct block_target *target, const struct target_io *io,
		       struct err *err)
{
	struct crash_target *own = (struct crash_target *)target;

	if (own->under_way == CRASH_DEPTH)
		abort();
	own->ios[own->under_way++] = *io;
	return 0;
}

static int crash_finish(struct block_target *target, bool wait, struct target_io *ret,
			struct err *err)
{
	struct crash_target *own = (struct crash_target *)target;
	int r;

	if (!own->under_way || (!wait && own->under_way < CRASH_DEPTH))
		return 0;
	*ret = own->ios[--own->under_way];
	r = ret->read
		    ? crash_read_at(target, ret->buffer, ret->offset, ret->length, err)
		    : crash_write_at(target, ret->buffer, ret->offset, ret->length, err);
	return r < 0 ? r : 1;
}

/* The engine may be at its end because memory was, and then what is under way is done. */
static void crash_close(struct block_target *target)
{
	struct target_io io;

	while (crash_finish(target, true, &io, NULL) != 0)
		;
	free(target);
}

struct block_target *crash_disk_target(struct crash_disk *disk, uint64_t offset,
				       uint64_t size)
{
	static const struct block_target_ops ops = {
		.write_at = crash_write_at,
		.zero = crash_zero,
		.flush = crash_flush,
		.read_at = crash_read_at,
		.close = crash_close,
		.start = crash_start,
		.finish = crash_finish,
	};
	struct crash_target *own = must(__real_malloc(sizeof(*own)));
	static char name[] = "disk";

	memcpy(disk->flushed, disk->bytes, disk->size);
	*own = (struct crash_target){
		.target = { .ops = &ops,
			    .size = size,
			    .sector_size = disk->sector_size,
			    .alignment = 1,
			    .name = name,
			    .depth = CRASH_DEPTH },
		.disk = disk,
		.base = offset,
	};
	return &own->target;
}

/* -- after a power cut ------------------------------------------------------------ */

static void apply_sector(const struct operation *operation, size_t at, size_t length,
			 uint8_t *image)
{
	if (operation->kind == OPERATION_WRITE)
		memcpy(image + operation->offset + at, operation->bytes + at, length);
	else if (operation->kind == OPERATION_ZERO)
		memset(image + operation->offset + at, 0, length);
}

void operation_apply(const struct operation *operation, uint8_t *image)
{
	apply_sector(operation, 0, operation->length, image);
}

enum loss {
	LOSE_ALL,
	LOSE_NONE,
	KEEP_ONLY_LAST,
	LOSE_ONLY_LAST,
	LOSE_ONLY_FIRST,
	TEAR_LAST
};

/* Does a pending operation reach the disk? 2: sector by sector, by chance. */
static unsigned reaches(unsigned pattern, size_t i, size_t pending, size_t at,
			uint64_t *random)
{
	switch (pattern) {
	case LOSE_ALL:
		return 0;
	case LOSE_NONE:
		return 1;
	case KEEP_ONLY_LAST:
		return i == at;
	case LOSE_ONLY_LAST:
		return i != at;
	case LOSE_ONLY_FIRST:
		return i != pending;
	case TEAR_LAST:
		return i == at ? 2 : 1;
	default:
		return pattern % 2 ? 2 : (unsigned)(random_next(random) >> 63);
	}
}

void crash_apply(const struct crash_disk *disk, size_t pending, size_t at,
		 unsigned pattern, uint64_t seed, uint8_t *image)
{
	uint64_t random = (seed + pattern * 977 + at * 31) * 2 + 1;

	random_next(&random);
	for (size_t i = pending; i <= at && i < disk->log.count; i++) {
		const struct operation *operation = &disk->log.operations[i];
		unsigned how = reaches(pattern, i, pending, at, &random);
		uint64_t coins = 0;

		if (how == 1)
			operation_apply(operation, image);
		for (size_t s = 0; how == 2 && s < operation->length;
		     s += disk->sector_size) {
			if (s / disk->sector_size % 64 == 0)
				coins = random_next(&random);
			if (coins >> (s / disk->sector_size % 64) & 1)
				apply_sector(operation, s, disk->sector_size, image);
		}
	}
}
