/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Block sources: the checks of all kinds, files with holes, memory, slices, flaky, slow.
 */
#include "testing.h"

#include <time.h>

#include <base/block-source.h>

/* -- what a walk saw, as text ---- */

struct walked {
	char text[256];
	int stop_with; /* returned by each visit */
};

static int note_extent(const struct extent *extent, void *context, struct err *err)
{
	static const char *const kinds[] = { "data", "zero", "absent" };
	struct walked *walked = context;
	size_t used = strlen(walked->text);

	snprintf(walked->text + used, sizeof(walked->text) - used, "%s %llu+%llu\n",
		 kinds[extent->kind], (unsigned long long)extent->offset,
		 (unsigned long long)extent->length);
	return walked->stop_with;
}

static void assert_walk(struct block_source *source, uint64_t offset, uint64_t length,
			const char *expected)
{
	struct walked walked = { 0 };
	struct err err = { 0 };

	assert_succeeds(source_walk(source, offset, length, note_extent, &walked, &err));
	assert_string_equal(walked.text, expected);
}

/* -- a source made of a string, one letter per extent of one byte: d, z, a ---- */

struct letters {
	struct block_source source;
	bool leaves_gaps;
	unsigned closed;
};

static int letters_read_at(struct block_source *source, void *buffer, uint64_t offset,
			   size_t length, struct err *err)
{
	memcpy(buffer, source->name + offset, length);
	return 0;
}

static int letters_extents(struct block_source *source, uint64_t offset, uint64_t length,
			   struct extent *extents, size_t max, size_t *ret_count,
			   struct err *err)
{
	struct letters *letters = (struct letters *)source;
	size_t count = min_u64(max, length);

	for (size_t i = 0; i < count; i++) {
		char letter = source->name[offset + i];

		extents[i] = (struct extent){ offset + i + letters->leaves_gaps, 1,
					      letter == 'd'   ? EXTENT_DATA
					      : letter == 'z' ? EXTENT_ZERO
							      : EXTENT_ABSENT };
	}
	*ret_count = count;
	return 0;
}

static void letters_close(struct block_source *source)
{
	((struct letters *)source)->closed++;
}

static const struct block_source_ops letters_ops = {
	.read_at = letters_read_at,
	.extents = letters_extents,
	.close = letters_close,
};

static struct letters letters_make(const char *text)
{
	return (struct letters){
		.source = { .ops = &letters_ops,
			    .size = strlen(text),
			    .sector_size = 512,
			    .max_parallel = 3,
			    .name = (char *)text },
	};
}

/* -- all kinds ---- */

static void a_range_outside_of_a_source_is_refused(void **state)
{
	struct letters letters = letters_make("ddddd");
	struct walked walked = { 0 };
	struct err err = { 0 };
	struct extent extent;
	char buffer[8];
	size_t count;

	assert_failed(source_read(&letters.source, buffer, 4, 2, &err), -EINVAL,
		      "'ddddd': range 4+2 leaves the size of 5 bytes");
	assert_failed(source_read(&letters.source, buffer, UINT64_MAX, 2, &err), -EINVAL,
		      "'ddddd': range 18446744073709551615+2 leaves the size of 5 bytes");
	assert_failed(source_extents(&letters.source, 6, 0, &extent, 1, &count, &err),
		      -EINVAL, "'ddddd': range 6+0 leaves the size of 5 bytes");
	assert_failed(source_walk(&letters.source, 0, 6, note_extent, &walked, &err),
		      -EINVAL, "'ddddd': range 0+6 leaves the size of 5 bytes");
	assert_succeeds(source_read(&letters.source, buffer, 5, 0, &err));
}

static void a_walk_joins_neighbours_of_one_kind(void **state)
{
	struct letters letters = letters_make("ddzzzaad");

	assert_walk(&letters.source, 0, 8, "data 0+2\nzero 2+3\nabsent 5+2\ndata 7+1\n");
	assert_walk(&letters.source, 1, 3, "data 1+1\nzero 2+2\n");
	assert_walk(&letters.source, 3, 0, "");
}

static void a_walk_joins_across_its_batches(void **state)
{
	char text[301];
	struct letters letters;

	memset(text, 'd', 300);
	text[300] = '\0';
	text[200] = 'z';
	letters = letters_make(text);
	assert_walk(&letters.source, 0, 300, "data 0+200\nzero 200+1\ndata 201+99\n");
}

