/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logs with entries (since Windows 8.1): one entry per flush, numbered, in one log and then in
 * the other. See hive-log.h and hive-format.h.
 */
#include "hive-log-parts.h"

#include <base/checked.h>
#include <base/fuzzing.h>

#include "marvin32.h"

static bool hashes_are_right(const struct hive_entry_disk *entry, const uint8_t *bytes,
			     uint32_t size)
{
	uint64_t pages = marvin32(MARVIN32_REGISTRY_SEED, bytes + sizeof(*entry),
				  size - sizeof(*entry));
	uint64_t head = marvin32(MARVIN32_REGISTRY_SEED, bytes,
				 offsetof(struct hive_entry_disk, hash2));

	return (get_le64(entry->hash1) == pages && get_le64(entry->hash2) == head) ||
	       CHECKSUMS_IGNORED;
}

/* References within the entry, pages within it and within the hive? */
static bool pages_fit(const struct hive_entry_disk *entry, const uint8_t *bytes)
{
	uint64_t count = get_le32(entry->page_count), at;
	uint32_t size = get_le32(entry->size);

	at = sizeof(*entry) + count * sizeof(struct hive_reference_disk);
	if (at > size)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		struct hive_reference_disk page;

		memcpy(&page, bytes + sizeof(*entry) + i * sizeof(page), sizeof(page));
		if (get_le32(page.size) > size - at ||
		    !range_within(get_le32(page.offset), get_le32(page.size),
				  get_le32(entry->bins_size)))
			return false;
		at += get_le32(page.size);
	}
	return true;
}

/* The entry at an offset of a log. False: here its entries end, or what follows was not
 * written whole. */
static bool entry_read(const struct hive_log *log, uint64_t at,
		       struct hive_entry_disk *ret)
{
	const uint8_t *bytes = log->file.bytes + at;
	uint32_t size, bins;

	if (!range_within(at, sizeof(*ret), log->file.length))
		return false;
	memcpy(ret, bytes, sizeof(*ret));
	size = get_le32(ret->size);
	bins = get_le32(ret->bins_size);
	return memcmp(ret->magic, "HvLE", 4) == 0 && size >= sizeof(*ret) &&
	       size % HIVE_SECTOR == 0 && range_within(at, size, log->file.length) &&
	       bins && bins % HIVE_BIN_UNIT == 0 &&
	       bins <= HIVE_MAX_SIZE - HIVE_BASE_SIZE &&
	       hashes_are_right(ret, bytes, size) && pages_fit(ret, bytes);
}

static int apply(struct hive_image *image, const struct hive_entry_disk *entry,
		 const uint8_t *bytes, struct err *err)
{
	uint32_t count = get_le32(entry->page_count), flags;
	const uint8_t *references = bytes + sizeof(*entry);
	const uint8_t *from = references + count * sizeof(struct hive_reference_disk);
	struct hive_base_disk base;
	int r = hive_image_grow(image,
				HIVE_BASE_SIZE + (size_t)get_le32(entry->bins_size), err);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < count; i++) {
		struct hive_reference_disk page;

		memcpy(&page, references + i * sizeof(page), sizeof(page));
		memcpy(image->bytes + HIVE_BASE_SIZE + get_le32(page.offset), from,
		       get_le32(page.size));
		from += get_le32(page.size);
	}
	memcpy(&base, image->bytes, sizeof(base));
	flags = (get_le32(base.flags) & ~HIVE_FLAG_KTM) |
		(get_le32(entry->flags) & HIVE_FLAG_KTM);
	base.flags = put_le32(flags);
	base.bins_size = entry->bins_size;
	memcpy(image->bytes, &base, sizeof(base));
	hive_base_seal(image->bytes, get_le32(entry->sequence));
	image->replayed++;
	return 0;
}

/* Applies the entries of one log whose numbers follow each other from next on. */
static int apply_log(struct hive_image *image, const struct hive_log *log, uint32_t *next,
		     struct err *err)
{
	struct hive_entry_disk entry;
	uint64_t at = HIVE_SECTOR;
	int r = 0;

	for (; r == 0 && entry_read(log, at, &entry) && get_le32(entry.sequence) == *next;
	     at += get_le32(entry.size)) {
		r = apply(image, &entry, log->file.bytes + at, err);
		(*next)++;
	}
	return r;
}

/* Is the first entry the one that the log's base block announces? */
static bool starts_well(const struct hive_log *log)
{
	struct hive_entry_disk entry;

	return get_le32(log->base.type) == HIVE_LOG_NEW &&
	       entry_read(log, HIVE_SECTOR, &entry) &&
	       get_le32(entry.sequence) == get_le32(log->base.sequence1);
}

/* The log that begins first, of those that follow what the hive has; of a hive without a base
 * block the log that begins last. */
static const struct hive_log *first_log(const struct hive_replay *job)
{
	const struct hive_log *best = NULL;

	for (size_t i = 0; i < job->log_count; i++) {
		const struct hive_log *log = &job->logs[i];
		uint32_t number = get_le32(log->base.sequence1), other;

		if (!starts_well(log) ||
		    (job->base_is_sound && number < get_le32(job->primary.sequence2)))
			continue;
		other = best ? get_le32(best->base.sequence1) : number;
		if (!best || (job->base_is_sound ? number < other : number > other))
			best = log;
	}
	return best;
}

int hive_replay_new(struct hive_replay *job, struct err *err)
{
	const struct hive_log *log = first_log(job);
	uint32_t next;
	int r;

	if (!log)
		return 0;
	next = get_le32(log->base.sequence1);
	if (!job->base_is_sound)
		memcpy(job->image->bytes, &log->base, sizeof(log->base));
	r = apply_log(job->image, log, &next, err);
	for (size_t i = 0; r == 0 && job->base_is_sound && i < job->log_count; i++)
		if (&job->logs[i] != log && starts_well(&job->logs[i]) &&
		    get_le32(job->logs[i].base.sequence1) == next)
			r = apply_log(job->image, &job->logs[i], &next, err);
	return r;
}
