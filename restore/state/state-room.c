/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clusters that are free before and after a change: see state-parts.h. */
#include "state-parts.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#define WINDOW 4096u /* bytes of $Bitmap at once */
#define PAGE   4096u

struct bits {
	uint8_t bytes[WINDOW];
};

static int read_window(struct ntfs *ntfs, uint64_t offset, size_t length,
		       struct bits *ret, struct err *err)
{
	bool absent = false;
	int r = ntfs_bitmap_read(ntfs, offset, ret->bytes, length, &absent, err);

	if (r == 0 && absent)
		memset(ret->bytes, 0, length);
	return r;
}

int state_free_bytes(struct ntfs *ntfs, uint64_t *ret, struct err *err)
{
	uint64_t clusters = ntfs_clusters(ntfs), bytes = (clusters + 7) / 8, found = 0;
	struct bits bits;
	int r = 0;

	for (uint64_t at = 0; at < bytes && r == 0; at += WINDOW) {
		size_t part = (size_t)min_u64(WINDOW, bytes - at);

		r = read_window(ntfs, at, part, &bits, err);
		for (uint64_t c = at * 8; r == 0 && c < clusters && c < (at + part) * 8;
		     c++)
			found += !(bits.bytes[c / 8 - at] >> c % 8 & 1);
	}
	if (r == 0)
		*ret = found * ntfs_cluster_size(ntfs);
	return r;
}

struct room {
	uint32_t cluster_size;
	uint64_t first, count; /* of the clusters of the range that grows */
	state_room_visit *visit;
	void *context;
};

static int end_range(struct room *room, struct err *err)
{
	uint64_t start = room->first * room->cluster_size, from;
	uint64_t end = align_down(start + room->count * room->cluster_size, PAGE);
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

int state_room(struct ntfs *before, struct ntfs *after, state_room_visit *visit,
	       void *context, struct err *err)
{
	struct room room = { .cluster_size = ntfs_cluster_size(before),
			     .visit = visit,
			     .context = context };
	uint64_t clusters = ntfs_clusters(before), bytes = (clusters + 7) / 8;
	struct bits old, new;
	int r = 0;

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