static void a_visit_can_end_the_walk(void **state)
{
	struct letters letters = letters_make("dzdz");
	struct walked walked = { .stop_with = -ECANCELED };
	struct err err = { 0 };

	assert_int_equal(source_walk(&letters.source, 0, 4, note_extent, &walked, &err),
			 -ECANCELED);
	assert_string_equal(walked.text, "data 0+1\n");
}

static void extents_with_a_gap_are_not_believed(void **state)
{
	struct letters letters = letters_make("dzdz");
	struct err err = { 0 };
	struct extent extents[4];
	size_t count;

	letters.leaves_gaps = true;
	assert_failed(source_extents(&letters.source, 0, 4, extents, 4, &count, &err),
		      -EIO, "'dzdz': extents of 0+4 are not adjacent");
	assert_failed(source_extents(&letters.source, 0, 4, extents, 0, &count, &err),
		      -EINVAL, "'dzdz': no room for extents");
}

/* -- memory ---- */

static void memory_is_a_copy_and_all_data(void **state)
{
	AUTO(source_freep) struct block_source *source = NULL;
	char text[] = "bytes", buffer[3];
	struct err err = { 0 };

	assert_succeeds(source_memory_new(text, 5, "m", &source, &err));
	text[1] = '?';
	assert_succeeds(source_read(source, buffer, 1, 3, &err));
	assert_memory_equal(buffer, "yte", 3);
	assert_walk(source, 0, 5, "data 0+5\n");
}

static void memory_may_be_empty(void **state)
{
	AUTO(source_freep) struct block_source *source = NULL;
	struct err err = { 0 };

	assert_succeeds(source_memory_new(NULL, 0, "m", &source, &err));
	assert_int_equal(source->size, 0);
	assert_walk(source, 0, 0, "");
}

/* -- files ---- */

static void holes_of_a_file_are_absent(void **state)
{
	AUTO(source_freep) struct block_source *source = NULL;
	struct err err = { 0 };
	char buffer[3] = "xxx";
	int fd = file_create("holes", 4 * MiB);

	assert_int_equal(pwrite(fd, "D", 1, MiB), 1);
	if (lseek(fd, 0, SEEK_DATA) != (off_t)MiB) {
		print_message("the file system of /tmp does not tell holes\n");
		close(fd);
		skip();
	}
	assert_int_equal(fallocate(fd, 0, MiB, 64 * KiB), 0);
	assert_succeeds(source_file_from_fd(fd, "holes", &source, &err));
	assert_int_equal(source->size, 4 * MiB);
	assert_int_equal(source->sector_size, 0);
	assert_true(source->max_parallel > 1);
	assert_walk(source, 0, MiB + 1, "absent 0+1048576\ndata 1048576+1\n");
	assert_walk(source, 2 * MiB, 2 * MiB, "absent 2097152+2097152\n");
	assert_walk(source, MiB, 1, "data 1048576+1\n");
	assert_succeeds(source_read(source, buffer, MiB - 1, 3, &err));
	assert_memory_equal(buffer, "\0D\0", 3);
}

static void a_file_that_shrank_is_an_error_and_not_zeros(void **state)
{
	AUTO(source_freep) struct block_source *source = NULL;
	struct walked walked = { 0 };
	struct err err = { 0 };
	char buffer[8];

	file_write("shrinks", "0123456789");
	assert_succeeds(source_file_open("shrinks", &source, &err));
	assert_int_equal(truncate("shrinks", 6), 0);
	assert_succeeds(source_read(source, buffer, 0, 6, &err));
	assert_failed(source_read(source, buffer, 4, 4, &err), -EIO,
		      "'shrinks': file ended at 6, expected 10");
	assert_failed(source_walk(source, 0, 10, note_extent, &walked, &err), -EIO,
		      "'shrinks': file ended at 6, expected 10");
}

static void what_is_not_a_file_or_a_disk_is_refused(void **state)
{
	struct block_source *source = NULL;
	struct err err = { 0 };

	assert_failed(source_file_open("missing", &source, &err), -ENOENT,
		      "'missing': opening for reading: No such file or directory");
	assert_failed(source_file_open(".", &source, &err), -EINVAL,
		      "'.': neither a file nor a block device but a folder");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_failed(source_file_open("fifo", &source, &err), -EINVAL,
		      "'fifo': neither a file nor a block device");
	assert_null(source);
}

