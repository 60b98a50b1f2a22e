/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Understands the log of a VHDX; reads and writes nothing. See vhdx-log.h. */
#include "vhdx-log.h"

#include <inttypes.h>

#include <base/cleanup.h>
#include <base/crc32c.h>
#include <base/fuzzing.h>

/* Entries tile the ring, so that checking all of them sums its bytes about once. Headers
 * that claim each other's bytes could make that a quadratic sum. */
#define CHECKSUM_BUDGET 64 /* times the length of the ring */

/* An entry by its first sector. */
struct log_entry {
	bool valid;
	uint32_t length, tail; /* bytes */
	uint64_t sequence;
};

/* What keeps an entry from counting: the further down, the nearer it came. */
enum log_fault {
	LOG_EMPTY,
	LOG_FOREIGN,
	LOG_LENGTH_ZERO,
	LOG_LENGTH_ODD,
	LOG_TOO_LONG,
	LOG_TAIL,
	LOG_NUMBER_ZERO,
	LOG_DESCRIPTORS,
	LOG_CHECKSUM,
	LOG_LOOSE,
	LOG_SOUND,
};

static const char *const log_fault_texts[] = {
	[LOG_EMPTY] = "there is no entry in it",
	[LOG_FOREIGN] = "its entries are of another log",
	[LOG_LENGTH_ZERO] = "an entry has the length 0",
	[LOG_LENGTH_ODD] = "an entry is not made of whole sectors",
	[LOG_TOO_LONG] = "an entry is longer than the log",
	[LOG_TAIL] = "an entry's tail is no sector of the log",
	[LOG_NUMBER_ZERO] = "an entry has the number 0",
	[LOG_DESCRIPTORS] = "an entry is too short for its descriptors",
	[LOG_CHECKSUM] = "the checksum of an entry is wrong",
	[LOG_LOOSE] = "the last entry's tail is none of the entries before it",
};

struct log_scan {
	const struct vhdx_log *log;
	struct log_entry *entries; /* one per sector of the ring; owned */
	uint32_t sectors;
	uint64_t budget; /* bytes that may still be summed */
	enum log_fault nearest;
};

/* A run of entries, by their first sectors. */
struct log_run {
	uint32_t first, last;
	uint64_t sequence; /* of the last */
};

static uint32_t ring_add(const struct vhdx_log *log, uint32_t position, uint64_t distance)
{
	return (uint32_t)((position + distance) % log->length);
}

/* -- single entries ---- */

static uint32_t descriptor_sectors(uint32_t descriptors)
{
	uint64_t bytes = sizeof(struct vhdx_log_entry_disk) +
			 (uint64_t)descriptors * sizeof(struct vhdx_log_descriptor_disk);

	return (uint32_t)((bytes + VHDX_LOG_SECTOR - 1) / VHDX_LOG_SECTOR);
}

static uint32_t ring_crc(const struct vhdx_log *log, uint32_t crc, uint32_t position,
			 uint32_t length)
{
	uint32_t first = (uint32_t)min_u64(length, log->length - position);

	crc = crc32c(crc, log->bytes + position, first);
	return crc32c(crc, log->bytes, length - first);
}

static bool checksum_is_right(const struct vhdx_log *log, uint32_t position,
			      const struct vhdx_log_entry_disk *disk)
{
	struct vhdx_log_entry_disk head = *disk;
	uint32_t crc;

	if (CHECKSUMS_IGNORED)
		return true;
	head.checksum = put_le32(0);
	crc = crc32c(0, &head, sizeof(head));
	crc = ring_crc(log, crc, position + (uint32_t)sizeof(head),
		       get_le32(disk->length) - (uint32_t)sizeof(head));
	return crc == get_le32(disk->checksum);
}

