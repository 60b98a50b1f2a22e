/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sources for tests that fail or dawdle on purpose. They own their parent. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <base/block-source.h>

#include "fault.h"

/* Both kinds; what a kind does not use is 0. */
struct source_fault {
	struct block_source source;
	struct block_source *parent;
	struct fault fault;
	struct timespec delay;
};

static int flaky_read_at(struct block_source *source, void *buffer, uint64_t offset,
			 size_t length, struct err *err)
{
	struct source_fault *flaky = (struct source_fault *)source;
	unsigned number = fault_hit(&flaky->fault);

	if (number)
		return err_set(err, flaky->fault.code, "'%s': read %u made to fail",
			       source->name, number);
	return source_read(flaky->parent, buffer, offset, length, err);
}

static int slow_read_at(struct block_source *source, void *buffer, uint64_t offset,
			size_t length, struct err *err)
{
	struct source_fault *slow = (struct source_fault *)source;
	struct timespec rest = slow->delay;

	while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
		;
	return source_read(slow->parent, buffer, offset, length, err);
}

static int parent_extents(struct block_source *source, uint64_t offset, uint64_t length,
			  struct extent *extents, size_t max, size_t *ret_count,
			  struct err *err)
{
	struct source_fault *fault = (struct source_fault *)source;

	return source_extents(fault->parent, offset, length, extents, max, ret_count,
			      err);
}

static void fault_close(struct block_source *source)
{
	struct source_fault *fault = (struct source_fault *)source;

	source_close(fault->parent);
	free(source->name);
	free(fault);
}

static const struct block_source_ops flaky_ops = {
	.read_at = flaky_read_at,
	.extents = parent_extents,
	.close = fault_close,
};

static const struct block_source_ops slow_ops = {
	.read_at = slow_read_at,
	.extents = parent_extents,
	.close = fault_close,
};

/* Takes parent over, also where it fails. */
static int source_fault_new(struct block_source *parent,
			    const struct block_source_ops *ops, struct source_fault **ret,
			    struct err *err)
{
	AUTO(source_freep) struct block_source *owned = parent;
	AUTO_FREE struct source_fault *fault = calloc(1, sizeof(*fault));
	AUTO_FREE char *name = strdup(parent->name);

	if (!fault || !name)
		return err_nomem(err);
	fault->source = *parent; /* size, sector size, max_parallel */
	fault->source.ops = ops;
	fault->source.name = TAKE_PTR(name);
	fault->parent = TAKE_PTR(owned);
	*ret = TAKE_PTR(fault);
	return 0;
}

int source_flaky_new(struct block_source *parent, unsigned failing_read, int code,
		     bool persistent, struct block_source **ret, struct err *err)
{
	struct source_fault *flaky = NULL;
	int r = source_fault_new(parent, &flaky_ops, &flaky, err);

	if (r < 0)
		return r;
	flaky->fault.failing = failing_read;
	flaky->fault.code = code;
	flaky->fault.persistent = persistent;
	*ret = (struct block_source *)flaky;
	return 0;
}

int source_slow_new(struct block_source *parent, unsigned delay_us,
		    struct block_source **ret, struct err *err)
{
	struct source_fault *slow = NULL;
	int r = source_fault_new(parent, &slow_ops, &slow, err);

	if (r < 0)
		return r;
	slow->delay.tv_sec = delay_us / 1000000;
	slow->delay.tv_nsec = (long)(delay_us % 1000000) * 1000;
	*ret = (struct block_source *)slow;
	return 0;
}
