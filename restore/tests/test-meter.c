/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The meter: what is told of a phase while it runs, to people by numbers, to machines by JSON. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>

#include "engine/meter.h"

struct told {
	unsigned count;
	struct restore_progress last;
	bool cancel;
};

static int tell(const struct restore_progress *progress, void *context)
{
	struct told *told = context;

	told->count++;
	told->last = *progress;
	return told->cancel;
}

static struct meter make_meter(struct told *told)
{
	return (struct meter){ .report = tell, .context = told };
}

/* As if the report before were long ago. */
static int add_now(struct meter *meter, uint64_t bytes, struct err *err)
{
	meter->last_report_ms = 0;
	return meter_add(meter, bytes, err);
}

static void both_sides_tell_how_much_they_worked(void **state)
{
	struct told told = { 0 };
	struct meter meter = make_meter(&told);
	uint64_t disk_ns = 5;
	struct err err = { 0 };

	meter.disk_ns = &disk_ns;
	assert_int_equal(meter_start(&meter, PHASE_COPY, 1000, &err), 0);
	assert_int_equal(told.last.busy[SIDE_SOURCE], PROGRESS_UNKNOWN);
	meter.started_ms -= 1000;
	meter.samples[0].at_ms -= 1000;
	meter_busy(&meter, SIDE_SOURCE, 900 * 1000000);
	disk_ns += 410 * 1000000;
	assert_int_equal(add_now(&meter, 250, &err), 0);
	assert_in_range(told.last.busy[SIDE_SOURCE], 80, 90);
	assert_in_range(told.last.busy[SIDE_DISK], 35, 41);
	assert_int_equal(restore_progress_limit(&told.last), SIDE_SOURCE);
	assert_in_range(told.last.rate_now, 230, 250);
	assert_in_range(told.last.eta_s, 3, 3);
	/* two readers that did this together have time to spare */
	meter.workers = 2;
	assert_int_equal(add_now(&meter, 0, &err), 0);
	assert_in_range(told.last.busy[SIDE_SOURCE], 38, 45);
	assert_int_equal(restore_progress_limit(&told.last), RESTORE_SIDES);
	/* work that is told of at its end can be more than the time that was looked at */
	disk_ns += 9000ull * 1000000;
	assert_int_equal(add_now(&meter, 0, &err), 0);
	assert_int_equal(told.last.busy[SIDE_DISK], 100);
	assert_int_equal(restore_progress_limit(&told.last), SIDE_DISK);
}

static void a_phase_ends_with_its_last_numbers_and_begins_anew(void **state)
{
	struct told told = { 0 };
	struct meter meter = make_meter(&told);
	struct err err = { 0 };

	assert_int_equal(meter_start(&meter, PHASE_COPY, 1000, &err), 0);
	meter_retry(&meter);
	assert_int_equal(meter_add(&meter, 1000, &err), 0);
	assert_int_equal(told.count, 1);
	meter_busy(&meter, SIDE_DISK, 1);
	assert_int_equal(meter_start(&meter, PHASE_VERIFY, 1000, &err), 0);
	assert_int_equal(told.count, 3);
	assert_int_equal(told.last.phase, PHASE_VERIFY);
	assert_int_equal(told.last.bytes_done, 0);
	assert_int_equal(told.last.busy[SIDE_DISK], PROGRESS_UNKNOWN);
	assert_int_equal(told.last.retries, 1);
	told.cancel = true;
	assert_int_equal(add_now(&meter, 1, &err), -ECANCELED);
	assert_string_equal(err.text, "cancelled");
}

static void waiting_is_told_with_its_side_and_how_long_no_byte_came(void **state)
{
	struct told told = { 0 };
	struct meter meter = make_meter(&told);
	AUTO_FREE char *json = NULL;
	struct err err = { 0 };

	assert_int_equal(meter_start(&meter, PHASE_COPY, 1000, &err), 0);
	meter.last_byte_ms -= 20000;
	meter.last_report_ms = 0;
	assert_int_equal(meter_waits(&meter, SIDE_SOURCE, &err), 0);
	json = restore_progress_json(&told.last);
	assert_non_null(strstr(json, "\"stalled\":false"));
	free(TAKE_PTR(json));
	meter.last_byte_ms -= 11000;
	meter.last_report_ms = 0;
	assert_int_equal(meter_waits(&meter, SIDE_SOURCE, &err), 0);
	assert_true(told.last.waits[SIDE_SOURCE]);
	assert_in_range(told.last.idle_ms, 31000, 32000);
	json = restore_progress_json(&told.last);
	assert_non_null(strstr(json, "\"stalled\":true"));
	assert_non_null(strstr(json, "\"waits_for\":\"source\""));
	assert_int_equal(add_now(&meter, 1, &err), 0);
	assert_false(told.last.waits[SIDE_SOURCE]);
	assert_in_range(told.last.idle_ms, 0, 100);
}

