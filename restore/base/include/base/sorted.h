/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where something is in a sorted array, or belongs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The first of count records of size bytes each that is not before the key; count: none. Those
 * before it come first in the array. */
static inline size_t sorted_find(const void *records, size_t count, size_t size,
				 bool (*is_before)(const void *record, const void *key),
				 const void *key)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_before((const char *)records + middle * size, key))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
