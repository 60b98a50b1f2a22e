/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logs with a dirty vector (up to Windows 8): one set of pages, which belongs to the write
 * that was going on. See hive-log.h and hive-format.h.
 */
#include "hive-log-parts.h"

#include <base/checked.h>

struct dirty_vector {
	const uint8_t *bits; /* one per page of 512 bytes */
	uint32_t pages;	     /* of the hive */
	uint64_t first;	     /* offset in the log of the first dirty page */
};

static bool page_is_dirty(const struct dirty_vector *vector, uint32_t page)
{
	return vector->bits[page / 8] >> (page % 8) & 1;
}

static uint32_t dirty_count(const struct dirty_vector *vector)
{
	uint32_t count = 0;

	for (uint32_t page = 0; page < vector->pages; page++)
		count += page_is_dirty(vector, page);
	return count;
}

/* False: no vector, or pages are missing at its end. Old systems count sectors in the size of
 * the disk's. */
static bool vector_read(const struct hive_log *log, struct dirty_vector *ret)
{
	uint32_t sector = HIVE_SECTOR * (uint32_t)min_u64(get_le32(log->base.cluster), 8);
	uint32_t pages = get_le32(log->base.bins_size) / HIVE_SECTOR;
	uint64_t end = sector + 4ull + (pages + 7) / 8;

	if (!is_power_of_two(sector) || end > log->file.length ||
	    memcmp(log->file.bytes + sector, "DIRT", 4) != 0)
		return false;
	*ret = (struct dirty_vector){ log->file.bytes + sector + 4, pages, end };
	return checked_align_up(end, sector, &ret->first) &&
	       range_within(ret->first, (uint64_t)dirty_count(ret) * HIVE_SECTOR,
			    log->file.length);
}

/* When the write began that both belong to. */
static le64 time_of_write(const struct hive_replay *job)
{
	le64 written = job->primary.written;
	const struct hive_image *image = job->image;
	size_t at = HIVE_BASE_SIZE + offsetof(struct hive_bin_disk, written);

	if (!job->base_is_sound && image->length >= at + sizeof(written))
		memcpy(&written, image->bytes + at, sizeof(written));
	return written;
}

static bool fits(const struct hive_replay *job, const struct hive_log *log,
		 struct dirty_vector *ret)
{
	uint32_t type = get_le32(log->base.type);

	return (type == HIVE_LOG || type == HIVE_LOG_OLD) &&
	       get_le64(log->base.written) == get_le64(time_of_write(job)) &&
	       vector_read(log, ret);
}

static int apply(struct hive_image *image, const struct hive_log *log,
		 const struct dirty_vector *vector, struct err *err)
{
	uint64_t from = vector->first;
	int r = hive_image_grow(
		image, HIVE_BASE_SIZE + (size_t)vector->pages * HIVE_SECTOR, err);

	if (r < 0)
		return r;
	for (uint32_t page = 0; page < vector->pages; page++) {
		if (!page_is_dirty(vector, page))
			continue;
		memcpy(image->bytes + HIVE_BASE_SIZE + (size_t)page * HIVE_SECTOR,
		       log->file.bytes + from, HIVE_SECTOR);
		from += HIVE_SECTOR;
	}
	memcpy(image->bytes, &log->base, sizeof(log->base));
	hive_base_seal(image->bytes, get_le32(log->base.sequence1));
	image->replayed = 1;
	return 0;
}

/* Where both logs fit, the second was written after a failed write of the first one's pages
 * and holds them as well. */
int hive_replay_old(struct hive_replay *job, struct err *err)
{
	struct dirty_vector vector, best_vector;
	const struct hive_log *best = NULL;

	for (size_t i = 0; i < job->log_count; i++) {
		const struct hive_log *log = &job->logs[i];

		if (!fits(job, log, &vector))
			continue;
		if (best &&
		    get_le32(best->base.sequence1) >= get_le32(log->base.sequence1))
			continue;
		best = log;
		best_vector = vector;
	}
	return best ? apply(job->image, best, &best_vector, err) : 0;
}
