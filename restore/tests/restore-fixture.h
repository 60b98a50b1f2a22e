/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A restore whose reader process, images (raw disks with a GPT) and bytes are real, onto a target
 * of the test's.
 */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <base/block-target.h>
#include <base/tree.h>

#include "plan-fixture.h"
#include "engine/restore-job.h"

#define ESP_SIZE (8 * MiB)
#define C_SIZE	 (24 * MiB + 512)
#define DISK	 (64 * MiB)

struct scene {
	struct fixture f;
	char folder[32];
	struct reader *reader;
	struct restore_job job;
	struct restore_result result;
	uint8_t *bytes; /* of the target */
};

static struct block_target *next_target; /* what open_target() hands out */

static inline int open_target(const struct restore_plan *plan, struct block_target **ret,
			      struct err *err)
{
	*ret = TAKE_PTR(next_target);
	return 0;
}

static inline uint8_t pattern(uint64_t volume, uint64_t offset)
{
	return (uint8_t)(volume * 7 + offset / 512 + offset % 251) | 1;
}

static inline void write_at(int fd, const void *bytes, size_t length, uint64_t offset)
{
	assert_int_equal(pwrite(fd, bytes, length, (off_t)offset), length);
}

/* A raw disk with a GPT, MSR first and the volume second, as a backup's image. Stored are
 * the head, a MiB at 4 MiB and the last sector; the rest is absent. */
static inline void write_image(struct scene *scene, unsigned index)
{
	uint64_t size = scene->f.volumes[index].length;
	AUTO(layout_freep) struct disk_layout *layout = layout_new();
	AUTO_FREE uint8_t *bytes = malloc(MiB);
	struct table_image table = { 0 };
	struct disk_partition *p;
	struct err err = { 0 };
	char path[64];
	AUTO_CLOSE int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", scene->folder,
		 scene->f.volumes[index].image_path);
	fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	layout->style = TABLE_GPT;
	layout->sector_size = 512;
	layout->slots = 128;
	layout->disk_size = size + 4 * MiB;
	layout->disk_id = known_guid(0x70).value;
	for (unsigned i = 0; i < 2; i++) {
		p = layout_add(layout);
		p->slot = i + 1;
		p->type = i ? partition_type_basic_data : partition_type_msr;
		p->id = known_guid((uint8_t)(0x71 + i)).value;
		p->offset = (i + 1) * MiB;
		p->length = i ? size : MiB;
	}
	assert_int_equal(layout_compose(layout, NULL, &table, &err), 0);
	assert_int_equal(ftruncate(fd, (off_t)layout->disk_size), 0);
	for (size_t i = 0; i < table.count; i++)
		write_at(fd, table.pieces[i].bytes, table.pieces[i].length,
			 table.pieces[i].offset);
	table_image_clear(&table);
	for (uint64_t at = 0; at < 5 * MiB; at += 4 * MiB) {
		for (size_t i = 0; i < MiB; i++)
			bytes[i] = pattern(index, at + i);
		write_at(fd, bytes, MiB, 2 * MiB + at);
	}
	for (size_t i = 0; i < 512; i++)
		bytes[i] = pattern(index, size - 512 + i);
	write_at(fd, bytes, 512, 2 * MiB + size - 512);
}

static inline int open_folder(void *context, struct tree **ret, struct err *err)
{
	return tree_local_open(context, ret, err);
}

static inline void set_up_scene_of(struct scene *scene, const char *volumes)
{
	const char *readable[] = { scene->folder, NULL };
	struct reader_options options = { .open_tree = open_folder,
					  .readable = readable,
					  .local = true };
	struct err err = { 0 };

	*scene = (struct scene){ .folder = "/tmp/openbmr-test-XXXXXX" };
	assert_non_null(mkdtemp(scene->folder));
	assert_int_equal(chmod(scene->folder, 0755), 0);
	set_up(&scene->f);
	scene->f.volumes[0].image_path = (char *)"esp.img"; /* raw */
	scene->f.volumes[1].image_path = (char *)"c.img";
	scene->f.volumes[0].length = ESP_SIZE;
	scene->f.volumes[1].length = C_SIZE;
	scene->f.partitions[0].length = known(ESP_SIZE);
	scene->f.partitions[1].offset = known(MiB + ESP_SIZE);
	scene->f.partitions[1].length = known(2 * MiB);
	scene->f.partitions[2].offset = known(3 * MiB + ESP_SIZE);
	scene->f.partitions[2].length = known(C_SIZE);
	scene->f.volumes[0].role =
		ROLE_DATA; /* no fix-up: the image has no file system */
	scene->f.volumes[0].critical = known(1);
	scene->f.disks[0].size = DISK;
	scene->f.source.size = known(DISK);
	write_image(scene, 0);
	write_image(scene, 1);
	if (volumes)
		make_intact(&scene->f);
	make_plan_of(&scene->f, volumes);
	assert_false(plan_refused(scene->f.plan));
	options.context = scene->folder;
	assert_int_equal(reader_start(&options, &scene->reader, &err), 0);
	scene->job = (struct restore_job){
		.plan = scene->f.plan,
		.reader = scene->reader,
		.result = &scene->result,
		.open_target = open_target,
	};
}

static inline void set_up_scene(struct scene *scene)
{
	set_up_scene_of(scene, NULL);
}

/* failing: from this operation on all fail; 0: none */
static inline struct block_target *make_target(struct scene *scene, unsigned failing)
{
	struct block_target *target, *recording;
	struct err err = { 0 };

	assert_int_equal(target_memory_new(DISK, 512, &target, &scene->bytes, &err), 0);
	memset(scene->bytes, 0xee, DISK);
	if (failing)
		assert_int_equal(
			target_flaky_new(target, failing, -EIO, true, &target, &err), 0);
	assert_int_equal(target_recording_new(target, &recording, &err), 0);
	next_target = recording;
	return recording;
}

static inline void tear_down(struct scene *scene)
{
	char path[64];

	job_clear(&scene->job);
	restore_result_clear(&scene->result);
	reader_stop(scene->reader);
	plan_free(scene->f.plan);
	layout_free(scene->f.disks[0].layout);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", scene->folder,
			 scene->f.volumes[i].image_path);
		unlink(path);
	}
	rmdir(scene->folder);
}
