/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * layout_compose(): layouts go through it onto a sparse file in memory, where sgdisk,
 * sfdisk and libblkid judge what is there. The layouts follow those of real Windows disks
 * (FORMAT.md section 4.4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "table-judge.h"

#define GUID_63		    UINT64_C(0x8000000000000000) /* no drive letter */
#define RECOVERY_ATTRIBUTES UINT64_C(0x8000000000000001)
#define SLOTS_MAX	    8

enum kind { END, ESP, MSR, DATA, WINRE, VENDOR };

static const struct guid vendor_type = GUID_INIT(0xbfbfafe7, 0xa34f, 0x448a, 0x9a, 0x5b,
						 0x62, 0x13, 0xeb, 0x73, 0x6c, 0x22);

/* In sectors. */
struct gpt_sample {
	const char *what;
	uint32_t sector_size;
	uint64_t disk_sectors;
	struct {
		enum kind kind;
		unsigned slot;
		uint64_t start, size;
		uint64_t attributes;
		const char *name;
	} partitions[SLOTS_MAX + 1];
};

#define ESP_NAME  "EFI system partition"
#define MSR_NAME  "Microsoft reserved partition"
#define DATA_NAME "Basic data partition"

static const struct gpt_sample gpt_samples[] = {
	{ "Windows 10 2004: recovery at the end, C: of an odd length",
	  512,
	  104857600,
	  { { ESP, 1, 2048, 204800, GUID_63, ESP_NAME },
	    { MSR, 2, 206848, 32768, GUID_63, MSR_NAME },
	    { DATA, 3, 239616, 103593927, 0, DATA_NAME },
	    { WINRE, 4, 103833600, 1019904, RECOVERY_ATTRIBUTES, "" } } },
	{ "the same with a gap behind C:",
	  512,
	  250069680,
	  { { ESP, 1, 2048, 729088, GUID_63, ESP_NAME },
	    { MSR, 2, 731136, 32768, GUID_63, MSR_NAME },
	    { DATA, 3, 763904, 67108864, 0, DATA_NAME },
	    { WINRE, 4, 247984128, 2083456, RECOVERY_ATTRIBUTES, "" } } },
	{ "Windows 10 1909, Server 2016 and 2019: recovery first",
	  512,
	  209715200,
	  { { WINRE, 1, 2048, 1083392, RECOVERY_ATTRIBUTES, DATA_NAME },
	    { ESP, 2, 1085440, 202752, GUID_63, ESP_NAME },
	    { MSR, 3, 1288192, 32768, GUID_63, MSR_NAME },
	    { DATA, 4, 1320960, 208392192, 0, DATA_NAME } } },
	{ "a manufacturer's: slots not in the order of the disk, gaps, a second ESP",
	  512,
	  976773168,
	  { { ESP, 1, 2048, 532480, GUID_63, DATA_NAME },
	    { MSR, 2, 534528, 262144, GUID_63, MSR_NAME },
	    { DATA, 3, 796672, 900000001, 0, "Windows" },
	    { WINRE, 7, 901000000, 1843200, RECOVERY_ATTRIBUTES, "Wiederherstellung ä€" },
	    { WINRE, 5, 970000000, 6770688, RECOVERY_ATTRIBUTES, "" },
	    { ESP, 6, 902850000, 204800, 0, "EFI System Partition" },
	    { VENDOR, 4, 960000000, 2097152, 1,
	      "a name of as many units as fit: 36 0" } } },
	{ "old: MSR at LBA 34, the last sectors used",
	  512,
	  41943040,
	  { { MSR, 1, 34, 262144, 0, MSR_NAME },
	    { DATA, 2, 262178, 41943007 - 262178, 0, DATA_NAME } } },
	{ "sectors of 4096 bytes",
	  4096,
	  26214400,
	  { { ESP, 1, 256, 76800, GUID_63, ESP_NAME },
	    { MSR, 2, 77056, 4096, GUID_63, MSR_NAME },
	    { DATA, 3, 81152, 25000003, 0, DATA_NAME },
	    { WINRE, 4, 26000000, 127488, RECOVERY_ATTRIBUTES, "" } } },
	{ "sectors of 4096 bytes, all of the usable area",
	  4096,
	  4096,
	  { { DATA, 128, 6, 4085, 0, "" } } },
	{ "a disk of 64 TiB",
	  512,
	  UINT64_C(1) << 37,
	  { { ESP, 1, 2048, 204800, GUID_63, ESP_NAME },
	    { DATA, 2, 206848, (UINT64_C(1) << 37) - 206848 - 33, 0, DATA_NAME } } },
	{ "no partitions", 512, 2048, { { END } } },
};

static const struct guid *type_of(enum kind kind)
{
	switch (kind) {
	case ESP:
		return &partition_type_esp;
	case MSR:
		return &partition_type_msr;
	case DATA:
		return &partition_type_basic_data;
	case WINRE:
		return &partition_type_recovery;
	default:
		return &vendor_type;
	}
}

static struct disk_layout *gpt_layout(const struct gpt_sample *sample)
{
	struct disk_layout *layout = layout_new();

	assert_non_null(layout);
	layout->style = TABLE_GPT;
	layout->sector_size = sample->sector_size;
	layout->disk_size = sample->disk_sectors * sample->sector_size;
	layout->slots = 128;
	layout->disk_id = vendor_type;
	layout->disk_id.b[0] = 0xdd;
	for (size_t i = 0; sample->partitions[i].kind != END; i++) {
		struct disk_partition *p = layout_add(layout);

		assert_non_null(p);
		p->slot = sample->partitions[i].slot;
		p->offset = sample->partitions[i].start * sample->sector_size;
		p->length = sample->partitions[i].size * sample->sector_size;
		p->type = *type_of(sample->partitions[i].kind);
		p->id = vendor_type;
		p->id.b[15] = (uint8_t)i;
		p->attributes = sample->partitions[i].attributes;
		snprintf(p->name, sizeof(p->name), "%s", sample->partitions[i].name);
	}
	return layout;
}

static const char *attributes_text(uint64_t attributes)
{
	if (attributes == RECOVERY_ATTRIBUTES)
		return ", attrs=\"RequiredPartition GUID:63\"";
	if (attributes == GUID_63)
		return ", attrs=\"GUID:63\"";
	return attributes ? ", attrs=\"RequiredPartition\"" : "";
}

static char *upper(char *text)
{
	for (char *c = text; *c; c++)
		if (*c >= 'a' && *c <= 'f')
			*c = (char)(*c - 'a' + 'A');
	return text;
}

static void print_guid(FILE *file, const char *what, const struct guid *guid)
{
	char text[GUID_TEXT_SIZE];

	guid_format(guid, text);
	fprintf(file, "%s%s", what, upper(text));
}

/* What "sfdisk -d" shall say; slots ascending. */
static char *expected_dump(const struct disk_layout *layout, const char *path)
{
	AUTO(layout_freep) struct disk_layout *sorted = layout_copy(layout);
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	layout_sort(sorted);
	print_guid(file, "label: gpt\nlabel-id: ", &layout->disk_id);
	fprintf(file, "\ndevice: %s\nunit: sectors\nfirst-lba: 34\nlast-lba: %llu\n",
		path, (unsigned long long)layout->disk_size / 512 - 34);
	fputs("sector-size: 512\n\n", file);
	for (size_t i = 0; i < sorted->count; i++) {
		const struct disk_partition *p = &sorted->partitions[i];

		fprintf(file, "%sp%u : start=%12llu, size=%12llu", path, p->slot,
			(unsigned long long)p->offset / 512,
			(unsigned long long)p->length / 512);
		print_guid(file, ", type=", &p->type);
		print_guid(file, ", uuid=", &p->id);
		if (p->name[0])
			fprintf(file, ", name=\"%s\"", p->name);
		fprintf(file, "%s\n", attributes_text(p->attributes));
	}
	fclose(file);
	return text;
}

static void sfdisk_dumps_the_layouts_exactly(void **state)
{
	if (tool_missing("sfdisk"))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(gpt_samples); i++) {
		LAYOUT *layout = gpt_layout(&gpt_samples[i]);
		IMAGE image = { 0 };

		if (layout->sector_size != 512 || !layout->count)
			continue; /* sfdisk takes every file for 512 */
		compose(layout, &image);
		SCRATCH scratch = scratch_new(layout, &image);
		AUTO_FREE char *expected = expected_dump(layout, scratch.path);
		AUTO_FREE char *dump = run("sfdisk", "-d", scratch.path);
		AUTO_FREE char *verdict = run("sfdisk", "--verify", scratch.path);

		/* Names beyond ASCII are escaped there; the others tell enough. */
		if (!strstr(dump, "\\x"))
			assert_string_equal(dump, expected);
		assert_non_null(strstr(verdict, "No errors detected."));
	}
}

