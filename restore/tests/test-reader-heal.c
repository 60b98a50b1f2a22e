/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reader whose connection is lost in every way there is: what was asked for comes all the same, or
 * the error says why not. The processes are real, forked by the real keeper; what they read is made
 * up. */
#include "reader-loss-fixture.h"

/* -- what heals ------------------------------------------------------------------- */

static void whatever_ends_a_connection_all_blocks_come_in_order_and_once(void **state)
{
	static void (*const ways[])(int, struct reader_reply *, uint8_t *) = {
		lose_reset, lose_timeout, end_well, be_killed, hang,
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		AUTO(reader_freep) struct reader *reader = NULL;
		unsigned volume = 0;

		memset(script, 0, sizeof(*script));
		script->lose = ways[i];
		script->lose_after = 17;
		script->good_from = 3;
		reader = start(LONG_MS, &volume);
		reader_set_ordered(reader, true);
		read_well(reader, volume, 100, SLOT_SIZE);
		assert_int_equal(script->starts, 3);
		assert_int_equal(script->opens, 3);
		assert_int_equal(times(reader), 2);
	}
}

static void the_old_process_is_dead_before_the_next_one_starts(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	unsigned volume = 0;
	pid_t first;

	script->lose = lose_reset;
	script->lose_after = 5;
	script->good_from = 2;
	reader = start(LONG_MS, &volume);
	first = script->last_pid;
	read_well(reader, volume, 30, SLOT_SIZE);
	assert_int_not_equal(script->last_pid, first);
	assert_int_equal(kill(first, 0), -1);
	first = script->last_pid;
	reader_stop(TAKE_PTR(reader));
	assert_int_equal(kill(first, 0), -1);
}

static void a_line_that_breaks_in_long_answers_is_asked_for_short_ones(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	unsigned volume = 0;

	script->lose = lose_reset;
	script->longest = 100000; /* bytes: no block of 512 KiB ever comes at once */
	reader = start(LONG_MS, &volume);
	read_well(reader, volume, 2, 8 * SLOT_SIZE);
	assert_in_range(reader->part, 1, READER_MAX_REQUEST);
}

static void after_a_loss_requests_grow_again(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	unsigned volume = 0;

	script->lose = lose_reset;
	script->lose_after = 3;
	script->good_from = 2;
	reader = start(LONG_MS, &volume);
	read_well(reader, volume, 30, 8 * SLOT_SIZE);
	assert_int_equal(reader->part, 0);
	/* what was lost, with what was asked for behind it, and one in two parts */
	assert_in_range(script->reads, 30 + 1 + 1, 30 + 8);
}

static void a_call_that_was_lost_is_made_again_with_its_path(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	struct volume_range ranges[4];
	struct err err = { 0 };
	unsigned volume = 0;
	size_t length = 0;

	script->lose = lose_reset;
	script->lose_calls = true;
	reader = start(LONG_MS, &volume);
	assert_int_equal(
		reader_read_file(reader, volume, "some/path.xml", &bytes, &length, &err),
		0);
	assert_int_equal(length, strlen("some/path.xml"));
	assert_memory_equal(bytes, "some/path.xml", length);
	assert_int_equal(script->starts, 2);
	reader_stop(TAKE_PTR(reader));

	memset(script, 0, sizeof(*script));
	script->lose = end_well;
	script->lose_calls = true;
	reader = start(LONG_MS, &volume);
	assert_int_equal(reader_map(reader, volume, 0, ranges, 4, &length, &err), 0);
	assert_int_equal(length, 1);
	assert_int_equal(ranges[0].length, VOLUME_SIZE);
	assert_int_equal(times(reader), 1);
}

/* Blocks are under way while a call is lost. */
static void a_call_and_blocks_that_were_lost_together_both_come(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct volume_range ranges[4];
	struct reader_block block;
	struct err err = { 0 };
	unsigned volume = 0;
	size_t count = 0;

	script->lose = be_killed;
	script->lose_calls = true;
	reader = start(LONG_MS, &volume);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(
			reader_submit(reader, volume, i * SLOT_SIZE, SLOT_SIZE, &err), 0);
	assert_int_equal(reader_map(reader, volume, 0, ranges, 4, &count, &err), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(reader_wait(reader, 5000, &block, &err), 0);
		assert_int_equal(block.bytes[1], expected_byte(block.offset + 1));
		reader_release(reader, block.slot);
	}
	assert_int_equal(script->starts, 2);
}

