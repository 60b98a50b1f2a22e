/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all block targets have in common: the checks before each kind's operations. */
#include <inttypes.h>

#include <base/block-target.h>
#include <base/checked.h>

#include "target-geometry.h"

/* The logical sectors of all disks that Windows knows. */
#define SECTOR_SIZE_MIN 512
#define SECTOR_SIZE_MAX 4096

int target_check_geometry(const char *name, uint64_t size, uint32_t sector_size,
			  struct err *err)
{
	if (!is_power_of_two(sector_size) || sector_size < SECTOR_SIZE_MIN ||
	    sector_size > SECTOR_SIZE_MAX)
		return err_set(
			err, -EINVAL,
			"'%s': sector size %u, must be a power of two from %d to %d",
			name, sector_size, SECTOR_SIZE_MIN, SECTOR_SIZE_MAX);
	if (size % sector_size)
		return err_set(err, -EINVAL,
			       "'%s': size %" PRIu64
			       " is not a multiple of the sector size %u",
			       name, size, sector_size);
	return 0;
}

static int check_range(const struct block_target *target, uint64_t offset,
		       uint64_t length, struct err *err)
{
	if (!range_within(offset, length, target->size))
		return err_set(err, -EINVAL,
			       "'%s': range %" PRIu64 "+%" PRIu64
			       " leaves the size of %" PRIu64 " bytes",
			       target->name, offset, length, target->size);
	if (offset % target->sector_size || length % target->sector_size)
		return err_set(err, -EINVAL,
			       "'%s': range %" PRIu64 "+%" PRIu64
			       " is not made of whole sectors of %u bytes",
			       target->name, offset, length, target->sector_size);
	return 0;
}

static int check_buffer(const struct block_target *target, const void *buffer,
			struct err *err)
{
	if ((uintptr_t)buffer % target->alignment == 0)
		return 0;
	return err_set(err, -EINVAL, "'%s': buffer is not aligned to %zu bytes",
		       target->name, target->alignment);
}

int target_write(struct block_target *target, const void *buffer, uint64_t offset,
		 size_t length, struct err *err)
{
	int r = check_range(target, offset, length, err);

	if (r < 0 || length == 0)
		return r;
	r = check_buffer(target, buffer, err);
	if (r < 0)
		return r;
	return target->ops->write_at(target, buffer, offset, length, err);
}

int target_zero(struct block_target *target, uint64_t offset, uint64_t length,
		struct err *err)
{
	int r = check_range(target, offset, length, err);

	if (r < 0 || length == 0)
		return r;
	return target->ops->zero(target, offset, length, err);
}

int target_discard(struct block_target *target, uint64_t offset, uint64_t length,
		   struct err *err)
{
	int r = check_range(target, offset, length, err);

	if (r < 0 || length == 0 || !target->ops->discard)
		return r;
	return target->ops->discard(target, offset, length, err);
}

int target_flush(struct block_target *target, struct err *err)
{
	return target->ops->flush(target, err);
}

int target_read(struct block_target *target, void *buffer, uint64_t offset, size_t length,
		struct err *err)
{
	int r = check_range(target, offset, length, err);

	if (r < 0 || length == 0)
		return r;
	r = check_buffer(target, buffer, err);
	if (r < 0)
		return r;
	return target->ops->read_at(target, buffer, offset, length, err);
}

unsigned target_depth(const struct block_target *target)
{
	return target->depth ? target->depth : 1;
}

void target_share(struct block_target *target, void *memory, size_t length)
{
	if (target->ops->share)
		target->ops->share(target, memory, length);
}

int target_start(struct block_target *target, const struct target_io *io, struct err *err)
{
	int r = check_range(target, io->offset, io->length, err);

	if (r == 0)
		r = check_buffer(target, io->buffer, err);
	if (r < 0)
		return r;
	if (target->ops->start)
		return target->ops->start(target, io, err);
	if (target->done.buffer)
		return err_set(err, -EBUSY, "'%s': an operation is under way",
			       target->name);
	r = io->read ? target_read(target, io->buffer, io->offset, io->length, err)
		     : target_write(target, io->buffer, io->offset, io->length, err);
	if (r == 0)
		target->done = *io;
	return r;
}

int target_finish(struct block_target *target, bool wait, struct target_io *ret,
		  struct err *err)
{
	if (target->ops->start)
		return target->ops->finish(target, wait, ret, err);
	if (!target->done.buffer)
		return 0;
	*ret = target->done;
	target->done = (struct target_io){ 0 };
	return 1;
}

void target_close(struct block_target *target)
{
	if (target)
		target->ops->close(target);
}
