/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Merging evidence with AsrSif: which image belongs where, and what is a contradiction. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "evidence-fixture.h"

#define MBR_DISK(partitions)                                                             \
	"<MbrDisk DeviceNumber='0' MbrSignature='0x8ae9dbe5' BytesPerSector='512' "      \
	"DiskSize='1073741824'>" partitions "</MbrDisk>"
#define MBR_PARTITION(index, type, offset, length, volume)                               \
	"<MbrPartition PartitionIndex='" #index "' BootFlag='0' PartitionType='" #type   \
	"' PartitionOffset='" #offset "' PartitionLength='" #length                      \
	"'><VolumeMountPoint SymbolicName='\\??\\Volume{" volume "}'/></MbrPartition>"
#define GPT_DISK(partitions)                                                             \
	"<GptDisk DeviceNumber='0' DiskId='{" DISK_GUID "}' BytesPerSector='512' "       \
	"DiskSize='1073741824'>" partitions "</GptDisk>"
#define GPT_PARTITION(index, ids, offset, length, volume)                                \
	"<GptPartition PartitionIndex='" #index "' " ids " PartitionOffset='" #offset    \
	"' PartitionLength='" #length                                                    \
	"'><VolumeMountPoint SymbolicName='\\??\\Volume{" volume "}'/></GptPartition>"

/* AsrSif of the usual UEFI machine; ids: attributes of the Windows partition. */
#define USUAL(ids)                                                                       \
	GPT_DISK("<GptPartition PartitionIndex='0' "                                     \
		 "PartitionType='{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}' "               \
		 "PartitionId='{" ESP_GUID "}' PartitionOffset='1048576' "               \
		 "PartitionLength='104857600'/>" GPT_PARTITION(2, ids, 122683392,        \
							       314572800, WINDOWS_GUID))

static void images_of_any_name_are_joined_by_place_and_length(void **state)
{
	struct set set;

	make_uefi(&set);
	set.names[1] = image_name_read("drive c.vhdx");
	set_asrsif(&set, USUAL("PartitionId='{" WINDOWS_GUID "}'"));
	merge(&set);
	assert_int_equal(set.version.contradiction_count, 0);
	assert_int_equal(set.version.disks[0].partitions[0].volume, 0);
	assert_int_equal(set.version.disks[0].partitions[1].volume, 1);
	assert_guid(&set.version.volumes[1].volume_guid, WINDOWS_GUID, ORIGIN_ASRSIF);
	/* by length alone */
	tear_down(&set);
	make_uefi(&set);
	set.names[1] = image_name_read("drive c.vhdx");
	set.version.volumes[1].fs.hidden_bytes = 0;
	set_asrsif(&set, USUAL("PartitionId='{" WINDOWS_GUID "}'"));
	merge(&set);
	assert_int_equal(set.version.disks[0].partitions[1].volume, 1);
	tear_down(&set);
}

static void asrsif_says_which_volumes_are_critical(void **state)
{
	struct set set;

	make_uefi(&set);
	add_volume(&set, "d.vhdx", ROLE_DATA, 400 * MiB, 437256192);
	add_volume(&set, "e.vhdx", ROLE_DATA, 200 * MiB, 856686592);
	set_asrsif(
		&set,
		GPT_DISK("<GptPartition PartitionIndex='0' PartitionId='{" ESP_GUID
			 "}' PartitionOffset='1048576' PartitionLength='104857600'/>"
			 "<GptPartition PartitionIndex='1' PartitionId='{" WINDOWS_GUID
			 "}' PartitionOffset='122683392' PartitionLength='314572800'/>"
			 "<GptPartition PartitionIndex='2' PartitionOffset='437256192' "
			 "PartitionLength='419430400' IsCritical='1'/>"
			 "<GptPartition PartitionIndex='3' PartitionOffset='856686592' "
			 "PartitionLength='209715200' IsCritical='0'/>"));
	merge(&set);
	assert_value(&set.version.volumes[1].critical, 1, ORIGIN_CONVENTION);
	assert_value(&set.version.volumes[2].critical, 1, ORIGIN_ASRSIF);
	assert_value(&set.version.volumes[3].critical, 0, ORIGIN_ASRSIF);
	tear_down(&set);
}

