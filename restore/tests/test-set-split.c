/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images of several sets in one folder: what tells them apart. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "evidence/set-split.h"

#define MAX 8

static struct backup_volume volumes[MAX];
static struct image_name names[MAX];
static struct image_finds finds[MAX];
static struct split_image images[MAX];
static unsigned sets[MAX], machines[MAX];
static size_t count;

static struct guid guid_of(uint8_t number)
{
	return (struct guid){ .b = { number, 1, 2, 3 } };
}

/* number: of the volume; 0: the name says nothing. */
static size_t add(enum volume_role role, uint8_t number, int64_t mtime_s)
{
	images[count] = (struct split_image){ &volumes[count], &names[count],
					      &finds[count], mtime_s };
	volumes[count] = (struct backup_volume){ .role = role, .length = 1000 };
	volumes[count].fs.serial = number;
	names[count] = (struct image_name){ 0 };
	finds[count] = (struct image_finds){ 0 };
	if (number && role != ROLE_ESP) {
		names[count].kind = IMAGE_NAME_GUID;
		names[count].guid = guid_of(number);
	}
	return count++;
}

/* The boot store in image starts from the volume of this number. */
static void start_from(size_t image, uint8_t number)
{
	finds[image].has_uefi = true;
	finds[image].uefi.windows =
		(struct bcd_device){ .kind = BCD_DEVICE_GPT,
				     .partition_id = guid_of(number) };
}

static struct split_result split(void)
{
	struct split_result result;
	struct err err = { 0 };

	assert_int_equal(set_split(images, count, sets, machines, &result, &err), 0);
	return result;
}

static int begin_test(void **state)
{
	count = 0;
	return 0;
}

static void one_set_stays_one(void **state)
{
	struct split_result result;

	add(ROLE_ESP, 1, 1000);
	add(ROLE_WINDOWS, 2, 5000);
	add(ROLE_DATA, 3, 90000);
	result = split();
	assert_int_equal(result.count, 1);
	assert_int_equal(result.machines, 1);
	assert_false(result.by_time);
}

static void a_machine_with_two_windows_is_one_machine(void **state)
{
	size_t esp = add(ROLE_ESP, 1, 1000);

	add(ROLE_WINDOWS, 2, 1000);
	add(ROLE_WINDOWS, 3, 1000);
	start_from(esp, 2);
	finds[esp].uefi.recovery =
		(struct bcd_device){ .kind = BCD_DEVICE_GPT, .partition_id = guid_of(3) };
	assert_int_equal(split().count, 1);
}

static void boot_stores_tell_two_machines_apart(void **state)
{
	size_t a, b;
	struct split_result result;

	a = add(ROLE_ESP, 1, 1000);
	add(ROLE_WINDOWS, 12, 1000);
	add(ROLE_WINDOWS, 11, 1000);
	b = add(ROLE_ESP, 2, 1000);
	start_from(a, 11);
	start_from(b, 12);
	result = split();
	assert_int_equal(result.count, 2);
	assert_int_equal(result.machines, 2);
	assert_false(result.by_time);
	assert_int_equal(sets[0], sets[2]);
	assert_int_equal(sets[1], sets[3]);
	assert_int_not_equal(sets[0], sets[1]);
}

static void names_and_hives_tell_them_apart_too(void **state)
{
	struct mounted_device device = { .kind = MOUNTED_GPT,
					 .has_volume = true,
					 .volume = guid_of(3) };
	struct mounted_devices mounted = { .count = 1, .devices = &device };

	add(ROLE_WINDOWS, 1, 1000);
	names[0].kind = IMAGE_NAME_MBR;
	names[0].mbr_signature = 7;
	add(ROLE_SYSTEM, 2, 9000);
	names[1].kind = IMAGE_NAME_MBR;
	names[1].mbr_signature = 7;
	add(ROLE_DATA, 3, 1000);
	add(ROLE_WINDOWS, 4, 9000);
	finds[3].mounted = &mounted;
	assert_int_equal(split().count, 2);
	assert_int_equal(sets[0], sets[1]);
	assert_int_equal(sets[2], sets[3]);
}

static void what_nothing_links_goes_to_the_nearest_in_time(void **state)
{
	struct split_result result;

	add(ROLE_WINDOWS, 1, 1000);
	add(ROLE_WINDOWS, 2, 9000);
	add(ROLE_DATA, 3, 8000);
	result = split();
	assert_int_equal(result.count, 2);
	assert_true(result.by_time);
	assert_int_equal(sets[2], sets[1]);
}

static void states_of_one_machine_are_told_apart_by_the_longest_pause(void **state)
{
	size_t a = add(ROLE_ESP, 1, 1000), b;
	struct split_result result;

	add(ROLE_WINDOWS, 2, 1100);
	/* only the second has this volume, and it was written first */
	add(ROLE_DATA, 3, 90000);
	b = add(ROLE_ESP, 1, 90100);
	add(ROLE_WINDOWS, 2, 90200);
	start_from(a, 2);
	start_from(b, 2);
	finds[1].mounted = NULL;
	result = split();
	assert_int_equal(result.count, 2);
	assert_int_equal(result.machines, 1);
	assert_true(result.by_time);
	assert_int_equal(sets[0], 0);
	assert_int_equal(sets[1], 0);
	assert_int_equal(sets[2], 1);
	assert_int_equal(sets[3], 1);
	assert_int_equal(sets[4], 1);
	assert_int_equal(machines[0], machines[1]);
}

static void three_states_make_three_sets(void **state)
{
	for (int64_t i = 0; i < 3; i++) {
		add(ROLE_WINDOWS, 1, 1000 + i * 1000);
		add(ROLE_DATA, 2, 1100 + i * 1000);
	}
	assert_int_equal(split().count, 3);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(sets[i], i / 2);
}

static void copies_of_one_time_are_not_split(void **state)
{
	add(ROLE_WINDOWS, 1, 1000);
	add(ROLE_WINDOWS, 1, 1000 + SPLIT_SECONDS);
	assert_int_equal(split().count, 1);
	images[0].mtime_s = 0;
	assert_int_equal(split().count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_set_stays_one, begin_test),
		cmocka_unit_test_setup(a_machine_with_two_windows_is_one_machine,
				       begin_test),
		cmocka_unit_test_setup(boot_stores_tell_two_machines_apart, begin_test),
		cmocka_unit_test_setup(names_and_hives_tell_them_apart_too, begin_test),
		cmocka_unit_test_setup(what_nothing_links_goes_to_the_nearest_in_time,
				       begin_test),
		cmocka_unit_test_setup(
			states_of_one_machine_are_told_apart_by_the_longest_pause,
			begin_test),
		cmocka_unit_test_setup(three_states_make_three_sets, begin_test),
		cmocka_unit_test_setup(copies_of_one_time_are_not_split, begin_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