static void a_phase_that_has_ended_took_as_long_as_it_took(void **state)
{
	struct told told = { 0 };
	struct meter meter = make_meter(&told);
	struct restore_timing timings[RESTORE_PHASES] = { 0 };
	struct err err = { 0 };

	meter.timings = timings;
	assert_int_equal(meter_start(&meter, PHASE_COMPARE, 1000, &err), 0);
	assert_int_equal(add_now(&meter, 1000, &err), 0);
	meter_end(&meter);
	/* what follows tells first how it ended */
	meter.last_report_ms = 0;
	assert_int_equal(meter_waits(&meter, SIDE_DISK, &err), 0);
	assert_int_equal(told.last.phase, PHASE_COMPARE);
	assert_in_range(told.last.elapsed_ms, 0, 60000);
}

static void machines_get_one_line_with_null_for_what_is_not_known(void **state)
{
	const struct restore_progress progress = {
		.phase = PHASE_COPY,
		.volume = "C:",
		.bytes_done = 5,
		.bytes_total = 10,
		.rate_now = 2,
		.rate_average = 1,
		.eta_s = 2,
		.idle_ms = 3,
		.elapsed_ms = 5000,
		.busy = { 98, 41 },
		.retries = 1,
	};
	const struct restore_progress scan = { .phase = PHASE_SCAN,
					       .eta_s = UINT64_MAX,
					       .busy = { PROGRESS_UNKNOWN,
							 PROGRESS_UNKNOWN },
					       .folders = 7,
					       .files = 9,
					       .found = "SRV01" };
	AUTO_FREE char *json = restore_progress_json(&progress);
	AUTO_FREE char *other = restore_progress_json(&scan);

	assert_string_equal(
		json,
		"{\"phase\":\"copy\",\"volume\":\"C:\",\"step\":null,\"bytes_done\":5,"
		"\"bytes_total\":10,\"rate_now\":2,\"rate_average\":1,\"eta_s\":2,"
		"\"elapsed_ms\":5000,\"idle_ms\":3,\"stalled\":false,\"retries\":1,"
		"\"source_busy\":98,\"disk_busy\":41,\"limit\":\"source\","
		"\"waits_for\":null,\"lost_ms\":null,\"lost_tries\":0,\"reconnects\":0}");
	assert_string_equal(
		other,
		"{\"phase\":\"scan\",\"volume\":null,\"step\":null,\"bytes_done\":0,"
		"\"bytes_total\":null,\"rate_now\":0,\"rate_average\":0,\"eta_s\":null,"
		"\"elapsed_ms\":0,\"idle_ms\":0,\"stalled\":false,\"retries\":0,"
		"\"source_busy\":null,\"disk_busy\":null,\"limit\":null,"
		"\"waits_for\":null,\"lost_ms\":null,\"lost_tries\":0,\"reconnects\":0,"
		"\"folders\":7,\"files\":9,\"found\":\"SRV01\"}");
}

static void volumes_are_told_around_the_one_that_is_worked_on(void **state)
{
	static const char *const wanted[] = {
		"\"volume_at\":31,\"volume_count\":40,\"volumes\":[{\"number\":25,"
		"\"name\":\"D:\",\"bytes_done\":24,\"bytes_total\":40},",
		"{\"number\":36,\"name\":\"D:\",\"bytes_done\":35,\"bytes_total\":40}]}",
	};
	struct restore_volume_progress volumes[40];
	struct restore_progress progress = { .phase = PHASE_COPY,
					     .volumes = volumes,
					     .volume_count = ARRAY_SIZE(volumes),
					     .volume_at = 30 };
	AUTO_FREE char *json = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(volumes); i++)
		volumes[i] = (struct restore_volume_progress){ "D:", i, 40 };
	json = restore_progress_json(&progress);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_non_null(strstr(json, wanted[i]));
	free(TAKE_PTR(json));
	/* however many there are, and whatever they are called, a line comes whole */
	for (size_t i = 0; i < ARRAY_SIZE(volumes); i++)
		volumes[i] = (struct restore_volume_progress){
			"\001\001\001\001\001\001\001\001\001\001\001\001\001\001\001\001"
			"\001\001\001\001\001\001\001\001\001\001\001\001\001\001\001"
			"\001",
			INT64_MAX, INT64_MAX
		};
	json = restore_progress_json(&progress);
	assert_in_range(strlen(json), 2000, PIPE_BUF - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_tell_how_much_they_worked),
		cmocka_unit_test(a_phase_ends_with_its_last_numbers_and_begins_anew),
		cmocka_unit_test(waiting_is_told_with_its_side_and_how_long_no_byte_came),
		cmocka_unit_test(a_phase_that_has_ended_took_as_long_as_it_took),
		cmocka_unit_test(machines_get_one_line_with_null_for_what_is_not_known),
		cmocka_unit_test(volumes_are_told_around_the_one_that_is_worked_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
