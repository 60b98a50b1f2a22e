/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Merging evidence: what images, names, boot store and documents give without AsrSif, and what
 * becomes convention. Whole generated sets are tried in qemu-tests; here are the cases that no
 * generator makes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "evidence-fixture.h"

/* -- images and boot store ---------------------------------------------------------------------- */

static void the_reserved_partition_fills_a_gap_of_its_size(void **state)
{
	static const uint64_t sizes[] = { 16 * MiB, 32 * MiB, 128 * MiB };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct set set;
		const struct source_partition *msr;

		make_uefi(&set);
		set.version.volumes[1].fs.hidden_bytes = 101 * MiB + sizes[i];
		merge(&set);
		assert_int_equal(set.version.disks[0].partition_count, 3);
		msr = &set.version.disks[0].partitions[1];
		assert_guid(&msr->type, "e3c9e316-0b5c-4db8-817d-f92df00215ae",
			    ORIGIN_CONVENTION);
		assert_value(&msr->offset, 101 * MiB, ORIGIN_CONVENTION);
		assert_value(&msr->length, sizes[i], ORIGIN_CONVENTION);
		assert_int_equal(msr->id.origin, ORIGIN_NONE);
		assert_int_equal(msr->volume, -1);
		assert_value(&msr->slot, 2, ORIGIN_CONVENTION);
		tear_down(&set);
	}
}

static void a_gap_of_another_size_stays_a_gap(void **state)
{
	struct set set;

	make_uefi(&set);
	set.version.volumes[1].fs.hidden_bytes = 118 * MiB;
	merge(&set);
	assert_int_equal(set.version.disks[0].partition_count, 2);
	tear_down(&set);
}

static void an_esp_of_unknown_place_goes_where_windows_puts_it(void **state)
{
	const struct source_partition *p;
	struct set set;

	make_uefi(&set);
	set.version.volumes[0].fs.hidden_bytes = 0;
	merge(&set);
	p = set.version.disks[0].partitions;
	assert_int_equal(set.version.disks[0].partition_count, 3);
	assert_value(&p[0].offset, MiB, ORIGIN_CONVENTION);
	assert_guid(&p[0].id, ESP_GUID, ORIGIN_BCD);
	tear_down(&set);
}

static void a_volume_of_unknown_place_that_fits_no_gap_goes_behind_all(void **state)
{
	const struct source_partition *p;
	struct set set;

	make_uefi(&set);
	add_volume(&set, OTHER_GUID ".vhdx", ROLE_DATA, 50 * MiB + 512, 0);
	merge(&set);
	p = set.version.disks[0].partitions;
	assert_int_equal(set.version.disks[0].partition_count, 4);
	assert_value(&p[3].offset, 417 * MiB, ORIGIN_CONVENTION);
	assert_guid(&p[3].id, OTHER_GUID, ORIGIN_IMAGE_NAME);
	assert_guid(&p[3].type, "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7",
		    ORIGIN_CONVENTION);
	tear_down(&set);
}

static void a_volume_whose_place_is_taken_is_on_another_disk(void **state)
{
	struct set set;

	make_uefi(&set);
	add_volume(&set, OTHER_GUID ".vhdx", ROLE_DATA, 900 * MiB, 129 * MiB);
	merge(&set);
	assert_int_equal(set.version.disk_count, 2);
	assert_int_equal(set.version.disks[1].partition_count, 1);
	assert_int_equal(set.version.disks[1].disk_id.origin, ORIGIN_NONE);
	assert_value(&set.version.disks[1].style, TABLE_GPT, ORIGIN_CONVENTION);
	tear_down(&set);
}

