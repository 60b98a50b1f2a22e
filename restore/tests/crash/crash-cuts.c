/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Power cuts at every operation: see crash-cuts.h. */
#include "crash-cuts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/checked.h>

#include "crash-judge.h"

/* Patterns after which the journal on the disk is taken for lost, too: those that lose all, nothing,
 * all but the last; and the one that tears the last. */
#define TORN_PATTERN 5

static bool tries_mirror(unsigned pattern)
{
	return pattern < 3 || pattern == TORN_PATTERN;
}

/* After every second pattern the mirror is lost: the disk's own journal is enough. */
static bool loses_mirror(unsigned pattern)
{
	return pattern % 2 == 1;
}

/* Between what was written before a cut and what a resume finds: a checkpoint's worth, the tail,
 * pieces under way, patched, and sampled ones. */
#define WRITTEN_AGAIN ((4 + 2 + 3 + 2 + 3) * CRASH_PIECE)

struct crash_counts crash_counts;

/* -- after a cut -------------------------------------------------------------------------- */

bool crash_go_on(struct crash_scene *scene, const uint8_t *image,
		 const struct crash_expectation *expected)
{
	struct crash_outcome outcome;
	enum journal_state state;

	if (crash_read_journal(scene, image, &state) && state == JOURNAL_DONE &&
	    crash_is_zero(image, scene->shape->sector_size))
		return crash_violated("the journal says done, LBA 0 is not there");
	crash_disk_reset(&scene->disk, image);
	scene->disk.logging = true;
	outcome = crash_restore(scene, true);
	crash_counts.resumes++;
	if (outcome.code == 0 && outcome.resumed < expected->resumed)
		return crash_violated("%" PRIu64 " bytes were found again, %" PRIu64
				      " at least had been flushed",
				      outcome.resumed, expected->resumed);
	if (outcome.code == 0)
		return crash_is_whole(scene, "resumed");
	if (expected->resumable)
		return crash_violated("it cannot be resumed: %s", outcome.err.text);
	if (outcome.code != -ESTALE || scene->disk.log.count)
		return crash_violated("nothing to resume, and yet: %s", outcome.err.text);
	outcome = crash_restore(scene, false);
	if (outcome.code < 0)
		return crash_violated("it cannot be started again: %s", outcome.err.text);
	return crash_is_whole(scene, "started again");
}

/* A delta restore that was cut goes on by comparing again; where all is there already nothing is
 * written, the journal neither. */
static bool compare_again(struct crash_scene *scene, const uint8_t *image)
{
	struct crash_outcome outcome;

	crash_disk_reset(&scene->disk, image);
	scene->delta = true;
	outcome = crash_restore(scene, false);
	scene->delta = false;
	crash_counts.resumes++;
	if (outcome.code < 0)
		return crash_violated("it cannot be compared again: %s",
				      outcome.err.text);
	return outcome.whole ? crash_is_equal(scene, "compared again")
			     : crash_is_whole(scene, "compared again");
}

/* The same cut, and the journal on the disk is lost with it: its mirror tells what was written
 * before. */
static bool go_on_by_mirror(struct crash_scene *scene, const uint8_t *image,
			    bool resumable)
{
	struct crash_outcome outcome;
	bool good = true;

	crash_disk_reset(&scene->disk, image);
	memset(scene->disk.bytes + scene->plan.journal_offset, 0xff,
	       JOURNAL_SLOTS * scene->plan.journal_slot_length);
	scene->disk.logging = true;
	outcome = crash_restore(scene, true);
	crash_counts.mirrors++;
	if (outcome.code == 0)
		good = crash_is_whole(scene, "resumed by the mirror") &&
		       (outcome.warned ||
			crash_violated("nobody is told that the mirror counts"));
	else if (resumable)
		good = crash_violated("the mirror does not resume it: %s",
				      outcome.err.text);
	else if (outcome.code != -ESTALE || scene->disk.log.count)
		good = crash_violated("the mirror says nothing, and yet: %s",
				      outcome.err.text);
	return good;
}

/* -- cuts at every operation --------------------------------------------------------------- */

const char *const crash_start_texts[STARTS] = {
	[FRESH] = "over another system",
	[OVER_A_HALF] = "again over a half restore",
	[FROM_COPY] = "resumed in the copy",
	[FROM_COMMIT] = "resumed in the commit",
	[FROM_TABLE] = "resumed behind LBA 0",
	[FLUSH_FAILS] = "with a flush that fails",
	[BOTH] = "resumed, with a flush that fails",
	[DELTA] = "what differs alone",
};

