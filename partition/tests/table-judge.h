/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A composed table on a sparse file in memory, and the programs that judge it. Include it after
 * cmocka. */
#pragma once

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <blkid/blkid.h>

#include <base/checked.h>
#include <base/spawn.h>

#include <partition/layout.h>

#define LAYOUT AUTO(layout_freep) struct disk_layout
#define IMAGE  AUTO(table_image_clear) struct table_image

struct scratch {
	int fd;
	char path[64]; /* for other programs */
};

static inline struct scratch scratch_new(const struct disk_layout *layout,
				  const struct table_image *image)
{
	struct scratch scratch = { .fd = memfd_create("disk", MFD_CLOEXEC) };

	assert_true(scratch.fd >= 0);
	assert_int_equal(ftruncate(scratch.fd, (off_t)layout->disk_size), 0);
	for (size_t i = 0; i < image->count; i++)
		assert_int_equal(pwrite(scratch.fd, image->pieces[i].bytes,
					image->pieces[i].length,
					(off_t)image->pieces[i].offset),
				 image->pieces[i].length);
	snprintf(scratch.path, sizeof(scratch.path), "/proc/%d/fd/%d", getpid(),
		 scratch.fd);
	return scratch;
}

static inline void scratch_clear(struct scratch *scratch)
{
	close(scratch->fd);
}

#define SCRATCH AUTO(scratch_clear) struct scratch

/* The output, to be freed. */
static inline char *run(const char *program, const char *option, const char *path)
{
	const char *const argv[] = { program, option, path, NULL };
	struct spawn spawn = { .argv = argv };
	char *output = NULL;
	struct err err = { 0 };

	if (spawn_run(&spawn, &output, &err) < 0)
		fail_msg("%s", err.text);
	return output;
}

static inline bool tool_missing(const char *program)
{
	static const char *const folders[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin" };
	char path[100];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], program);
		if (access(path, X_OK) == 0)
			return false;
	}
	print_message("skipped: %s is missing\n", program);
	return true;
}

static inline void compose(const struct disk_layout *layout, struct table_image *image)
{
	struct err err = { 0 };

	if (layout_compose(layout, NULL, image, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void judge_with_blkid(const struct disk_layout *layout, int fd)
{
	blkid_probe probe = blkid_new_probe();
	blkid_partlist list;

	assert_int_equal(
		blkid_probe_set_device(probe, fd, 0, (blkid_loff_t)layout->disk_size), 0);
	assert_int_equal(blkid_probe_set_sectorsize(probe, layout->sector_size), 0);
	blkid_probe_enable_partitions(probe, 1);
	list = blkid_probe_get_partitions(probe);
	assert_non_null(list);
	assert_int_equal(blkid_partlist_numof_partitions(list), layout->count);
	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *p = &layout->partitions[i];
		blkid_partition found =
			blkid_partlist_get_partition_by_partno(list, (int)p->slot);
		char text[GUID_TEXT_SIZE];

		assert_non_null(found);
		/* libblkid counts in sectors of 512 in any case. */
		assert_int_equal(blkid_partition_get_start(found), p->offset / 512);
		assert_int_equal(blkid_partition_get_size(found), p->length / 512);
		if (layout->style == TABLE_MBR) {
			assert_int_equal(blkid_partition_get_type(found), p->mbr_type);
			assert_int_equal(blkid_partition_get_flags(found),
					 p->mbr_active ? 0x80 : 0);
			continue;
		}
		assert_string_equal(blkid_partition_get_uuid(found),
				    guid_format(&p->id, text));
		assert_string_equal(blkid_partition_get_type_string(found),
				    guid_format(&p->type, text));
		assert_true(blkid_partition_get_flags(found) == p->attributes);
		assert_string_equal(p->name[0] ? blkid_partition_get_name(found) : "",
				    p->name);
	}
	blkid_free_probe(probe);
}