static void every_signature_is_a_disk(void **state)
{
	struct set set;

	set_up(&set);
	add_volume(&set, "9546e6c7-0000-0000-0000-100000000000.vhdx", ROLE_WINDOWS,
		   100 * MiB, MiB);
	add_volume(&set, "11223344-0000-0000-0000-100000000000.vhdx", ROLE_DATA,
		   100 * MiB, MiB);
	set.bios.boot_manager = mbr_device(0x9546e6c7, MiB);
	set.evidence.bios_store = &set.bios;
	merge(&set);
	assert_int_equal(set.version.disk_count, 2);
	assert_value(&set.version.disks[0].mbr_signature, 0x9546e6c7, ORIGIN_IMAGE_NAME);
	assert_value(&set.version.disks[1].mbr_signature, 0x11223344, ORIGIN_IMAGE_NAME);
	assert_value(&set.version.disks[0].partitions[0].mbr_active, 1,
		     ORIGIN_CONVENTION);
	assert_value(&set.version.disks[1].partitions[0].mbr_active, 0,
		     ORIGIN_CONVENTION);
	assert_int_equal(set.version.health, HEALTH_WHOLE);
	tear_down(&set);
}

static void a_time_based_volume_guid_is_no_partition_id(void **state)
{
	struct set set;

	make_uefi(&set);
	add_volume(&set, RANDOM_GUID ".vhdx", ROLE_DATA, 50 * MiB, 500 * MiB);
	merge(&set);
	assert_int_equal(set.version.disks[0].partitions[3].id.origin, ORIGIN_NONE);
	assert_guid(&set.version.volumes[2].volume_guid, RANDOM_GUID, ORIGIN_IMAGE_NAME);
	tear_down(&set);
}

static void a_store_that_means_another_windows_is_a_note(void **state)
{
	struct set set;

	make_uefi(&set);
	set.uefi.windows = gpt_device(OTHER_GUID);
	merge(&set);
	assert_int_equal(set.version.contradiction_count, 1);
	assert_contradiction(&set, 0, "Windows in the boot store", WINDOWS_GUID,
			     OTHER_GUID, false);
	assert_guid(&set.version.disks[0].partitions[2].id, WINDOWS_GUID,
		    ORIGIN_IMAGE_NAME);
	assert_int_equal(set.version.health, HEALTH_WHOLE);
	tear_down(&set);
}

static void a_store_fills_the_ids_of_images_with_any_name(void **state)
{
	struct set set;

	make_uefi(&set);
	set.names[1] = image_name_read("drive c.vhdx");
	merge(&set);
	assert_guid(&set.version.disks[0].partitions[2].id, WINDOWS_GUID, ORIGIN_BCD);
	assert_guid(&set.version.disks[0].disk_id, DISK_GUID, ORIGIN_BCD);
	tear_down(&set);
}

static void a_damaged_image_gets_no_partition_but_a_reason(void **state)
{
	struct backup_volume *volume;
	struct set set;

	make_uefi(&set);
	volume = add_volume(&set, OTHER_GUID ".vhdx", ROLE_DATA, 0, 0);
	volume->health = HEALTH_DAMAGED;
	volume->reason = strdup("'x': torn");
	merge(&set);
	assert_int_equal(set.version.disks[0].partition_count, 3);
	assert_int_equal(set.version.health, HEALTH_DAMAGED);
	assert_int_equal(set.version.reason_count, 1);
	assert_string_equal(set.version.reasons[0],
			    "volume " OTHER_GUID ".vhdx is damaged: 'x': torn");
	tear_down(&set);
}

static void a_set_without_windows_is_partial(void **state)
{
	struct set set;

	set_up(&set);
	add_volume(&set, OTHER_GUID ".vhdx", ROLE_DATA, 50 * MiB, 129 * MiB);
	merge(&set);
	assert_int_equal(set.version.health, HEALTH_PARTIAL);
	assert_string_equal(set.version.reasons[0],
			    "none of the images holds Windows: data volumes only");
	assert_int_equal(set.version.firmware_origin.origin, ORIGIN_NONE);
	tear_down(&set);
}

/* -- documents --------------------------------------------------------------------------- */

