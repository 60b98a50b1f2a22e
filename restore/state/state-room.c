/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clusters that are free before and after a change: see state-parts.h. */
#include "state-parts.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "volumes/fat-table.h"
#include "volumes/ntfs.h"

#define WINDOW 4096u /* bytes of $Bitmap at once */
#define PAGE   4096u

struct bits {
	uint8_t bytes[WINDOW];
};

/* A file system's own: bits of clusters that are in use. */
struct state_map {
	struct ntfs *ntfs; /* NULL: FAT */
	struct fat_table fat;
	uint64_t heap; /* bytes: where the first cluster lies */
	uint64_t clusters;
	uint32_t cluster_size; /* bytes */
};

static int open_ntfs(struct block_source *volume, const struct volume_info *info,
		     struct state_map *map, struct err *err)
{
	int r = ntfs_open(volume, &map->ntfs, err);

	if (r < 0)
		return r;
	map->clusters = ntfs_clusters(map->ntfs);
	map->cluster_size = ntfs_cluster_size(map->ntfs);
	return 0;
}

static int open_fat(struct block_source *volume, const struct volume_info *info,
		    struct state_map *map, struct err *err)
{
	int r = fat_table_read(volume, info, &map->fat, err);

	if (r < 0)
		return r;
	map->heap = map->fat.heap;
	map->clusters = map->fat.clusters;
	map->cluster_size = map->fat.cluster_size;
	return 0;
}

int state_map_open(struct block_source *volume, const struct volume_info *info,
		   struct state_map **ret, struct err *err)
{
	AUTO(state_map_freep) struct state_map *map = calloc(1, sizeof(*map));
	int r = map ? 0 : err_nomem(err);

	if (r == 0)
		r = (info->fs == FS_NTFS ? open_ntfs : open_fat)(volume, info, map, err);
	if (r == 0)
		*ret = TAKE_PTR(map);
	return r;
}

void state_map_close(struct state_map *map)
{
	if (!map)
		return;
	ntfs_close(map->ntfs);
	fat_table_clear(&map->fat);
	free(map);
}

static int read_window(struct state_map *map, uint64_t offset, size_t length,
		       struct bits *ret, struct err *err)
{
	bool absent = false;
	int r;

	if (!map->ntfs) {
		memcpy(ret->bytes, map->fat.used + offset, length);
		return 0;
	}
	r = ntfs_bitmap_read(map->ntfs, offset, ret->bytes, length, &absent, err);
	if (r == 0 && absent)
		memset(ret->bytes, 0, length);
	return r;
}

int state_free_bytes(struct state_map *map, uint64_t *ret, struct err *err)
{
	uint64_t clusters = map->clusters, bytes = (clusters + 7) / 8, found = 0;
	struct bits bits;
	int r = 0;

	for (uint64_t at = 0; at < bytes && r == 0; at += WINDOW) {
		size_t part = (size_t)min_u64(WINDOW, bytes - at);

		r = read_window(map, at, part, &bits, err);
		for (uint64_t c = at * 8; r == 0 && c < clusters && c < (at + part) * 8;
		     c++)
			found += !(bits.bytes[c / 8 - at] >> c % 8 & 1);
	}
	if (r == 0)
		*ret = found * map->cluster_size;
	return r;
}

struct room {
	const struct state_map *map;
	uint64_t first, count; /* of the clusters of the range that grows */
	state_room_visit *visit;
	void *context;
};

static int end_range(struct room *room, struct err *err)
{
	const struct state_map *map = room->map;
	uint64_t start = map->heap + room->first * map->cluster_size, from;
	uint64_t end = align_down(start + room->count * map->cluster_size, PAGE);
	int r = 0;

	if (!checked_align_up(start, PAGE, &from))
		return err_set(err, -EBADMSG, "a cluster at byte %" PRIu64, start);
	if (room->count && from < end)
		r = room->visit(from, end - from, room->context, err);
	room->count = 0;
	return r;
}

static int look_at_window(struct room *room, const struct bits *used, uint64_t first,
			  uint64_t count, struct err *err)
{
	int r = 0;

	for (uint64_t i = 0; i < count && r == 0; i++) {
		if (used->bytes[i / 8] >> i % 8 & 1) {
			r = end_range(room, err);
			continue;
		}
		if (!room->count)
			room->first = first + i;
		room->count++;
	}
	return r;
}

int state_room(struct state_map *before, struct state_map *after, state_room_visit *visit,
	       void *context, struct err *err)
{
	struct room room = { .map = before, .visit = visit, .context = context };
	uint64_t clusters = before->clusters, bytes = (clusters + 7) / 8;
	struct bits old, new;
	int r = 0;

	if (after->clusters != clusters || after->heap != before->heap)
		return err_set(err, -EBADMSG,
			       "the volume has other clusters than before");
	for (uint64_t at = 0; at < bytes && r == 0; at += WINDOW) {
		size_t part = (size_t)min_u64(WINDOW, bytes - at);

		r = read_window(before, at, part, &old, err);
		if (r == 0)
			r = read_window(after, at, part, &new, err);
		for (size_t i = 0; r == 0 && i < part; i++)
			old.bytes[i] |= new.bytes[i];
		if (r == 0)
			r = look_at_window(&room, &old, at * 8,
					   min_u64(part * 8, clusters - at * 8), err);
	}
	return r < 0 ? r : end_range(&room, err);
}
