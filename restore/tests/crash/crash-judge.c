/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a disk may look like after a cut: see crash-judge.h. */
#include "crash-judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <base/checked.h>

char crash_violation[1400];

bool crash_violated(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(crash_violation, sizeof(crash_violation), format, args);
	va_end(args);
	return false;
}

void crash_add_context(const char *format, ...)
{
	size_t length = strlen(crash_violation);
	va_list args;

	va_start(args, format);
	vsnprintf(crash_violation + length, sizeof(crash_violation) - length, format,
		  args);
	va_end(args);
}

bool crash_is_zero(const uint8_t *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* What no volume uses may be anything after a delta restore. */
static bool does_not_count(const struct crash_scene *scene, uint64_t offset)
{
	if (crash_in_slots(scene, offset))
		return true;
	for (size_t i = 0; scene->ignores_free && i < 3; i += 2) {
		const struct disk_partition *p = &scene->after->partitions[i];

		if (offset >= p->offset && offset < p->offset + p->length &&
		    crash_image_kind(offset - p->offset) == RANGE_FREE)
			return true;
	}
	return false;
}

/* The first byte, from offset on, that is not as in the restored disk; slots do not count. */
static uint64_t first_difference(const struct crash_scene *scene, const uint8_t *image,
				 uint64_t offset, uint64_t end)
{
	uint32_t sector = scene->shape->sector_size;

	for (uint64_t at = offset; at < end; at += sector)
		if (!does_not_count(scene, at) &&
		    memcmp(image + at, scene->whole + at, sector) != 0)
			return at;
	return end;
}

/* All of both volumes but the boot sectors. */
static bool volumes_are_whole(const struct crash_scene *scene, const uint8_t *image,
			      uint32_t held, uint64_t *ret_at)
{
	uint32_t sector = scene->shape->sector_size;

	for (size_t i = 0; i < 3; i += 2) {
		const struct disk_partition *p = &scene->after->partitions[i];
		uint64_t end = p->offset + p->length - (held ? sector : 0);

		*ret_at = first_difference(scene, image, p->offset + held, end);
		if (*ret_at != end)
			return false;
	}
	return true;
}

/* Whatever is recognised is the untouched old disk or the whole new one; boot sectors come
 * after all data, tables after all boot sectors. */
bool crash_judge(const struct crash_scene *scene, const uint8_t *image,
		 const uint8_t *before)
{
	uint32_t sector = scene->shape->sector_size;
	bool gpt = scene->shape->style == TABLE_GPT;
	uint64_t at;

	if (!crash_is_zero(image, sector)) {
		if (memcmp(image, before, scene->size) == 0)
			return true;
		if (memcmp(image, scene->whole, sector) != 0)
			return crash_violated("LBA 0 is there, the old disk is not");
		at = first_difference(scene, image, 0, scene->size);
		return at == scene->size ||
		       crash_violated("LBA 0 is there, byte %" PRIu64 " is not", at);
	}
	if (gpt && memcmp(image + sector, scene->whole + sector, sector) == 0 &&
	    !volumes_are_whole(scene, image, 0, &at))
		return crash_violated("the primary GPT is there, byte %" PRIu64 " is not",
				      at);
	at = scene->size - sector;
	if (gpt && memcmp(image + at, scene->whole + at, sector) == 0 &&
	    !volumes_are_whole(scene, image, 0, &at))
		return crash_violated("the backup GPT is there, byte %" PRIu64 " is not",
				      at);
	for (size_t i = 0; i < 3; i += 2) {
		uint64_t head = scene->after->partitions[i].offset;

		if (memcmp(image + head, scene->whole + head, sector) == 0 &&
		    !volumes_are_whole(scene, image, 8 * sector, &at))
			return crash_violated(
				"a boot sector is there, byte %" PRIu64 " is not", at);
	}
	return true;
}

bool crash_read_journal(const struct crash_scene *scene, const uint8_t *image,
			enum journal_state *ret)
{
	struct journal journal;

	if (journal_choose(image + scene->plan.journal_offset,
			   scene->plan.journal_slot_length, &journal, NULL) < 0)
		return false;
	*ret = journal.state;
	journal_clear(&journal);
	return true;
}

bool crash_is_equal(const struct crash_scene *scene, const char *when)
{
	uint64_t at = first_difference(scene, scene->disk.bytes, 0, scene->size);

	return at == scene->size ||
	       crash_violated("%s: byte %" PRIu64 " is not the backup's", when, at);
}

bool crash_is_whole(const struct crash_scene *scene, const char *when)
{
	enum journal_state state;

	if (!crash_is_equal(scene, when))
		return false;
	if (!crash_read_journal(scene, scene->disk.bytes, &state) ||
	    state != JOURNAL_DONE)
		return crash_violated("%s: the journal does not say done", when);
	return true;
}