static void the_writer_tells_critical_volumes_and_what_is_missing(void **state)
{
	struct asr_writer_volume volumes[] = {
		{ guid(WINDOWS_GUID), true },
		{ guid(OTHER_GUID), false },
		{ guid(RANDOM_GUID), true },
		{ guid(ESP_GUID), true },
	};
	struct asr_writer writer = { .volume_count = ARRAY_SIZE(volumes),
				     .volumes = volumes };
	struct set set;

	make_uefi(&set);
	add_volume(&set, OTHER_GUID ".vhdx", ROLE_DATA, 50 * MiB, 500 * MiB);
	set.evidence.writer = &writer;
	merge(&set);
	assert_value(&set.version.volumes[1].critical, 1, ORIGIN_ASR_WRITER);
	assert_value(&set.version.volumes[2].critical, 0, ORIGIN_ASR_WRITER);
	assert_value(&set.version.volumes[0].critical, 1, ORIGIN_CONVENTION);
	/* The ESP has no GUID in its name: one of the two that seem missing is it. */
	assert_int_equal(set.version.health, HEALTH_PARTIAL);
	assert_string_equal(set.version.reasons[0],
			    "critical volume {" RANDOM_GUID "} is not in the backup");
	tear_down(&set);
}

static void firmware_that_two_documents_see_differently_is_a_note(void **state)
{
	struct asr_writer writer = { .has_boot_path = true };
	struct set set;

	make_uefi(&set);
	set.evidence.writer = &writer;
	merge(&set);
	assert_contradiction(&set, 0, "firmware", "BIOS", "UEFI", false);
	assert_int_equal(set.version.firmware_origin.origin, ORIGIN_ASR_WRITER);
	tear_down(&set);
}

static void the_id_of_the_disk_in_a_caption_fills_a_gap_only(void **state)
{
	struct asr_writer_disk disk = { .has_id = true, .id = guid(OTHER_GUID) };
	struct asr_writer writer = { .disk_count = 1, .disks = &disk };
	struct set set;

	make_uefi(&set);
	set.evidence.writer = &writer;
	merge(&set);
	assert_guid(&set.version.disks[0].disk_id, DISK_GUID, ORIGIN_BCD);
	assert_contradiction(&set, 0, "disk 0: id", DISK_GUID, OTHER_GUID, false);
	tear_down(&set);
	make_uefi(&set);
	set.evidence.uefi_store = NULL;
	set.evidence.writer = &writer;
	merge(&set);
	assert_guid(&set.version.disks[0].disk_id, OTHER_GUID, ORIGIN_ASR_WRITER);
	tear_down(&set);
}

static void a_fatal_contradiction_is_never_lost_among_many(void **state)
{
	struct backup_version version = { 0 };
	struct err err = { 0 };

	for (unsigned i = 0; i < 1000; i++) {
		char what[16];
		struct contradiction found = { .what = what,
					       .value_a = (char *)"a",
					       .value_b = (char *)"b",
					       .fatal = i == 999 };

		snprintf(what, sizeof(what), "%u", i);
		assert_int_equal(contradiction_add(&version, &found, &err), 0);
	}
	assert_int_equal(version.contradiction_count, 256);
	assert_true(version.contradictions[255].fatal);
	backup_version_clear(&version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reserved_partition_fills_a_gap_of_its_size),
		cmocka_unit_test(a_gap_of_another_size_stays_a_gap),
		cmocka_unit_test(an_esp_of_unknown_place_goes_where_windows_puts_it),
		cmocka_unit_test(
			a_volume_of_unknown_place_that_fits_no_gap_goes_behind_all),
		cmocka_unit_test(a_volume_whose_place_is_taken_is_on_another_disk),
		cmocka_unit_test(every_signature_is_a_disk),
		cmocka_unit_test(a_time_based_volume_guid_is_no_partition_id),
		cmocka_unit_test(a_store_that_means_another_windows_is_a_note),
		cmocka_unit_test(a_store_fills_the_ids_of_images_with_any_name),
		cmocka_unit_test(a_damaged_image_gets_no_partition_but_a_reason),
		cmocka_unit_test(a_set_without_windows_is_partial),
		cmocka_unit_test(the_writer_tells_critical_volumes_and_what_is_missing),
		cmocka_unit_test(firmware_that_two_documents_see_differently_is_a_note),
		cmocka_unit_test(the_id_of_the_disk_in_a_caption_fills_a_gap_only),
		cmocka_unit_test(a_fatal_contradiction_is_never_lost_among_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
