/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What fails or lies: see crash-errors.h. */
#include "crash-errors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/checked.h>

#include "crash-cuts.h"
#include "crash-judge.h"

/* -- operations that fail ------------------------------------------------------------------- */

static const char *const kind_texts[] = { "write", "zero", "flush", "read" };

/* What a failure must leave; the disk is as it is, without a cut. */
static bool judge_failure(struct crash_scene *scene, struct crash_outcome outcome,
			  const uint8_t *before, bool resumes)
{
	uint8_t *left = malloc(scene->total);
	bool good;

	memcpy(left, scene->disk.bytes, scene->total);
	if (outcome.code == 0)
		good = crash_is_whole(scene, "success was said");
	else
		good = crash_judge(scene, left, before) &&
		       crash_go_on(scene, left,
				   &(struct crash_expectation){ .resumable = resumes });
	free(left);
	return good;
}

static bool fail_operation(struct crash_scene *scene, const uint8_t *before, bool resumes,
			   size_t number, bool persistent, bool *ret_hit)
{
	struct crash_outcome outcome;
	enum operation_kind kind;
	bool in_mirror, excused;
	bool good;

	crash_disk_reset(&scene->disk, before);
	scene->disk.failing = number;
	scene->disk.persistent = persistent;
	outcome = crash_restore(scene, resumes);
	*ret_hit = scene->disk.failed;
	kind = scene->disk.failed_kind;
	in_mirror = *ret_hit && crash_in_mirror(scene, scene->disk.failed_offset);
	/* the mirror stands in for a journal that cannot be read, and nothing stands on the mirror */
	excused = in_mirror || (*ret_hit && kind == OPERATION_READ &&
				crash_in_slots(scene, scene->disk.failed_offset));
	crash_counts.errors += *ret_hit;
	good = judge_failure(scene, outcome, before, false);
	if (good && in_mirror && !persistent && outcome.code < 0)
		good = crash_violated("a mirror that fails ends it: %s",
				      outcome.err.text);
	if (good && excused && outcome.code == 0)
		good = outcome.warned || crash_violated("nobody is told of it");
	else if (good && *ret_hit && outcome.code == 0 &&
		 (persistent || kind != OPERATION_FLUSH))
		good = crash_violated("success was said");
	if (good && *ret_hit && outcome.resumable)
		good = crash_violated("the disk's own error is called resumable");
	if (good)
		return true;
	crash_add_context(" (operation %zu, a %s, fails %s)", number, kind_texts[kind],
			  persistent ? "for ever" : "once");
	return false;
}

static bool fail_operations(struct crash_scene *scene, const uint8_t *before,
			    bool resumes)
{
	bool good = true;

	for (unsigned persistent = 0; good && persistent < 2; persistent++) {
		bool hit = true;

		for (size_t number = 1; good && hit; number++)
			good = fail_operation(scene, before, resumes, number, persistent,
					      &hit);
	}
	return good;
}

/* A flush of the copy that fails once is made good by writing again. */
static bool fail_one_flush(struct crash_scene *scene)
{
	struct crash_run whole;
	struct crash_outcome outcome = crash_record(scene, scene->old, false, 0, &whole);
	size_t place = crash_find_place(scene, &whole.log, FLUSH_FAILS);
	bool good = outcome.code == 0 && place < whole.log.log.count;

	if (!good)
		(void)crash_violated("there is no checkpoint in the copy");
	if (good) {
		crash_disk_reset(&scene->disk, scene->old);
		scene->disk.failing = whole.log.log.operations[place].number;
		outcome = crash_restore(scene, false);
		good = outcome.code == 0
			       ? outcome.warned ||
					 crash_violated("nobody is told of a flush "
							"that failed")
			       : crash_violated("a flush that fails once ends it: %s",
						outcome.err.text);
	}
	good = good && crash_is_whole(scene, "written again");
	crash_clear_run(&whole);
	return good;
}

/* -- a sector that cannot be written, and then can ------------------------------------------- */

/* What must hold when the disk that was left is taken up: a journal is followed, and what it claims is
 * not copied again. */
static struct crash_expectation expect_of(const struct crash_scene *scene,
					  const uint8_t *left)
{
	struct crash_expectation expected = { 0 };
	struct journal journal;

	if (journal_choose(left + scene->plan.journal_offset,
			   scene->plan.journal_slot_length, &journal, NULL) < 0)
		return expected;
	expected.resumable = true;
	expected.resumed = journal.state == JOURNAL_COPYING && journal.done.count > 0;
	journal_clear(&journal);
	return expected;
}

/* *went_on grows where part of the copy was found again. */
static bool heal_sector(struct crash_scene *scene, const uint8_t *before, bool resumes,
			uint64_t sector, uint64_t *went_on)
{
	uint8_t *left = malloc(scene->total);
	struct crash_expectation expected;
	struct crash_outcome outcome;
	bool good;

	crash_disk_reset(&scene->disk, before);
	scene->disk.has_bad_sector = true;
	scene->disk.bad_sector = sector;
	outcome = crash_restore(scene, resumes);
	memcpy(left, scene->disk.bytes, scene->total);
	if (!scene->disk.failed) {
		good = outcome.code == 0
			       ? crash_is_whole(scene, "nothing was written there")
			       : crash_violated("it ends without a reason: %s",
						outcome.err.text);
	} else if (outcome.code == 0) {
		good = crash_violated("success was said over a sector that failed");
	} else {
		expected = expect_of(scene, left);
		crash_counts.healed++;
		*went_on += expected.resumed;
		good = crash_judge(scene, left, before) &&
		       crash_go_on(scene, left, &expected);
	}
	free(left);
	return good;
}

