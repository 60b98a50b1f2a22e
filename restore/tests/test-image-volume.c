/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one volume in an image of a backup, and what is said of an image. The tables are made by
 * sfdisk, the images by qemu-img.
 */
#include "image-fixture.h"

#include <restore/volume.h>

#define BASIC_DATA "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
#define MSR	   "E3C9E316-0B5C-4DB8-817D-F92DF00215AE"

/* A sparse file "disk" with this table; its partitions hold nothing. */
static void make_disk(const char *script)
{
	AUTO_CLOSE int fd = open("disk", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const char *const argv[] = { "sfdisk", "-q", "disk", NULL };
	struct spawn spawn = {
		.argv = argv,
		.input = script,
		.input_length = strlen(script),
	};
	struct err err = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 64 * MiB), 0);
	assert_succeeds(spawn_run(&spawn, NULL, &err));
}

static int open_volume(struct block_source **ret, struct err *err)
{
	struct block_source *file = NULL, *disk = NULL;
	struct image_info info;

	assert_int_equal(source_file_open("disk", &file, err), 0);
	assert_int_equal(image_open(file, &info, &disk, err), 0);
	return image_volume_open(disk, ret, err);
}

static void the_volume_is_the_one_partition_that_is_not_reserved(void **state)
{
	static const struct {
		const char *script;
		uint64_t offset, length;
	} cases[] = {
		{ "label: gpt\nstart=2048, size=32768, type=" MSR "\n"
		  "start=34816, size=8199, type=" BASIC_DATA "\n",
		  34816 * 512, 8199 * 512 },
		/* the reserved one may come second, or be missing */
		{ "label: gpt\nstart=34816, size=8199, type=" BASIC_DATA "\n"
		  "start=2048, size=32768, type=" MSR "\n",
		  34816 * 512, 8199 * 512 },
		{ "label: gpt\nstart=2048, size=8199, type=" BASIC_DATA "\n", MiB,
		  8199 * 512 },
		/* as Windows 7 makes it: MBR, LBA 128 */
		{ "label: dos\nstart=128, size=8199, type=7\n", 65536, 8199 * 512 },
	};

	if (!have_tool("sfdisk"))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(source_freep) struct block_source *volume = NULL;
		AUTO_CLOSE int fd = -1;
		struct err err = { 0 };
		char bytes[5] = "";

		make_disk(cases[i].script);
		fd = open("disk", O_RDWR | O_CLOEXEC);
		assert_int_equal(pwrite(fd, "here", 4, (off_t)cases[i].offset), 4);
		assert_succeeds(open_volume(&volume, &err));
		assert_int_equal(volume->size, cases[i].length);
		assert_int_equal(volume->sector_size, 512);
		assert_string_equal(volume->name, "disk");
		assert_succeeds(source_read(volume, bytes, 0, 4, &err));
		assert_string_equal(bytes, "here");
	}
}

static void none_or_two_candidates_are_refused(void **state)
{
	static const struct {
		const char *script, *text;
	} cases[] = {
		{ "label: gpt\nstart=2048, size=32768, type=" MSR "\n",
		  "'disk': no partition in the image could be the backed up volume: its "
		  "table of "
		  "1 entries has none but reserved ones" },
		{ "label: dos\n", "'disk': the image's partition table is empty, "
				  "expected the backed up volume in it" },
		{ "label: gpt\nstart=2048, size=2048, type=" BASIC_DATA "\n"
		  "start=4096, size=2048, type=" BASIC_DATA "\n",
		  "'disk': partitions 1 and 2 could both be the backed up volume, "
		  "expected one" },
		{ "label: dos\nstart=128, size=2048, type=7\nstart=4096, size=2048, "
		  "type=7\n",
		  "'disk': partitions 1 and 2 could both be the backed up volume, "
		  "expected one" },
	};

	if (!have_tool("sfdisk"))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct block_source *volume = NULL;
		struct err err = { 0 };

		make_disk(cases[i].script);
		assert_failed(open_volume(&volume, &err), -EBADMSG, cases[i].text);
	}
}

static void an_image_without_a_table_is_refused(void **state)
{
	struct block_source *disk = NULL, *volume = NULL;
	uint8_t zeros[4096] = { 0 };
	struct err err = { 0 };

	assert_succeeds(source_memory_new(zeros, sizeof(zeros), "C.vhdx", &disk, &err));
	disk->sector_size = 512;
	assert_failed(image_volume_open(disk, &volume, &err), -EBADMSG,
		      "'C.vhdx': no partition table in the image, expected one with the "
		      "backed up "
		      "volume");
}

/* -- what is said ---- */

static char *describe(const char *path, bool json, char **ret_problem)
{
	AUTO(source_freep) struct block_source *disk = NULL;
	struct block_source *file = NULL;
	struct image_info info;
	char *text = NULL;
	struct err err = { 0 };

	assert_succeeds(source_file_open(path, &file, &err));
	assert_succeeds(image_open(file, &info, &disk, &err));
	assert_succeeds(image_describe(disk, &info, json, &text, ret_problem, &err));
	return text;
}

static void expect_lines(const char *text, const char *const *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strstr(text, lines[i]))
			fail_msg("no '%s' in:\n%s", lines[i], text);
}

static void a_description_names_format_sizes_and_volumes(void **state)
{
	static const char *const lines[] = {
		"image                  q.vhdx\n",
		"format                 vhdx, dynamic\n",
		"virtual size           64.0 MiB (67108864 bytes)\n",
		"block size             1.0 MiB (1048576 bytes)\n",
		"sector size            512 logical, 512 physical\n",
		"partition table        MBR\n",
		"partition 1   offset 65536  length 4197888 (4.0 MiB)  NTFS  unknown\n",
	};
	static const char *const json_lines[] = {
		"\"format\": \"vhdx\"",		"\"virtual_size\": 67108864",
		"\"table\": \"MBR\"",		"\"length\": 4197888,",
		"\"file_system\": \"unknown\"", "\"problem\": null",
	};
	AUTO_FREE char *text = NULL, *json = NULL, *problem = NULL;

	if (!have_tool("sfdisk") || !have_tool("qemu-img"))
		skip();
	make_disk("label: dos\nstart=128, size=8199, type=7\n");
	run_tool("qemu-img", "convert", "-f", "raw", "-O", "vhdx", "-o", "block_size=1M",
		 "disk", "q.vhdx");
	text = describe("q.vhdx", false, &problem);
	assert_null(problem);
	expect_lines(text, lines, ARRAY_SIZE(lines));
	json = describe("q.vhdx", true, &problem);
	expect_lines(json, json_lines, ARRAY_SIZE(json_lines));
}

static void damage_inside_is_shown_and_returned(void **state)
{
	AUTO_FREE char *text = NULL, *problem = NULL;
	AUTO_CLOSE int fd = -1;

	if (!have_tool("sfdisk"))
		skip();
	make_disk("label: dos\nstart=128, size=8199, type=7\n");
	fd = open("disk", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "NTFS    ", 8, 65536 + 3), 8);
	text = describe("disk", false, &problem);
	assert_string_equal(
		problem, "'disk': partition 1: NTFS boot sector: sector size 0, must be "
			 "a power of two from 512 to 4096");
	assert_non_null(strstr(text, "partition 1 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_volume_is_the_one_partition_that_is_not_reserved),
		cmocka_unit_test(none_or_two_candidates_are_refused),
		cmocka_unit_test(an_image_without_a_table_is_refused),
		cmocka_unit_test(a_description_names_format_sizes_and_volumes),
		cmocka_unit_test(damage_inside_is_shown_and_returned),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