/* The rules of 2.3.1.1 that need no sum. */
static enum log_fault header_fault(const struct vhdx_log *log,
				   const struct vhdx_log_entry_disk *disk)
{
	uint32_t length = get_le32(disk->length), tail = get_le32(disk->tail);

	if (memcmp(disk->signature, "loge", sizeof(disk->signature)) != 0)
		return LOG_EMPTY;
	if (!guid_equal(&disk->log, &log->id))
		return LOG_FOREIGN;
	if (!length)
		return LOG_LENGTH_ZERO;
	if (length % VHDX_LOG_SECTOR)
		return LOG_LENGTH_ODD;
	if (length > log->length)
		return LOG_TOO_LONG;
	if (tail >= log->length || tail % VHDX_LOG_SECTOR)
		return LOG_TAIL;
	if (!get_le64(disk->sequence))
		return LOG_NUMBER_ZERO;
	if (descriptor_sectors(get_le32(disk->descriptors)) > length / VHDX_LOG_SECTOR)
		return LOG_DESCRIPTORS;
	return LOG_SOUND;
}

static int scan_sector(struct log_scan *scan, uint32_t sector, struct err *err)
{
	struct vhdx_log_entry_disk disk;
	uint32_t position = sector * VHDX_LOG_SECTOR;
	enum log_fault fault;

	memcpy(&disk, scan->log->bytes + position, sizeof(disk));
	fault = header_fault(scan->log, &disk);
	if (fault != LOG_SOUND) {
		scan->nearest = fault > scan->nearest ? fault : scan->nearest;
		return 0;
	}
	if (get_le32(disk.length) > scan->budget)
		return err_set(
			err, -EBADMSG,
			"'%s': VHDX log is made of entries that lie inside each other",
			scan->log->name);
	scan->budget -= get_le32(disk.length);
	scan->entries[sector] = (struct log_entry){
		.valid = checksum_is_right(scan->log, position, &disk),
		.length = get_le32(disk.length),
		.tail = get_le32(disk.tail),
		.sequence = get_le64(disk.sequence),
	};
	fault = scan->entries[sector].valid ? LOG_LOOSE : LOG_CHECKSUM;
	scan->nearest = fault > scan->nearest ? fault : scan->nearest;
	return 0;
}

/* -- the active sequence ---- */

static uint32_t next_sector(const struct log_scan *scan, uint32_t sector)
{
	return (sector + scan->entries[sector].length / VHDX_LOG_SECTOR) % scan->sectors;
}

/* The longest run from start on. 2.3.2: it is valid if its last entry's tail is one of
 * its entries. */
static bool run_from(const struct log_scan *scan, uint32_t start, struct log_run *ret)
{
	uint32_t sector = start, tail, used = 0;
	struct log_run run = { 0 };

	while (scan->entries[sector].valid &&
	       (used == 0 || scan->entries[sector].sequence == run.sequence + 1)) {
		used += scan->entries[sector].length / VHDX_LOG_SECTOR;
		if (used > scan->sectors)
			break;
		run.last = sector;
		run.sequence = scan->entries[sector].sequence;
		sector = next_sector(scan, sector);
	}
	if (used == 0)
		return false;
	tail = scan->entries[run.last].tail / VHDX_LOG_SECTOR;
	for (sector = start; sector != tail; sector = next_sector(scan, sector))
		if (sector == run.last)
			return false;
	run.first = tail;
	*ret = run;
	return true;
}

/* 2.3.2: of all valid runs the one with the highest number. */
static bool find_active(const struct log_scan *scan, struct log_run *ret)
{
	bool found = false;
	uint32_t start = 0;

	while (start < scan->sectors) {
		struct log_run run;
		uint32_t next;

		if (!run_from(scan, start, &run)) {
			start++;
			continue;
		}
		if (!found || run.sequence > ret->sequence)
			*ret = run;
		found = true;
		next = next_sector(scan, run.last);
		if (next <= start)
			break; /* around the end of the ring */
		start = next;
	}
	return found;
}

static int find_sequence(struct log_scan *scan, struct log_run *ret, struct err *err)
{
	for (uint32_t sector = 0; sector < scan->sectors; sector++) {
		int r = scan_sector(scan, sector, err);

		if (r < 0)
			return r;
	}
	if (!find_active(scan, ret))
		return err_set(
			err, -EBADMSG,
			"'%s': VHDX header says a log to replay, but the log holds no "
			"whole sequence of entries: %s",
			scan->log->name, log_fault_texts[scan->nearest]);
	return 0;
}

/* -- replay ---- */

