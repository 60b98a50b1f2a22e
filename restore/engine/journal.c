/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal's bytes: see journal.h. */
#include "journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/cleanup.h>
#include <base/crc32c.h>
#include <base/fuzzing.h>
#include <base/utf.h>

static const char magic[8] = "openBMRj";

#define JOURNAL_FORMAT 2

struct journal_image_disk {
	uint8_t unique_id[16]; /* 0 */
	le64 file_size;	       /* 16 */
	le64 virtual_size;     /* 24 */
	le64 volume_size;      /* 32 */
	uint8_t reserved[8];   /* 40 */
};
_Static_assert(sizeof(struct journal_image_disk) == 48, "journal image");

struct journal_range_disk {
	le64 offset; /* 0 */
	le64 length; /* 8 */
};
_Static_assert(sizeof(struct journal_range_disk) == 16, "journal range");

struct journal_disk {
	char magic[8];	       /* 0 */
	le32 crc;	       /* 8: CRC-32C of length bytes, this field as zeros */
	le32 length;	       /* 12 */
	le32 format;	       /* 16 */
	le32 state;	       /* 20 */
	le64 sequence;	       /* 24 */
	uint8_t job_id[16];    /* 32 */
	uint8_t plan_hash[32]; /* 48 */
	uint8_t disk_hash[32]; /* 80 */
	le64 backup_time;      /* 112 */
	le64 high_water;       /* 120 */
	le64 sum_low;	       /* 128 */
	le64 sum_high;	       /* 136 */
	le32 image_count;      /* 144 */
	le32 range_count;      /* 148 */
	le64 written;	       /* 152: seconds since 1970 */
	le64 total;	       /* 160: bytes */
	le32 words_length;     /* 168: bytes behind the ranges */
	uint8_t reserved1[4];  /* 172 */
	char machine[64];      /* 176: padded with NULs */
	char version[64];      /* 240 */
	uint8_t reserved[208]; /* 304 */
	struct journal_image_disk images[JOURNAL_IMAGES_MAX]; /* 512 */
	struct journal_range_disk ranges[];		      /* 3584 */
};
_Static_assert(sizeof(struct journal_disk) == 3584, "journal header");
_Static_assert(sizeof(struct journal_disk) + JOURNAL_RANGES_MAX * 16 +
			       JOURNAL_WORDS_MAX <=
		       JOURNAL_SLOT_LENGTH,
	       "a slot holds the ranges and the words");
_Static_assert(sizeof(((struct journal_disk *)0)->machine) == JOURNAL_NAME_SIZE,
	       "a name");

void journal_clear(struct journal *journal)
{
	range_map_clear(&journal->done);
	free(journal->words);
	journal->words = NULL;
	journal->words_length = 0;
}

static void put_name(const char *name, char to[JOURNAL_NAME_SIZE])
{
	memcpy(to, name, strnlen(name, JOURNAL_NAME_SIZE - 1));
}

static void put_about(const struct journal_about *about, struct journal_disk *disk)
{
	disk->written = put_le64(about->written);
	disk->total = put_le64(about->total);
	put_name(about->machine, disk->machine);
	put_name(about->version, disk->version);
}

static void put_identity(const struct journal_identity *identity,
			 struct journal_disk *disk)
{
	memcpy(disk->plan_hash, identity->plan_hash, sizeof(disk->plan_hash));
	memcpy(disk->disk_hash, identity->disk_hash, sizeof(disk->disk_hash));
	disk->backup_time = put_le64(identity->backup_time);
	disk->image_count = put_le32((uint32_t)identity->image_count);
	for (size_t i = 0; i < identity->image_count; i++) {
		const struct journal_image *image = &identity->images[i];

		memcpy(disk->images[i].unique_id, image->unique_id, 16);
		disk->images[i].file_size = put_le64(image->file_size);
		disk->images[i].virtual_size = put_le64(image->virtual_size);
		disk->images[i].volume_size = put_le64(image->volume_size);
	}
}

