/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much processor time planning takes on a large machine with many backups: a plan for each
 * of 64 disks from each of 20 sets. 'make bench' prints the time of the release build.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "plan-fixture.h"

#define DISKS 64
#define SETS  20
#define LIMIT_SECONDS                                                                    \
	0.1 /* of the release build; with sanitizers it needs half of that */

static double seconds(void)
{
	struct timespec now;

	/* of this process: what else the machine does is not ours */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void sixty_four_disks_and_twenty_sets_are_planned_at_once(void **state)
{
	static struct disk disks[DISKS];
	static char serials[DISKS][8];
	struct backup_version versions[SETS];
	const struct plan_wishes wishes = { 0 };
	struct err err = { 0 };
	struct fixture f;
	double started;

	set_up(&f);
	for (size_t i = 0; i < DISKS; i++) {
		snprintf(serials[i], sizeof(serials[i]), "S%03zu", i);
		set_disk(&disks[i], "/dev/sdx", serials[i], (2 + i) * GiB);
	}
	for (size_t i = 0; i < SETS; i++)
		versions[i] = f.version;
	f.machine.version_count = SETS;
	f.machine.versions = versions;
	f.list = (struct disk_list){ DISKS, disks };
	started = seconds();
	for (size_t s = 0; s < SETS; s++) {
		for (size_t d = 0; d < DISKS; d++) {
			AUTO(plan_freep) struct restore_plan *plan = NULL;

			if (fixture_plan(&f, &versions[s], &disks[d], &wishes, &plan,
					 &err) < 0)
				fail_msg("%s", err.text);
			assert_false(plan_refused(plan));
		}
	}
	printf("planning: %.4f s\n", seconds() - started);
	assert_true(seconds() - started < LIMIT_SECONDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixty_four_disks_and_twenty_sets_are_planned_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