static void a_read_error_names_range_and_reason(void **state)
{
	AUTO(source_freep) struct block_source *source = NULL;
	struct err err = { 0 };
	char buffer[4];

	file_write("secret", "0123");
	assert_succeeds(
		source_file_from_fd(open("secret", O_WRONLY), "secret", &source, &err));
	assert_failed(source_read(source, buffer, 1, 3, &err), -EBADF,
		      "'secret': reading 1+3: Bad file descriptor");
}

/* -- slices ---- */

static void a_slice_moves_reads_and_extents(void **state)
{
	struct letters letters = letters_make("ddzzaadd");
	struct block_source *slice = NULL;
	struct err err = { 0 };
	char buffer[4];

	assert_succeeds(
		source_slice_new(&letters.source, true, 3, 4, "part", &slice, &err));
	assert_int_equal(slice->size, 4);
	assert_int_equal(slice->sector_size, 512);
	assert_int_equal(slice->max_parallel, 3);
	assert_succeeds(source_read(slice, buffer, 0, 4, &err));
	assert_memory_equal(buffer, "zaad", 4);
	assert_walk(slice, 0, 4, "zero 0+1\nabsent 1+2\ndata 3+1\n");
	assert_failed(source_read(slice, buffer, 3, 2, &err), -EINVAL,
		      "'part': range 3+2 leaves the size of 4 bytes");
	source_close(slice);
	assert_int_equal(letters.closed, 1);
}

static void a_slice_that_does_not_fit_closes_what_it_owns(void **state)
{
	struct letters letters = letters_make("dddd");
	struct block_source *slice = NULL;
	struct err err = { 0 };

	assert_failed(
		source_slice_new(&letters.source, false, 2, 3, "part", &slice, &err),
		-EINVAL, "'part': 2+3 leaves 'dddd' of 4 bytes");
	assert_int_equal(letters.closed, 0);
	assert_failed(source_slice_new(&letters.source, true, 2, UINT64_MAX, "part",
				       &slice, &err),
		      -EINVAL, "'part': 2+18446744073709551615 leaves 'dddd' of 4 bytes");
	assert_int_equal(letters.closed, 1);
	assert_null(slice);
}

static void a_slice_leaves_a_parent_that_it_does_not_own(void **state)
{
	struct letters letters = letters_make("dddd");
	struct block_source *slice = NULL;
	struct err err = { 0 };

	assert_succeeds(
		source_slice_new(&letters.source, false, 0, 4, "part", &slice, &err));
	source_close(slice);
	assert_int_equal(letters.closed, 0);
}

/* -- flaky and slow ---- */

static void a_flaky_source_fails_the_chosen_read_once(void **state)
{
	struct letters letters = letters_make("dzdz");
	struct block_source *flaky = NULL;
	struct err err = { 0 };
	char buffer[4];

	assert_succeeds(
		source_flaky_new(&letters.source, 2, -ETIMEDOUT, false, &flaky, &err));
	assert_succeeds(source_read(flaky, buffer, 0, 4, &err));
	assert_failed(source_read(flaky, buffer, 0, 4, &err), -ETIMEDOUT,
		      "'dzdz': read 2 made to fail");
	assert_succeeds(source_read(flaky, buffer, 0, 4, &err));
	assert_walk(flaky, 0, 4, "data 0+1\nzero 1+1\ndata 2+1\nzero 3+1\n");
	source_close(flaky);
	assert_int_equal(letters.closed, 1);
}

static void a_broken_source_fails_from_the_chosen_read_on(void **state)
{
	struct letters letters = letters_make("dddd");
	AUTO(source_freep) struct block_source *flaky = NULL;
	struct err err = { 0 };
	char buffer[4];

	assert_succeeds(source_flaky_new(&letters.source, 2, -EIO, true, &flaky, &err));
	assert_succeeds(source_read(flaky, buffer, 0, 1, &err));
	assert_failed(source_read(flaky, buffer, 0, 1, &err), -EIO,
		      "'dddd': read 2 made to fail");
	assert_failed(source_read(flaky, buffer, 0, 1, &err), -EIO,
		      "'dddd': read 3 made to fail");
}

