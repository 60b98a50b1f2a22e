/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Read-back behind the copy, and blocks that turn out to be zeros: on a target that has several
 * operations under way, does the last one first, and can read what was never written.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "restore-fixture.h"

#define DEPTH	   4
#define CHUNK_OF_C (3 * MiB + ESP_SIZE + 4 * MiB) /* on the disk */

struct busy_target {
	struct block_target target;
	struct block_target *parent;
	struct target_io ios[DEPTH];
	unsigned under_way;
	uint64_t lies_at; /* a read there gets another byte; 0: none */
	unsigned reads;	  /* that were done while more was to be written */
};

static struct busy_target *busy(struct block_target *target)
{
	return (struct busy_target *)target;
}

static int busy_write_at(struct block_target *target, const void *buffer, uint64_t offset,
			 size_t length, struct err *err)
{
	return target_write(busy(target)->parent, buffer, offset, length, err);
}

static int busy_zero(struct block_target *target, uint64_t offset, uint64_t length,
		     struct err *err)
{
	return target_zero(busy(target)->parent, offset, length, err);
}

static int busy_flush(struct block_target *target, struct err *err)
{
	return target_flush(busy(target)->parent, err);
}

static int busy_read_at(struct block_target *target, void *buffer, uint64_t offset,
			size_t length, struct err *err)
{
	uint64_t lies_at = busy(target)->lies_at;
	int r = target_read(busy(target)->parent, buffer, offset, length, err);

	if (lies_at && lies_at >= offset && lies_at - offset < length)
		((uint8_t *)buffer)[lies_at - offset] ^= 1;
	return r;
}

static void busy_close(struct block_target *target)
{
	target_close(busy(target)->parent);
	free(target);
}

static int busy_start(struct block_target *target, const struct target_io *io,
		      struct err *err)
{
	assert_true(busy(target)->under_way < DEPTH);
	busy(target)->ios[busy(target)->under_way++] = *io;
	return 0;
}

static int busy_finish(struct block_target *target, bool wait, struct target_io *ret,
		       struct err *err)
{
	struct busy_target *own = busy(target);
	int r;

	if (!own->under_way)
		return 0;
	*ret = own->ios[--own->under_way];
	own->reads += ret->read;
	r = ret->read ? busy_read_at(target, ret->buffer, ret->offset, ret->length, err)
		      : busy_write_at(target, ret->buffer, ret->offset, ret->length, err);
	return r < 0 ? r : 1;
}

static struct busy_target *make_busy(struct scene *scene)
{
	static const struct block_target_ops ops = {
		.write_at = busy_write_at,
		.zero = busy_zero,
		.flush = busy_flush,
		.read_at = busy_read_at,
		.close = busy_close,
		.start = busy_start,
		.finish = busy_finish,
	};
	struct busy_target *own = calloc(1, sizeof(*own));
	static char name[] = "busy";

	assert_non_null(own);
	own->parent = make_target(scene, 0);
	own->target = (struct block_target){ .ops = &ops,
					     .size = DISK,
					     .sector_size = 512,
					     .alignment = 1,
					     .name = name,
					     .depth = DEPTH };
	next_target = &own->target;
	return own;
}

/* Up to the copy; each chunk is flushed when it is written. */
static int copy(struct scene *scene, struct err *err)
{
	int r;

	scene->job.journal.checkpoint_bytes = 1;
	r = job_prepare(&scene->job, err);
	if (r == 0)
		r = job_open_gate(&scene->job, err);
	if (r == 0)
		r = job_find_journal(&scene->job, err);
	if (r == 0)
		r = job_invalidate(&scene->job, err);
	if (r == 0)
		r = job_begin_journal(&scene->job, err);
	return r < 0 ? r : job_copy(&scene->job, err);
}

