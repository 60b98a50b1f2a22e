/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layout_compose() of MBRs, judged by sfdisk and libblkid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "table-judge.h"

#define SLOTS_MAX 8

/* -- MBR ---- */

struct mbr_sample {
	const char *what;
	uint32_t sector_size;
	uint64_t disk_sectors;
	size_t pieces;
	struct {
		unsigned slot;
		uint8_t type;
		bool active;
		uint64_t start, size;
	} partitions[SLOTS_MAX + 1];
};

static const struct mbr_sample mbr_samples[] = {
	{ "Windows 7: System Reserved and C:",
	  512,
	  488397168,
	  1,
	  { { 1, 0x07, true, 2048, 204800 }, { 2, 0x07, false, 206848, 488187904 } } },
	{ "Windows XP: starts at LBA 63",
	  512,
	  20971520,
	  1,
	  { { 1, 0x07, true, 63, 20964762 } } },
	{ "a manufacturer's: four primaries, the second one active",
	  512,
	  976773168,
	  1,
	  { { 1, 0x27, false, 2048, 407552 },
	    { 2, 0x07, true, 409600, 940000000 },
	    { 3, 0x07, false, 940409600, 36000000 },
	    { 4, 0x0c, false, 976410112, 210944 } } },
	{ "logical partitions, a megabyte before each",
	  512,
	  41943040,
	  4,
	  { { 1, 0x07, true, 2048, 204800 },
	    { 2, 0x0f, false, 206848, 41734144 },
	    { 5, 0x07, false, 208896, 10000000 },
	    { 6, 0x07, false, 10210944, 10000000 },
	    { 7, 0x0b, false, 20212992, 21000000 } } },
	{ "logical partitions of the days of DOS, 63 sectors before each",
	  512,
	  8388608,
	  3,
	  { { 1, 0x06, true, 63, 1000377 },
	    { 4, 0x05, false, 1000440, 7000000 },
	    { 5, 0x0b, false, 1000503, 2000000 },
	    { 6, 0x07, false, 3000566, 4999874 } } },
	{ "logical partitions with one sector before each, not in the order of the disk",
	  512,
	  1048576,
	  4,
	  { { 3, 0x0f, false, 63, 1000000 },
	    { 5, 0x07, false, 500000, 1000 },
	    { 6, 0x07, false, 65, 1000 },
	    { 7, 0x07, false, 1066, 1000 } } },
	{ "an extended partition with nothing in it",
	  512,
	  1048576,
	  2,
	  { { 1, 0x05, false, 2048, 100000 } } },
	{ "sectors of 4096 bytes",
	  4096,
	  26214400,
	  2,
	  { { 1, 0x07, true, 256, 25600 },
	    { 2, 0x0f, false, 25856, 1000000 },
	    { 5, 0x07, false, 26112, 100000 } } },
	{ "no partitions", 512, 2048, 1, { { 0 } } },
};

static struct disk_layout *mbr_layout(const struct mbr_sample *sample)
{
	struct disk_layout *layout = layout_new();

	assert_non_null(layout);
	layout->style = TABLE_MBR;
	layout->sector_size = sample->sector_size;
	layout->disk_size = sample->disk_sectors * sample->sector_size;
	layout->mbr_signature = 0x000deb62;
	for (size_t i = 0; sample->partitions[i].slot; i++) {
		struct disk_partition *p = layout_add(layout);

		assert_non_null(p);
		p->slot = sample->partitions[i].slot;
		p->offset = sample->partitions[i].start * sample->sector_size;
		p->length = sample->partitions[i].size * sample->sector_size;
		p->mbr_type = sample->partitions[i].type;
		p->mbr_active = sample->partitions[i].active;
		p->mbr_kind = p->slot >= 5				   ? MBR_LOGICAL
			      : p->mbr_type == 0x05 || p->mbr_type == 0x0f ? MBR_EXTENDED
									   : MBR_PRIMARY;
	}
	return layout;
}