static bool is_journal(const struct crash_scene *scene, const struct operation *operation)
{
	return operation->kind == OPERATION_WRITE &&
	       crash_in_slots(scene, operation->offset) && operation->offset;
}

static bool is_data(const struct crash_scene *scene, const struct operation *operation)
{
	return operation->kind == OPERATION_WRITE && operation->offset >= MiB &&
	       operation->offset < MiB + 64 * CRASH_PIECE;
}

void crash_image_at(const struct crash_disk *log, size_t count, uint8_t *image)
{
	for (size_t i = 0; i < count; i++)
		operation_apply(&log->log.operations[i], image);
}

size_t crash_find_place(const struct crash_scene *scene, const struct crash_disk *log,
			enum crash_start start)
{
	size_t flushes = 0, journals = 0;

	for (size_t i = 0; i < log->log.count; i++) {
		const struct operation *operation = &log->log.operations[i];

		journals += is_journal(scene, operation);
		flushes += journals && operation->kind == OPERATION_FLUSH &&
			   !crash_in_mirror(scene, operation->offset);
		if ((start == FLUSH_FAILS && flushes == 6) ||
		    (start == BOTH && flushes == 2))
			return i;
		if ((start == FROM_COPY || start == OVER_A_HALF) && flushes == 9)
			return i + 3;
		if (journals > 3 && operation->kind == OPERATION_WRITE &&
		    operation->offset == 0 && start == FROM_COMMIT)
			return i;
		if (journals > 3 && operation->kind == OPERATION_WRITE &&
		    operation->offset == 0 && start == FROM_TABLE)
			return i + 2;
	}
	return log->log.count;
}

struct crash_outcome crash_record(struct crash_scene *scene, const uint8_t *before,
				  bool resumes, size_t failing, struct crash_run *ret)
{
	struct crash_outcome outcome;

	*ret = (struct crash_run){ .resumes = resumes, .before = malloc(scene->total) };
	memcpy(ret->before, before, scene->total);
	crash_disk_reset(&scene->disk, before);
	scene->disk.logging = true;
	scene->disk.failing = failing;
	outcome = crash_restore(scene, resumes);
	ret->log = scene->disk;
	scene->disk.log = (struct crash_log){ 0 };
	return outcome;
}

void crash_clear_run(struct crash_run *run)
{
	for (size_t i = 0; i < run->log.log.count; i++)
		free(run->log.log.operations[i].bytes);
	free(run->log.log.operations);
	free(run->before);
}

/* Rules that the order alone must keep; finds where a resume becomes possible. */
static bool judge_order(const struct crash_scene *scene, struct crash_run *run)
{
	bool written = false, begun = run->resumes, mirrored = run->resumes;

	run->begun = run->mirrored = 0;
	for (size_t i = 0; i < run->log.log.count; i++) {
		const struct operation *operation = &run->log.log.operations[i];

		written |= is_journal(scene, operation);
		if (written && !begun && operation->kind == OPERATION_FLUSH) {
			begun = true;
			run->begun = i + 1;
		}
		/* the first of the mirror's flushes is that of its erasing */
		if (begun && !mirrored && operation->kind == OPERATION_FLUSH &&
		    crash_in_mirror(scene, operation->offset)) {
			mirrored = true;
			run->mirrored = i + 1;
		}
		if (is_data(scene, operation) && !begun)
			return crash_violated(
				"data is written before a journal is flushed");
	}
	return true;
}

static uint64_t written_before(const struct crash_scene *scene,
			       const struct crash_run *run, size_t at)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < at; i++)
		if (is_data(scene, &run->log.log.operations[i]))
			sum += run->log.log.operations[i].length;
	return sum;
}