static void what_was_flushed_is_read_back_while_the_copy_waits(void **state)
{
	struct busy_target *target;
	struct err err = { 0 };
	struct scene scene;
	uint64_t behind;

	set_up_scene(&scene);
	target = make_busy(&scene);
	if (copy(&scene, &err) < 0)
		fail_msg("%s", err.text);
	assert_in_range(target->reads, 1, scene.job.written.count);
	behind = scene.result.verified;
	assert_in_range(behind, 1, scene.result.copied);
	if (job_read_back(&scene.job, &err) < 0)
		fail_msg("%s", err.text);
	/* each byte counts once, those that are read again too */
	assert_true(scene.result.verified >= scene.result.copied + scene.result.zeroed);
	assert_true(scene.result.verified <
		    scene.result.copied + scene.result.zeroed + MiB);
	tear_down(&scene);
}

static void a_difference_found_behind_the_copy_stops_it(void **state)
{
	struct busy_target *target;
	struct err err = { 0 };
	struct scene scene;

	set_up_scene(&scene);
	target = make_busy(&scene);
	target->lies_at = MiB + 8192; /* in the first chunk of the first volume */
	assert_int_equal(copy(&scene, &err), -EIO);
	assert_non_null(strstr(err.text, "reads back different from what was written"));
	assert_int_equal(target->under_way, 0);
	assert_true(scene.job.disk_failed);
	tear_down(&scene);
}

/* What a disk that is smaller than it says does to it later. */
static void what_was_proved_behind_the_copy_is_looked_at_again(void **state)
{
	struct busy_target *target;
	struct err err = { 0 };
	struct scene scene;

	set_up_scene(&scene);
	target = make_busy(&scene);
	if (copy(&scene, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(target->reads > 0);
	scene.bytes[MiB + 8192] ^= 1;
	assert_int_equal(job_read_back(&scene.job, &err), -EIO);
	assert_non_null(strstr(err.text, "reads back different from what was written"));
	assert_int_equal(target->under_way, 0);
	tear_down(&scene);
}

static void a_disk_with_heads_is_not_made_to_jump(void **state)
{
	struct busy_target *target;
	struct err err = { 0 };
	struct scene scene;

	set_up_scene(&scene);
	target = make_busy(&scene);
	target->target.ascending = true;
	if (copy(&scene, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(target->reads, 0);
	if (job_read_back(&scene.job, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(target->reads > 0);
	tear_down(&scene);
}

/* Writes zeros where the image of C: stores something. */
static void store_zeros(const struct scene *scene)
{
	static uint8_t zeros[MiB];
	AUTO_CLOSE int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "%s/c.img", scene->folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	write_at(fd, zeros, MiB, 2 * MiB + 4 * MiB);
}

static void stored_zeros_are_zeroed_where_that_is_faster(void **state)
{
	for (int fast = 0; fast < 2; fast++) {
		struct busy_target *target;
		struct err err = { 0 };
		struct scene scene;
		const char *log;
		char line[64];

		set_up_scene(&scene);
		store_zeros(&scene);
		target = make_busy(&scene);
		target->target.zeroes_fast = fast;
		snprintf(line, sizeof(line), "%s %llu+%llu\n", fast ? "zero" : "write",
			 (unsigned long long)CHUNK_OF_C, (unsigned long long)MiB);
		if (copy(&scene, &err) < 0 || job_read_back(&scene.job, &err) < 0)
			fail_msg("%s", err.text);
		log = target_recording_log(target->parent);
		assert_non_null(strstr(log, line));
		assert_in_range(scene.result.copied, 3 * MiB - 2 * 4096, 3 * MiB);
		assert_int_equal(scene.bytes[CHUNK_OF_C + 77], 0);
		tear_down(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_flushed_is_read_back_while_the_copy_waits),
		cmocka_unit_test(a_difference_found_behind_the_copy_stops_it),
		cmocka_unit_test(what_was_proved_behind_the_copy_is_looked_at_again),
		cmocka_unit_test(a_disk_with_heads_is_not_made_to_jump),
		cmocka_unit_test(stored_zeros_are_zeroed_where_that_is_faster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