static void sgdisk_finds_no_problem(void **state)
{
	if (tool_missing("sgdisk"))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(gpt_samples); i++) {
		LAYOUT *layout = gpt_layout(&gpt_samples[i]);
		IMAGE image = { 0 };

		if (layout->sector_size != 512)
			continue; /* sgdisk takes every file for 512 */
		compose(layout, &image);
		SCRATCH scratch = scratch_new(layout, &image);
		AUTO_FREE char *verdict = run("sgdisk", "-v", scratch.path);

		if (!strstr(verdict, "No problems found."))
			fail_msg("%s: %s", gpt_samples[i].what, verdict);
	}
}

static void sgdisk_reads_ids_attributes_and_names(void **state)
{
	LAYOUT *layout = gpt_layout(&gpt_samples[3]);
	IMAGE image = { 0 };

	if (tool_missing("sgdisk"))
		skip();
	compose(layout, &image);
	SCRATCH scratch = scratch_new(layout, &image);
	AUTO_FREE char *info = run("sgdisk", "-i7", scratch.path);

	assert_non_null(strstr(info, "code: DE94BBA4-06D1-4D40-A16A-BFD50179D6AC"));
	assert_non_null(
		strstr(info, "unique GUID: BFBFAFE7-A34F-448A-9A5B-6213EB736C03"));
	assert_non_null(strstr(info, "First sector: 901000000 "));
	assert_non_null(strstr(info, "Partition size: 1843200 sectors"));
	assert_non_null(strstr(info, "Attribute flags: 8000000000000001"));
	assert_non_null(strstr(info, "Partition name: 'Wiederherstellung ä€'"));
}

