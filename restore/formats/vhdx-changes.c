/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The changes that a log makes to a file, flattened so that a read finds the last one
 * that holds at an offset. Pure. See vhdx-log.h.
 */
#include "vhdx-log.h"

#include <stdlib.h>

#include <base/cleanup.h>

#define NO_OWNER UINT32_MAX

int vhdx_changes_add(struct vhdx_changes *changes, const struct vhdx_change *change,
		     struct err *err)
{
	if (changes->count == changes->room) {
		size_t room = changes->room ? 2 * changes->room : 64;
		struct vhdx_change *grown =
			reallocarray(changes->items, room, sizeof(*grown));

		if (!grown)
			return err_nomem(err);
		changes->items = grown;
		changes->room = room;
	}
	changes->items[changes->count++] = *change;
	return 0;
}

void vhdx_changes_clear(struct vhdx_changes *changes)
{
	free(changes->items);
	free(changes->points);
	free(changes->owners);
	*changes = (struct vhdx_changes){ 0 };
}

static int compare_points(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Every start and end of a change, ascending, each once. */
static void collect_points(struct vhdx_changes *changes)
{
	size_t count = 0;

	for (size_t i = 0; i < changes->count; i++) {
		changes->points[2 * i] = changes->items[i].offset;
		changes->points[2 * i + 1] =
			changes->items[i].offset + changes->items[i].length;
	}
	qsort(changes->points, 2 * changes->count, sizeof(*changes->points),
	      compare_points);
	for (size_t i = 0; i < 2 * changes->count; i++)
		if (count == 0 || changes->points[count - 1] != changes->points[i])
			changes->points[count++] = changes->points[i];
	changes->point_count = count;
}

/* The last point at or before offset, which is not before the first one. */
static size_t find_point(const struct vhdx_changes *changes, uint64_t offset)
{
	size_t low = 0, high = changes->point_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (changes->points[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The first segment from i on without an owner; the way there is shortened for the next
 * time. next[i] == i while segment i has none. */
static uint32_t find_unowned(uint32_t *next, uint32_t i)
{
	while (next[i] != i) {
		next[i] = next[next[i]];
		i = next[i];
	}
	return i;
}

/* From the last change to the first, each takes the segments that no later one took, so
 * that the work is near-linear however the changes overlap. */
static void assign_owners(struct vhdx_changes *changes, uint32_t *next)
{
	for (uint32_t i = 0; i < changes->point_count; i++) {
		changes->owners[i] = NO_OWNER;
		next[i] = i;
	}
	for (size_t n = changes->count; n-- > 0;) {
		const struct vhdx_change *change = &changes->items[n];
		uint64_t end = change->offset + change->length;
		uint32_t i =
			find_unowned(next, (uint32_t)find_point(changes, change->offset));

		while (changes->points[i] < end) {
			changes->owners[i] = (uint32_t)n;
			changes->bytes += changes->points[i + 1] - changes->points[i];
			next[i] = i + 1;
			i = find_unowned(next, i);
		}
	}
}

int vhdx_changes_flatten(struct vhdx_changes *changes, struct err *err)
{
	AUTO_FREE uint32_t *next = NULL;

	if (changes->count == 0)
		return 0;
	changes->points =
		reallocarray(NULL, 2 * changes->count, sizeof(*changes->points));
	changes->owners =
		reallocarray(NULL, 2 * changes->count, sizeof(*changes->owners));
	next = reallocarray(NULL, 2 * changes->count, sizeof(*next));
	if (!changes->points || !changes->owners || !next)
		return err_nomem(err);
	collect_points(changes);
	assign_owners(changes, next);
	return 0;
}

const struct vhdx_change *vhdx_changes_find(const struct vhdx_changes *changes,
					    uint64_t offset, uint64_t *ret_end)
{
	size_t last = changes->point_count, i;

	if (last == 0 || offset >= changes->points[last - 1]) {
		*ret_end = UINT64_MAX;
		return NULL;
	}
	if (offset < changes->points[0]) {
		*ret_end = changes->points[0];
		return NULL;
	}
	i = find_point(changes, offset);
	*ret_end = changes->points[i + 1];
	return changes->owners[i] == NO_OWNER ? NULL
					      : &changes->items[changes->owners[i]];
}
