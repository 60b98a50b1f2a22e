/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arithmetic on values that come from a disk or a network. Each function answers false on
 * overflow and then leaves *ret untouched.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define KiB UINT64_C(1024)
#define MiB (KiB * 1024)
#define GiB (MiB * 1024)
#define TiB (GiB * 1024)

static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *ret)
{
	uint64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*ret = sum;
	return true;
}

static inline bool checked_mul(uint64_t a, uint64_t b, uint64_t *ret)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return false;
	*ret = product;
	return true;
}

/* Does offset + length lie within size? Never overflows. */
static inline bool range_within(uint64_t offset, uint64_t length, uint64_t size)
{
	return offset <= size && length <= size - offset;
}

/* Do the two ranges share a byte? Neither may overflow. */
static inline bool ranges_overlap(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length)
{
	return a_length && b_length && a < b + b_length && b < a + a_length;
}

static inline bool is_power_of_two(uint64_t x)
{
	return x && !(x & (x - 1));
}

/* alignment is a power of two */
static inline uint64_t align_down(uint64_t x, uint64_t alignment)
{
	return x & ~(alignment - 1);
}

static inline bool checked_align_up(uint64_t x, uint64_t alignment, uint64_t *ret)
{
	if (!checked_add(x, alignment - 1, &x))
		return false;
	*ret = align_down(x, alignment);
	return true;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}
