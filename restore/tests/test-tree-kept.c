/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of files that are kept across openings: what is read from the tree below, and what is not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#include "reader/tree-kept.h"

#define FILE_SIZE (40 * (size_t)MiB + 100) /* more than is kept */
#define BLOCK	  (64 * (uint64_t)KiB)

/* -- a tree of one file, which writes down what is read of it ----------------------- */

static struct text reads;
static uint8_t *content;
static int64_t mtime;
static bool fails;

static int logged_read(struct block_source *source, void *buffer, uint64_t offset,
		       size_t length, struct err *err)
{
	text_add(&reads, "%llu+%zu ", (unsigned long long)offset, length);
	if (fails)
		return err_set(err, -EIO, "'%s': read error", source->name);
	memcpy(buffer, content + offset, length);
	return 0;
}

static void logged_close(struct block_source *source)
{
	free(source->name);
	free(source);
}

static const struct block_source_ops logged_ops = { .read_at = logged_read,
						    .close = logged_close };

static int one_open(struct tree *tree, const char *path, struct block_source **ret,
		    struct err *err)
{
	struct block_source *file = malloc(sizeof(*file));

	assert_non_null(file);
	*file = (struct block_source){ .ops = &logged_ops,
				       .size = FILE_SIZE,
				       .mtime_ns = mtime,
				       .max_parallel = 1,
				       .name = strdup(path) };
	*ret = file;
	return 0;
}

static const struct tree_ops one_ops = { .open = one_open };
static struct tree one = { .ops = &one_ops, .name = (char *)"share" };

struct bench {
	struct tree *kept;
	struct block_source *file;
};

static void reopen(struct bench *bench)
{
	struct err err = { 0 };

	source_close(TAKE_PTR(bench->file));
	assert_int_equal(tree_open(bench->kept, "a.vhdx", &bench->file, &err), 0);
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct err err = { 0 };

	content = malloc(FILE_SIZE);
	if (!bench || !content || tree_kept_new(&one, &bench->kept, &err) < 0)
		return -1;
	for (size_t i = 0; i < FILE_SIZE; i++)
		content[i] = (uint8_t)(i * 7 + i / 251);
	mtime = 1000;
	fails = false;
	reads = (struct text){ 0 };
	reopen(bench);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	source_close(bench->file);
	tree_close(bench->kept);
	free(reads.string);
	free(content);
	free(bench);
	return 0;
}

/* expected: what is read of the file below for it. */
static void expect_reads(struct bench *bench, uint64_t offset, size_t length,
			 const char *expected)
{
	AUTO_FREE uint8_t *bytes = malloc(length);
	struct err err = { 0 };

	assert_non_null(bytes);
	free(reads.string);
	reads = (struct text){ 0 };
	assert_int_equal(source_read(bench->file, bytes, offset, length, &err), 0);
	assert_memory_equal(bytes, content + offset, length);
	assert_string_equal(reads.string ? reads.string : "", expected);
}

/* -- tests -------------------------------------------------------------------------- */

static void a_block_is_read_once_for_all_openings(void **state)
{
	struct bench *bench = *state;

	expect_reads(bench, MiB + 5, 10, "1048576+65536 ");
	expect_reads(bench, MiB + 60000, 10, "");
	reopen(bench);
	expect_reads(bench, MiB, BLOCK, "");
}

static void only_what_is_missing_is_read_and_that_at_once(void **state)
{
	struct bench *bench = *state;

	expect_reads(bench, MiB + BLOCK, 1, "1114112+65536 ");
	expect_reads(bench, MiB, 4 * BLOCK, "1048576+65536 1179648+131072 ");
	expect_reads(bench, MiB + 100, 4 * BLOCK, "1310720+65536 ");
	/* the last block is shorter */
	expect_reads(bench, FILE_SIZE - 1, 1, "41943040+100 ");
	expect_reads(bench, FILE_SIZE - 100, 100, "");
}

