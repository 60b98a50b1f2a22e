/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * MountedDevices: decoding of values, the merge with other evidence, and real hives of the
 * folder that SAMPLES names; without it those tests are skipped.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "evidence-fixture.h"

/* -- values ------------------------------------------------------------------------------ */

static const uint8_t gpt_value[24] = { 'D',  'M',  'I',	 'O',  ':',  'I',  'D',	 ':',
				       0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
				       0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b };
static const uint8_t mbr_value[12] = { 0x67, 0xcf, 0xce, 0xd1, 0, 0, 0x10 };

static void a_letter_of_a_gpt_disk_names_its_partition(void **state)
{
	struct mounted_device device;
	char text[GUID_TEXT_SIZE];

	assert_int_equal(mounted_device_decode("\\DosDevices\\C:", gpt_value,
					       sizeof(gpt_value), &device),
			 0);
	assert_int_equal(device.kind, MOUNTED_GPT);
	assert_string_equal(guid_format(&device.partition_id, text),
			    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
	assert_int_equal(device.letter, 'C');
	assert_false(device.has_volume);
}

static void a_volume_of_an_mbr_disk_names_signature_and_offset(void **state)
{
	struct mounted_device device;
	struct guid random = guid(RANDOM_GUID);

	assert_int_equal(mounted_device_decode("\\??\\Volume{" RANDOM_GUID "}", mbr_value,
					       sizeof(mbr_value), &device),
			 0);
	assert_int_equal(device.kind, MOUNTED_MBR);
	assert_int_equal(device.mbr_signature, 0xd1cecf67);
	assert_int_equal(device.offset, MiB);
	assert_true(device.has_volume && guid_equal(&device.volume, &random));
	assert_int_equal(device.letter, 0);
}

static void what_is_no_partition_or_no_volume_is_passed_over(void **state)
{
	static const struct {
		const char *name;
		size_t length;
	} cases[] = {
		{ "\\DosDevices\\C:", 23 },
		{ "\\DosDevices\\C:", 0 },
		{ "\\DosDevices\\C", 24 },
		{ "\\DosDevices\\1:", 24 },
		{ "\\DosDevices\\C:\\", 24 },
		{ "\\??\\Volume{x}", 24 },
		{ "#{0000}", 24 },
		{ "", 24 },
	};
	uint8_t bytes[24];
	struct mounted_device device;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(mounted_device_decode(cases[i].name, gpt_value,
						       cases[i].length, &device),
				 -ENOENT);
	memcpy(bytes, gpt_value, sizeof(bytes));
	bytes[3] = 'X';
	assert_int_equal(mounted_device_decode("\\DosDevices\\C:", bytes, 24, &device),
			 -ENOENT);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(mounted_device_decode("\\DosDevices\\C:", bytes, 12, &device),
			 -ENOENT);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(mounted_device_decode("\\DosDevices\\C:", bytes, 12, &device),
			 -ENOENT);
}

/* -- merging ----------------------------------------------------------------------------- */

static void images_with_random_names_get_their_place_from_the_hive(void **state)
{
	struct mounted_device entries[] = {
		{ .kind = MOUNTED_MBR,
		  .mbr_signature = 0x11111111,
		  .offset = 101 * MiB,
		  .letter = 'E' },
		{ .kind = MOUNTED_MBR,
		  .mbr_signature = 0xd1cecf67,
		  .offset = 101 * MiB,
		  .has_volume = true,
		  .volume = guid(RANDOM_GUID),
		  .letter = 'C' },
	};
	struct mounted_devices mounted = { ARRAY_SIZE(entries), entries, true };
	const struct mounted_devices per_volume[MAX_VOLUMES] = { mounted };
	const struct source_disk *disk;
	struct set set;

	set_up(&set);
	add_volume(&set, RANDOM_GUID ".vhd", ROLE_WINDOWS, 300 * MiB, 0);
	set.evidence.mounted = per_volume;
	merge(&set);
	disk = &set.version.disks[0];
	assert_value(&disk->mbr_signature, 0xd1cecf67, ORIGIN_MOUNTED_DEVICES);
	assert_value(&disk->partitions[0].offset, 101 * MiB, ORIGIN_MOUNTED_DEVICES);
	assert_string_equal(set.version.volumes[0].access_path.value, "C:");
	assert_int_equal(set.version.volumes[0].access_path.origin,
			 ORIGIN_MOUNTED_DEVICES);
	assert_string_equal(
		set.version.notes[set.version.note_count - 1],
		"the SYSTEM hive was not written to its end; what its MountedDevices say "
		"may be old");
	tear_down(&set);
}

static void an_old_disk_at_the_same_place_decides_nothing(void **state)
{
	struct mounted_device entries[] = {
		{ .kind = MOUNTED_MBR, .mbr_signature = 1, .offset = MiB, .letter = 'C' },
		{ .kind = MOUNTED_MBR, .mbr_signature = 2, .offset = MiB, .letter = 'D' },
	};
	struct mounted_devices mounted = { ARRAY_SIZE(entries), entries, false };
	const struct mounted_devices per_volume[MAX_VOLUMES] = { mounted };
	struct set set;

	set_up(&set);
	add_volume(&set, "first.vhd", ROLE_WINDOWS, 300 * MiB, MiB);
	set.evidence.mounted = per_volume;
	merge(&set);
	assert_int_equal(set.version.disks[0].mbr_signature.origin, ORIGIN_NONE);
	assert_null(set.version.volumes[0].access_path.value);
	tear_down(&set);
}

static void what_differs_is_shown_with_both_origins_and_stops_nothing(void **state)
{
	struct mounted_device entry = { .kind = MOUNTED_GPT,
					.partition_id = guid(OTHER_GUID),
					.has_volume = true,
					.volume = guid(WINDOWS_GUID),
					.letter = 'D' };
	struct mounted_devices mounted = { 1, &entry, false };
	const struct mounted_devices per_volume[MAX_VOLUMES] = { { 0 }, mounted };
	struct set set;

	make_uefi(&set);
	set.version.volumes[1].access_path.value = strdup("C:");
	set.version.volumes[1].access_path.origin = ORIGIN_BACKUP_SPECS;
	set.evidence.mounted = per_volume;
	merge(&set);
	assert_int_equal(set.version.contradiction_count, 2);
	assert_contradiction(&set, 0, "drive letter of '" WINDOWS_GUID ".vhdx'",
			     "C:", "D:", false);
	assert_contradiction(&set, 1, "partition of C: on disk 0: id", WINDOWS_GUID,
			     OTHER_GUID, false);
	assert_int_equal(set.version.contradictions[1].a, ORIGIN_BCD);
	assert_int_equal(set.version.contradictions[1].b, ORIGIN_MOUNTED_DEVICES);
	assert_int_equal(set.version.health, HEALTH_WHOLE);
	tear_down(&set);
}

/* -- real hives -------------------------------------------------------------------------- */

static struct mounted_devices *read_sample(const char *name)
{
	const char *samples = getenv("SAMPLES");
	struct mounted_devices *mounted = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length = 0;
	char command[512];
	FILE *pipe;

	if (!samples) {
		print_message("SAMPLES is not set: real hives are not read\n");
		skip();
	}
	snprintf(command, sizeof(command), "xz -dc '%s/%s'", samples, name);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	bytes = malloc(64 * MiB);
	assert_non_null(bytes);
	length = fread(bytes, 1, 64 * MiB, pipe);
	assert_int_equal(pclose(pipe), 0);
	if (mounted_devices_read(bytes, length, name, &mounted, &err) < 0)
		fail_msg("%s", err.text);
	return mounted;
}

static void a_real_dirty_hive_names_two_volumes_of_one_disk(void **state)
{
	AUTO(mounted_devices_freep)
	struct mounted_devices *mounted = read_sample("dfwinreg/SYSTEM.xz");
	unsigned found = 0;

	assert_true(mounted->dirty);
	for (size_t i = 0; i < mounted->count; i++) {
		const struct mounted_device *device = &mounted->devices[i];

		if (device->kind != MOUNTED_MBR || device->mbr_signature != 0xd1cecf67)
			continue;
		found += device->offset == MiB || device->offset == 0x15f00000;
		if (device->offset == 0x15f00000)
			assert_int_equal(device->letter, 'C');
	}
	assert_int_equal(found, 2);
}

static void another_real_hive_is_read(void **state)
{
	AUTO(mounted_devices_freep)
	struct mounted_devices *mounted = read_sample("regipy/SYSTEM_2.xz");

	assert_true(mounted->count > 0);
	for (size_t i = 0; i < mounted->count; i++)
		assert_int_equal(mounted->devices[i].kind, MOUNTED_MBR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_letter_of_a_gpt_disk_names_its_partition),
		cmocka_unit_test(a_volume_of_an_mbr_disk_names_signature_and_offset),
		cmocka_unit_test(what_is_no_partition_or_no_volume_is_passed_over),
		cmocka_unit_test(images_with_random_names_get_their_place_from_the_hive),
		cmocka_unit_test(an_old_disk_at_the_same_place_decides_nothing),
		cmocka_unit_test(
			what_differs_is_shown_with_both_origins_and_stops_nothing),
		cmocka_unit_test(a_real_dirty_hive_names_two_volumes_of_one_disk),
		cmocka_unit_test(another_real_hive_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
