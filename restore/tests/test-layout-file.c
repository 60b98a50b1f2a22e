/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layout that a user gives: what is taken, and what every mistake is called. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "evidence-fixture.h"
#include "evidence/backup-parts.h"

#include <restore/layout-file.h>

#define DISK_START                                                                       \
	"{\"style\": \"gpt\", \"disk_id\": \"" DISK_GUID "\", \"sector_size\": 512, "    \
	"\"partitions\": ["
#define ESP_ENTRY                                                                        \
	"{\"slot\": 2, \"offset\": 1048576, \"length\": {\"value\": 104857600, "         \
	"\"origin\": \"bcd\"}, \"image\": \"Esp.vhdx\", \"id\": \"" ESP_GUID             \
	"\", \"attributes\": \"8000000000000001\", \"name\": \"EFI\", \"kept\": false}"

#define MBR_PLAN(number)                                                                 \
	"{\"source_disk\": " #number ", \"after\": {\"style\": \"mbr\", "                \
	"\"mbr_signature\": \"9546e6c" #number "\", \"partitions\": [{\"offset\": 512, " \
	"\"length\": 512}]}}"

static int apply(struct set *set, const char *text, struct err *err)
{
	return layout_file_apply(text, strlen(text), "a.json", &set->version, err);
}

static void what_the_user_says_takes_the_place_of_the_evidence(void **state)
{
	const struct source_partition *p;
	struct err err = { 0 };
	struct set set;

	make_uefi(&set);
	merge(&set);
	if (apply(&set, DISK_START ESP_ENTRY "]}", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(set.version.disk_count, 1);
	assert_value(&set.version.disks[0].style, TABLE_GPT, ORIGIN_USER);
	assert_guid(&set.version.disks[0].disk_id, DISK_GUID, ORIGIN_USER);
	assert_int_equal(set.version.disks[0].partition_count, 1);
	p = set.version.disks[0].partitions;
	assert_value(&p->slot, 2, ORIGIN_USER);
	assert_value(&p->offset, MiB, ORIGIN_USER);
	assert_value(&p->length, 100 * MiB, ORIGIN_USER);
	assert_value(&p->attributes, 0x8000000000000001, ORIGIN_USER);
	assert_guid(&p->id, ESP_GUID, ORIGIN_USER);
	assert_string_equal(p->name.value, "EFI");
	assert_int_equal(p->type.origin, ORIGIN_NONE);
	assert_int_equal(p->volume, 0);
	tear_down(&set);
}

static void an_mbr_has_a_signature_numbers_for_types_and_a_flag(void **state)
{
	const struct source_partition *p;
	struct err err = { 0 };
	struct set set;

	make_uefi(&set);
	merge(&set);
	if (apply(&set,
		  "{\"disks\": [{\"after\": {\"style\": \"mbr\", \"mbr_signature\": "
		  "\"0x9546e6c7\", \"partitions\": [{\"offset\": 1048576, \"length\": "
		  "1048576, \"type\": 7, \"active\": true, \"image\": null}]}}]}",
		  &err) < 0)
		fail_msg("%s", err.text);
	assert_value(&set.version.disks[0].mbr_signature, 0x9546e6c7, ORIGIN_USER);
	p = set.version.disks[0].partitions;
	assert_value(&p->mbr_type, 7, ORIGIN_USER);
	assert_value(&p->mbr_active, 1, ORIGIN_USER);
	assert_int_equal(p->volume, -1);
	tear_down(&set);
}

/* A plan has the disk that the machine starts from last, whatever its number is. */
static void disks_keep_their_numbers(void **state)
{
	struct err err = { 0 };
	struct set set;

	make_uefi(&set);
	merge(&set);
	if (apply(&set, "{\"disks\": [" MBR_PLAN(3) ", " MBR_PLAN(1) "]}", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(set.version.disk_count, 4);
	assert_value(&set.version.disks[3].mbr_signature, 0x9546e6c3, ORIGIN_USER);
	assert_value(&set.version.disks[1].mbr_signature, 0x9546e6c1, ORIGIN_USER);
	assert_int_equal(set.version.disks[0].partition_count, 0);
	tear_down(&set);
}

static void contradictions_are_settled_and_stay_to_be_seen(void **state)
{
	struct err err = { 0 };
	struct set set;

	make_uefi(&set);
	set_asrsif(&set, "<GptDisk Id=\"{" OTHER_GUID "}\" BytesPerSector=\"512\" "
			 "DiskSize=\"2147483648\"><GptPartition PartitionIndex=\"0\" "
			 "PartitionOffset=\"122683392\" PartitionLength=\"314572800\" "
			 "Id=\"{" WINDOWS_GUID "}\"/></GptDisk>");
	merge(&set);
	assert_int_equal(set.version.health, HEALTH_DAMAGED);
	if (apply(&set, DISK_START ESP_ENTRY "]}", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(set.version.health, HEALTH_WHOLE);
	assert_int_equal(set.version.reason_count, 0);
	assert_true(set.version.contradiction_count > 0);
	for (size_t i = 0; i < set.version.contradiction_count; i++)
		assert_false(set.version.contradictions[i].fatal);
	tear_down(&set);
}

static const struct {
	const char *text, *error;
} mistakes[] = {
	{ "{", "'a.json' line 1: " },
	{ "[]", "'a.json': must be an object" },
	{ "{\"style\": \"gpt\", \"style\": \"gpt\"}", "duplicate object key" },
	{ "{\"styl\": \"gpt\"}",
	  "'a.json': styl: not a key that a layout has; there are: style, disk_id, " },
	{ "{\"style\": \"apm\"}", "'a.json': style: must be \"gpt\" or \"mbr\"" },
	{ "{\"style\": \"gpt\"}", "needs style and partitions" },
	{ "{\"after\": {\"partitions\": []}}",
	  "'a.json': after.partitions: must be a list of 1 to 128 partitions" },
	{ DISK_START "{\"offset\": -1}]}",
	  "'a.json': partitions[0].offset: must be a number from 0 to " },
	{ DISK_START ESP_ENTRY ", {\"offset\": 1, \"length\": 5, \"id\": \"x\"}]}",
	  "'a.json': partitions[1].id: must be a GUID, as text" },
	{ DISK_START "{\"offset\": 1, \"lenght\": 5}]}",
	  "'a.json': partitions[0].lenght: not a key that a layout has" },
	{ DISK_START "{\"offset\": 1}]}",
	  "'a.json': partitions[0]: needs an offset and a length above 0" },
	{ DISK_START "{\"offset\": 1, \"length\": 5, \"slot\": 0}]}",
	  "'a.json': partitions[0]: slots count from 1" },
	{ DISK_START "{\"offset\": 1, \"length\": 5, \"slot\": 129}]}",
	  "'a.json': partitions[0].slot: must be a number from 0 to 128" },
	{ DISK_START "{\"offset\": 1, \"length\": 5, \"attributes\": \"-1\"}]}",
	  "'a.json': partitions[0].attributes: must be a text of hexadecimal digits" },
	{ DISK_START "{\"offset\": 1, \"length\": 5, \"image\": \"d.vhdx\"}]}",
	  "'a.json': partitions[0].image: 'd.vhdx' is not an image of the set in 'set'" },
	{ DISK_START "{\"offset\": 1048576, \"length\": 5, \"image\": \"Esp.vhdx\"}]}",
	  "'a.json': partitions[0]: length is 5, but 'Esp.vhdx' holds 104857600 bytes" },
	{ "{\"style\": \"gpt\", \"partitions\": [{\"offset\": 1, \"length\": 5}]}",
	  "a GPT needs disk_id" },
	{ "{\"style\": \"mbr\", \"partitions\": [{\"offset\": 1, \"length\": 5}]}",
	  "an MBR needs mbr_signature" },
	{ "{\"disks\": []}", "disks: must be a list of 1 to 64" },
	{ "{\"style\": \"gpt\", \"source_style\": \"mbr\"}",
	  "'a.json': source_style: a plan that converts the partition table is not taken "
	  "back" },
	{ "{\"disks\": [" MBR_PLAN(1) ", " MBR_PLAN(1) "]}",
	  "'a.json': disks[1].source_disk: disk 1 stands twice in it" },
	{ MBR_PLAN(64), "'a.json': source_disk: must be a number from 0 to 63" },
	{ DISK_START "{\"offset\": 1048576, \"length\": 5, \"source_length\": 6, "
		     "\"image\": \"Esp.vhdx\"}]}",
	  "'a.json': partitions[0]: length is 6, but 'Esp.vhdx' holds 104857600 bytes; "
	  "to "
	  "resize it, say so in source_length" },
};

static void every_mistake_is_named_with_its_place_and_changes_nothing(void **state)
{
	struct set set;

	make_uefi(&set);
	merge(&set);
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		struct err err = { 0 };

		assert_int_equal(apply(&set, mistakes[i].text, &err), -EINVAL);
		if (!strstr(err.text, mistakes[i].error))
			fail_msg("%s is not in %s", mistakes[i].error, err.text);
		assert_int_equal(set.version.disks[0].style.origin, ORIGIN_BCD);
	}
	tear_down(&set);
}

static void what_was_there_stands_beside_what_shall_be(void **state)
{
	const struct source_partition *p;
	struct err err = { 0 };
	struct set set;

	make_uefi(&set);
	merge(&set);
	if (apply(&set,
		  "{\"style\": \"gpt\", \"disk_id\": \"" OTHER_GUID
		  "\", \"source_disk_id\": \"" DISK_GUID "\", \"partitions\": ["
		  "{\"offset\": 2097152, \"source_offset\": 1048576, \"length\": "
		  "272629760, "
		  "\"source_length\": 104857600, \"image\": \"Esp.vhdx\", \"id\": "
		  "\"" OTHER_GUID "\", \"source_id\": \"" ESP_GUID "\"}]}",
		  &err) < 0)
		fail_msg("%s", err.text);
	assert_guid(&set.version.disks[0].disk_id, DISK_GUID, ORIGIN_USER);
	p = set.version.disks[0].partitions;
	assert_value(&p->offset, MiB, ORIGIN_USER);
	assert_value(&p->length, 100 * MiB, ORIGIN_USER);
	assert_guid(&p->id, ESP_GUID, ORIGIN_USER);
	assert_int_equal(p->new_offset, 2 * MiB);
	assert_int_equal(p->new_length, 260 * MiB);
	assert_true(guid_equal(&p->new_id, &set.version.disks[0].new_disk_id));
	assert_false(guid_is_zero(&p->new_id));
	tear_down(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_user_says_takes_the_place_of_the_evidence),
		cmocka_unit_test(an_mbr_has_a_signature_numbers_for_types_and_a_flag),
		cmocka_unit_test(what_was_there_stands_beside_what_shall_be),
		cmocka_unit_test(disks_keep_their_numbers),
		cmocka_unit_test(contradictions_are_settled_and_stay_to_be_seen),
		cmocka_unit_test(
			every_mistake_is_named_with_its_place_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
