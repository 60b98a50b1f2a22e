/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "engine/gate.h"

#define DISK 65536
#define ALLOW                                                                            \
	8192 /* the named range is 8192+16384, its first 4096 bytes are held back  \
		    */
#define LONG 16384

struct fixture {
	struct block_target *recording;
	struct gate *gate;
	uint8_t *bytes;
};

static uint8_t ones[DISK];

/* failing: the operation on the target that fails, 0 for none */
static void open_fixture(struct fixture *f, unsigned failing)
{
	struct block_target *target;
	struct err err = { 0 };

	memset(ones, 1, sizeof(ones));
	assert_int_equal(target_memory_new(DISK, 512, &target, &f->bytes, &err), 0);
	if (failing)
		assert_int_equal(
			target_flaky_new(target, failing, -EIO, false, &target, &err), 0);
	assert_int_equal(target_recording_new(target, &f->recording, &err), 0);
	assert_int_equal(gate_new(f->recording, &f->gate, &err), 0);
	assert_int_equal(gate_allow(f->gate, ALLOW, LONG, false, &err), 0);
	assert_int_equal(gate_allow(f->gate, ALLOW, 4096, true, &err), 0);
}

static void open_sealed(struct fixture *f)
{
	open_fixture(f, 0);
	gate_seal(f->gate);
}

static void nothing_is_written_outside_what_the_plan_names(void **state)
{
	static const struct {
		uint64_t offset;
		size_t length;
	} outside[] = {
		{ 0, 512 },
		{ ALLOW - 512, 1024 },
		{ ALLOW + LONG - 512, 1024 },
		{ ALLOW + LONG, 512 },
		{ DISK - 512, 512 },
		{ DISK, 512 },
		{ UINT64_MAX - 511, 512 },
	};
	struct fixture f;
	struct err err = { 0 };

	open_sealed(&f);
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		assert_int_equal(gate_write(f.gate, ones, outside[i].offset,
					    outside[i].length, &err),
				 -EPERM);
		assert_non_null(strstr(err.text, "the plan does not name this range"));
		assert_int_equal(
			gate_zero(f.gate, outside[i].offset, outside[i].length, &err),
			-EPERM);
	}
	assert_string_equal(target_recording_log(f.recording), "");
	assert_int_equal(gate_counts(f.gate).refused, 2 * ARRAY_SIZE(outside));
	assert_int_equal(gate_counts(f.gate).writes, 0);
	gate_free(f.gate);
}

static void a_held_back_range_gets_only_zeros_before_the_commit(void **state)
{
	struct fixture f;
	struct err err = { 0 };

	open_sealed(&f);
	assert_int_equal(gate_write(f.gate, ones, ALLOW, 512, &err), -EPERM);
	assert_non_null(strstr(err.text, "held back until the commit"));
	assert_int_equal(gate_write(f.gate, ones, ALLOW + 3584, 1024, &err), -EPERM);
	assert_int_equal(gate_zero(f.gate, ALLOW, 4096, &err), 0);
	assert_int_equal(gate_write(f.gate, ones, ALLOW + 4096, 512, &err), 0);
	assert_int_equal(gate_flush(f.gate, &err), 0);
	assert_int_equal(gate_begin_commit(f.gate, &err), 0);
	assert_int_equal(gate_write(f.gate, ones, ALLOW, 512, &err), 0);
	assert_string_equal(target_recording_log(f.recording),
			    "zero 8192+4096\nwrite 12288+512\nflush\nwrite 8192+512\n");
	gate_free(f.gate);
}

static void there_is_no_commit_without_a_flush_after_the_last_write(void **state)
{
	struct fixture f;
	struct err err = { 0 };

	open_sealed(&f);
	assert_int_equal(gate_write(f.gate, ones, ALLOW + 4096, 512, &err), 0);
	assert_int_equal(gate_begin_commit(f.gate, &err), -EPERM);
	assert_non_null(strstr(err.text, "no commit before a flush"));
	assert_int_equal(gate_flush(f.gate, &err), 0);
	assert_int_equal(gate_zero(f.gate, ALLOW + 4096, 512, &err), 0);
	assert_int_equal(gate_begin_commit(f.gate, &err), -EPERM);
	gate_free(f.gate);
}

static void after_a_failed_flush_nothing_is_written_or_committed(void **state)
{
	struct fixture f;
	struct err err = { 0 };

	open_fixture(&f, 2);
	gate_seal(f.gate);
	assert_int_equal(gate_write(f.gate, ones, ALLOW + 4096, 512, &err), 0);
	assert_int_equal(gate_flush(f.gate, &err), -EIO);
	assert_int_equal(gate_flush(f.gate, &err), -EIO);
	assert_int_equal(gate_begin_commit(f.gate, &err), -EPERM);
	assert_int_equal(gate_write(f.gate, ones, ALLOW + 4096, 512, &err), -EPERM);
	assert_non_null(strstr(err.text, "a flush has failed"));
	gate_free(f.gate);
}

static void ranges_cannot_be_added_once_the_gate_is_sealed(void **state)
{
	struct fixture f;
	struct err err = { 0 };

	open_fixture(&f, 0);
	assert_int_equal(gate_write(f.gate, ones, ALLOW + 4096, 512, &err), -EPERM);
	assert_non_null(strstr(err.text, "not sealed yet"));
	gate_seal(f.gate);
	assert_int_equal(gate_allow(f.gate, 0, 512, false, &err), -EPERM);
	gate_free(f.gate);
}

