/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The virtual volume, asked as FUSE would ask it: what is learnt, marked and moved, and that
 * content which is only relocated is never read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>

#include <base/checked.h>

#include "fixups/ntfs-view-fuse.h"

#define PAGE	 4096u
#define SIZE	 (8 * MiB)
#define NEW_END	 (4 * MiB)
#define CONTENT	 (6 * MiB) /* of a file, behind the new end */
#define METADATA (5 * MiB)
#define PLACE	 MiB /* where content is relocated to */

struct scene {
	uint8_t *bytes; /* of the image */
	struct block_source *image;
	struct ntfs_view *view;
};

/* The image can be read once: metadata and its neighbourhood; what is read later fails. */
static void set_up(struct scene *scene, bool readable)
{
	struct block_source *memory;
	struct err err = { 0 };
	uint8_t page[PAGE];

	scene->bytes = malloc(SIZE);
	assert_non_null(scene->bytes);
	for (size_t i = 0; i < SIZE; i++)
		scene->bytes[i] = (uint8_t)(i / PAGE * 7 + i % 251);
	assert_int_equal(source_memory_new(scene->bytes, SIZE, "c.vhdx", &memory, &err),
			 0);
	assert_int_equal(source_flaky_new(memory, readable ? 1000 : 2, -EIO, true,
					  &scene->image, &err),
			 0);
	assert_int_equal(ntfs_view_new(scene->image, SIZE, open("/dev/null", O_RDWR),
				       &scene->view, &err),
			 0);
	assert_int_equal(view_read(scene->view, page, METADATA, PAGE), 0);
	assert_memory_equal(page, scene->bytes + METADATA, PAGE);
	assert_int_equal(ntfs_view_begin(scene->view, NEW_END, &err), 0);
}

static void tear_down(struct scene *scene)
{
	ntfs_view_free(scene->view);
	source_close(scene->image);
	free(scene->bytes);
}

static void relocate(struct scene *scene, uint64_t to, uint64_t from, size_t length)
{
	uint8_t bytes[4 * PAGE];

	assert_int_equal(view_read(scene->view, bytes, from, length), 0);
	assert_int_equal(view_write(scene->view, bytes, to, length), 0);
}

static void content_is_moved_without_being_read(void **state)
{
	struct scene scene;
	const struct ntfs_move *moves;
	size_t count;

	set_up(&scene, false);
	relocate(&scene, PLACE, CONTENT, PAGE);
	relocate(&scene, PLACE + PAGE, CONTENT + PAGE, 2 * PAGE);
	relocate(&scene, PLACE + 8 * PAGE, CONTENT + 3 * PAGE, PAGE);
	moves = ntfs_view_moves(scene.view, &count);
	assert_int_equal(count, 2);
	assert_int_equal(moves[0].to, PLACE);
	assert_int_equal(moves[0].from, CONTENT);
	assert_int_equal(moves[0].length, 3 * PAGE);
	assert_int_equal(moves[1].to, PLACE + 8 * PAGE);
	assert_int_equal(moves[1].from, CONTENT + 3 * PAGE);
	tear_down(&scene);
}

static void metadata_is_copied_as_it_is(void **state)
{
	struct scene scene;
	uint8_t page[PAGE];
	size_t count;

	set_up(&scene, true);
	relocate(&scene, PLACE, METADATA, PAGE);
	ntfs_view_moves(scene.view, &count);
	assert_int_equal(count, 0);
	assert_int_equal(view_read(scene.view, page, PLACE, PAGE), 0);
	assert_memory_equal(page, scene.bytes + METADATA, PAGE);
	tear_down(&scene);
}

static void moved_content_reads_as_what_it_is(void **state)
{
	struct scene scene;
	uint8_t page[PAGE];

	set_up(&scene, true);
	relocate(&scene, PLACE, CONTENT, PAGE);
	assert_int_equal(view_read(scene.view, page, PLACE, PAGE), 0);
	assert_memory_equal(page, scene.bytes + CONTENT, PAGE);
	tear_down(&scene);
}

/* Each of these would mix marks into a volume. */
static void marks_in_the_wrong_place_end_the_run(void **state)
{
	uint8_t pages[2 * PAGE];
	struct scene scene;

	set_up(&scene, true);
	assert_int_equal(view_read(scene.view, pages, CONTENT, 2 * PAGE), 0);
	assert_int_equal(view_write(scene.view, pages, PLACE, 1024), -EXDEV);
	assert_int_equal(view_write(scene.view, pages + 8, PLACE, PAGE), -EXDEV);
	pages[PAGE + 100] ^= 1;
	assert_int_equal(view_write(scene.view, pages, PLACE, 2 * PAGE), -EXDEV);
	tear_down(&scene);

	set_up(&scene, true);
	relocate(&scene, PLACE, CONTENT, PAGE);
	memset(pages, 0, sizeof(pages));
	assert_int_equal(view_write(scene.view, pages, PLACE + 512, 512), -EXDEV);
	tear_down(&scene);
}

static int count_bytes(uint64_t offset, const void *bytes, size_t length, void *context,
		       struct err *err)
{
	assert_true(offset + length <= NEW_END);
	*(size_t *)context += length;
	return 0;
}

static void changes_end_where_the_volume_ends(void **state)
{
	uint8_t page[PAGE] = { 1 };
	struct scene scene;
	struct err err = { 0 };
	size_t changed = 0;

	set_up(&scene, true);
	assert_int_equal(view_write(scene.view, page, PLACE, PAGE), 0);
	assert_int_equal(view_write(scene.view, page, METADATA, PAGE), 0);
	ntfs_view_cut(scene.view, NEW_END);
	assert_int_equal(view_size(scene.view), NEW_END);
	assert_int_equal(ntfs_view_changes(scene.view, count_bytes, &changed, &err), 0);
	assert_int_equal(changed, PAGE);
	tear_down(&scene);
}

static void a_larger_volume_ends_with_zeros(void **state)
{
	struct scene scene;
	struct ntfs_view *view;
	struct err err = { 0 };
	uint8_t page[PAGE], zeros[PAGE] = { 0 };

	set_up(&scene, true);
	assert_int_equal(ntfs_view_new(scene.image, SIZE + MiB, open("/dev/null", O_RDWR),
				       &view, &err),
			 0);
	assert_int_equal(view_read(view, page, SIZE - 512, PAGE), 0);
	assert_memory_equal(page, scene.bytes + SIZE - 512, 512);
	assert_memory_equal(page + 512, zeros, PAGE - 512);
	ntfs_view_free(view);
	tear_down(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_is_moved_without_being_read),
		cmocka_unit_test(metadata_is_copied_as_it_is),
		cmocka_unit_test(moved_content_reads_as_what_it_is),
		cmocka_unit_test(marks_in_the_wrong_place_end_the_run),
		cmocka_unit_test(changes_end_where_the_volume_ends),
		cmocka_unit_test(a_larger_volume_ends_with_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