static void what_asrsif_leaves_open_is_filled_by_others(void **state)
{
	const struct source_partition *p;
	struct set set;

	make_uefi(&set);
	set_asrsif(&set, USUAL(""));
	merge(&set);
	p = &set.version.disks[0].partitions[1];
	assert_guid(&p->id, WINDOWS_GUID, ORIGIN_BCD);
	assert_guid(&p->type, "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", ORIGIN_CONVENTION);
	assert_value(&p->slot, 3, ORIGIN_ASRSIF);
	assert_value(&p->attributes, 0, ORIGIN_CONVENTION);
	assert_int_equal(set.version.contradiction_count, 0);
	tear_down(&set);
}

static void asrsif_lists_the_reserved_partition_so_none_is_added(void **state)
{
	struct set set;

	make_uefi(&set);
	set_asrsif(&set, USUAL("PartitionId='{" WINDOWS_GUID "}'"));
	merge(&set);
	assert_int_equal(set.version.disks[0].partition_count, 2);
	tear_down(&set);
}

static void an_id_that_a_clean_store_does_not_know_is_fatal(void **state)
{
	for (unsigned dirty = 0; dirty <= 1; dirty++) {
		struct set set;

		make_uefi(&set);
		set.uefi.dirty = dirty;
		set_asrsif(&set, USUAL("PartitionId='{" OTHER_GUID "}'"));
		merge(&set);
		assert_int_equal(set.version.contradiction_count, 1);
		assert_contradiction(&set, 0,
				     "partition of " WINDOWS_GUID ".vhdx on disk 0: id",
				     OTHER_GUID, WINDOWS_GUID, !dirty);
		assert_int_equal(set.version.health,
				 dirty ? HEALTH_WHOLE : HEALTH_DAMAGED);
		assert_guid(&set.version.disks[0].partitions[1].id, OTHER_GUID,
			    ORIGIN_ASRSIF);
		tear_down(&set);
	}
}

static void an_image_without_a_place_is_fatal(void **state)
{
	struct set set;

	make_uefi(&set);
	add_volume(&set, "stray.vhdx", ROLE_DATA, 77 * MiB, 0);
	set_asrsif(&set, USUAL("PartitionId='{" WINDOWS_GUID "}'"));
	merge(&set);
	assert_int_equal(set.version.contradiction_count, 1);
	assert_contradiction(&set, 0, "place of 'stray.vhdx' on the source's disks",
			     "no partition fits", "80740352 bytes", true);
	assert_int_equal(set.version.health, HEALTH_DAMAGED);
	assert_string_equal(
		set.version.reasons[0],
		"contradictory evidence: place of 'stray.vhdx' on the source's "
		"disks: no partition fits (AsrSif) but 80740352 bytes (image)");
	tear_down(&set);
}

static void a_second_image_of_one_name_is_a_second_candidate(void **state)
{
	struct set set;

	make_uefi(&set);
	add_volume(&set, WINDOWS_GUID ".vhd", ROLE_WINDOWS, 300 * MiB, 117 * MiB);
	set_asrsif(&set, USUAL("PartitionId='{" WINDOWS_GUID "}'"));
	merge(&set);
	assert_int_equal(set.version.contradiction_count, 1);
	assert_contradiction(&set, 0, "two candidates for volume " WINDOWS_GUID ".vhdx",
			     WINDOWS_GUID ".vhdx", WINDOWS_GUID ".vhd", true);
	tear_down(&set);
}

static void overlapping_partitions_are_fatal(void **state)
{
	struct set set;

	set_up(&set);
	set_asrsif(&set, MBR_DISK(MBR_PARTITION(0, 0x7, 1048576, 104857600, OTHER_GUID)
					  MBR_PARTITION(1, 0x7, 52428800, 104857600,
							RANDOM_GUID)));
	merge(&set);
	assert_contradiction(&set, 0, "overlapping partitions on disk 0",
			     "up to byte 105906176", "from byte 52428800", true);
	tear_down(&set);
}

