/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The order of writes (SAFETY.md section 1), judged by the log of a recording target: the
 * reader process, the images (raw disks with a GPT) and the bytes are real.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "restore-fixture.h"

/* The position of the n-th line (from 0) that begins with text; -1: none. */
static long find_line(const char *log, const char *text)
{
	size_t length = strlen(text);
	long number = 0;

	for (const char *line = log; *line; line = strchr(line, '\n') + 1, number++)
		if (strncmp(line, text, length) == 0)
			return number;
	return -1;
}

static void the_table_goes_first_and_comes_back_last(void **state)
{
	struct scene scene;
	static const char end[] = "flush\nwrite 0+512\nflush\n"
				  "flush\nwrite 86016+4096\nflush\n";
	struct block_target *target;
	struct err err = { 0 };
	AUTO_FREE char *log = NULL;
	size_t length;

	set_up_scene(&scene);
	target = make_target(&scene, 0);
	if (jobs_run(&scene.job, 1, &err) < 0)
		fail_msg("%s", err.text);
	log = strdup(target_recording_log(target));
	length = strlen(log);

	assert_int_equal(strncmp(log, "zero 0+512\nflush\nzero 512+1048064\n", 34), 0);
	/* the journal's slots lie at 20480 and 86016 */
	assert_string_equal(log + length - strlen(end), end);
	assert_true(find_line(log, "write 86016+4096\nflush\n") >
		    find_line(log, "zero 512+1048064"));
	/* boot sectors of both volumes, head and last sector: zeros first, bytes at the
	 * end */
	assert_true(find_line(log, "zero 1048576+4096") > 0);
	assert_true(find_line(log, "zero 1048576+4096") <
		    find_line(log, "write 1052672+"));
	assert_true(find_line(log, "write 1048576+4096") >
		    find_line(log, "write 1052672+"));
	assert_true(find_line(log, "write 36700160+512") >
		    find_line(log, "write 1052672+"));
	/* backup GPT before primary GPT before LBA 0 */
	assert_true(find_line(log, "write 670919") >
		    find_line(log, "write 36700160+512"));
	assert_true(find_line(log, "write 512+") > find_line(log, "write 670919"));
	assert_true(find_line(log, "write 0+512") > find_line(log, "write 512+"));
	tear_down(&scene);
}

static void
the_disk_holds_what_the_images_hold_and_zeros_where_they_are_absent(void **state)
{
	struct scene scene;
	struct err err = { 0 };

	set_up_scene(&scene);
	make_target(&scene, 0);
	if (jobs_run(&scene.job, 1, &err) < 0)
		fail_msg("%s", err.text);
	for (unsigned v = 0; v < 2; v++) {
		uint64_t start = scene.f.partitions[v ? 2 : 0].offset.value;
		uint64_t size = scene.f.volumes[v].length;

		for (uint64_t at = 0; at < size; at++) {
			bool stored = at < MiB || (at >= 4 * MiB && at < 5 * MiB) ||
				      at >= size - 512;
			uint8_t wanted = stored ? pattern(v, at) : 0;

			if (scene.bytes[start + at] != wanted)
				fail_msg("volume %u byte %llu", v,
					 (unsigned long long)at);
		}
	}
	assert_int_equal(scene.result.skipped, 0);
	/* heads are held back; the file system of the images stores whole pages */
	assert_in_range(scene.result.copied, 4 * MiB - 2 * 4096, 4 * MiB);
	assert_true(scene.result.verified >= scene.result.copied + scene.result.zeroed);
	/* behind the last partition nothing is touched but the last MiB */
	assert_int_equal(scene.bytes[40 * MiB], 0xee);
	tear_down(&scene);
}

/* Is there anything in LBA 0, or a GPT header at either end? */
static bool looks_whole(const struct scene *scene)
{
	static const char gpt[] = "EFI PART";

	return scene->bytes[510] == 0x55 || memcmp(scene->bytes + 512, gpt, 8) == 0 ||
	       memcmp(scene->bytes + DISK - 512, gpt, 8) == 0;
}

/* Wherever it stops before the commit, the disk is neither the old one nor the new one.
 */
