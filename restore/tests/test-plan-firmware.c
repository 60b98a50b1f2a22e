/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans for a machine with other firmware than the backed-up one: the layout, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "plan-fixture.h"

static void make(struct fixture *f, enum plan_firmware firmware, const char *fault)
{
	struct plan_wishes wishes = { .firmware = firmware, .no_conversion = fault };
	struct err err = { 0 };

	plan_free(f->plan);
	f->plan = NULL;
	if (fixture_plan(f, &f->version, &f->disks[0], &wishes, &f->plan, &err) < 0)
		fail_msg("%s", err.text);
}

static bool is_told(const struct fixture *f, enum plan_severity severity,
		    const char *words)
{
	for (size_t i = 0; i < f->plan->finding_count; i++)
		if (f->plan->findings[i].severity == severity &&
		    strstr(f->plan->findings[i].text, words))
			return true;
	return false;
}

/* The same machine with a BIOS: system partition, C:, and a recovery partition without image. */
static void set_up_bios(struct fixture *f)
{
	set_up(f);
	f->version.uefi = false;
	f->source.style = known(TABLE_MBR);
	f->source.mbr_signature = known(0xcafe1234);
	f->source.disk_id = (struct value_guid){ 0 };
	set_volume(&f->volumes[0], "system.vhdx", NULL, ROLE_SYSTEM, 100 * MiB);
	set_partition(f, 0, MiB, 100 * MiB, &partition_type_basic_data, 0);
	set_partition(f, 1, 101 * MiB, 1000 * MiB + 512, &partition_type_basic_data, 1);
	set_partition(f, 2, 1200 * MiB, 16 * MiB, &partition_type_basic_data, -1);
	for (size_t i = 0; i < 3; i++)
		f->partitions[i].mbr_type = known(i == 2 ? 0x27 : 0x07);
	f->partitions[0].mbr_active = known(1);
	f->volumes[0].fs.fs = f->volumes[1].fs.fs = FS_NTFS;
}

static void from_bios_to_uefi_an_esp_takes_the_system_partitions_place(void **state)
{
	struct fixture f;
	const struct disk_layout *after;

	set_up_bios(&f);
	make(&f, PLAN_FIRMWARE_CONVERT, NULL);
	assert_false(plan_refused(f.plan));
	after = f.plan->after;
	assert_true(f.plan->uefi && plan_converts_firmware(f.plan));
	assert_int_equal(after->style, TABLE_GPT);
	assert_int_equal(after->count, 3);
	assert_true(guid_equal(&after->partitions[0].type, &partition_type_esp));
	assert_int_equal(after->partitions[0].offset, MiB);
	assert_int_equal(after->partitions[0].length, 100 * MiB);
	assert_ptr_equal(f.plan->partitions[0].volume, f.plan->made_esp);
	assert_true(plan_remakes(f.plan, f.plan->made_esp));
	assert_string_equal(f.plan->made_esp->image_path, "c.vhdx");
	assert_int_equal(after->partitions[1].offset, 101 * MiB);
	assert_true(guid_equal(&after->partitions[2].type, &partition_type_recovery));
	assert_false(guid_is_zero(&after->disk_id));
	assert_int_equal(f.plan->id_change_count, 2);
	assert_int_equal(f.plan->id_changes[0].old_style, TABLE_MBR);
	assert_int_equal(f.plan->id_changes[0].new_style, TABLE_GPT);
	assert_int_equal(f.plan->id_changes[0].old_signature, 0xcafe1234);
	assert_true(is_told(&f, PLAN_WARNING, "an EFI system partition takes its place"));
	plan_free(f.plan);
}

static void windows_that_starts_itself_gets_an_esp_behind_all(void **state)
{
	struct fixture f;

	set_up_bios(&f);
	f.version.volumes = &f.volumes[1];
	f.version.volume_count = 1;
	f.source.partitions = &f.partitions[1];
	f.source.partition_count = 2;
	f.partitions[1].volume = 0;
	make(&f, PLAN_FIRMWARE_UEFI, NULL);
	assert_false(plan_refused(f.plan));
	assert_int_equal(f.plan->after->count, 3);
	assert_true(guid_equal(&f.plan->after->partitions[2].type, &partition_type_esp));
	assert_int_equal(f.plan->after->partitions[2].offset, 1216 * MiB);
	assert_int_equal(f.plan->after->partitions[2].length, 100 * MiB);
	plan_free(f.plan);
}

