/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of bytes as ranges: sorted, apart from each other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

struct range {
	uint64_t offset, length;
};

struct range_map {
	size_t count, room;
	struct range *ranges;
};

/* Joins the range with those it touches. The range must not overflow. -ENOMEM only. */
int range_map_add(struct range_map *map, uint64_t offset, uint64_t length,
		  struct err *err) MUST_CHECK;
/* Is every byte of the range in the first count ranges of the map? */
bool range_map_covers(const struct range_map *map, size_t count, uint64_t offset,
		      uint64_t length);
int range_map_copy(struct range_map *map, const struct range_map *from,
		   struct err *err) MUST_CHECK;
void range_map_clear(struct range_map *map);
