/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include <time.h>

#include <base/overlay.h>

/* Not a multiple of the overlay's page: the last page is cut. */
#define SIZE (3 * MiB + 1234)

/* An overlay over size bytes that repeat no page. */
static struct overlay *overlay_over(uint64_t size, size_t limit)
{
	AUTO_FREE uint8_t *bytes = malloc(size);
	struct block_source *source = NULL;
	struct overlay *overlay = NULL;
	struct err err = { 0 };

	assert_non_null(bytes);
	for (uint64_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 4096);
	assert_succeeds(source_memory_new(bytes, size, "disk", &source, &err));
	assert_succeeds(overlay_new(source, true, limit, &overlay, &err));
	return overlay;
}

/* -- changes, as text ---- */

static int note_change(uint64_t offset, const void *bytes, size_t length, void *context,
		       struct err *err)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 256 - used, "%llu+%zu\n", (unsigned long long)offset,
		 length);
	return 0;
}

static void assert_changes(struct overlay *overlay, const char *expected)
{
	char text[256] = "";
	struct err err = { 0 };

	assert_succeeds(overlay_changes(overlay, note_change, text, &err));
	assert_string_equal(text, expected);
}

static void changes_are_whole_pages_in_ascending_order(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = overlay_over(SIZE, MiB);
	struct err err = { 0 };

	assert_changes(overlay, "");
	assert_succeeds(overlay_write(overlay, "late", MiB, 4, &err));
	assert_succeeds(overlay_write(overlay, "both", 8190, 4, &err));
	assert_succeeds(overlay_write(overlay, "again", 8192, 5, &err));
	assert_succeeds(overlay_write(overlay, "end", SIZE - 3, 3, &err));
	assert_succeeds(overlay_write(overlay, "", 0, 0, &err));
	assert_changes(overlay, "4096+8192\n1048576+4096\n3145728+1234\n");
}

static void changes_are_joined_up_to_a_mebibyte(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = overlay_over(SIZE, 2 * MiB);
	AUTO_FREE char *buffer = calloc(1, MiB + 1);
	struct err err = { 0 };

	assert_succeeds(overlay_write(overlay, buffer, 4096, MiB + 1, &err));
	assert_changes(overlay, "4096+1048576\n1052672+4096\n");
}

/* -- the merged view ---- */

static int apply_change(uint64_t offset, const void *bytes, size_t length, void *context,
			struct err *err)
{
	memcpy((uint8_t *)context + offset, bytes, length);
	return 0;
}

/* Any length, more often a short one; offset + length <= SIZE. */
static void random_range(uint64_t *ret_offset, size_t *ret_length)
{
	size_t longest = rand() % 4 ? 9000 : 600000;

	*ret_offset = (uint64_t)rand() % SIZE;
	*ret_length = min_u64((uint64_t)rand() % longest, SIZE - *ret_offset);
}

static void random_writes_agree_with_a_plain_buffer(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	AUTO(overlay_freep) struct overlay *overlay = overlay_over(SIZE, 4 * MiB);
	AUTO_FREE uint8_t *plain = malloc(SIZE), *original = malloc(SIZE);
	AUTO_FREE uint8_t *buffer = malloc(SIZE);
	struct block_source *view = overlay_source(overlay);
	struct err err = { 0 };

	print_message("seed %u\n", seed);
	srand(seed);
	assert_true(plain && original && buffer);
	assert_succeeds(source_read(view, original, 0, SIZE, &err));
	memcpy(plain, original, SIZE);
	for (int round = 0; round < 300; round++) {
		uint64_t offset;
		size_t length;

		random_range(&offset, &length);
		memset(buffer, rand(), length);
		memcpy(plain + offset, buffer, length);
		assert_succeeds(overlay_write(overlay, buffer, offset, length, &err));
		random_range(&offset, &length);
		assert_succeeds(source_read(view, buffer, offset, length, &err));
		assert_memory_equal(buffer, plain + offset, length);
	}
	assert_succeeds(overlay_changes(overlay, apply_change, original, &err));
	assert_memory_equal(original, plain, SIZE);
}