static void logical_partitions_lie_inside_the_extended_one(void **state)
{
	struct set set;

	set_up(&set);
	/* HiddenSectors of a logical partition counts from its own boot record: 63 here */
	add_volume(&set, RANDOM_GUID ".vhd", ROLE_WINDOWS, 50 * MiB, 63 * 512);
	set.evidence.bios_store = &set.bios;
	set_asrsif(&set, MBR_DISK("<MbrPartition PartitionIndex='0' PartitionType='0xf' "
				  "PartitionOffset='1048576' "
				  "PartitionLength='104857600'/>" MBR_PARTITION(
					  4, 0x7, 2097152, 52428800, RANDOM_GUID)));
	merge(&set);
	assert_int_equal(set.version.contradiction_count, 0);
	assert_value(&set.version.disks[0].partitions[1].slot, 5, ORIGIN_ASRSIF);
	assert_value(&set.version.disks[0].partitions[1].offset, 2097152, ORIGIN_ASRSIF);
	tear_down(&set);
}

static void another_sector_size_in_the_boot_sector_is_fatal(void **state)
{
	struct set set;

	make_uefi(&set);
	set.version.volumes[1].fs.sector_size = 4096;
	set_asrsif(&set, USUAL("PartitionId='{" WINDOWS_GUID "}'"));
	merge(&set);
	assert_contradiction(&set, 0, "disk 0: sector size", "512", "4096", true);
	tear_down(&set);
}

static void another_table_in_the_names_is_fatal(void **state)
{
	struct set set;

	make_uefi(&set);
	set.names[1] = image_name_read("9546e6c7-0000-0000-0000-500700000000.vhdx");
	set_asrsif(&set, USUAL("PartitionId='{" WINDOWS_GUID "}'"));
	merge(&set);
	assert_contradiction(&set, 0, "volume of '" WINDOWS_GUID ".vhdx'", WINDOWS_GUID,
			     "9546e6c7-0000-0000-0000-500700000000", false);
	assert_contradiction(&set, 1, "disk 0: table", "GPT", "MBR", true);
	tear_down(&set);
}

static void an_image_without_the_file_system_that_windows_saw_is_damaged(void **state)
{
	struct err err = { 0 };
	struct set set;

	make_uefi(&set);
	set.version.volumes[1].fs.fs = FS_UNKNOWN;
	assert_int_equal(asrsif_read("<AsrSif><FixedVolumes><VolumeName FsName='NTFS' "
				     "VolumeGuid='\\??\\Volume{" WINDOWS_GUID
				     "}'/></FixedVolumes></AsrSif>",
				     "a.xml", &set.asrsif, &err),
			 0);
	set.evidence.asrsif = set.asrsif;
	merge(&set);
	assert_int_equal(set.version.health, HEALTH_DAMAGED);
	assert_string_equal(set.version.reasons[0],
			    "volume " WINDOWS_GUID
			    ".vhdx is damaged: no file system in the "
			    "image, NTFS by AsrSif");
	tear_down(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_of_any_name_are_joined_by_place_and_length),
		cmocka_unit_test(asrsif_says_which_volumes_are_critical),
		cmocka_unit_test(what_asrsif_leaves_open_is_filled_by_others),
		cmocka_unit_test(asrsif_lists_the_reserved_partition_so_none_is_added),
		cmocka_unit_test(an_id_that_a_clean_store_does_not_know_is_fatal),
		cmocka_unit_test(an_image_without_a_place_is_fatal),
		cmocka_unit_test(a_second_image_of_one_name_is_a_second_candidate),
		cmocka_unit_test(overlapping_partitions_are_fatal),
		cmocka_unit_test(logical_partitions_lie_inside_the_extended_one),
		cmocka_unit_test(another_sector_size_in_the_boot_sector_is_fatal),
		cmocka_unit_test(another_table_in_the_names_is_fatal),
		cmocka_unit_test(
			an_image_without_the_file_system_that_windows_saw_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