static void a_cached_source_reads_each_page_once(void **state)
{
	AUTO(source_freep) struct block_source *cached = NULL;
	AUTO_FREE uint8_t *bytes = malloc(MiB + 100);
	struct block_source *memory = NULL, *flaky = NULL;
	uint8_t part[8];
	struct err err = { 0 };

	assert_non_null(bytes);
	for (size_t i = 0; i < MiB + 100; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	assert_succeeds(source_memory_new(bytes, MiB + 100, "file", &memory, &err));
	/* the third read fails: two pages are read, and then everything comes from them */
	assert_succeeds(source_flaky_new(memory, 3, -EIO, true, &flaky, &err));
	assert_succeeds(source_cached_new(flaky, &cached, &err));
	assert_int_equal(cached->size, MiB + 100);
	for (unsigned i = 0; i < 3; i++) {
		assert_succeeds(source_read(cached, part, 256 * KiB - 4, 8, &err));
		assert_memory_equal(part, bytes + 256 * KiB - 4, 8);
	}
	assert_succeeds(source_read(cached, part, 77, 8, &err));
	assert_memory_equal(part, bytes + 77, 8);
	assert_failed(source_read(cached, part, MiB + 92, 8, &err), -EIO,
		      "'file': read 3 made to fail");
}

static void
a_cached_source_forgets_the_oldest_page_and_reads_long_pieces_itself(void **state)
{
	AUTO(source_freep) struct block_source *cached = NULL;
	size_t size = 10 * MiB + 100;
	AUTO_FREE uint8_t *bytes = malloc(size);
	AUTO_FREE uint8_t *read = malloc(MiB);
	struct block_source *memory = NULL;
	struct err err = { 0 };

	assert_true(bytes && read);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	assert_succeeds(source_memory_new(bytes, size, "file", &memory, &err));
	assert_succeeds(source_cached_new(memory, &cached, &err));
	for (size_t i = 0; i < 500; i++) {
		size_t length = 1 + i * 613 % (300 * KiB);
		size_t offset = i * 7919 * 131 % (size - length);

		assert_succeeds(source_read(cached, read, offset, length, &err));
		assert_memory_equal(read, bytes + offset, length);
	}
	assert_succeeds(source_read(cached, read, size - 100, 100, &err));
	assert_memory_equal(read, bytes + size - 100, 100);
}

static void a_slow_source_takes_its_time(void **state)
{
	struct letters letters = letters_make("abcd");
	AUTO(source_freep) struct block_source *slow = NULL;
	struct timespec before, after;
	struct err err = { 0 };
	char buffer[4];

	assert_succeeds(source_slow_new(&letters.source, 20000, &slow, &err));
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_succeeds(source_read(slow, buffer, 0, 4, &err));
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_memory_equal(buffer, "abcd", 4);
	assert_true((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec -
			    before.tv_nsec >=
		    20000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_outside_of_a_source_is_refused),
		cmocka_unit_test(a_walk_joins_neighbours_of_one_kind),
		cmocka_unit_test(a_walk_joins_across_its_batches),
		cmocka_unit_test(a_visit_can_end_the_walk),
		cmocka_unit_test(extents_with_a_gap_are_not_believed),
		cmocka_unit_test(memory_is_a_copy_and_all_data),
		cmocka_unit_test(memory_may_be_empty),
		cmocka_unit_test(holes_of_a_file_are_absent),
		cmocka_unit_test(a_file_that_shrank_is_an_error_and_not_zeros),
		cmocka_unit_test(what_is_not_a_file_or_a_disk_is_refused),
		cmocka_unit_test(a_read_error_names_range_and_reason),
		cmocka_unit_test(a_slice_moves_reads_and_extents),
		cmocka_unit_test(a_slice_that_does_not_fit_closes_what_it_owns),
		cmocka_unit_test(a_slice_leaves_a_parent_that_it_does_not_own),
		cmocka_unit_test(a_flaky_source_fails_the_chosen_read_once),
		cmocka_unit_test(a_broken_source_fails_from_the_chosen_read_on),
		cmocka_unit_test(a_cached_source_reads_each_page_once),
		cmocka_unit_test(
			a_cached_source_forgets_the_oldest_page_and_reads_long_pieces_itself),
		cmocka_unit_test(a_slow_source_takes_its_time),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
