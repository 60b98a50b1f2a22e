/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a plan says of the time: a number only where something was measured. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

#include <base/checked.h>
#include <base/cleanup.h>

#include "../session-time.h"

static const struct session_time measured = {
	.bytes = 90 * (uint64_t)GiB,
	.sample_bytes = 32 * MiB,
	.sample_ms = 640,
	.sample_of = "C:",
	.rate = 50 * MiB,
	.seconds = 1843,
};

static void what_was_measured_is_told_with_what_by(void **state)
{
	AUTO_FREE char *text = session_time_text(&measured, NULL);

	assert_string_equal(
		text,
		"\nHow long will it take?\n"
		"  at least 31 min to copy 90.0 GiB at 50.0 MiB/s: so fast 32.0 MiB of "
		"C: were read now\n"
		"  not measured: how fast the disk writes, and reads back what was "
		"written\n");
}

static void seconds_and_hours_are_told_as_such(void **state)
{
	struct session_time time = measured;
	AUTO_FREE char *text = NULL;

	time.seconds = 0;
	text = session_time_text(&time, NULL);
	assert_non_null(strstr(text, "at least 1 s to copy"));
	free(TAKE_PTR(text));
	time.seconds = 26 * 3600 + 61;
	text = session_time_text(&time, NULL);
	assert_non_null(strstr(text, "at least 26 h 02 min to copy"));
}

static void nothing_measured_is_no_number(void **state)
{
	const struct session_time little = { .bytes = 5 * KiB };
	AUTO_FREE char *text = session_time_text(&little, NULL);
	AUTO_FREE char *failed = session_time_text(&little, "the server is gone");
	json_t *json = session_time_json(&little, NULL);
	json_t *broken = session_time_json(&measured, "the server is gone");

	assert_string_equal(text,
			    "\nHow long will it take?\n  not known: 5.0 KiB are to be "
			    "copied, too little to measure the source by\n");
	assert_string_equal(failed,
			    "\nHow long will it take?\n  not known, the source could "
			    "not be measured: the server is gone\n");
	assert_int_equal(json_integer_value(json_object_get(json, "bytes_to_copy")),
			 5120);
	assert_true(json_is_null(json_object_get(json, "source_rate")));
	assert_true(json_is_null(json_object_get(json, "copy_seconds_at_least")));
	assert_true(json_is_null(json_object_get(broken, "bytes_to_copy")));
	assert_true(json_is_null(json_object_get(broken, "copy_seconds_at_least")));
	assert_string_equal(json_string_value(json_object_get(broken, "why")),
			    "the server is gone");
	json_decref(json);
	json_decref(broken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_measured_is_told_with_what_by),
		cmocka_unit_test(seconds_and_hours_are_told_as_such),
		cmocka_unit_test(nothing_measured_is_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