static void libblkid_reads_the_mbr_layouts(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(mbr_samples); i++) {
		LAYOUT *layout = mbr_layout(&mbr_samples[i]);
		IMAGE image = { 0 };

		compose(layout, &image);
		assert_int_equal(image.count, mbr_samples[i].pieces);
		assert_int_equal(image.pieces[image.count - 1].offset, 0);
		SCRATCH scratch = scratch_new(layout, &image);

		if (layout->count)
			judge_with_blkid(layout, scratch.fd);
	}
}

/* What "sfdisk -d" shall say. */
static char *expected_mbr_dump(const struct disk_layout *layout, const char *path)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	fprintf(file,
		"label: dos\nlabel-id: 0x000deb62\ndevice: %s\nunit: sectors\n"
		"sector-size: 512\n\n",
		path);
	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *p = &layout->partitions[i];

		fprintf(file, "%sp%u : start=%12llu, size=%12llu, type=%x%s\n", path,
			p->slot, (unsigned long long)p->offset / 512,
			(unsigned long long)p->length / 512, p->mbr_type,
			p->mbr_active ? ", bootable" : "");
	}
	fclose(file);
	return text;
}

static void sfdisk_dumps_the_mbr_layouts_exactly(void **state)
{
	if (tool_missing("sfdisk"))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(mbr_samples); i++) {
		LAYOUT *layout = mbr_layout(&mbr_samples[i]);
		IMAGE image = { 0 };

		if (layout->sector_size != 512 || !layout->count)
			continue; /* sfdisk takes every file for 512 */
		compose(layout, &image);
		SCRATCH scratch = scratch_new(layout, &image);
		AUTO_FREE char *expected = expected_mbr_dump(layout, scratch.path);
		AUTO_FREE char *dump = run("sfdisk", "-d", scratch.path);
		const char *grain = strstr(dump, "grain: 512\n");

		if (grain) /* said where a partition starts before the first megabyte */
			memmove((char *)grain, grain + 11, strlen(grain + 11) + 1);
		assert_string_equal(dump, expected);
	}
}

static void the_chs_fields_of_an_mbr_are_sensible(void **state)
{
	/* LBA 2048 = cylinder 0, head 32, sector 33; LBA 206847 = 12, 223, 19 (255 heads,
	 * 63 sectors); what lies behind cylinder 1023 is 1023, 254, 63. */
	static const uint8_t first[] = { 0x80, 0x20, 0x21, 0x00, 0x07, 0xdf, 0x13, 0x0c };
	static const uint8_t second[] = {
		0x00, 0xdf, 0x14, 0x0c, 0x07, 0xfe, 0xff, 0xff
	};
	LAYOUT *layout = mbr_layout(&mbr_samples[0]);
	IMAGE image = { 0 };

	compose(layout, &image);
	assert_memory_equal(image.pieces[0].bytes + 446, first, sizeof(first));
	assert_memory_equal(image.pieces[0].bytes + 462, second, sizeof(second));
}

static void more_logical_partitions_than_pieces_are_refused(void **state)
{
	LAYOUT *layout = mbr_layout(&mbr_samples[6]);
	IMAGE image = { 0 };
	struct err err = { 0 };

	for (unsigned i = 0; i < 32; i++) {
		struct disk_partition *p = layout_add(layout);

		*p = (struct disk_partition){ .slot = 5 + i,
					      .offset = (2048 + 1 + 2 * i) * 512,
					      .length = 512,
					      .mbr_type = 0x07,
					      .mbr_kind = MBR_LOGICAL };
	}
	assert_int_equal(layout_compose(layout, NULL, &image, &err), -ENOTSUP);
	assert_string_equal(err.text,
			    "partition table: too many logical partitions, at most 31");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libblkid_reads_the_mbr_layouts),
		cmocka_unit_test(sfdisk_dumps_the_mbr_layouts_exactly),
		cmocka_unit_test(the_chs_fields_of_an_mbr_are_sensible),
		cmocka_unit_test(more_logical_partitions_than_pieces_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
