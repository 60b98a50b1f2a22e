/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The write gate: see gate.h. */
#include "gate.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "meter.h"

struct gate_range {
	uint64_t offset, length;
	bool held;
};

/* More is not worth the memory that it holds. */
#define UNDER_WAY_MAX 32

struct gate {
	struct block_target *target;
	unsigned under_way;
	struct target_io ios[UNDER_WAY_MAX];
	size_t range_count;
	struct gate_range *ranges;
	uint64_t waited_ns;
	bool sealed;
	bool dirty;	/* written since the last good flush */
	bool failed;	/* a flush failed */
	bool rewriting; /* it did before, and all since the good one is written again */
	bool disk_failed;
	uint64_t dirty_from, dirty_to; /* bytes written since the last good flush */
	bool committing;	       /* held-back ranges are open */
	struct gate_counts counts;
};

int gate_new(struct block_target *target, struct gate **ret, struct err *err)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	if (!gate) {
		target_close(target);
		return err_nomem(err);
	}
	gate->target = target;
	*ret = gate;
	return 0;
}

void gate_free(struct gate *gate)
{
	if (!gate)
		return;
	target_close(gate->target);
	free(gate->ranges);
	free(gate);
}

int gate_allow(struct gate *gate, uint64_t offset, uint64_t length, bool held,
	       struct err *err)
{
	struct gate_range *ranges;

	if (gate->sealed)
		return err_set(err, -EPERM,
			       "'%s': the write gate is sealed, a range cannot be added",
			       gate->target->name);
	if (!range_within(offset, length, gate->target->size))
		return err_set(err, -EINVAL,
			       "'%s': range %" PRIu64 "+%" PRIu64
			       " leaves the disk of %" PRIu64 " bytes",
			       gate->target->name, offset, length, gate->target->size);
	ranges = reallocarray(gate->ranges, gate->range_count + 1, sizeof(*ranges));
	if (!ranges)
		return err_nomem(err);
	gate->ranges = ranges;
	ranges[gate->range_count++] = (struct gate_range){ offset, length, held };
	return 0;
}

void gate_seal(struct gate *gate)
{
	gate->sealed = true;
}

/* Is every byte of the range named? Walks on from the end of whichever range covers the
 * next byte furthest. */
static bool is_named(const struct gate *gate, uint64_t offset, uint64_t length)
{
	uint64_t end = offset + length;

	while (offset < end) {
		uint64_t reached = offset;

		for (size_t i = 0; i < gate->range_count; i++) {
			const struct gate_range *range = &gate->ranges[i];

			if (range->offset <= offset)
				reached = max_u64(reached, range->offset + range->length);
		}
		if (reached == offset)
			return false;
		offset = reached;
	}
	return true;
}

static bool touches_held(const struct gate *gate, uint64_t offset, uint64_t length)
{
	for (size_t i = 0; i < gate->range_count; i++)
		if (gate->ranges[i].held &&
		    ranges_overlap(offset, length, gate->ranges[i].offset,
				   gate->ranges[i].length))
			return true;
	return false;
}

static int check_write(struct gate *gate, uint64_t offset, uint64_t length, bool zeros,
		       struct err *err)
{
	const char *why = NULL;

	if (!gate->sealed)
		why = "the write gate is not sealed yet";
	else if (gate->failed)
		why = "a flush has failed, nothing more is written";
	else if (!range_within(offset, length, gate->target->size) ||
		 !is_named(gate, offset, length))
		why = "the plan does not name this range";
	else if (!zeros && !gate->committing && touches_held(gate, offset, length))
		why = "the range is held back until the commit";
	if (!why)
		return 0;
	gate->counts.refused++;
	return err_set(err, -EPERM, "'%s': write to %" PRIu64 "+%" PRIu64 " refused: %s",
		       gate->target->name, offset, length, why);
}

static bool touches_under_way(const struct gate *gate, uint64_t offset, uint64_t length)
{
	for (unsigned i = 0; i < gate->under_way; i++)
		if (ranges_overlap(offset, length, gate->ios[i].offset,
				   gate->ios[i].length))
			return true;
	return false;
}

static int check_under_way(const struct gate *gate, uint64_t offset, uint64_t length,
			   struct err *err)
{
	if (!touches_under_way(gate, offset, length))
		return 0;
	return err_set(err, -EBUSY,
		       "'%s': %" PRIu64 "+%" PRIu64 " is being read or written",
		       gate->target->name, offset, length);
}

static void mark_dirty(struct gate *gate, uint64_t offset, uint64_t length)
{
	gate->dirty_from = gate->dirty ? min_u64(gate->dirty_from, offset) : offset;
	gate->dirty_to =
		gate->dirty ? max_u64(gate->dirty_to, offset + length) : offset + length;
	gate->dirty = true;
}

/* Remembers that it was the disk that failed, and says where in its own terms. */
static int from_disk(struct gate *gate, int r, uint64_t offset, uint64_t length,
		     struct err *err)
{
	uint32_t sector = gate->target->sector_size;

	if (r >= 0)
		return r;
	gate->disk_failed = true;
	if (length)
		err_add(err, "'%s', sectors %" PRIu64 " to %" PRIu64, gate->target->name,
			offset / sector, (offset + length - 1) / sector);
	return r;
}

/* From started on the caller stood still because of the disk. */
static void count_wait(struct gate *gate, uint64_t started)
{
	gate->waited_ns += clock_ns() - started;
}

static int begin_write(struct gate *gate, uint64_t offset, uint64_t length, bool zeros,
		       struct err *err)
{
	int r = check_write(gate, offset, length, zeros, err);

	if (r == 0)
		r = check_under_way(gate, offset, length, err);
	if (r == 0)
		mark_dirty(gate, offset, length);
	return r;
}