static void the_head_of_an_image_costs_two_reads(void **state)
{
	struct bench *bench = *state;

	expect_reads(bench, 0, 8, "0+65536 ");
	expect_reads(bench, BLOCK, 4096, "65536+262144 ");
	expect_reads(bench, 3 * BLOCK, 2 * BLOCK, "");
}

static void a_file_that_was_written_to_is_read_again(void **state)
{
	struct bench *bench = *state;

	expect_reads(bench, MiB, 10, "1048576+65536 ");
	content[MiB] ^= 1;
	mtime++;
	reopen(bench);
	expect_reads(bench, MiB, 10, "1048576+65536 ");
}

static void without_a_time_nothing_outlives_the_opening(void **state)
{
	struct bench *bench = *state;

	mtime = 0;
	reopen(bench);
	expect_reads(bench, MiB, 10, "1048576+65536 ");
	expect_reads(bench, MiB, 10, "");
	reopen(bench);
	expect_reads(bench, MiB, 10, "1048576+65536 ");
}

/* Whether an image is still the one that was scanned is asked of the server. */
static void who_passes_memory_by_reads_from_the_tree_below(void **state)
{
	struct bench *bench = *state;

	expect_reads(bench, MiB, 10, "1048576+65536 ");
	content[MiB] ^= 1;
	tree_kept_pass(bench->kept, true);
	expect_reads(bench, MiB, 10, "1048576+10 ");
	expect_reads(bench, 2 * MiB, 10, "2097152+10 ");
	tree_kept_pass(bench->kept, false);
	expect_reads(bench, 2 * MiB, 10, "2097152+65536 ");
}

static void what_is_forgotten_is_read_again(void **state)
{
	struct bench *bench = *state;

	expect_reads(bench, MiB, 10, "1048576+65536 ");
	content[MiB] ^= 1;
	tree_kept_forget(bench->kept);
	expect_reads(bench, MiB, 10, "1048576+65536 ");
}

static void the_block_that_was_not_used_for_longest_makes_room(void **state)
{
	struct bench *bench = *state;

	expect_reads(bench, 39 * MiB, 10, "40894464+65536 ");
	expect_reads(bench, 38 * MiB, 10, "39845888+65536 ");
	/* in pieces, and more than there is room for but for one block */
	for (unsigned i = 0; i < 382; i++) {
		AUTO_FREE char *expected =
			text_format("%" PRIu64 "+65536 ", i * BLOCK + MiB);

		expect_reads(bench, i * BLOCK + MiB, 10, expected);
	}
	expect_reads(bench, 39 * MiB, 10, "");
	expect_reads(bench, 30 * MiB, 10, "31457280+65536 ");
	expect_reads(bench, 39 * MiB, 10, "");
	expect_reads(bench, 38 * MiB, 10, "39845888+65536 ");
}

static void what_is_longer_than_all_that_is_kept_is_read_in_parts(void **state)
{
	struct bench *bench = *state;

	expect_reads(
		bench, 8 * MiB, 30 * MiB,
		"8388608+4194304 12582912+4194304 16777216+4194304 20971520+4194304 "
		"25165824+4194304 29360128+4194304 33554432+4194304 37748736+2097152 ");
}

static void a_failed_read_keeps_nothing(void **state)
{
	struct bench *bench = *state;
	struct err err = { 0 };
	uint8_t byte;

	fails = true;
	assert_int_equal(source_read(bench->file, &byte, MiB, 1, &err), -EIO);
	assert_string_equal(err.text, "'a.vhdx': read error");
	fails = false;
	expect_reads(bench, MiB, 1, "1048576+65536 ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_block_is_read_once_for_all_openings),
		TEST(only_what_is_missing_is_read_and_that_at_once),
		TEST(the_head_of_an_image_costs_two_reads),
		TEST(a_file_that_was_written_to_is_read_again),
		TEST(without_a_time_nothing_outlives_the_opening),
		TEST(who_passes_memory_by_reads_from_the_tree_below),
		TEST(what_is_forgotten_is_read_again),
		TEST(the_block_that_was_not_used_for_longest_makes_room),
		TEST(what_is_longer_than_all_that_is_kept_is_read_in_parts),
		TEST(a_failed_read_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