static void a_failure_at_any_operation_leaves_no_disk_that_looks_whole(void **state)
{
	unsigned failing = 0, last_before_commit = 0;
	int r;

	do {
		struct scene scene;
		struct block_target *target;
		struct err err = { 0 };
		bool committing;

		failing++;
		set_up_scene(&scene);
		target = make_target(&scene, failing);
		r = jobs_run(&scene.job, 1, &err);
		committing = strstr(target_recording_log(target), "write 1048576+4096") !=
			     NULL;
		if (r < 0) {
			assert_int_equal(r, -EIO);
			assert_true(scene.result.target_touched);
			if (failing > 1 && !committing) {
				assert_false(looks_whole(&scene));
				last_before_commit = failing;
			}
			if (failing > 1 && scene.bytes[510] == 0x55)
				assert_non_null(strstr(target_recording_log(target),
						       "write 0+512"));
		}
		tear_down(&scene);
	} while (r < 0);
	assert_true(last_before_commit > 10);
}

static void a_disk_that_forgets_what_was_written_is_found_out(void **state)
{
	struct scene scene;
	struct err err = { 0 };

	set_up_scene(&scene);
	make_target(&scene, 0);
	assert_int_equal(job_prepare(&scene.job, &err), 0);
	assert_int_equal(job_open_gate(&scene.job, &err), 0);
	assert_int_equal(job_invalidate(&scene.job, &err), 0);
	assert_int_equal(job_copy(&scene.job, &err), 0);
	scene.bytes[3 * MiB + ESP_SIZE + 4 * MiB + 77] ^= 1;
	assert_int_equal(job_read_back(&scene.job, &err), -EIO);
	assert_non_null(strstr(err.text, "reads back different from what was written"));
	scene.bytes[3 * MiB + ESP_SIZE + 4 * MiB + 77] ^= 1;
	scene.bytes[3 * MiB + ESP_SIZE + 2 * MiB] = 1; /* in a range of zeros */
	assert_int_equal(job_read_back(&scene.job, &err), -EIO);
	tear_down(&scene);
}

static void
an_image_that_changed_since_the_plan_stops_before_anything_is_written(void **state)
{
	struct scene scene;
	struct block_target *target;
	struct err err = { 0 };

	set_up_scene(&scene);
	target = make_target(&scene, 0);
	scene.f.volumes[1].length -= 512;
	assert_int_equal(jobs_run(&scene.job, 1, &err), -ESTALE);
	assert_non_null(strstr(err.text, "plan again"));
	assert_false(scene.result.target_touched);
	target_close(target);
	next_target = NULL;
	tear_down(&scene);
}

