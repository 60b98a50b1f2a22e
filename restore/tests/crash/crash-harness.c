/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The power cut at every operation of a restore (SAFETY.md section 6): after each, with several
 * patterns of what the disk's cache lost, an own small judge says whether anything would
 * recognise the disk, and the restore is resumed to byte identity. Then every operation fails,
 * once and for ever, every allocation fails, and bugs that were put into the engine on purpose
 * (seed-bugs.py) must be found.
 *
 *	crash-harness [POINTS]		all of it; POINTS: at least so many cuts (default 20000)
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/checked.h>

#include "crash-judge.h"
#include "seeded-bugs.h"

#define DEFAULT_POINTS 20000
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

#define BUG_POINTS 6000 /* after which a seeded bug counts as not found */

/* Between what was written before a cut and what a resume finds: a checkpoint's worth, the tail,
 * pieces under way, patched, and sampled ones. */
#define WRITTEN_AGAIN ((4 + 2 + 3 + 2 + 3) * CRASH_PIECE)

unsigned seeded_bug;

static struct {
	uint64_t points, resumes, mirrors, errors, allocations;
} counts;

/* -- after a cut -------------------------------------------------------------------------- */

/* What must hold at a cut. */
struct expectation {
	bool resumable;	  /* a journal of this restore must be there */
	uint64_t resumed; /* at least so many bytes are found again */
};

/* Resumes, or starts again where nothing was begun, on what the cut left. */
static bool go_on(struct crash_scene *scene, const uint8_t *image,
		  const struct expectation *expected)
{
	struct crash_outcome outcome;
	enum journal_state state;

	if (crash_read_journal(scene, image, &state) && state == JOURNAL_DONE &&
	    crash_is_zero(image, scene->shape->sector_size))
		return crash_violated("the journal says done, LBA 0 is not there");
	crash_disk_reset(&scene->disk, image);
	scene->disk.logging = true;
	outcome = crash_restore(scene, true);
	counts.resumes++;
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
	counts.resumes++;
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
	counts.mirrors++;
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

enum start {
	FRESH,
	OVER_A_HALF,
	FROM_COPY,
	FROM_COMMIT,
	FROM_TABLE,
	FLUSH_FAILS,
	BOTH,
	DELTA,
	STARTS
};

static const char *const start_texts[] = {
	[FRESH] = "over another system",
	[OVER_A_HALF] = "again over a half restore",
	[FROM_COPY] = "resumed in the copy",
	[FROM_COMMIT] = "resumed in the commit",
	[FROM_TABLE] = "resumed behind LBA 0",
	[FLUSH_FAILS] = "with a flush that fails",
	[BOTH] = "resumed, with a flush that fails",
	[DELTA] = "what differs alone",
};

/* A run whose log is cut. */
struct run {
	struct crash_disk log; /* the operations */
	uint8_t *before;       /* the disk before the first */
	bool resumes, delta;
	size_t begun;	 /* from this operation on it can be resumed */
	size_t mirrored; /* and from this one on by the mirror alone */
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

/* The image that is left when everything up to an operation has reached the disk. */
static void image_at(const struct crash_disk *log, size_t count, uint8_t *image)
{
	for (size_t i = 0; i < count; i++)
		operation_apply(&log->log.operations[i], image);
}

/* Of a whole run: the flush that is the n-th behind the first journal write, else the number of
 * operations before the write of LBA 0 or behind it. */
static size_t find_place(const struct crash_scene *scene, const struct crash_disk *log,
			 enum start start)
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

static struct crash_outcome record(struct crash_scene *scene, const uint8_t *before,
				   bool resumes, size_t failing, struct run *ret)
{
	struct crash_outcome outcome;

	*ret = (struct run){ .resumes = resumes, .before = malloc(scene->total) };
	memcpy(ret->before, before, scene->total);
	crash_disk_reset(&scene->disk, before);
	scene->disk.logging = true;
	scene->disk.failing = failing;
	outcome = crash_restore(scene, resumes);
	ret->log = scene->disk;
	scene->disk.log = (struct crash_log){ 0 };
	return outcome;
}

static void clear_run(struct run *run)
{
	for (size_t i = 0; i < run->log.log.count; i++)
		free(run->log.log.operations[i].bytes);
	free(run->log.log.operations);
	free(run->before);
}

/* Rules that the order alone must keep; finds where a resume becomes possible. */
static bool judge_order(const struct crash_scene *scene, struct run *run)
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

static uint64_t written_before(const struct crash_scene *scene, const struct run *run,
			       size_t at)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < at; i++)
		if (is_data(scene, &run->log.log.operations[i]))
			sum += run->log.log.operations[i].length;
	return sum;
}

