/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A block source in memory: small things that were read or built, and tests. */
#include <string.h>

#include <base/block-source.h>
#include <base/checked.h>

struct source_memory {
	struct block_source source;
	uint8_t bytes[];
};

static int memory_read_at(struct block_source *source, void *buffer, uint64_t offset,
			  size_t length, struct err *err)
{
	struct source_memory *memory = (struct source_memory *)source;

	memcpy(buffer, memory->bytes + offset, length);
	return 0;
}

static void memory_close(struct block_source *source)
{
	free(source->name);
	free(source);
}

static const struct block_source_ops memory_ops = {
	.read_at = memory_read_at,
	.close = memory_close,
};

int source_memory_new(const void *bytes, size_t length, const char *name,
		      struct block_source **ret, struct err *err)
{
	AUTO_FREE struct source_memory *memory = NULL;
	AUTO_FREE char *own_name = strdup(name);
	uint64_t needed;

	if (!own_name || !checked_add(sizeof(*memory), length, &needed))
		return err_nomem(err);
	memory = malloc(needed);
	if (!memory)
		return err_nomem(err);
	memory->source = (struct block_source){
		.ops = &memory_ops,
		.size = length,
		.max_parallel = 64, /* memcpy has no limit */
		.name = TAKE_PTR(own_name),
	};
	if (length)
		memcpy(memory->bytes, bytes, length);
	*ret = (struct block_source *)TAKE_PTR(memory);
	return 0;
}
