/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets for tests that write down what happens or fail on purpose. They own their
 * parent. Both kinds hand every operation on to it; they differ in what they do before.
 */
#include <inttypes.h>
#include <string.h>

#include <base/block-target.h>
#include <base/text.h>

#include "fault.h"

struct target_fault;

/* Anything but 0 stops the operation. */
typedef int fault_before(struct target_fault *self, const char *operation,
			 uint64_t offset, uint64_t length, struct err *err);

struct target_fault {
	struct block_target target;
	struct block_target *parent;
	fault_before *before;
	struct fault fault; /* flaky only */
	struct text log;    /* recording only */
};

/* -- what they have in common ---- */

static int fault_write_at(struct block_target *target, const void *buffer,
			  uint64_t offset, size_t length, struct err *err)
{
	struct target_fault *self = (struct target_fault *)target;
	int r = self->before(self, "write", offset, length, err);

	return r < 0 ? r : target_write(self->parent, buffer, offset, length, err);
}

static int fault_zero(struct block_target *target, uint64_t offset, uint64_t length,
		      struct err *err)
{
	struct target_fault *self = (struct target_fault *)target;
	int r = self->before(self, "zero", offset, length, err);

	return r < 0 ? r : target_zero(self->parent, offset, length, err);
}

static int fault_discard(struct block_target *target, uint64_t offset, uint64_t length,
			 struct err *err)
{
	struct target_fault *self = (struct target_fault *)target;
	int r = self->before(self, "discard", offset, length, err);

	return r < 0 ? r : target_discard(self->parent, offset, length, err);
}

static int fault_flush(struct block_target *target, struct err *err)
{
	struct target_fault *self = (struct target_fault *)target;
	int r = self->before(self, "flush", 0, 0, err);

	return r < 0 ? r : target_flush(self->parent, err);
}

static int fault_read_at(struct block_target *target, void *buffer, uint64_t offset,
			 size_t length, struct err *err)
{
	struct target_fault *self = (struct target_fault *)target;

	return target_read(self->parent, buffer, offset, length, err);
}

static void fault_close(struct block_target *target)
{
	struct target_fault *self = (struct target_fault *)target;

	target_close(self->parent);
	text_clear(&self->log);
	free(target->name);
	free(self);
}

static const struct block_target_ops fault_ops = {
	.write_at = fault_write_at,
	.zero = fault_zero,
	.discard = fault_discard,
	.flush = fault_flush,
	.read_at = fault_read_at,
	.close = fault_close,
};

/* Takes parent over, also where it fails. */
static int target_fault_new(struct block_target *parent, fault_before *before,
			    struct target_fault **ret, struct err *err)
{
	AUTO(target_freep) struct block_target *owned = parent;
	AUTO_FREE struct target_fault *self = calloc(1, sizeof(*self));
	AUTO_FREE char *name = strdup(parent->name);

	if (!self || !name)
		return err_nomem(err);
	self->target = *parent; /* size, sector size, alignment */
	self->target.ops = &fault_ops;
	self->target.name = TAKE_PTR(name);
	self->parent = TAKE_PTR(owned);
	self->before = before;
	*ret = TAKE_PTR(self);
	return 0;
}

/* -- recording ---- */

static int record(struct target_fault *self, const char *operation, uint64_t offset,
		  uint64_t length, struct err *err)
{
	if (length)
		text_add(&self->log, "%s %" PRIu64 "+%" PRIu64 "\n", operation, offset,
			 length);
	else
		text_add(&self->log, "%s\n", operation);
	return self->log.failed ? err_nomem(err) : 0;
}

int target_recording_new(struct block_target *parent, struct block_target **ret,
			 struct err *err)
{
	struct target_fault *self = NULL;
	int r = target_fault_new(parent, record, &self, err);

	if (r < 0)
		return r;
	*ret = (struct block_target *)self;
	return 0;
}

const char *target_recording_log(const struct block_target *recording)
{
	const struct target_fault *self = (const struct target_fault *)recording;

	return self->log.string ? self->log.string : "";
}

/* -- flaky ---- */

static int fail_if_due(struct target_fault *self, const char *operation, uint64_t offset,
		       uint64_t length, struct err *err)
{
	unsigned number = fault_hit(&self->fault);

	if (number == 0)
		return 0;
	return err_set(err, self->fault.code, "'%s': operation %u, a %s, made to fail",
		       self->target.name, number, operation);
}

int target_flaky_new(struct block_target *parent, unsigned failing_operation, int code,
		     bool persistent, struct block_target **ret, struct err *err)
{
	struct target_fault *self = NULL;
	int r = target_fault_new(parent, fail_if_due, &self, err);

	if (r < 0)
		return r;
	self->fault.failing = failing_operation;
	self->fault.code = code;
	self->fault.persistent = persistent;
	*ret = (struct block_target *)self;
	return 0;
}
