/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of bytes as ranges: see range-map.h. */
#include "range-map.h"

#include <stdlib.h>
#include <string.h>

#include <base/checked.h>
#include <base/sorted.h>

static bool ends_before(const void *record, const void *offset)
{
	const struct range *range = record;

	return range->offset + range->length < *(const uint64_t *)offset;
}

/* The first of count ranges that ends at offset or behind it. */
static size_t find_range(const struct range_map *map, size_t count, uint64_t offset)
{
	return sorted_find(map->ranges, count, sizeof(*map->ranges), ends_before,
			   &offset);
}

static int make_room(struct range_map *map, size_t needed, struct err *err)
{
	size_t room = map->room ? map->room : 64;
	struct range *ranges;

	while (room < needed)
		room *= 2;
	if (room == map->room)
		return 0;
	ranges = reallocarray(map->ranges, room, sizeof(*ranges));
	if (!ranges)
		return err_nomem(err);
	map->ranges = ranges;
	map->room = room;
	return 0;
}

int range_map_add(struct range_map *map, uint64_t offset, uint64_t length,
		  struct err *err)
{
	size_t first = find_range(map, map->count, offset), last = first;
	uint64_t end = offset + length;
	int r;

	if (length == 0)
		return 0;
	r = make_room(map, map->count + 1, err);
	if (r < 0)
		return r;
	while (last < map->count && map->ranges[last].offset <= end) {
		const struct range *range = &map->ranges[last++];

		offset = min_u64(offset, range->offset);
		end = max_u64(end, range->offset + range->length);
	}
	memmove(&map->ranges[first + 1], &map->ranges[last],
		(map->count - last) * sizeof(*map->ranges));
	map->ranges[first] = (struct range){ offset, end - offset };
	map->count = map->count - (last - first) + 1;
	return 0;
}

bool range_map_covers(const struct range_map *map, size_t count, uint64_t offset,
		      uint64_t length)
{
	size_t i = find_range(map, count, offset + (length ? 1 : 0));

	return i < count && map->ranges[i].offset <= offset &&
	       length <= map->ranges[i].length - (offset - map->ranges[i].offset);
}

int range_map_copy(struct range_map *map, const struct range_map *from, struct err *err)
{
	int r = make_room(map, from->count + 1, err);

	if (r < 0)
		return r;
	if (from->count)
		memcpy(map->ranges, from->ranges, from->count * sizeof(*map->ranges));
	map->count = from->count;
	return 0;
}

void range_map_clear(struct range_map *map)
{
	free(map->ranges);
	*map = (struct range_map){ 0 };
}