size_t journal_encode(const struct journal *journal, uint8_t *slot, size_t length)
{
	struct journal_disk *disk = (struct journal_disk *)slot;
	size_t count = min_u64(journal->done.count, JOURNAL_RANGES_MAX);
	size_t words =
		journal->words_length <= JOURNAL_WORDS_MAX ? journal->words_length : 0;
	size_t ranges = sizeof(*disk) + count * sizeof(disk->ranges[0]);
	size_t used = ranges + words;

	memset(slot, 0, length);
	memcpy(disk->magic, magic, sizeof(disk->magic));
	disk->length = put_le32((uint32_t)used);
	disk->format = put_le32(JOURNAL_FORMAT);
	disk->state = put_le32(journal->state);
	disk->sequence = put_le64(journal->sequence);
	memcpy(disk->job_id, journal->job_id, sizeof(disk->job_id));
	put_identity(&journal->identity, disk);
	put_about(&journal->about, disk);
	disk->words_length = put_le32((uint32_t)words);
	if (words)
		memcpy(slot + ranges, journal->words, words);
	disk->high_water = put_le64(journal->high_water);
	disk->sum_low = put_le64(journal->sum_low);
	disk->sum_high = put_le64(journal->sum_high);
	disk->range_count = put_le32((uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		disk->ranges[i].offset = put_le64(journal->done.ranges[i].offset);
		disk->ranges[i].length = put_le64(journal->done.ranges[i].length);
	}
	disk->crc = put_le32(crc32c(0, slot, used));
	return used;
}

/* The CRC is that of the bytes with zeros in its own place. */
static bool crc_is_right(const uint8_t *slot, size_t used)
{
	const struct journal_disk *disk = (const struct journal_disk *)slot;
	static const uint8_t zeros[4];
	uint32_t crc = crc32c(0, slot, offsetof(struct journal_disk, crc));

	crc = crc32c(crc, zeros, sizeof(zeros));
	crc = crc32c(crc, slot + offsetof(struct journal_disk, length),
		     used - offsetof(struct journal_disk, length));
	return crc == get_le32(disk->crc) || CHECKSUMS_IGNORED;
}

static int check_header(const uint8_t *slot, size_t length, struct err *err)
{
	const struct journal_disk *disk = (const struct journal_disk *)slot;
	uint32_t used, state, images, ranges, words;

	if (length < sizeof(*disk) || memcmp(disk->magic, magic, sizeof(magic)) != 0)
		return err_set(err, -ENOEXEC, "no journal");
	used = get_le32(disk->length);
	if (used < sizeof(*disk) || used > length)
		return err_set(err, -EBADMSG, "%u bytes in a slot of %zu", used, length);
	if (!crc_is_right(slot, used))
		return err_set(err, -EBADMSG, "its checksum is wrong");
	if (get_le32(disk->format) != JOURNAL_FORMAT)
		return err_set(err, -EBADMSG, "format %u, this version knows %d",
			       get_le32(disk->format), JOURNAL_FORMAT);
	state = get_le32(disk->state);
	if (state < JOURNAL_COPYING || state > JOURNAL_DONE)
		return err_set(err, -EBADMSG, "state %u, must be %d to %d", state,
			       JOURNAL_COPYING, JOURNAL_DONE);
	images = get_le32(disk->image_count);
	if (images > JOURNAL_IMAGES_MAX)
		return err_set(err, -EBADMSG, "%u images, at most %d", images,
			       JOURNAL_IMAGES_MAX);
	words = get_le32(disk->words_length);
	if (words > JOURNAL_WORDS_MAX || words > used - sizeof(*disk))
		return err_set(err, -EBADMSG, "%u bytes of words, at most %d", words,
			       JOURNAL_WORDS_MAX);
	ranges = get_le32(disk->range_count);
	if (ranges != (used - words - sizeof(*disk)) / sizeof(disk->ranges[0]) ||
	    (used - words) % sizeof(disk->ranges[0]))
		return err_set(err, -EBADMSG, "%u ranges in %u bytes", ranges, used);
	return 0;
}

static int take_ranges(const struct journal_disk *disk, struct range_map *map,
		       struct err *err)
{
	uint32_t count = get_le32(disk->range_count);
	uint64_t end = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t offset = get_le64(disk->ranges[i].offset);
		uint64_t length = get_le64(disk->ranges[i].length);
		int r;

		if (offset < end || length == 0 || !checked_add(offset, length, &end))
			return err_set(err, -EBADMSG,
				       "range %u (%" PRIu64 "+%" PRIu64
				       ") is empty or out of order",
				       i, offset, length);
		r = range_map_add(map, offset, length, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return utf8_check(text, length) == 0;
}

/* It may have been cut off within a character. */
static void take_name(const char from[JOURNAL_NAME_SIZE], char ret[JOURNAL_NAME_SIZE])
{
	size_t length = strnlen(from, JOURNAL_NAME_SIZE - 1);

	while (length && !is_plain(from, length))
		length--;
	memcpy(ret, from, length);
	ret[length] = '\0';
}

static int take_words(const struct journal_disk *disk, struct journal *journal,
		      struct err *err)
{
	size_t length = get_le32(disk->words_length);
	const char *words = (const char *)disk + get_le32(disk->length) - length;

	if (!length)
		return 0;
	if (words[length - 1])
		return err_set(err, -EBADMSG, "its last word has no end");
	for (const char *word = words; word < words + length; word += strlen(word) + 1)
		if (!is_plain(word, strlen(word)))
			return err_set(err, -EBADMSG, "a word of it is no text");
	journal->words = malloc(length);
	if (!journal->words)
		return err_nomem(err);
	memcpy(journal->words, words, length);
	journal->words_length = length;
	return 0;
}

static void take_identity(const struct journal_disk *disk, struct journal_identity *ret)
{
	memcpy(ret->plan_hash, disk->plan_hash, sizeof(ret->plan_hash));
	memcpy(ret->disk_hash, disk->disk_hash, sizeof(ret->disk_hash));
	ret->backup_time = get_le64(disk->backup_time);
	ret->image_count = get_le32(disk->image_count);
	for (size_t i = 0; i < ret->image_count; i++) {
		memcpy(ret->images[i].unique_id, disk->images[i].unique_id, 16);
		ret->images[i].file_size = get_le64(disk->images[i].file_size);
		ret->images[i].virtual_size = get_le64(disk->images[i].virtual_size);
		ret->images[i].volume_size = get_le64(disk->images[i].volume_size);
	}
}

int journal_decode(const uint8_t *slot, size_t length, struct journal *ret,
		   struct err *err)
{
	const struct journal_disk *disk = (const struct journal_disk *)slot;
	struct journal journal = { 0 };
	int r = check_header(slot, length, err);

	if (r == 0)
		r = take_ranges(disk, &journal.done, err);
	if (r == 0)
		r = take_words(disk, &journal, err);
	if (r < 0) {
		journal_clear(&journal);
		return r;
	}
	journal.sequence = get_le64(disk->sequence);
	journal.state = (enum journal_state)get_le32(disk->state);
	memcpy(journal.job_id, disk->job_id, sizeof(journal.job_id));
	take_identity(disk, &journal.identity);
	take_name(disk->machine, journal.about.machine);
	take_name(disk->version, journal.about.version);
	journal.about.written = get_le64(disk->written);
	journal.about.total = get_le64(disk->total);
	journal.high_water = get_le64(disk->high_water);
	journal.sum_low = get_le64(disk->sum_low);
	journal.sum_high = get_le64(disk->sum_high);
	*ret = journal;
	return 0;
}

int journal_choose(const uint8_t *slots, size_t slot_length, struct journal *ret,
		   struct err *err)
{
	struct journal best = { 0 };
	struct err why = { 0 };
	bool found = false;

	for (size_t i = 0; i < JOURNAL_SLOTS; i++) {
		struct journal journal;
		struct err own = { 0 };
		int r = journal_decode(slots + i * slot_length, slot_length, &journal,
				       &own);

		if (r == -ENOMEM) {
			journal_clear(&best);
			return err_set(err, r, "%s", own.text);
		}
		if (r == -EBADMSG)
			why = own;
		if (r < 0)
			continue;
		if (found && journal.sequence < best.sequence) {
			journal_clear(&journal);
			continue;
		}
		journal_clear(&best);
		best = journal;
		found = true;
	}
	if (!found)
		return err_set(err, -ENOEXEC, "%s%s",
			       why.code ? "its journal cannot be used: "
					: "it has no journal",
			       why.text);
	*ret = best;
	return 0;
}

int journal_compare(const struct journal_identity *found,
		    const struct journal_identity *wanted, struct err *err)
{
	if (memcmp(found->disk_hash, wanted->disk_hash, sizeof(found->disk_hash)) != 0)
		return err_set(err, -ESTALE, "it was begun on another disk");
	if (found->backup_time != wanted->backup_time)
		return err_set(err, -ESTALE,
			       "it was begun from another version of the backup");
	if (found->image_count != wanted->image_count)
		return err_set(err, -ESTALE, "it was begun with %zu images, now %zu",
			       found->image_count, wanted->image_count);
	for (size_t i = 0; i < found->image_count; i++) {
		const struct journal_image *a = &found->images[i];
		const struct journal_image *b = &wanted->images[i];

		if (a->file_size != b->file_size || a->virtual_size != b->virtual_size ||
		    a->volume_size != b->volume_size)
			return err_set(err, -ESTALE,
				       "image %zu of the backup has another size "
				       "(file %" PRIu64 " bytes then, %" PRIu64 " now)",
				       i + 1, a->file_size, b->file_size);
		if (memcmp(a->unique_id, b->unique_id, sizeof(a->unique_id)) != 0)
			return err_set(err, -ESTALE,
				       "image %zu of the backup is another one: its "
				       "unique id has changed",
				       i + 1);
	}
	if (memcmp(found->plan_hash, wanted->plan_hash, sizeof(found->plan_hash)) != 0)
		return err_set(err, -ESTALE, "it was begun with another plan");
	return 0;
}

static int choose_if_there(const uint8_t *slots, size_t slot_length, struct journal *ret,
			   struct err *err)
{
	return slots ? journal_choose(slots, slot_length, ret, err)
		     : err_set(err, -ENOEXEC, "it has no journal");
}

/* Both are valid. */
static enum journal_pick pick_newer(const struct journal *gap,
				    const struct journal *mirror)
{
	if (memcmp(gap->job_id, mirror->job_id, sizeof(gap->job_id)) != 0)
		return JOURNAL_PICK_GAP_DISAGREES;
	return mirror->sequence > gap->sequence ? JOURNAL_PICK_MIRROR_NEWER
						: JOURNAL_PICK_GAP;
}

int journal_pick(const uint8_t *gap, const uint8_t *mirror, size_t slot_length,
		 const struct journal_identity *wanted, struct journal *ret,
		 enum journal_pick *ret_pick, struct err *err)
{
	struct journal in_gap = { 0 }, in_mirror = { 0 };
	int gap_r = choose_if_there(gap, slot_length, &in_gap, err), mirror_r = -ENOEXEC;
	enum journal_pick pick = JOURNAL_PICK_GAP;

	if (gap_r == -ENOMEM)
		return gap_r;
	mirror_r = choose_if_there(mirror, slot_length, &in_mirror, NULL);
	if (mirror_r == 0 && journal_compare(&in_mirror.identity, wanted, NULL) < 0) {
		journal_clear(&in_mirror);
		mirror_r = -ENOEXEC;
	}
	if (mirror_r == -ENOMEM) {
		journal_clear(&in_gap);
		return err_nomem(err);
	}
	if (mirror_r == 0)
		pick = gap_r < 0 ? JOURNAL_PICK_MIRROR : pick_newer(&in_gap, &in_mirror);
	else if (gap_r < 0)
		return gap_r;
	if (pick == JOURNAL_PICK_MIRROR || pick == JOURNAL_PICK_MIRROR_NEWER) {
		journal_clear(&in_gap);
		*ret = in_mirror;
	} else {
		journal_clear(&in_mirror);
		*ret = in_gap;
	}
	*ret_pick = pick;
	return 0;
}