static void an_error_of_the_server_gets_one_fresh_connection(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct err err = { 0 };
	unsigned volume = 0;

	script->lose = lose_io;
	script->lose_after = 2;
	script->good_from = 2;
	reader = start(LONG_MS, &volume);
	read_well(reader, volume, 20, SLOT_SIZE);
	reader_stop(TAKE_PTR(reader));

	memset(script, 0, sizeof(*script));
	script->lose = lose_io;
	script->longest = 1; /* for good */
	reader = start(LONG_MS, &volume);
	assert_int_equal(read_all(reader, volume, 1, SLOT_SIZE, &err), -EIO);
	assert_string_equal(err.text, "'smb://nas/b/C.vhdx': made up");
	assert_int_equal(script->starts, 2);
}

/* -- in a child of the engine ----------------------------------------------------- */

static int read_in_child(struct reader *reader, unsigned volume)
{
	AUTO(source_freep) struct block_source *source = NULL;
	uint8_t bytes[4096];
	struct err err = { 0 };

	if (reader_source(reader, volume, &source, &err) < 0)
		return 2;
	for (unsigned i = 0; i < 20; i++) {
		if (source_read(source, bytes, i * 8192, sizeof(bytes), &err) < 0)
			return 3;
		for (unsigned b = 0; b < sizeof(bytes); b++)
			if (bytes[b] != expected_byte(i * 8192 + b))
				return 4;
	}
	return 0;
}

static int run_child(struct reader *reader, unsigned volume)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(read_in_child(reader, volume));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_child_of_the_engine_heals_and_the_engine_goes_on(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	unsigned volume = 0;

	script->lose = lose_reset;
	script->lose_after = 7;
	script->good_from = 4;
	reader = start(LONG_MS, &volume);
	assert_int_equal(run_child(reader, volume), 0);
	assert_int_equal(script->starts, 3);
	read_well(reader, volume, 20, SLOT_SIZE);
	assert_int_equal(script->starts, 4);
}

static void a_child_that_cannot_heal_ends_and_the_engine_knows_why(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct err err = { 0 };
	unsigned volume = 0;

	script->lose = lose_reset;
	script->lose_after = 7;
	script->length = VOLUME_SIZE - 4096;
	reader = start(LONG_MS, &volume);
	assert_int_equal(run_child(reader, volume), 1);
	assert_int_equal(reader_check_given_up(reader, &err), -ENOLINK);
	assert_string_equal(err.text,
			    "'C.vhdx': holds 67104768 bytes now, 67108864 before (seen "
			    "when the server was there again, 0 s after the connection "
			    "was lost)");
	memset(&err, 0, sizeof(err));
	assert_int_equal(read_all(reader, volume, 1, SLOT_SIZE, &err), -ENOLINK);
	assert_non_null(strstr(err.text, "holds 67104768 bytes now"));
}

/* -- what does not ---------------------------------------------------------------- */

static void another_image_in_its_place_is_refused(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct err err = { 0 };
	unsigned volume = 0;

	script->lose = lose_reset;
	script->lose_after = 3;
	script->length = VOLUME_SIZE + 512;
	reader = start(LONG_MS, &volume);
	assert_int_equal(read_all(reader, volume, 50, SLOT_SIZE, &err), -ENOLINK);
	assert_non_null(strstr(err.text, "'C.vhdx': holds 67109376 bytes now, 67108864 "
					 "before (seen when the server was there again"));
	assert_int_equal(script->starts, 2);
	assert_int_equal(reader_submit(reader, volume, 0, 512, &err), -ENOLINK);
}

static void a_refused_login_is_tried_once_more_and_no_more(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct err err = { 0 };
	unsigned volume = 0;

	script->lose = lose_reset;
	script->lose_after = 3;
	for (unsigned i = 2; i < 8; i++)
		script->hello[i] = -EACCES;
	reader = start(LONG_MS, &volume);
	assert_int_equal(read_all(reader, volume, 50, SLOT_SIZE, &err), -ENOLINK);
	assert_non_null(strstr(err.text, "'smb://nas/b/C.vhdx': made up (the connection "
					 "was lost, 2 tries in "));
	assert_int_equal(script->starts, 3);
}

