/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Windows' own recovery would have said to the same disks (FORMAT.md section 6): it wants
 * as many fixed disks as there were, each at least as large as the disk it replaces, and
 * counts neither USB disks nor the one that holds the backup. For people who come from there.
 */
#include "plan-map.h"

#include <inttypes.h>
#include <string.h>

#include <base/text.h>

struct windows_view {
	size_t fixed;	 /* disks that it would look at */
	size_t excluded; /* of these, excluded by the user */
	uint64_t largest;
	bool enough; /* each source disk finds one of its own */
};

static bool is_fixed(const struct disk *disk)
{
	unsigned out =
		DISK_REMOVABLE | DISK_BOOT_MEDIUM | DISK_HOLDS_SOURCE | DISK_READ_ONLY;

	return !disk->is_file && !(disk->protection & out) &&
	       strcmp(disk->bus, "usb") != 0;
}

static int compare_sizes(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static size_t smallest_that_fits(const struct disk_list *disks, const bool *taken,
				 uint64_t size)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < disks->count; i++)
		if (!taken[i] && disks->disks[i].size >= size &&
		    (best == SIZE_MAX || disks->disks[i].size < disks->disks[best].size))
			best = i;
	return best;
}

/* Largest source disk first, each takes the smallest disk that is left and large enough:
 * where that fails, nothing else would do. */
static bool finds_each(const struct plan_map *map, bool *taken)
{
	AUTO_FREE uint64_t *sizes = calloc(map->source_count + 1, sizeof(*sizes));

	for (size_t s = 0; sizes && s < map->source_count; s++)
		sizes[s] = map->sources[s].size;
	if (sizes)
		qsort(sizes, map->source_count, sizeof(*sizes), compare_sizes);
	for (size_t s = 0; sizes && s < map->source_count; s++) {
		size_t best = smallest_that_fits(map->disks, taken, sizes[s]);

		if (best == SIZE_MAX)
			return false;
		taken[best] = true;
	}
	return sizes != NULL;
}

static struct windows_view look(const struct plan_map *map, bool *taken)
{
	struct windows_view view = { 0 };

	for (size_t i = 0; i < map->disks->count; i++) {
		const struct disk *disk = &map->disks->disks[i];

		taken[i] = true;
		if (!is_fixed(disk))
			continue;
		view.fixed++;
		if (plan_map_excludes(map, disk)) {
			view.excluded++;
			continue;
		}
		taken[i] = false;
		if (disk->size > view.largest)
			view.largest = disk->size;
	}
	view.enough = finds_each(map, taken);
	return view;
}

char *plan_windows_verdict(const struct plan_map *map)
{
	AUTO_FREE bool *taken = calloc(map->disks->count + 1, sizeof(*taken));
	uint64_t needed = 0;
	struct windows_view view;

	if (!taken)
		return NULL;
	for (size_t s = 0; s < map->source_count; s++)
		if (map->sources[s].system)
			needed = map->sources[s].size;
	view = look(map, taken);
	if (view.fixed == 0)
		return text_format("0x80042413: no fixed disk");
	if (view.fixed == view.excluded)
		return text_format("0x80042414: no fixed disk is left after exclusion");
	if (view.largest < needed)
		return text_format("0x80042412: no disk can be used for the system disk, "
				   "which had %" PRIu64
				   " bytes; the largest has %" PRIu64,
				   needed, view.largest);
	if (!view.enough)
		return text_format(
			"0x80042408: not as many suitable disks as before, each "
			"the same size or larger");
	return text_format("%s", "");
}