static bool cut_run(struct crash_scene *scene, struct crash_run *run, unsigned patterns,
		    uint64_t seed, uint64_t limit, bool bounded)
{
	uint8_t *flushed = malloc(scene->total), *image = malloc(scene->total);
	const struct crash_log *log = &run->log.log;
	size_t pending = 0;
	bool good = true;

	memcpy(flushed, run->before, scene->total);
	for (size_t at = 0; good && at <= log->count && crash_counts.points < limit;
	     at++) {
		struct crash_expectation expected = {
			.resumable = run->resumes || at >= run->begun,
		};
		uint64_t written = written_before(scene, run, at);

		if (bounded && written > WRITTEN_AGAIN)
			expected.resumed =
				min_u64(written, 28 * CRASH_PIECE) - WRITTEN_AGAIN;
		for (unsigned p = 0; good && p < patterns; p++) {
			memcpy(image, flushed, scene->total);
			crash_apply(&run->log, pending, at, p, seed, image);
			crash_counts.points++;
			good = crash_judge(scene, image, run->before);
			if (good && tries_mirror(p))
				good = go_on_by_mirror(scene, image,
						       run->resumes ||
							       at >= run->mirrored);
			if (loses_mirror(p))
				memset(image + scene->size, 0,
				       scene->total - scene->size);
			good = good && crash_go_on(scene, image, &expected);
			good = good && (!run->delta || compare_again(scene, image));
			if (!good)
				crash_add_context(
					" (cut at operation %zu of %zu, pattern %u)", at,
					log->count, p);
			/* One state where nothing is pending. */
			if (pending == at && at < log->count &&
			    log->operations[at].kind == OPERATION_FLUSH)
				break;
		}
		if (at < log->count && log->operations[at].kind == OPERATION_FLUSH) {
			for (size_t i = pending; i <= at; i++)
				operation_apply(&log->operations[i], flushed);
			pending = at + 1;
		}
	}
	free(flushed);
	free(image);
	return good;
}

/* The restored disk, on which some of each volume is another's, as are tables and boot sectors, by
 * which the judge tells the old from the new; nobody remembers the restore. */
static void make_different(const struct crash_scene *scene, uint8_t *image)
{
	memcpy(image, scene->whole, scene->total);
	image[440] ^= 1;
	image[scene->shape->sector_size] ^= 1;
	image[scene->size - scene->shape->sector_size] ^= 1;
	for (size_t i = 0; i < 3; i += 2) {
		uint8_t *volume = image + scene->after->partitions[i].offset;

		volume[3] ^= 1;
		for (unsigned piece = 1; piece < 10; piece += 3)
			memset(volume + piece * CRASH_PIECE, 0xbb, CRASH_PIECE);
	}
	for (uint64_t at = 0; at < scene->total; at += 4096)
		if (crash_in_slots(scene, at) || crash_in_mirror(scene, at))
			memset(image + at, 0, 4096);
}

bool crash_cut_start(struct crash_scene *scene, enum crash_start start, unsigned patterns,
		     uint64_t seed, uint64_t limit)
{
	struct crash_run whole, run = { 0 };
	uint8_t *half = malloc(scene->total);
	struct crash_outcome outcome = crash_record(scene, scene->old, false, 0, &whole);
	size_t place = crash_find_place(scene, &whole.log, start), failing = 0;
	bool resumes = start == FROM_COPY || start == FROM_COMMIT ||
		       start == FROM_TABLE || start == BOTH;
	bool good = outcome.code == 0 ||
		    crash_violated("the whole run fails: %s", outcome.err.text);

	memcpy(half, scene->old, scene->total);
	if (start == BOTH)
		place = crash_find_place(scene, &whole.log, FROM_COPY);
	if (resumes || start == OVER_A_HALF)
		crash_image_at(&whole.log, place, half);
	if (good && (start == FLUSH_FAILS || start == BOTH)) {
		outcome = crash_record(scene, half, resumes, 0, &run);
		place = crash_find_place(scene, &run.log, start);
		if (place < run.log.log.count)
			failing = run.log.log.operations[place].number;
		crash_clear_run(&run);
	}
	if (start == DELTA)
		make_different(scene, half);
	scene->delta = scene->ignores_free = start == DELTA;
	if (good)
		outcome = crash_record(scene, half, resumes, failing, &run);
	run.delta = scene->delta;
	scene->delta = false;
	if (good && outcome.code < 0)
		good = crash_violated("it fails: %s", outcome.err.text);
	good = good && judge_order(scene, &run) &&
	       cut_run(scene, &run, patterns, seed, limit, start == FRESH);
	crash_clear_run(&run);
	crash_clear_run(&whole);
	scene->ignores_free = false;
	free(half);
	return good;
}