static void a_server_that_is_not_there_again_is_given_up_in_time(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct err err = { 0 };
	unsigned volume = 0;

	script->lose = lose_reset;
	script->lose_after = 3;
	for (unsigned i = 2; i < 8; i++)
		script->hello[i] = i % 2 ? -ECONNREFUSED : -ENOENT;
	reader = start(500, &volume);
	assert_int_equal(read_all(reader, volume, 50, SLOT_SIZE, &err), -ENOLINK);
	assert_non_null(strstr(err.text,
			       "the connection was lost, 2 tries in 1 s did not "
			       "bring it back"));
}

static void connections_that_bring_no_byte_do_not_count(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct err err = { 0 };
	unsigned volume = 0;

	script->lose = lose_reset;
	script->longest = 1; /* every read */
	reader = start(1500, &volume);
	assert_int_equal(read_all(reader, volume, 1, SLOT_SIZE, &err), -ENOLINK);
	assert_in_range(script->starts, 2, 5);
}

static void a_process_that_crashed_is_not_replaced(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct err err = { 0 };
	unsigned volume = 0;

	script->lose = crash;
	script->lose_after = 3;
	reader = start(LONG_MS, &volume);
	assert_int_equal(read_all(reader, volume, 50, SLOT_SIZE, &err), -EPIPE);
	assert_string_equal(err.text, "the reader process was killed by signal 11 "
				      "(Segmentation fault)");
	assert_int_equal(script->starts, 1);
}

static void without_time_to_retry_the_first_loss_is_the_last(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct err err = { 0 };
	unsigned volume = 0;

	script->lose = lose_reset;
	script->lose_after = 3;
	reader = start(0, &volume);
	assert_int_equal(read_all(reader, volume, 50, SLOT_SIZE, &err), -ECONNRESET);
	assert_int_equal(script->starts, 1);
}

static int cancel_in_trouble(void *context, struct err *err)
{
	struct reader_trouble trouble;
	unsigned *ticks = context;

	reader_trouble(*(struct reader **)(ticks + 2), &trouble);
	if (!trouble.lost)
		return 0;
	ticks[0]++;
	ticks[1] = trouble.tries;
	return ticks[0] == 5 ? err_set(err, -ECANCELED, "cancelled") : 0;
}

static void whoever_watches_is_told_and_can_end_it(void **state)
{
	struct {
		unsigned ticks, tries;
		struct reader *reader;
	} watch = { 0 };
	struct err err = { 0 };
	unsigned volume = 0;

	script->lose = lose_reset;
	script->lose_after = 3;
	for (unsigned i = 2; i < 8; i++)
		script->hello[i] = -EHOSTUNREACH;
	watch.reader = start(LONG_MS, &volume);
	reader_on_wait(watch.reader, cancel_in_trouble, &watch);
	assert_int_equal(read_all(watch.reader, volume, 50, SLOT_SIZE, &err), -ECANCELED);
	assert_string_equal(err.text, "cancelled");
	assert_int_equal(watch.ticks, 5);
	assert_in_range(watch.tries, 1, 3);
	reader_stop(watch.reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		TEST(whatever_ends_a_connection_all_blocks_come_in_order_and_once),
		TEST(the_old_process_is_dead_before_the_next_one_starts),
		TEST(a_line_that_breaks_in_long_answers_is_asked_for_short_ones),
		TEST(after_a_loss_requests_grow_again),
		TEST(a_call_that_was_lost_is_made_again_with_its_path),
		TEST(a_call_and_blocks_that_were_lost_together_both_come),
		TEST(an_error_of_the_server_gets_one_fresh_connection),
		TEST(a_child_of_the_engine_heals_and_the_engine_goes_on),
		TEST(a_child_that_cannot_heal_ends_and_the_engine_knows_why),
		TEST(another_image_in_its_place_is_refused),
		TEST(a_refused_login_is_tried_once_more_and_no_more),
		TEST(a_server_that_is_not_there_again_is_given_up_in_time),
		TEST(connections_that_bring_no_byte_do_not_count),
		TEST(a_process_that_crashed_is_not_replaced),
		TEST(without_time_to_retry_the_first_loss_is_the_last),
		TEST(whoever_watches_is_told_and_can_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