/* From sector to sector: the first ones of the disk all, in partitions one in each half of a piece, at
 * another place of it each time, elsewhere one in 64 KiB. */
static uint64_t next_sector(const struct crash_scene *scene, uint64_t sector)
{
	uint32_t size = scene->shape->sector_size;

	if (sector < 4 * size)
		return sector + size;
	for (size_t i = 0; i < 3; i++) {
		const struct disk_partition *p = &scene->after->partitions[i];

		if (sector >= p->offset && sector - p->offset < p->length)
			return sector + CRASH_PIECE / 2 + size;
		if (sector < p->offset && p->offset - sector <= 64 * KiB)
			return p->offset;
	}
	return sector + 64 * KiB;
}

static bool heal_sectors(struct crash_scene *scene, const uint8_t *before, bool resumes)
{
	uint64_t went_on = 0;
	bool good = true;

	for (uint64_t at = 0; good && at < scene->size; at = next_sector(scene, at)) {
		good = heal_sector(scene, before, resumes, at, &went_on);
		if (!good)
			crash_add_context(
				" (the sector at %" PRIu64 " cannot be written)", at);
	}
	if (good && went_on == 0)
		good = crash_violated("no copy went on when a sector healed");
	return good;
}

static bool fail_allocations(struct crash_scene *scene, const uint8_t *before,
			     bool resumes)
{
	struct crash_outcome outcome;
	bool good = true;
	size_t total;

	crash_disk_reset(&scene->disk, before);
	(void)crash_fail_allocation(0);
	outcome = crash_restore(scene, resumes);
	total = crash_fail_allocation(0);
	for (size_t number = 1; good && number <= total; number++) {
		crash_disk_reset(&scene->disk, before);
		(void)crash_fail_allocation(number);
		outcome = crash_restore(scene, resumes);
		(void)crash_fail_allocation(0);
		crash_counts.allocations++;
		good = outcome.code < 0 ||
		       crash_violated("allocation %zu of %zu fails and success is said",
				      number, total);
		good = good && judge_failure(scene, outcome, before, false);
	}
	return good;
}

/* -- disks that lie, disks and backups that are others ---------------------------------------- */

/* Bytes that the journal claims and that are not there. */
static bool lose_claimed(struct crash_scene *scene, const uint8_t *half, bool in_tail)
{
	uint8_t *image = malloc(scene->total);
	struct crash_outcome outcome;
	struct journal journal;
	uint64_t place;
	bool good;

	memcpy(image, half, scene->total);
	if (journal_choose(image + scene->plan.journal_offset,
			   scene->plan.journal_slot_length, &journal, NULL) < 0) {
		free(image);
		return crash_violated("a half restore has no journal");
	}
	place = in_tail ? journal.high_water - 4096 : MiB + CRASH_PIECE + 4096;
	while (crash_is_zero(scene->whole + place, 512))
		place -= 4096;
	journal_clear(&journal);
	memset(image + place, 0xdd, 512);
	crash_disk_reset(&scene->disk, image);
	outcome = crash_restore(scene, true);
	if (in_tail)
		good = outcome.code < 0
			       ? crash_violated("a lost tail ends it: %s",
						outcome.err.text)
			       : crash_is_whole(scene, "after a lost tail") &&
					 (outcome.warned ||
					  crash_violated(
						  "nobody is told of a lost tail"));
	else
		good = outcome.code < 0 ||
		       crash_is_whole(scene, "what was claimed was lost");
	free(image);
	return good;
}

static bool resume_foreign(struct crash_scene *scene, const uint8_t *half)
{
	struct crash_outcome outcome;
	bool good;

	scene->volumes[1].image.unique_id.b[3] ^= 1;
	crash_disk_reset(&scene->disk, half);
	scene->disk.logging = true;
	outcome = crash_restore(scene, true);
	good = outcome.code == -ESTALE && scene->disk.log.count == 0;
	scene->volumes[1].image.unique_id.b[3] ^= 1;
	return good || crash_violated("a restore of another backup is resumed");
}

static void make_half(struct crash_scene *scene, uint8_t *half)
{
	struct crash_run whole;

	(void)crash_record(scene, scene->old, false, 0, &whole);
	memcpy(half, scene->old, scene->total);
	crash_image_at(&whole.log, crash_find_place(scene, &whole.log, FROM_COPY), half);
	crash_clear_run(&whole);
}

bool crash_judge_errors(struct crash_scene *scene)
{
	uint8_t *half = malloc(scene->total);
	bool good;

	make_half(scene, half);
	good = fail_one_flush(scene) && lose_claimed(scene, half, true) &&
	       lose_claimed(scene, half, false) && resume_foreign(scene, half) &&
	       fail_operations(scene, scene->old, false) &&
	       fail_operations(scene, half, true) &&
	       heal_sectors(scene, scene->old, false) &&
	       heal_sectors(scene, half, true) &&
	       fail_allocations(scene, scene->old, false) &&
	       fail_allocations(scene, half, true);
	free(half);
	return good;
}
