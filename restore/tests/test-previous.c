/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where older states are searched, and what of them is known. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "evidence/previous.h"

#define NEWER "@GMT-2026.09.01-12.00.00"
#define OLDER "@GMT-2026.08.31-12.00.00"

static void a_path_says_whether_it_leads_into_an_older_state(void **state)
{
	assert_true(previous_is(NEWER "/WindowsImageBackup/PC"));
	assert_true(previous_is(NEWER));
	assert_true(previous_is(".snapshots/" NEWER "/PC"));
	assert_true(
		previous_is("sda partition 2, shadow copy of 2026-08-30 21:00:05/PC"));
	assert_false(previous_is("WindowsImageBackup/PC"));
	assert_false(previous_is("@GMT-2026.09.01/PC"));
	assert_string_equal(previous_within(NEWER "/a/b"), "a/b");
	assert_string_equal(previous_within(".snapshots/" NEWER "/a/b"), "a/b");
	assert_string_equal(previous_within(NEWER), "");
	assert_string_equal(previous_within("a/b"), "a/b");
}

static void the_place_is_the_same_in_every_state(void **state)
{
	assert_true(previous_same_place(NEWER "/a/b", "a/b"));
	assert_true(previous_same_place(NEWER "/a/b", OLDER "/a/b"));
	assert_false(previous_same_place(NEWER "/a/b", "b"));
	assert_false(previous_same_place(NEWER "/a", "a/b"));
	assert_true(
		previous_same_place("sda volume, shadow copy of 2026/a", "sda volume/a"));
	assert_false(
		previous_same_place("sda volume, shadow copy of 2026/a", "sda volume/b"));
}

static struct previous_places places_of(const char *const *paths, size_t count)
{
	struct backup_version versions[8] = { 0 };
	struct backup_machine machine = { .versions = versions, .version_count = count };
	struct backup backup = { .machines = &machine, .machine_count = 1 };
	struct previous_places places = { 0 };
	struct err err = { 0 };

	for (size_t i = 0; i < count; i++)
		versions[i].path = (char *)paths[i];
	assert_int_equal(previous_places(&backup, &places, &err), 0);
	return places;
}

static void older_states_are_searched_above_the_machines_that_were_found(void **state)
{
	const char *paths[] = { "a/WindowsImageBackup/PC1/Backup 1", "b/c/PC3/Backup 3",
				"a/WindowsImageBackup/PC2/Backup 2",
				".snapshots/" NEWER "/PC4/Backup 4", "b/PC5/Backup 5" };
	AUTO(previous_places_clear)
	struct previous_places places = places_of(paths, 5);

	assert_int_equal(places.count, 2);
	assert_string_equal(places.paths[0], "a/WindowsImageBackup");
	assert_string_equal(places.paths[1], "b");
}

static void all_is_searched_where_nothing_tells_the_place(void **state)
{
	const char *loose[] = { "a/PC1/Backup 1", "loose" };
	AUTO(previous_places_clear) struct previous_places none = places_of(NULL, 0);
	AUTO(previous_places_clear) struct previous_places root = places_of(loose, 2);

	assert_int_equal(none.count, 1);
	assert_string_equal(none.paths[0], "");
	assert_int_equal(root.count, 1);
	assert_string_equal(root.paths[0], "");
}

static bool see(struct previous_seen *seen, const char *path, const char *name,
		uint64_t size, int64_t mtime)
{
	struct set_file file = { (char *)name, size, mtime };
	struct set_folder folder = { .path = path, .images = { 1, &file } };
	struct err err = { 0 };
	bool known = false;

	assert_int_equal(previous_see(seen, &folder, &known, &err), 0);
	return known;
}

static void a_set_is_known_by_place_names_sizes_and_times(void **state)
{
	AUTO(previous_seen_clear) struct previous_seen seen = { 0 };

	assert_false(see(&seen, "a", "c.vhdx", 7, 9));
	assert_true(see(&seen, NEWER "/a", "c.vhdx", 7, 9));
	assert_false(see(&seen, NEWER "/a", "c.vhdx", 7, 8));
	assert_false(see(&seen, NEWER "/a", "c.vhdx", 6, 9));
	assert_false(see(&seen, NEWER "/a", "d.vhdx", 7, 9));
	assert_false(see(&seen, NEWER "/b", "c.vhdx", 7, 9));
	assert_true(see(&seen, OLDER "/b", "c.vhdx", 7, 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_says_whether_it_leads_into_an_older_state),
		cmocka_unit_test(the_place_is_the_same_in_every_state),
		cmocka_unit_test(
			older_states_are_searched_above_the_machines_that_were_found),
		cmocka_unit_test(all_is_searched_where_nothing_tells_the_place),
		cmocka_unit_test(a_set_is_known_by_place_names_sizes_and_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