static bool cut_run(struct crash_scene *scene, struct run *run, unsigned patterns,
		    uint64_t seed, uint64_t limit, bool bounded)
{
	uint8_t *flushed = malloc(scene->total), *image = malloc(scene->total);
	const struct crash_log *log = &run->log.log;
	size_t pending = 0;
	bool good = true;

	memcpy(flushed, run->before, scene->total);
	for (size_t at = 0; good && at <= log->count && counts.points < limit; at++) {
		struct expectation expected = {
			.resumable = run->resumes || at >= run->begun,
		};
		uint64_t written = written_before(scene, run, at);

		if (bounded && written > WRITTEN_AGAIN)
			expected.resumed =
				min_u64(written, 28 * CRASH_PIECE) - WRITTEN_AGAIN;
		for (unsigned p = 0; good && p < patterns; p++) {
			memcpy(image, flushed, scene->total);
			crash_apply(&run->log, pending, at, p, seed, image);
			counts.points++;
			good = crash_judge(scene, image, run->before);
			if (good && tries_mirror(p))
				good = go_on_by_mirror(scene, image,
						       run->resumes ||
							       at >= run->mirrored);
			if (loses_mirror(p))
				memset(image + scene->size, 0,
				       scene->total - scene->size);
			good = good && go_on(scene, image, &expected);
			good = good && (!run->delta || compare_again(scene, image));
			if (!good) {
				size_t length = strlen(crash_violation);

				snprintf(crash_violation + length,
					 sizeof(crash_violation) - length,
					 " (cut at operation %zu of %zu, pattern %u)", at,
					 log->count, p);
			}
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

static bool cut_start(struct crash_scene *scene, enum start start, unsigned patterns,
		      uint64_t seed, uint64_t limit)
{
	struct run whole, run = { 0 };
	uint8_t *half = malloc(scene->total);
	struct crash_outcome outcome = record(scene, scene->old, false, 0, &whole);
	size_t place = find_place(scene, &whole.log, start), failing = 0;
	bool resumes = start == FROM_COPY || start == FROM_COMMIT ||
		       start == FROM_TABLE || start == BOTH;
	bool good = outcome.code == 0 ||
		    crash_violated("the whole run fails: %s", outcome.err.text);

	memcpy(half, scene->old, scene->total);
	if (start == BOTH)
		place = find_place(scene, &whole.log, FROM_COPY);
	if (resumes || start == OVER_A_HALF)
		image_at(&whole.log, place, half);
	if (good && (start == FLUSH_FAILS || start == BOTH)) {
		outcome = record(scene, half, resumes, 0, &run);
		place = find_place(scene, &run.log, start);
		if (place < run.log.log.count)
			failing = run.log.log.operations[place].number;
		clear_run(&run);
	}
	if (start == DELTA)
		make_different(scene, half);
	scene->delta = scene->ignores_free = start == DELTA;
	if (good)
		outcome = record(scene, half, resumes, failing, &run);
	run.delta = scene->delta;
	scene->delta = false;
	if (good && outcome.code < 0)
		good = crash_violated("it fails: %s", outcome.err.text);
	good = good && judge_order(scene, &run) &&
	       cut_run(scene, &run, patterns, seed, limit, start == FRESH);
	clear_run(&run);
	clear_run(&whole);
	scene->ignores_free = false;
	free(half);
	return good;
}

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
		       go_on(scene, left, &(struct expectation){ .resumable = resumes });
	free(left);
	return good;
}

static bool fail_operation(struct crash_scene *scene, const uint8_t *before, bool resumes,
			   size_t number, bool persistent, bool *ret_hit)
{
	struct crash_outcome outcome;
	enum operation_kind kind;
	bool in_mirror, excused;
	char context[128];
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
	counts.errors += *ret_hit;
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
	snprintf(context, sizeof(context), " (operation %zu, a %s, fails %s)", number,
		 kind_texts[kind], persistent ? "for ever" : "once");
	strncat(crash_violation, context,
		sizeof(crash_violation) - strlen(crash_violation) - 1);
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
	struct run whole;
	struct crash_outcome outcome = record(scene, scene->old, false, 0, &whole);
	size_t place = find_place(scene, &whole.log, FLUSH_FAILS);
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
	clear_run(&whole);
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
		counts.allocations++;
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

/* -- all ------------------------------------------------------------------------------------- */

static void make_half(struct crash_scene *scene, uint8_t *half)
{
	struct run whole;

	(void)record(scene, scene->old, false, 0, &whole);
	memcpy(half, scene->old, scene->total);
	image_at(&whole.log, find_place(scene, &whole.log, FROM_COPY), half);
	clear_run(&whole);
}

static bool judge_errors(struct crash_scene *scene)
{
	uint8_t *half = malloc(scene->total);
	bool good;

	make_half(scene, half);
	good = fail_one_flush(scene) && lose_claimed(scene, half, true) &&
	       lose_claimed(scene, half, false) && resume_foreign(scene, half) &&
	       fail_operations(scene, scene->old, false) &&
	       fail_operations(scene, half, true) &&
	       fail_allocations(scene, scene->old, false) &&
	       fail_allocations(scene, half, true);
	free(half);
	return good;
}

static const struct crash_shape shapes[] = {
	{ "GPT, 512-byte sectors", TABLE_GPT, 512, false },
	{ "MBR", TABLE_MBR, 512, false },
	{ "GPT, 4096-byte sectors, wiped", TABLE_GPT, 4096, true },
};

static bool judge_engine(uint64_t points)
{
	unsigned patterns = PATTERNS;

	for (uint64_t seed = 1; counts.points < points; seed++) {
		for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
			struct crash_scene scene;
			bool good = true;

			crash_scene_make(&scene, &shapes[s]);
			if (seed == 1)
				good = judge_errors(&scene);
			for (unsigned start = FRESH; good && start < STARTS; start++) {
				good = cut_start(&scene, (enum start)start, patterns,
						 seed, UINT64_MAX);
				if (!good)
					printf("  %s, %s:\n", shapes[s].name,
					       start_texts[start]);
			}
			crash_scene_clear(&scene);
			if (!good)
				return false;
		}
	}
	return true;
}

/* Looks where a bug shows soonest: the patterns that lose all, nothing and all but the last;
 * errors; then more patterns. */
static bool bug_is_found(const struct seeded_bug *bug)
{
	struct crash_scene scene;
	bool good;

	crash_scene_make(&scene, &shapes[0]);
	seeded_bug = bug->number;
	counts.points = 0;
	good = true;
	for (unsigned start = FRESH; good && start < STARTS; start++)
		good = cut_start(&scene, (enum start)start, 3, 7, BUG_POINTS);
	good = good && judge_errors(&scene);
	for (unsigned start = FRESH; good && start < STARTS; start++)
		good = cut_start(&scene, (enum start)start, 8, 7, BUG_POINTS);
	seeded_bug = 0;
	crash_scene_clear(&scene);
	return !good;
}

static unsigned find_bugs(void)
{
	unsigned found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(seeded_bugs); i++) {
		const struct seeded_bug *bug = &seeded_bugs[i];
		bool is_found = bug_is_found(bug);

		found += is_found;
		printf("  %-6s %2u  %s\n", is_found ? "caught" : "MISSED", bug->number,
		       bug->invariant);
		if (is_found && getenv("VERBOSE"))
			printf("             %s\n", crash_violation);
		fflush(stdout);
	}
	return found;
}

/* A line of the table at the end of make check (.ci/summary); nobody may want one. */
static void count_for_summary(const char *name, uint64_t count, uint64_t failures)
{
	const char *path = getenv("SUMMARY");
	FILE *file = path ? fopen(path, "a") : NULL;

	if (!file)
		return;
	fprintf(file, "%s %" PRIu64 " %" PRIu64 "\n", name, count, failures);
	fclose(file);
}

int main(int argc, char **argv)
{
	uint64_t points = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_POINTS;
	size_t bugs = ARRAY_SIZE(seeded_bugs);
	uint64_t cut;
	unsigned found;

	if (!judge_engine(points)) {
		printf("crash harness: FAILED after %" PRIu64 " power cuts: %s\n",
		       counts.points, crash_violation);
		count_for_summary("power cuts", counts.points, 1);
		return 1;
	}
	cut = counts.points;
	count_for_summary("power cuts", cut, 0);
	count_for_summary("failing disk operations", counts.errors, 0);
	count_for_summary("failing allocations", counts.allocations, 0);
	printf("  power cuts %" PRIu64 ", restores resumed or started again %" PRIu64
	       ", by the mirror alone %" PRIu64 ", failing operations %" PRIu64
	       ", failing allocations %" PRIu64 ": 0 failures\n",
	       cut, counts.resumes, counts.mirrors, counts.errors, counts.allocations);
	fflush(stdout);
	found = find_bugs();
	count_for_summary("seeded bugs caught", found, bugs - found);
	printf("crash harness: %" PRIu64 " power cuts, 0 failures; %u of %zu seeded bugs "
	       "caught\n",
	       cut, found, bugs);
	return found == bugs ? 0 : 1;
}