int gate_write(struct gate *gate, const void *buffer, uint64_t offset, size_t length,
	       struct err *err)
{
	int r = begin_write(gate, offset, length, false, err);
	uint64_t started = clock_ns();

	if (r < 0)
		return r;
	r = target_write(gate->target, buffer, offset, length, err);
	count_wait(gate, started);
	r = from_disk(gate, r, offset, length, err);
	if (r < 0)
		return r;
	gate->counts.writes++;
	gate->counts.bytes += length;
	return 0;
}

int gate_zero(struct gate *gate, uint64_t offset, uint64_t length, struct err *err)
{
	int r = begin_write(gate, offset, length, true, err);
	uint64_t started = clock_ns();

	if (r < 0)
		return r;
	r = target_zero(gate->target, offset, length, err);
	count_wait(gate, started);
	r = from_disk(gate, r, offset, length, err);
	if (r < 0)
		return r;
	gate->counts.writes++;
	gate->counts.zeroed_bytes += length;
	return 0;
}

static int flush_failed(const struct gate *gate, struct err *err)
{
	uint32_t sector = gate->target->sector_size;

	if (!gate->dirty)
		return err_add(err, "nothing was written since the last good flush");
	return err_add(err,
		       "what was written to sectors %" PRIu64 " to %" PRIu64
		       " since the last good flush may be lost",
		       gate->dirty_from / sector, gate->dirty_to / sector - 1);
}

int gate_flush(struct gate *gate, struct err *err)
{
	uint64_t started;
	int r;

	if (gate->failed)
		return err_set(err, -EIO, "'%s': an earlier flush failed",
			       gate->target->name);
	started = clock_ns();
	r = from_disk(gate, target_flush(gate->target, err), 0, 0, err);
	count_wait(gate, started);
	if (r < 0) {
		gate->failed = true;
		return flush_failed(gate, err);
	}
	gate->dirty = false;
	for (unsigned i = 0; i < gate->under_way; i++)
		if (!gate->ios[i].read)
			mark_dirty(gate, gate->ios[i].offset, gate->ios[i].length);
	gate->counts.flushes++;
	return 0;
}

/* -- several at once -------------------------------------------------------------- */

int gate_start(struct gate *gate, const struct target_io *io, struct err *err)
{
	int r = io->read ? 0 : check_write(gate, io->offset, io->length, false, err);

	if (r == 0)
		r = check_under_way(gate, io->offset, io->length, err);
	if (r < 0)
		return r;
	if (gate->under_way == gate_depth(gate))
		return err_set(err, -EBUSY, "'%s': %u operations are under way",
			       gate->target->name, gate->under_way);
	if (!io->read)
		mark_dirty(gate, io->offset, io->length);
	r = target_start(gate->target, io, err);
	if (r < 0)
		return from_disk(gate, r, io->offset, io->length, err);
	gate->ios[gate->under_way++] = *io;
	return 0;
}

static void forget(struct gate *gate, const struct target_io *io)
{
	unsigned i = 0;

	while (i < gate->under_way && gate->ios[i].offset != io->offset)
		i++;
	if (i < gate->under_way)
		gate->ios[i] = gate->ios[--gate->under_way];
}

int gate_finish(struct gate *gate, bool wait, struct target_io *ret, struct err *err)
{
	uint64_t started = clock_ns();
	int r = target_finish(gate->target, wait, ret, err);

	count_wait(gate, started);
	if (r == 0)
		return 0;
	forget(gate, ret);
	if (r < 0)
		return from_disk(gate, r, ret->offset, ret->length, err);
	if (!ret->read) {
		gate->counts.writes++;
		gate->counts.bytes += ret->length;
	}
	return 1;
}

unsigned gate_under_way(const struct gate *gate)
{
	return gate->under_way;
}

unsigned gate_depth(const struct gate *gate)
{
	return (unsigned)min_u64(target_depth(gate->target), UNDER_WAY_MAX);
}

void gate_share(struct gate *gate, void *memory, size_t length)
{
	target_share(gate->target, memory, length);
}

bool gate_ascending(const struct gate *gate)
{
	return gate->target->ascending;
}

bool gate_zeroes_fast(const struct gate *gate)
{
	return gate->target->zeroes_fast;
}

int gate_read(struct gate *gate, void *buffer, uint64_t offset, size_t length,
	      struct err *err)
{
	uint64_t started = clock_ns();
	int r = target_read(gate->target, buffer, offset, length, err);

	count_wait(gate, started);
	return from_disk(gate, r, offset, length, err);
}

int gate_begin_rewrite(struct gate *gate, struct err *err)
{
	if (!gate->failed || gate->rewriting || gate->committing)
		return err && err->code
			       ? err->code
			       : err_set(err, -EIO, "'%s': an earlier flush failed",
					 gate->target->name);
	gate->failed = false;
	gate->rewriting = true;
	gate->disk_failed = false;
	return 0;
}

const uint64_t *gate_waited_ns(const struct gate *gate)
{
	return &gate->waited_ns;
}

bool gate_flush_failed(const struct gate *gate)
{
	return gate->failed;
}

bool gate_disk_failed(const struct gate *gate)
{
	return gate->disk_failed;
}

int gate_begin_commit(struct gate *gate, struct err *err)
{
	if (gate->dirty || gate->failed || gate->under_way || !gate->sealed)
		return err_set(err, -EPERM,
			       "'%s': no commit before a flush has succeeded",
			       gate->target->name);
	gate->committing = true;
	return 0;
}

struct gate_counts gate_counts(const struct gate *gate)
{
	return gate->counts;
}

size_t gate_alignment(const struct gate *gate)
{
	return max_u64(gate->target->alignment, sizeof(void *));
}
