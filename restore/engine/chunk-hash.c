/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hashes of what is written: the one file of the engine that knows xxHash, in the variant that
 * this processor does best (arm64 has one only). */
#include <xxhash.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>
#endif

#include "restore-job.h"

void chunk_hash(struct chunk *chunk, const uint8_t *bytes)
{
	XXH128_hash_t hash = XXH3_128bits(bytes, chunk->length);

	chunk->hash_low = hash.low64;
	chunk->hash_high = hash.high64;
}

bool chunk_hash_equals(const struct chunk *a, const struct chunk *b)
{
	return a->hash_low == b->hash_low && a->hash_high == b->hash_high;
}

int chunk_compare_offsets(const void *a, const void *b)
{
	const struct chunk *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void chunk_sum_add(const struct chunk *chunk, uint64_t *low, uint64_t *high)
{
	const uint64_t record[] = { chunk->offset, chunk->length, chunk->hash_low,
				    chunk->hash_high };
	XXH128_hash_t hash = XXH3_128bits(record, sizeof(record));

	*low += hash.low64;
	*high += hash.high64;
}

uint64_t number_hash(uint64_t number, uint64_t seed)
{
	return XXH3_64bits_withSeed(&number, sizeof(number), seed);
}