static int check_target(const struct vhdx_log *log, const struct vhdx_change *change,
			uint64_t file_size, struct err *err)
{
	if (change->offset % VHDX_LOG_SECTOR || change->length % VHDX_LOG_SECTOR)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX log changes %" PRIu64 "+%" PRIu64
			       ", must be whole sectors of 4096",
			       log->name, change->offset, change->length);
	if (!range_within(change->offset, change->length, file_size))
		return err_set(err, -EBADMSG,
			       "'%s': VHDX log changes %" PRIu64 "+%" PRIu64
			       ", beyond the end of the file of %" PRIu64 " bytes",
			       log->name, change->offset, change->length, file_size);
	if (ranges_overlap(change->offset, change->length, 0, VHDX_REGIONS_1))
		return err_set(err, -EBADMSG,
			       "'%s': VHDX log changes %" PRIu64 "+%" PRIu64
			       ", where the headers lie",
			       log->name, change->offset, change->length);
	if (ranges_overlap(change->offset, change->length, log->offset, log->length))
		return err_set(err, -EBADMSG,
			       "'%s': VHDX log changes %" PRIu64 "+%" PRIu64
			       ", where the log itself lies",
			       log->name, change->offset, change->length);
	return 0;
}

static int check_data_sector(const struct vhdx_log *log, uint32_t position,
			     uint64_t sequence, struct err *err)
{
	struct vhdx_log_sector_disk disk;

	memcpy(&disk, log->bytes + position, sizeof(disk));
	if (memcmp(disk.signature, "data", sizeof(disk.signature)) == 0 &&
	    ((uint64_t)get_le32(disk.sequence_high) << 32 |
	     get_le32(disk.sequence_low)) == sequence)
		return 0;
	return err_set(err, -EBADMSG,
		       "'%s': VHDX log entry %" PRIu64
		       " has a data sector without 'data' and its number",
		       log->name, sequence);
}

/* An entry being replayed. */
struct entry_reader {
	const struct vhdx_log *log;
	uint32_t position; /* of the entry in the ring */
	uint64_t sequence;
	uint32_t data_position; /* of the next data sector */
	uint32_t data_left;	/* sectors */
};

static int read_descriptor(struct entry_reader *reader, uint32_t position,
			   struct vhdx_change *ret, struct err *err)
{
	const struct vhdx_log *log = reader->log;
	struct vhdx_log_descriptor_disk disk;
	bool is_data, is_zero;

	memcpy(&disk, log->bytes + position, sizeof(disk));
	is_data = memcmp(disk.signature, "desc", sizeof(disk.signature)) == 0;
	is_zero = memcmp(disk.signature, "zero", sizeof(disk.signature)) == 0;
	if ((!is_data && !is_zero) || get_le64(disk.sequence) != reader->sequence)
		return err_set(
			err, -EBADMSG,
			"'%s': VHDX log entry %" PRIu64
			" has a descriptor without 'desc' or 'zero' and its number",
			log->name, reader->sequence);
	*ret = (struct vhdx_change){
		.offset = get_le64(disk.offset),
		.length = is_data ? VHDX_LOG_SECTOR : get_le64(disk.zero_length),
		.descriptor = position,
		.sector = is_data ? reader->data_position : VHDX_CHANGE_ZEROS,
	};
	if (is_zero)
		return 0;
	if (reader->data_left == 0)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX log entry %" PRIu64
			       " has more data descriptors than data sectors",
			       log->name, reader->sequence);
	reader->data_left--;
	reader->data_position = ring_add(log, reader->data_position, VHDX_LOG_SECTOR);
	return check_data_sector(log, ret->sector, reader->sequence, err);
}

static int replay_entry(const struct vhdx_log *log, uint32_t position,
			struct vhdx_changes *changes, struct err *err)
{
	struct vhdx_log_entry_disk disk;
	struct entry_reader reader = { .log = log, .position = position };
	uint32_t sectors;