static void logical_partitions_become_plain_ones(void **state)
{
	struct fixture f;

	set_up_bios(&f);
	f.partitions[2].mbr_type = known(0x07);
	f.partitions[2].slot = known(5);
	make(&f, PLAN_FIRMWARE_UEFI, NULL);
	assert_false(plan_refused(f.plan));
	assert_int_equal(f.plan->after->count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(f.plan->after->partitions[i].slot, i + 1);
	plan_free(f.plan);
}

static void from_uefi_to_bios_windows_becomes_active(void **state)
{
	struct fixture f;
	const struct disk_partition *windows;

	set_up(&f);
	f.volumes[1].fs.fs = FS_NTFS;
	make(&f, PLAN_FIRMWARE_BIOS, NULL);
	assert_false(plan_refused(f.plan));
	assert_int_equal(f.plan->after->style, TABLE_MBR);
	assert_int_equal(f.plan->after->count, 1);
	windows = &f.plan->after->partitions[0];
	assert_int_equal(windows->slot, 1);
	assert_int_equal(windows->offset, 117 * MiB);
	assert_int_equal(windows->mbr_type, 0x07);
	assert_true(windows->mbr_active);
	assert_true(f.plan->after->mbr_signature != 0);
	assert_int_equal(f.plan->id_changes[0].old_style, TABLE_GPT);
	assert_true(guid_equal(&f.plan->id_changes[0].old_id, &f.partitions[2].id.value));
	assert_true(is_told(&f, PLAN_WARNING, "'EFI system' is not restored"));
	assert_true(is_told(&f, PLAN_WARNING, "'Microsoft reserved' is not restored"));
	plan_free(f.plan);
}

static void what_cannot_be_is_refused_with_the_reason(void **state)
{
	struct fixture f;

	set_up(&f);
	f.volumes[1].fs.fs = FS_NTFS;
	f.disks[0].sector_size = 4096;
	make(&f, PLAN_FIRMWARE_BIOS, NULL);
	assert_true(is_told(&f, PLAN_REFUSAL,
			    "'/dev/nvme0n1' has sectors of 4096 bytes, and "
			    "BIOS starts only from disks with sectors of "
			    "512"));
	f.disks[0].sector_size = 512;
	make(&f, PLAN_FIRMWARE_BIOS, "no file 'bootmgr'");
	assert_true(is_told(&f, PLAN_REFUSAL,
			    "this backup cannot be restored for BIOS: no "
			    "file 'bootmgr'"));
	f.volumes[1].fs.fs = FS_REFS;
	make(&f, PLAN_FIRMWARE_BIOS, NULL);
	assert_true(is_told(&f, PLAN_REFUSAL, "Windows lies on ReFS"));
	f.volumes[1].role = ROLE_DATA;
	make(&f, PLAN_FIRMWARE_BIOS, NULL);
	assert_true(is_told(&f, PLAN_REFUSAL,
			    "the volume of Windows is not restored to this "
			    "disk"));
	plan_free(f.plan);
}

static void the_same_firmware_converts_nothing(void **state)
{
	static const enum plan_firmware same[] = { PLAN_FIRMWARE_UNKNOWN,
						   PLAN_FIRMWARE_UEFI };
	struct fixture f;

	set_up(&f);
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		make(&f, same[i], NULL);
		assert_false(plan_converts_firmware(f.plan));
		assert_int_equal(f.plan->after->style, TABLE_GPT);
		assert_int_equal(f.plan->id_change_count, 0);
	}
	plan_free(f.plan);
}

static void a_wish_is_one_of_four_words(void **state)
{
	enum plan_firmware firmware;
	struct err err = { 0 };

	assert_int_equal(plan_firmware_parse("convert", &firmware, &err), 0);
	assert_int_equal(firmware, PLAN_FIRMWARE_CONVERT);
	assert_int_equal(plan_firmware_parse("EFI", &firmware, &err), -EINVAL);
	assert_string_equal(err.text, "'EFI': must be match, convert, uefi or bios");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			from_bios_to_uefi_an_esp_takes_the_system_partitions_place),
		cmocka_unit_test(windows_that_starts_itself_gets_an_esp_behind_all),
		cmocka_unit_test(logical_partitions_become_plain_ones),
		cmocka_unit_test(from_uefi_to_bios_windows_becomes_active),
		cmocka_unit_test(what_cannot_be_is_refused_with_the_reason),
		cmocka_unit_test(the_same_firmware_converts_nothing),
		cmocka_unit_test(a_wish_is_one_of_four_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