static void libblkid_reads_the_layouts_with_both_sector_sizes(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(gpt_samples); i++) {
		LAYOUT *layout = gpt_layout(&gpt_samples[i]);
		IMAGE image = { 0 };

		if (!layout->count)
			continue;
		compose(layout, &image);
		SCRATCH scratch = scratch_new(layout, &image);

		judge_with_blkid(layout, scratch.fd);
	}
}

/* -- pieces ---- */

static void gpt_pieces_are_backup_then_primary_then_lba_0(void **state)
{
	static const struct {
		size_t sample;
		uint64_t table; /* bytes of header and entries */
	} cases[] = { { 0, 33 * 512 }, { 5, 5 * 4096 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		LAYOUT *layout = gpt_layout(&gpt_samples[cases[i].sample]);
		uint64_t sector = layout->sector_size;
		IMAGE image = { 0 };

		compose(layout, &image);
		assert_int_equal(image.count, 3);
		assert_int_equal(image.pieces[0].offset,
				 layout->disk_size - cases[i].table);
		assert_int_equal(image.pieces[0].length, cases[i].table);
		assert_memory_equal(image.pieces[0].bytes + cases[i].table - sector,
				    "EFI PART", 8);
		assert_int_equal(image.pieces[1].offset, sector);
		assert_int_equal(image.pieces[1].length, cases[i].table);
		assert_memory_equal(image.pieces[1].bytes, "EFI PART", 8);
		assert_int_equal(image.pieces[2].offset, 0);
		assert_int_equal(image.pieces[2].length, sector);
	}
}

static void the_protective_mbr_is_one_entry_over_the_disk(void **state)
{
	static const uint8_t entries[66] = { 0x00, 0x00,	0x02,	    0x00, 0xee,
					     0xff, 0xff,	0xff,	    0x01, 0x00,
					     0x00, 0x00,	0xff,	    0xff, 0x3f,
					     0x06, [64] = 0x55, [65] = 0xaa };
	LAYOUT *layout = gpt_layout(&gpt_samples[0]);
	IMAGE image = { 0 };

	compose(layout, &image);
	assert_memory_equal(image.pieces[2].bytes + 446, entries, sizeof(entries));
}

static void boot_code_goes_to_the_start_of_lba_0(void **state)
{
	LAYOUT *layout = gpt_layout(&gpt_samples[0]);
	IMAGE plain = { 0 }, bootable = { 0 };
	uint8_t code[440];
	struct err err = { 0 };

	memset(code, 0xfa, sizeof(code));
	compose(layout, &plain);
	assert_int_equal(layout_compose(layout, code, &bootable, &err), 0);
	assert_memory_equal(bootable.pieces[2].bytes, code, sizeof(code));
	assert_memory_equal(bootable.pieces[2].bytes + 440, plain.pieces[2].bytes + 440,
			    72);
	assert_int_equal(plain.pieces[2].bytes[0], 0);
}

static void a_table_with_256_slots_is_written_and_read(void **state)
{
	LAYOUT *layout = gpt_layout(&gpt_samples[0]), *read = NULL;
	AUTO(source_freep) struct block_source *source = NULL;
	IMAGE image = { 0 };
	struct err err = { 0 };

	layout->slots = 256;
	layout->partitions[2].slot = 256;
	layout->partitions[3].length = 512;
	compose(layout, &image);
	assert_int_equal(image.pieces[0].length, 65 * 512);
	SCRATCH scratch = scratch_new(layout, &image);

	assert_int_equal(source_file_open(scratch.path, &source, &err), 0);
	assert_int_equal(layout_read(source, 0, &read, NULL, &err), 0);
	assert_int_equal(read->slots, 256);
	assert_true(layout_equal(layout, read, NULL, 0));
}

static void composing_twice_gives_the_same_bytes(void **state)
{
	LAYOUT *layout = gpt_layout(&gpt_samples[3]);
	IMAGE a = { 0 }, b = { 0 };

	compose(layout, &a);
	compose(layout, &b);
	for (size_t i = 0; i < a.count; i++)
		assert_memory_equal(a.pieces[i].bytes, b.pieces[i].bytes,
				    a.pieces[i].length);
}

/* -- refusals ---- */

static void an_unsound_layout_is_not_composed(void **state)
{
	LAYOUT *layout = gpt_layout(&gpt_samples[0]);
	IMAGE image = { 0 };
	struct err err = { 0 };

	layout->partitions[1].offset = layout->partitions[0].offset;
	assert_int_equal(layout_compose(layout, NULL, &image, &err), -EINVAL);
	assert_string_equal(
		err.text,
		"partitions 1 (1048576+104857600) and 2 (1048576+16777216) overlap");
	assert_int_equal(image.count, 0);
}

static void a_name_that_libfdisk_cannot_write_is_refused(void **state)
{
	LAYOUT *layout = gpt_layout(&gpt_samples[0]);
	IMAGE image = { 0 };
	struct err err = { 0 };

	strcpy(layout->partitions[0].name, "😀");
	assert_int_equal(layout_compose(layout, NULL, &image, &err), -ENOTSUP);
	assert_string_equal(err.text,
			    "partition 1: name '😀' has a character beyond U+FFFF, "
			    "which cannot be written");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sfdisk_dumps_the_layouts_exactly),
		cmocka_unit_test(sgdisk_finds_no_problem),
		cmocka_unit_test(sgdisk_reads_ids_attributes_and_names),
		cmocka_unit_test(libblkid_reads_the_layouts_with_both_sector_sizes),
		cmocka_unit_test(gpt_pieces_are_backup_then_primary_then_lba_0),
		cmocka_unit_test(the_protective_mbr_is_one_entry_over_the_disk),
		cmocka_unit_test(boot_code_goes_to_the_start_of_lba_0),
		cmocka_unit_test(a_table_with_256_slots_is_written_and_read),
		cmocka_unit_test(composing_twice_gives_the_same_bytes),
		cmocka_unit_test(an_unsound_layout_is_not_composed),
		cmocka_unit_test(a_name_that_libfdisk_cannot_write_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