static void neighbouring_ranges_count_as_one(void **state)
{
	struct fixture f;
	struct err err = { 0 };

	open_fixture(&f, 0);
	assert_int_equal(gate_allow(f.gate, ALLOW + LONG, 4096, false, &err), 0);
	gate_seal(f.gate);
	assert_int_equal(gate_write(f.gate, ones, ALLOW + 4096, LONG, &err), 0);
	assert_int_equal(gate_counts(f.gate).bytes, LONG);
	gate_free(f.gate);
}

static void a_range_beyond_the_disk_is_refused(void **state)
{
	struct fixture f;
	struct err err = { 0 };

	open_fixture(&f, 0);
	assert_int_equal(gate_allow(f.gate, DISK - 512, 1024, false, &err), -EINVAL);
	assert_int_equal(gate_allow(f.gate, UINT64_MAX, 2, false, &err), -EINVAL);
	gate_free(f.gate);
}

/* -- several at once -------------------------------------------------------------- */

static struct target_io write_of(uint64_t offset, size_t length)
{
	return (struct target_io){ .buffer = ones, .offset = offset, .length = length };
}

static void a_write_that_goes_on_after_the_call_follows_the_same_rules(void **state)
{
	struct target_io io = write_of(0, 512);
	struct err err = { 0 };
	struct fixture f;

	open_sealed(&f);
	assert_int_equal(gate_start(f.gate, &io, &err), -EPERM);
	assert_non_null(strstr(err.text, "the plan does not name this range"));
	io = write_of(ALLOW, 512);
	assert_int_equal(gate_start(f.gate, &io, &err), -EPERM);
	assert_non_null(strstr(err.text, "held back until the commit"));
	assert_int_equal(gate_counts(f.gate).refused, 2);
	io = write_of(ALLOW + 4096, 512);
	assert_int_equal(gate_start(f.gate, &io, &err), 0);
	assert_int_equal(gate_counts(f.gate).writes, 0); /* not before it is done */
	assert_int_equal(gate_under_way(f.gate), 1);
	assert_int_equal(gate_finish(f.gate, true, &io, &err), 1);
	assert_int_equal(gate_under_way(f.gate), 0);
	assert_int_equal(gate_counts(f.gate).writes, 1);
	assert_int_equal(gate_finish(f.gate, true, &io, &err), 0);
	gate_free(f.gate);
}

static void nothing_else_touches_the_bytes_of_a_write_under_way(void **state)
{
	struct target_io io = write_of(ALLOW + 4096, 1024);
	struct err err = { 0 };
	struct fixture f;

	open_sealed(&f);
	assert_int_equal(gate_start(f.gate, &io, &err), 0);
	assert_int_equal(gate_write(f.gate, ones, ALLOW + 4608, 512, &err), -EBUSY);
	assert_non_null(strstr(err.text, "12800+512 is being read or written"));
	assert_int_equal(gate_zero(f.gate, ALLOW + 4608, 512, &err), -EBUSY);
	assert_int_equal(gate_write(f.gate, ones, ALLOW + 5120, 512, &err), 0);
	assert_int_equal(gate_start(f.gate, &io, &err), -EBUSY);
	gate_free(f.gate);
}

static void a_flush_does_not_cover_what_is_under_way(void **state)
{
	struct target_io io = write_of(ALLOW + 4096, 1024);
	struct err err = { 0 };
	struct fixture f;

	open_sealed(&f);
	assert_int_equal(gate_start(f.gate, &io, &err), 0);
	assert_int_equal(gate_flush(f.gate, &err), 0);
	assert_int_equal(gate_begin_commit(f.gate, &err), -EPERM);
	assert_int_equal(gate_finish(f.gate, true, &io, &err), 1);
	assert_int_equal(gate_begin_commit(f.gate, &err), -EPERM);
	assert_non_null(strstr(err.text, "no commit before a flush has succeeded"));
	assert_int_equal(gate_flush(f.gate, &err), 0);
	assert_int_equal(gate_begin_commit(f.gate, &err), 0);
	gate_free(f.gate);
}

static void a_write_that_fails_is_told_with_its_sectors(void **state)
{
	struct target_io io = write_of(ALLOW + 4096, 1024);
	struct err err = { 0 };
	struct fixture f;

	open_fixture(&f, 1);
	gate_seal(f.gate);
	assert_int_equal(gate_start(f.gate, &io, &err), -EIO);
	assert_non_null(strstr(err.text, "'memory', sectors 24 to 25: "));
	assert_true(gate_disk_failed(f.gate));
	assert_int_equal(gate_under_way(f.gate), 0);
	gate_free(f.gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_written_outside_what_the_plan_names),
		cmocka_unit_test(a_held_back_range_gets_only_zeros_before_the_commit),
		cmocka_unit_test(there_is_no_commit_without_a_flush_after_the_last_write),
		cmocka_unit_test(after_a_failed_flush_nothing_is_written_or_committed),
		cmocka_unit_test(ranges_cannot_be_added_once_the_gate_is_sealed),
		cmocka_unit_test(neighbouring_ranges_count_as_one),
		cmocka_unit_test(a_range_beyond_the_disk_is_refused),
		cmocka_unit_test(
			a_write_that_goes_on_after_the_call_follows_the_same_rules),
		cmocka_unit_test(nothing_else_touches_the_bytes_of_a_write_under_way),
		cmocka_unit_test(a_flush_does_not_cover_what_is_under_way),
		cmocka_unit_test(a_write_that_fails_is_told_with_its_sectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