static void the_parent_is_never_changed(void **state)
{
	AUTO(source_freep) struct block_source *parent = NULL;
	struct overlay *overlay = NULL;
	struct err err = { 0 };
	char buffer[4];

	assert_succeeds(source_memory_new("abcd", 4, "disk", &parent, &err));
	assert_succeeds(overlay_new(parent, false, MiB, &overlay, &err));
	assert_succeeds(overlay_write(overlay, "X", 1, 1, &err));
	assert_succeeds(source_read(overlay_source(overlay), buffer, 0, 4, &err));
	assert_memory_equal(buffer, "aXcd", 4);
	overlay_free(overlay);
	assert_succeeds(source_read(parent, buffer, 0, 4, &err));
	assert_memory_equal(buffer, "abcd", 4);
}

static int note_extent(const struct extent *extent, void *context, struct err *err)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 256 - used, "%s %llu+%llu\n",
		 extent->kind == EXTENT_DATA ? "data" : "absent",
		 (unsigned long long)extent->offset, (unsigned long long)extent->length);
	return 0;
}

static void changed_pages_are_data_between_the_extents_of_the_parent(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = NULL;
	struct block_source *parent = NULL;
	struct err err = { 0 };
	char text[256] = "";
	int fd = file_create("hole", 64 * MiB);

	assert_succeeds(source_file_from_fd(fd, "hole", &parent, &err));
	assert_succeeds(overlay_new(parent, true, MiB, &overlay, &err));
	assert_succeeds(overlay_write(overlay, "X", 8191, 1, &err));
	assert_succeeds(overlay_write(overlay, "X", 8192, 1, &err));
	assert_succeeds(source_walk(overlay_source(overlay), 0, 64 * MiB, note_extent,
				    text, &err));
	if (strncmp(text, "data 0+67108864", 15) == 0) {
		print_message("the file system of /tmp does not tell holes\n");
		skip();
	}
	assert_string_equal(text,
			    "absent 0+4096\ndata 4096+8192\nabsent 12288+67096576\n");
}

/* -- errors ---- */

static void writes_beyond_the_limit_are_refused(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = overlay_over(SIZE, 8192);
	struct err err = { 0 };

	assert_succeeds(overlay_write(overlay, "x", 0, 1, &err));
	assert_succeeds(overlay_write(overlay, "x", MiB, 1, &err));
	assert_failed(overlay_write(overlay, "x", 8192, 1, &err), -ENOSPC,
		      "'disk': changes would take more than 8192 bytes of memory");
	assert_succeeds(overlay_write(overlay, "y", 1, 1, &err));
	assert_changes(overlay, "0+4096\n1048576+4096\n");
}

static void writes_outside_of_the_source_are_refused(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = overlay_over(5000, MiB);
	struct err err = { 0 };

	assert_failed(overlay_write(overlay, "xy", 4999, 2, &err), -EINVAL,
		      "'disk': write 4999+2 leaves the size of 5000 bytes");
	assert_changes(overlay, "");
}

static void a_page_that_cannot_be_read_is_not_changed(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = NULL;
	struct block_source *memory = NULL, *flaky = NULL;
	char page[4096] = "whole";
	struct err err = { 0 };

	assert_succeeds(source_memory_new(page, sizeof(page), "disk", &memory, &err));
	assert_succeeds(source_flaky_new(memory, 1, -EIO, true, &flaky, &err));
	assert_succeeds(overlay_new(flaky, true, MiB, &overlay, &err));
	assert_failed(overlay_write(overlay, "x", 0, 1, &err), -EIO,
		      "'disk': read 1 made to fail");
	assert_changes(overlay, "");
	assert_succeeds(overlay_write(overlay, page, 0, sizeof(page), &err));
	assert_changes(overlay, "0+4096\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_whole_pages_in_ascending_order),
		cmocka_unit_test(changes_are_joined_up_to_a_mebibyte),
		cmocka_unit_test(random_writes_agree_with_a_plain_buffer),
		cmocka_unit_test(the_parent_is_never_changed),
		cmocka_unit_test(
			changed_pages_are_data_between_the_extents_of_the_parent),
		cmocka_unit_test(writes_beyond_the_limit_are_refused),
		cmocka_unit_test(writes_outside_of_the_source_are_refused),
		cmocka_unit_test(a_page_that_cannot_be_read_is_not_changed),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