	memcpy(&disk, log->bytes + position, sizeof(disk));
	sectors = descriptor_sectors(get_le32(disk.descriptors));
	reader.sequence = get_le64(disk.sequence);
	reader.data_position =
		ring_add(log, position, (uint64_t)sectors * VHDX_LOG_SECTOR);
	reader.data_left = get_le32(disk.length) / VHDX_LOG_SECTOR - sectors;
	for (uint32_t i = 0; i < get_le32(disk.descriptors); i++) {
		uint32_t at = ring_add(
			log, position,
			sizeof(disk) +
				(uint64_t)i * sizeof(struct vhdx_log_descriptor_disk));
		struct vhdx_change change;
		int r = read_descriptor(&reader, at, &change, err);

		if (r == 0)
			r = check_target(log, &change, changes->file_size, err);
		if (r == 0 && change.length)
			r = vhdx_changes_add(changes, &change, err);
		if (r < 0)
			return r;
	}
	changes->entries++;
	return 0;
}

/* 2.3.2: a file shorter than what was stored for certain has been cut. */
static int check_not_cut(const struct vhdx_log *log, uint32_t position, struct err *err)
{
	struct vhdx_log_entry_disk disk;

	memcpy(&disk, log->bytes + position, sizeof(disk));
	if (log->file_size >= get_le64(disk.flushed_size))
		return 0;
	return err_set(err, -EBADMSG,
		       "'%s': file has %" PRIu64 " bytes, its log says that %" PRIu64
		       " were stored: cut short",
		       log->name, log->file_size, get_le64(disk.flushed_size));
}

/* 2.3.2: a file that has yet to grow reads as zeros there. */
static int grow(const struct vhdx_log *log, uint32_t position, uint64_t *file_size,
		struct err *err)
{
	struct vhdx_log_entry_disk disk;
	uint64_t last;

	memcpy(&disk, log->bytes + position, sizeof(disk));
	last = get_le64(disk.last_size);
	if (last > VHDX_FILE_SIZE_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX log lets the file grow to %" PRIu64
			       " bytes, at most 128 TiB",
			       log->name, last);
	*file_size = max_u64(*file_size, last);
	return 0;
}

static int replay_run(const struct log_scan *scan, const struct log_run *run,
		      struct vhdx_changes *changes, struct err *err)
{
	uint32_t sector = run->first;
	int r = check_not_cut(scan->log, run->last * VHDX_LOG_SECTOR, err);

	while (r == 0) {
		uint32_t position = sector * VHDX_LOG_SECTOR;

		r = grow(scan->log, position, &changes->file_size, err);
		if (r == 0)
			r = replay_entry(scan->log, position, changes, err);
		if (sector == run->last)
			break;
		sector = next_sector(scan, sector);
	}
	return r;
}

int vhdx_log_replay(const struct vhdx_log *log, struct vhdx_changes *ret, struct err *err)
{
	uint32_t sectors = log->length / VHDX_LOG_SECTOR;
	AUTO_FREE struct log_entry *entries = calloc(sectors, sizeof(*entries));
	struct log_scan scan = {
		.log = log,
		.entries = entries,
		.sectors = sectors,
		.budget = (uint64_t)CHECKSUM_BUDGET * log->length,
	};
	struct vhdx_changes changes = { .file_size = log->file_size };
	struct log_run run = { 0 };
	int r;

	if (!entries)
		return err_nomem(err);
	r = find_sequence(&scan, &run, err);
	if (r == 0)
		r = replay_run(&scan, &run, &changes, err);
	if (r == 0)
		r = vhdx_changes_flatten(&changes, err);
	if (r < 0) {
		vhdx_changes_clear(&changes);
		return r;
	}
	*ret = changes;
	return 0;
}

void vhdx_change_sector(const struct vhdx_log *log, const struct vhdx_change *change,
			uint8_t ret[VHDX_LOG_SECTOR])
{
	struct vhdx_log_descriptor_disk descriptor;
	struct vhdx_log_sector_disk sector;

	memcpy(&descriptor, log->bytes + change->descriptor, sizeof(descriptor));
	memcpy(&sector, log->bytes + change->sector, sizeof(sector));
	memcpy(ret, descriptor.leading, 8);
	memcpy(ret + 8, sector.data, sizeof(sector.data));
	memcpy(ret + 8 + sizeof(sector.data), descriptor.trailing, 4);
}
