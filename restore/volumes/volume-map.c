/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which bytes of a volume matter: what the image stores combined with what the file
 * system uses. See restore/volume.h.
 *
 *	             stored       zero or absent
 *	used         RANGE_DATA   RANGE_ZERO
 *	free         RANGE_FREE   RANGE_FREE
 */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <restore/volume.h>

#include "ntfs.h"

/* Bytes of $Bitmap looked at together: the clusters of 32 GiB of a common volume. */
#define WINDOW_SIZE (1u << 20)

/* $Boot: what the firmware and Windows read first, whatever $Bitmap says. */
#define BOOT_LENGTH 8192

struct volume_map {
	struct block_source *volume; /* borrowed */
	struct ntfs *ntfs;	     /* NULL: all is used */
	uint64_t clusters;
	uint32_t cluster_size; /* bytes */

	struct extent extent; /* the last one asked for; length 0: none */

	uint8_t *window;	/* bits; owned */
	uint64_t window_start;	/* byte in $Bitmap, a multiple of WINDOW_SIZE */
	uint64_t window_length; /* bytes; 0: none is loaded */
	bool window_is_absent;	/* all bits 0, window holds nothing */
};

void volume_map_free(struct volume_map *map)
{
	if (!map)
		return;
	ntfs_close(map->ntfs);
	free(map->window);
	free(map);
}

static int open_bitmap(struct volume_map *map, struct err *err)
{
	int r = ntfs_open(map->volume, &map->ntfs, err);

	if (r == 0)
		r = ntfs_bitmap_check(map->ntfs, err);
	if (r < 0)
		return r;
	map->clusters = ntfs_clusters(map->ntfs);
	map->cluster_size = ntfs_cluster_size(map->ntfs);
	map->window = malloc(WINDOW_SIZE);
	return map->window ? 0 : err_nomem(err);
}

int volume_map_open(struct block_source *volume, const struct volume_info *info,
		    struct volume_map **ret, struct err *err)
{
	AUTO(volume_map_freep) struct volume_map *map = calloc(1, sizeof(*map));
	int r = 0;

	if (!map)
		return err_nomem(err);
	map->volume = volume;
	if (info->fs == FS_NTFS)
		r = open_bitmap(map, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(map);
	return 0;
}

/* -- the bitmap ---- */

static int load_window(struct volume_map *map, uint64_t cluster, struct err *err)
{
	uint64_t bytes = (map->clusters + 7) / 8;
	uint64_t start = align_down(cluster / 8, WINDOW_SIZE);
	uint64_t length = min_u64(WINDOW_SIZE, bytes - start);
	int r;

	if (map->window_length && map->window_start == start)
		return 0;
	map->window_length = 0;
	r = ntfs_bitmap_read(map->ntfs, start, map->window, (size_t)length,
			     &map->window_is_absent, err);
	if (r < 0)
		return r;
	map->window_start = start;
	map->window_length = length;
	return 0;
}

static bool window_bit(const struct volume_map *map, uint64_t bit)
{
	return map->window[bit / 8] >> bit % 8 & 1;
}

/* From bit on, how many bits up to end are like it? Whole words of one value in one step.
 */
static uint64_t window_run(const struct volume_map *map, uint64_t bit, uint64_t end)
{
	bool value = window_bit(map, bit);
	uint64_t start = bit, same = value ? UINT64_MAX : 0;

	while (bit < end) {
		uint64_t word;

		if (bit % 64 == 0 && end - bit >= 64) {
			memcpy(&word, map->window + bit / 8, sizeof(word));
			if (word == same) {
				bit += 64;
				continue;
			}
		}
		if (window_bit(map, bit) != value)
			break;
		bit++;
	}
	return bit - start;
}

/* The clusters from cluster on that are all used or all free, up to the window's end. */
static int bitmap_run(struct volume_map *map, uint64_t cluster, bool *ret_used,
		      uint64_t *ret_count, struct err *err)
{
	uint64_t bit, end;
	int r = load_window(map, cluster, err);

	if (r < 0)
		return r;
	bit = cluster - map->window_start * 8;
	end = min_u64(map->window_length * 8, map->clusters - map->window_start * 8);
	*ret_used = !map->window_is_absent && window_bit(map, bit);
	*ret_count = map->window_is_absent ? end - bit : window_run(map, bit, end);
	return 0;
}

/* Is the byte at offset used, and up to which one is that so? */
static int find_use(struct volume_map *map, uint64_t offset, bool *ret_used,
		    uint64_t *ret_end, struct err *err)
{
	uint64_t boot_clusters, cluster, count = 0;
	int r;

	if (!map->ntfs || offset / map->cluster_size >= map->clusters) {
		*ret_used = true;
		*ret_end = map->volume->size;
		return 0;
	}
	cluster = offset / map->cluster_size;
	boot_clusters = min_u64((BOOT_LENGTH + map->cluster_size - 1) / map->cluster_size,
				map->clusters);
	if (cluster < boot_clusters) {
		*ret_used = true;
		*ret_end = boot_clusters * map->cluster_size;
		return 0;
	}
	r = bitmap_run(map, cluster, ret_used, &count, err);
	if (r == 0)
		*ret_end = (cluster + count) * map->cluster_size;
	return r;
}

/* -- the walk ---- */

/* The extent that holds offset is in map->extent afterwards. */
static int find_extent(struct volume_map *map, uint64_t offset, struct err *err)
{
	size_t count = 0;

	if (offset >= map->extent.offset &&
	    offset - map->extent.offset < map->extent.length)
		return 0;
	map->extent.length = 0;
	return source_extents(map->volume, offset, map->volume->size - offset,
			      &map->extent, 1, &count, err);
}

/* The first range at offset; the next may be of its kind again. */
static int find_range(struct volume_map *map, uint64_t offset, struct volume_range *ret,
		      struct err *err)
{
	uint64_t end = 0;
	bool used = true;
	int r = find_use(map, offset, &used, &end, err);

	if (r < 0)
		return r;
	*ret = (struct volume_range){ offset, end - offset, RANGE_FREE };
	if (!used)
		return 0;
	r = find_extent(map, offset, err);
	if (r < 0)
		return r;
	end = min_u64(end, map->extent.offset + map->extent.length);
	ret->length = end - offset;
	ret->kind = map->extent.kind == EXTENT_DATA ? RANGE_DATA : RANGE_ZERO;
	return 0;
}

int volume_map_next(struct volume_map *map, uint64_t offset, struct volume_range *ranges,
		    size_t max, size_t *ret_count, struct err *err)
{
	uint64_t size = map->volume->size;
	size_t count = 0;

	if (offset > size || max == 0)
		return err_set(err, -EINVAL,
			       "'%s': ranges from %" PRIu64 " on, the volume has %" PRIu64
			       " bytes",
			       map->volume->name, offset, size);
	while (offset < size) {
		struct volume_range range;
		int r = find_range(map, offset, &range, err);

		if (r < 0)
			return r;
		if (count && ranges[count - 1].kind == range.kind)
			ranges[count - 1].length += range.length;
		else if (count < max)
			ranges[count++] = range;
		else
			break;
		offset += range.length;
	}
	*ret_count = count;
	return 0;
}
