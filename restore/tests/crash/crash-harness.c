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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/checked.h>

#include "crash-cuts.h"
#include "crash-errors.h"
#include "crash-judge.h"
#include "seeded-bugs.h"

#define DEFAULT_POINTS 20000
#define BUG_POINTS     6000 /* after which a seeded bug counts as not found */

unsigned seeded_bug;

static const struct crash_shape shapes[] = {
	{ "GPT, 512-byte sectors", TABLE_GPT, 512, false },
	{ "MBR", TABLE_MBR, 512, false },
	{ "GPT, 4096-byte sectors, wiped", TABLE_GPT, 4096, true },
};

static bool judge_engine(uint64_t points)
{
	unsigned patterns = PATTERNS;

	for (uint64_t seed = 1; crash_counts.points < points; seed++) {
		for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
			struct crash_scene scene;
			bool good = true;

			crash_scene_make(&scene, &shapes[s]);
			if (seed == 1)
				good = crash_judge_errors(&scene);
			for (unsigned start = FRESH; good && start < STARTS; start++) {
				good = crash_cut_start(&scene, (enum crash_start)start,
						       patterns, seed, UINT64_MAX);
				if (!good)
					printf("  %s, %s:\n", shapes[s].name,
					       crash_start_texts[start]);
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
	crash_counts.points = 0;
	good = true;
	for (unsigned start = FRESH; good && start < STARTS; start++)
		good = crash_cut_start(&scene, (enum crash_start)start, 3, 7, BUG_POINTS);
	good = good && crash_judge_errors(&scene);
	for (unsigned start = FRESH; good && start < STARTS; start++)
		good = crash_cut_start(&scene, (enum crash_start)start, 8, 7, BUG_POINTS);
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
		       crash_counts.points, crash_violation);
		count_for_summary("power cuts", crash_counts.points, 1);
		return 1;
	}
	cut = crash_counts.points;
	count_for_summary("power cuts", cut, 0);
	count_for_summary("failing disk operations", crash_counts.errors, 0);
	count_for_summary("failing allocations", crash_counts.allocations, 0);
	count_for_summary("bad sectors that healed", crash_counts.healed, 0);
	printf("  power cuts %" PRIu64 ", restores resumed or started again %" PRIu64
	       ", by the mirror alone %" PRIu64 ", failing operations %" PRIu64
	       ", failing allocations %" PRIu64 ", bad sectors that healed %" PRIu64
	       ": 0 failures\n",
	       cut, crash_counts.resumes, crash_counts.mirrors, crash_counts.errors,
	       crash_counts.allocations, crash_counts.healed);
	fflush(stdout);
	found = find_bugs();
	count_for_summary("seeded bugs caught", found, bugs - found);
	printf("crash harness: %" PRIu64 " power cuts, 0 failures; %u of %zu seeded bugs "
	       "caught\n",
	       cut, found, bugs);
	return found == bugs ? 0 : 1;
}
