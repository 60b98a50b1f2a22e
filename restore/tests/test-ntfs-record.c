/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File records of NTFS by hand, each field spoiled in turn. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>

#include "volumes/ntfs-record.h"

#define RECORD	   1024
#define CLUSTERS   1000
#define ATTRIBUTES 56
#define TIMES	   ATTRIBUTES	     /* resident, 72 bytes */
#define DATA	   (ATTRIBUTES + 72) /* not resident, 72 bytes, its runs from 64 on */
#define RUNS	   (DATA + 64)

static const struct ntfs_geometry geometry = { .clusters = CLUSTERS,
					       .cluster_size = 4096,
					       .record_size = RECORD,
					       .index_size = 4096 };

static void put16(uint8_t *at, uint16_t value)
{
	le16 v = put_le16(value);

	memcpy(at, &v, sizeof(v));
}

static void put32(uint8_t *at, uint32_t value)
{
	le32 v = put_le32(value);

	memcpy(at, &v, sizeof(v));
}

/* $MFT: 16 clusters from cluster 4 on. As on the disk: the sectors' ends are the number 7. */
static void make_record(uint8_t record[RECORD])
{
	static const uint8_t runs[] = { 0x11, 16, 4, 0 };

	memset(record, 0, RECORD);
	memcpy(record, "FILE", 4);
	put16(record + 4, 48);
	put16(record + 6, 3);
	put16(record + 20, ATTRIBUTES);
	put16(record + 22, 1);
	put32(record + TIMES, 0x10);
	put32(record + TIMES + 4, 72);
	put32(record + TIMES + 16, 48);
	put16(record + TIMES + 20, 24);
	put32(record + DATA, 0x80);
	put32(record + DATA + 4, 72);
	record[DATA + 8] = 1;
	put16(record + DATA + 32, 64);
	memcpy(record + RUNS, runs, sizeof(runs));
	put32(record + DATA + 72, UINT32_MAX);
	put16(record + 48, 7);
	put16(record + 510, 7);
	put16(record + 1022, 7);
}

static void a_sound_record_tells_its_first_run(void **state)
{
	uint8_t record[RECORD];
	struct err err = { 0 };
	uint64_t run = 0;

	make_record(record);
	put16(record + 50, 0x1234);
	assert_int_equal(ntfs_record_check(record, &geometry, 0, &run, &err), 0);
	assert_int_equal(run, 16 * 4096);
	assert_int_equal(record[510], 0x34); /* put back in place */
	make_record(record);
	put16(record + 22, 3);
	assert_int_equal(ntfs_record_check(record, &geometry, 5, &run, &err), 0);
}

static void every_spoiled_field_is_refused(void **state)
{
	static const struct {
		size_t offset;
		unsigned width;
		uint32_t value;
		const char *text;
	} cases[] = {
		{ 0, 1, 'f', "it does not begin with 'FILE'" },
		{ 4, 2, 508, "its update sequence does not fit" },
		{ 4, 2, 40, "its update sequence does not fit" },
		{ 6, 2, 2, "its update sequence does not fit" },
		{ 510, 1, 8, "its sectors are not of one write" },
		{ 22, 2, 0, "it is not in use" },
		{ 22, 2, 3, "it is a folder" },
		{ 20, 2, 40, "its attributes begin within its head" },
		{ 20, 2, 60, "its attributes begin within its head" },
		{ 20, 2, 1024, "its attributes have no end" },
		{ TIMES + 4, 4, 16, "an attribute's length cannot be" },
		{ TIMES + 4, 4, 73, "an attribute's length cannot be" },
		{ TIMES + 4, 4, 1024, "an attribute reaches beyond it" },
		{ TIMES + 16, 4, 49, "an attribute's value lies beyond it" },
		{ TIMES + 16, 4, UINT32_MAX, "an attribute's value lies beyond it" },
		{ DATA + 32, 2, 72, "an attribute's list of clusters lies beyond it" },
		{ RUNS, 1, 0x81, "an attribute's list of clusters is cut off" },
		{ RUNS, 1, 0x10, "an attribute's list of clusters is cut off" },
		{ RUNS + 1, 1, 0, "an attribute has a run of no clusters" },
		{ RUNS + 1, 1, 0xff, "an attribute has a run of no clusters" },
		{ RUNS + 2, 1, 0xff, "an attribute's clusters lie beyond the volume" },
		{ RUNS + 3, 1, 0x13, "an attribute has a run of no clusters" },
		{ DATA + 72, 4, 0x90, "an attribute's length cannot be" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t record[RECORD];
		struct err err = { 0 };
		char text[128];
		uint64_t run;

		make_record(record);
		for (unsigned k = 0; k < cases[i].width; k++)
			record[cases[i].offset + k] = (uint8_t)(cases[i].value >> 8 * k);
		snprintf(text, sizeof(text), "the record of $MFT: %s", cases[i].text);
		assert_int_equal(ntfs_record_check(record, &geometry, 0, &run, &err),
				 -EBADMSG);
		assert_string_equal(err.text, text);
	}
}

static void a_root_that_is_no_folder_is_refused(void **state)
{
	uint8_t record[RECORD];
	struct err err = { 0 };
	uint64_t run;

	make_record(record);
	assert_int_equal(ntfs_record_check(record, &geometry, 5, &run, &err), -EBADMSG);
	assert_string_equal(err.text, "the record of the root folder: it is no folder");
}

static void sizes_of_the_boot_sector_are_checked(void **state)
{
	static const struct {
		uint8_t clusters, record, index;
		const char *text;
	} cases[] = {
		{ 8, 0xf6, 1, NULL },
		{ 128, 0xf6, 0xf4, NULL },
		{ 2, 1, 0xf4, NULL },
		{ 0xf6, 0xf6, 0xf4, NULL },
		{ 8, 0, 1,
		  "boot sector with file records of 0 bytes, must be a power of two from "
		  "512 to 4096" },
		{ 8, 2, 1,
		  "boot sector with file records of 8192 bytes, must be a power of two "
		  "from 512 to 4096" },
		{ 8, 0xf6, 0,
		  "boot sector with index records of 0 bytes, must be a power of two "
		  "from 512 to 65536" },
		{ 8, 0xf6, 32,
		  "boot sector with index records of 131072 bytes, must be a power of "
		  "two from 512 to 65536" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t boot[512] = { [11] = 0,
				      [12] = 2,
				      [13] = cases[i].clusters,
				      [48] = 4,
				      [64] = cases[i].record,
				      [68] = cases[i].index };
		struct ntfs_geometry found;
		struct err err = { 0 };
		int r = ntfs_geometry_parse(boot, &found, &err);

		assert_int_equal(r, cases[i].text ? -EBADMSG : 0);
		assert_string_equal(err.text, cases[i].text ?: "");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_record_tells_its_first_run),
		cmocka_unit_test(every_spoiled_field_is_refused),
		cmocka_unit_test(a_root_that_is_no_folder_is_refused),
		cmocka_unit_test(sizes_of_the_boot_sector_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