/* What a scan would have recorded. */
static void record_image(struct scene *scene, size_t index, char path[64])
{
	struct backup_volume *volume = &scene->f.volumes[index];
	struct stat st;

	snprintf(path, 64, "%s/%s", scene->folder, volume->image_path);
	assert_int_equal(stat(path, &st), 0);
	volume->image.file_size = (uint64_t)st.st_size;
	volume->image.mtime_ns =
		(uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
}

static void
an_image_that_is_not_the_scanned_one_stops_before_anything_is_written(void **state)
{
	struct scene scene;
	struct block_target *target;
	struct err err = { 0 };
	char path[64];

	set_up_scene(&scene);
	target = make_target(&scene, 0);
	record_image(&scene, 1, path);
	scene.f.volumes[1].image.file_size--;
	assert_int_equal(jobs_run(&scene.job, 1, &err), -ESTALE);
	assert_non_null(strstr(err.text, "c.img': grew or shrank from "));
	assert_non_null(strstr(err.text, "scan and plan again"));
	assert_false(scene.result.target_touched);
	target_close(target);
	next_target = NULL;
	tear_down(&scene);
}

static void an_image_that_is_written_to_during_the_copy_is_never_committed(void **state)
{
	static const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	struct scene scene;
	struct err err = { 0 };
	char path[64];

	set_up_scene(&scene);
	make_target(&scene, 0);
	record_image(&scene, 1, path);
	assert_int_equal(job_prepare(&scene.job, &err), 0);
	assert_int_equal(job_prove(&scene.job, &err), 0);
	assert_int_equal(job_open_gate(&scene.job, &err), 0);
	assert_int_equal(job_invalidate(&scene.job, &err), 0);
	assert_int_equal(job_copy(&scene.job, &err), 0);
	assert_int_equal(job_read_back(&scene.job, &err), 0);
	assert_int_equal(job_check_unchanged(&scene.job, &err), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(job_check_unchanged(&scene.job, &err), -ESTALE);
	assert_non_null(strstr(err.text, "c.img': was written to since it was scanned"));
	assert_false(looks_whole(&scene));
	tear_down(&scene);
}

static void what_reads_different_from_the_proof_is_not_written(void **state)
{
	struct scene scene;
	struct err err = { 0 };
	char path[64];
	int fd;

	set_up_scene(&scene);
	make_target(&scene, 0);
	scene.job.prove = PROVE_FULL;
	assert_int_equal(job_prepare(&scene.job, &err), 0);
	assert_int_equal(job_prove(&scene.job, &err), 0);
	assert_true(scene.job.meter.progress.bytes_done >= 2 * MiB);
	assert_true(scene.job.volumes[1].proved.count > 0);
	record_image(&scene, 1, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	write_at(fd, (const uint8_t *)"other", 5, 2 * MiB + 4 * MiB + 100);
	close(fd);
	assert_int_equal(job_open_gate(&scene.job, &err), 0);
	assert_int_equal(job_invalidate(&scene.job, &err), 0);
	assert_int_equal(job_copy(&scene.job, &err), -ESTALE);
	assert_non_null(strstr(err.text, "c.img': 4194304+"));
	assert_non_null(
		strstr(err.text, "reads different from when the backup was proved"));
	assert_false(looks_whole(&scene));
	tear_down(&scene);
}

static void a_sample_reads_the_first_the_last_and_some_between(void **state)
{
	struct scene scene;
	struct err err = { 0 };

	set_up_scene(&scene);
	assert_int_equal(job_prepare(&scene.job, &err), 0);
	assert_int_equal(job_prove(&scene.job, &err), 0);
	assert_true(scene.job.meter.progress.bytes_done > MiB);
	assert_true(scene.job.meter.progress.bytes_done <=
		    scene.job.meter.progress.bytes_total);
	assert_int_equal(scene.job.volumes[1].proved.count, 0);
	tear_down(&scene);
}

/* -- two disks ---- */

static struct block_target *second_target;

static int open_second(const struct restore_plan *plan, struct block_target **ret,
		       struct err *err)
{
	*ret = TAKE_PTR(second_target);
	return 0;
}

/* Both jobs restore the same plan, each onto a disk of its own with a log of its own. */
static void two_disks_are_prepared_together_and_committed_in_order(void **state)
{
	struct restore_job jobs[2];
	struct scene scene;
	struct block_target *first, *second;
	uint8_t *first_bytes, *second_bytes;
	struct err err = { 0 };

	set_up_scene(&scene);
	first = make_target(&scene, 0);
	first_bytes = scene.bytes;
	next_target = NULL;
	second = make_target(&scene, 20); /* fails while it is being written */
	second_bytes = scene.bytes;
	second_target = next_target;
	next_target = first;
	jobs[0] = jobs[1] = scene.job;
	jobs[1].open_target = open_second;
	assert_int_equal(jobs_run(jobs, 2, &err), -EIO);
	/* the first disk waits for the second: it has its data and no table */
	assert_int_equal(first_bytes[MiB + 4 * MiB], pattern(0, 4 * MiB));
	assert_int_equal(first_bytes[510], 0);
	assert_int_equal(find_line(target_recording_log(first), "write 0+512"), -1);
	assert_int_equal(second_bytes[510], 0);
	assert_true(find_line(target_recording_log(second), "zero 0+512") >= 0);
	job_clear(&jobs[0]);
	job_clear(&jobs[1]);
	tear_down(&scene);
}

/* -- in place: C: is written, the EFI system partition stays ---- */

#define C_START (3 * MiB + ESP_SIZE)

/* A FAT32 boot sector and its copy, as far as the engine looks at them. */
static void put_esp(struct scene *scene)
{
	uint8_t *head = scene->bytes + MiB;

	for (unsigned sector = 0; sector <= 6; sector += 6) {
		memset(head + sector * 512, 0x41, 510);
		head[sector * 512 + 510] = 0x55;
		head[sector * 512 + 511] = 0xaa;
	}
}

/* All bytes outside C: as they were before */
static void assert_rest_is_untouched(const struct scene *scene, const uint8_t *before)
{
	assert_memory_equal(scene->bytes, before, C_START);
	assert_memory_equal(scene->bytes + C_START + C_SIZE, before + C_START + C_SIZE,
			    DISK - C_START - C_SIZE);
}

static void in_place_nothing_but_the_chosen_volume_changes(void **state)
{
	static const char first[] = "zero 1048576+512\nzero 11534336+4096\n"
				    "zero 36700160+512\nflush\n";
	struct scene scene;
	struct block_target *target;
	struct err err = { 0 };
	AUTO_FREE uint8_t *before = malloc(DISK);
	AUTO_FREE char *log = NULL;

	set_up_scene_of(&scene, "C:");
	assert_true(scene.f.plan->in_place);
	target = make_target(&scene, 0);
	put_esp(&scene);
	memcpy(before, scene.bytes, DISK);
	if (jobs_run(&scene.job, 1, &err) < 0)
		fail_msg("%s", err.text);
	log = strdup(target_recording_log(target));
	assert_rest_is_untouched(&scene, before);
	for (uint64_t at = 0; at < MiB; at++)
		assert_int_equal(scene.bytes[C_START + at], pattern(1, at));
	/* the ESP's boot sector goes first and comes back last; C:'s boot sectors follow it
	 * and come before it */
	assert_int_equal(strncmp(log, first, strlen(first)), 0);
	assert_string_equal(log + strlen(log) -
				    strlen("flush\nwrite 1048576+512\nflush\n"),
			    "flush\nwrite 1048576+512\nflush\n");
	assert_true(find_line(log, "write 11534336+4096") >
		    find_line(log, "write 11538432+"));
	assert_true(find_line(log, "write 36700160+512") >
		    find_line(log, "write 11534336+4096"));
	assert_int_equal(find_line(log, "write 0+"), -1);
	assert_int_equal(find_line(log, "zero 0+"), -1);
	tear_down(&scene);
}

/* A failure at every third operation; then the same restore again onto what is left. */
static void in_place_a_broken_off_restore_can_be_repeated(void **state)
{
	static const char boot[] = "write 1048576+512";
	AUTO_FREE uint8_t *before = malloc(DISK);
	AUTO_FREE uint8_t *left = malloc(DISK);
	unsigned failing = 0;
	bool failed;

	do {
		struct scene scene;
		struct block_target *target;
		struct err err = { 0 };

		set_up_scene_of(&scene, "C:");
		failing += 3;
		target = make_target(&scene, failing);
		put_esp(&scene);
		memcpy(before, scene.bytes, DISK);
		failed = jobs_run(&scene.job, 1, &err) < 0;
		if (failed && failing > 1 && !strstr(target_recording_log(target), boot))
			assert_int_equal(scene.bytes[MiB + 510], 0);
		memcpy(left, scene.bytes, DISK);
		tear_down(&scene);

		set_up_scene_of(&scene, "C:");
		make_target(&scene, 0);
		memcpy(scene.bytes, left, DISK);
		if (jobs_run(&scene.job, 1, &err) < 0)
			fail_msg("after operation %u: %s", failing, err.text);
		assert_rest_is_untouched(&scene, before);
		tear_down(&scene);
	} while (failed);
	assert_true(failing > 10);
}

static void in_place_an_esp_without_a_copy_of_its_boot_sector_is_refused(void **state)
{
	struct scene scene;
	struct err err = { 0 };

	set_up_scene_of(&scene, "C:");
	make_target(&scene, 0);
	put_esp(&scene);
	scene.bytes[MiB + 6 * 512 + 77] ^= 1;
	assert_int_equal(jobs_run(&scene.job, 1, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "choose the volume ESP as well"));
	assert_false(scene.result.target_touched);
	tear_down(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_goes_first_and_comes_back_last),
		cmocka_unit_test(
			the_disk_holds_what_the_images_hold_and_zeros_where_they_are_absent),
		cmocka_unit_test(
			a_failure_at_any_operation_leaves_no_disk_that_looks_whole),
		cmocka_unit_test(a_disk_that_forgets_what_was_written_is_found_out),
		cmocka_unit_test(
			an_image_that_is_not_the_scanned_one_stops_before_anything_is_written),
		cmocka_unit_test(
			an_image_that_is_written_to_during_the_copy_is_never_committed),
		cmocka_unit_test(what_reads_different_from_the_proof_is_not_written),
		cmocka_unit_test(a_sample_reads_the_first_the_last_and_some_between),
		cmocka_unit_test(
			an_image_that_changed_since_the_plan_stops_before_anything_is_written),
		cmocka_unit_test(two_disks_are_prepared_together_and_committed_in_order),
		cmocka_unit_test(in_place_nothing_but_the_chosen_volume_changes),
		cmocka_unit_test(in_place_a_broken_off_restore_can_be_repeated),
		cmocka_unit_test(
			in_place_an_esp_without_a_copy_of_its_boot_sector_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
