/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A block target in memory: for tests and for tables composed before they are written. */
#include <string.h>

#include "target-geometry.h"

struct target_memory {
	struct block_target target;
	uint8_t *bytes;
};

static int memory_write_at(struct block_target *target, const void *buffer,
			   uint64_t offset, size_t length, struct err *err)
{
	struct target_memory *memory = (struct target_memory *)target;

	memcpy(memory->bytes + offset, buffer, length);
	return 0;
}

static int memory_zero(struct block_target *target, uint64_t offset, uint64_t length,
		       struct err *err)
{
	struct target_memory *memory = (struct target_memory *)target;

	memset(memory->bytes + offset, 0, length);
	return 0;
}

static int memory_flush(struct block_target *target, struct err *err)
{
	return 0;
}

static int memory_read_at(struct block_target *target, void *buffer, uint64_t offset,
			  size_t length, struct err *err)
{
	struct target_memory *memory = (struct target_memory *)target;

	memcpy(buffer, memory->bytes + offset, length);
	return 0;
}

static void memory_close(struct block_target *target)
{
	struct target_memory *memory = (struct target_memory *)target;

	free(memory->bytes);
	free(target->name);
	free(memory);
}

static const struct block_target_ops memory_ops = {
	.write_at = memory_write_at,
	.zero = memory_zero,
	.flush = memory_flush,
	.read_at = memory_read_at,
	.close = memory_close,
};

int target_memory_new(uint64_t size, uint32_t sector_size, struct block_target **ret,
		      uint8_t **ret_bytes, struct err *err)
{
	AUTO_FREE struct target_memory *memory = malloc(sizeof(*memory));
	AUTO_FREE char *name = strdup("memory");
	int r;

	if (!memory || !name)
		return err_nomem(err);
	r = target_check_geometry(name, size, sector_size, err);
	if (r < 0)
		return r;
	*memory = (struct target_memory){
		.target = {
			.ops = &memory_ops,
			.size = size,
			.sector_size = sector_size,
			.alignment = 1,
		},
		.bytes = calloc(1, size ? size : 1),
	};
	if (!memory->bytes)
		return err_nomem(err);
	memory->target.name = TAKE_PTR(name);
	*ret_bytes = memory->bytes;
	*ret = (struct block_target *)TAKE_PTR(memory);
	return 0;
}
