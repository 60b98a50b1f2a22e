/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "uevent.h"

/* sizeof counts the NUL that ends the last string */
#define ALIAS_OF(literal) uevent_modalias(literal, sizeof(literal))

static void the_modalias_of_a_new_device_is_found(void **state)
{
	assert_string_equal(ALIAS_OF("add@/devices/pci0000:00/0000:00:03.0\0ACTION=add\0"
				     "MODALIAS=pci:v00008086d000010D3\0SEQNUM=1"),
			    "pci:v00008086d000010D3");
	assert_string_equal(ALIAS_OF("change@/devices/x\0MODALIAS=a"), "a");
}

static void a_device_that_goes_or_has_no_driver_is_passed_over(void **state)
{
	assert_null(ALIAS_OF("remove@/devices/x\0MODALIAS=a"));
	assert_null(ALIAS_OF("bind@/devices/x\0MODALIAS=a"));
	assert_null(ALIAS_OF("add@/devices/x\0SUBSYSTEM=block"));
	assert_null(ALIAS_OF("add@/devices/x\0XMODALIAS=a"));
}

static void a_message_without_its_last_nul_is_passed_over(void **state)
{
	static const char message[] = "add@/devices/x\0MODALIAS=a";

	assert_null(uevent_modalias(message, sizeof(message) - 1));
	assert_null(uevent_modalias(message, 0));
}

static void a_message_of_one_byte_is_passed_over(void **state)
{
	assert_null(uevent_modalias("", 1));
}

static void a_partition_that_came_is_told_from_other_devices(void **state)
{
	static const struct {
		const char *message;
		size_t length;
		bool expected;
	} cases[] = {
#define CASE(literal, expected) { literal, sizeof(literal), expected }
		CASE("add@/devices/x/sda1\0SUBSYSTEM=block\0DEVTYPE=partition", true),
		CASE("remove@/devices/x/sda1\0DEVTYPE=partition", false),
		CASE("add@/devices/x/sda\0SUBSYSTEM=block\0DEVTYPE=disk", false),
		CASE("add@/devices/x\0MODALIAS=a", false),
		CASE("", false),
#undef CASE
		{ "add@/devices/x/sda1\0DEVTYPE=partition", 37, false }, /* no NUL */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			uevent_is_new_partition(cases[i].message, cases[i].length),
			cases[i].expected);
}

static void an_alias_is_new_only_once(void **state)
{
	struct alias_set set = { 0 };

	assert_true(alias_set_add(&set, "b"));
	assert_true(alias_set_add(&set, "a"));
	assert_false(alias_set_add(&set, "b"));
	assert_true(alias_set_add(&set, "ab"));
	assert_false(alias_set_add(&set, "a"));
	assert_int_equal(set.count, 3);
	alias_set_clear(&set);
}

static void the_set_grows_and_stays_sorted(void **state)
{
	struct alias_set set = { 0 };
	char alias[16];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(alias, sizeof(alias), "%u", i * 7919 % 1000);
		assert_true(alias_set_add(&set, alias));
	}
	assert_int_equal(set.count, 1000);
	for (size_t i = 1; i < set.count; i++)
		assert_true(strcmp(set.aliases[i - 1], set.aliases[i]) < 0);
	alias_set_clear(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_modalias_of_a_new_device_is_found),
		cmocka_unit_test(a_device_that_goes_or_has_no_driver_is_passed_over),
		cmocka_unit_test(a_message_without_its_last_nul_is_passed_over),
		cmocka_unit_test(a_message_of_one_byte_is_passed_over),
		cmocka_unit_test(a_partition_that_came_is_told_from_other_devices),
		cmocka_unit_test(an_alias_is_new_only_once),
		cmocka_unit_test(the_set_grows_and_stays_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
