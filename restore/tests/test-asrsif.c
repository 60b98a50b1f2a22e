/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * AsrSif. The MBR document follows the one complete real one; every spelling of GPT disks
 * here is invented, since no public source tells the real one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "evidence/asrsif.h"

#define DOCUMENT(disks)                                                                  \
	"<AsrSif><Version AsrVersion=\"2.0\"/><System MachineName=\"L4MPJE-PC\" "        \
	"Platform=\"x86\" FirmwareType=\"1\" OSVersion=\"6.1\"/><Disks "                 \
	"NumMbrDisks=\"1\" "                                                             \
	"NumGptDisks=\"0\">" disks "</Disks><AsrVhd NumDisks=\"0\"/><FixedVolumes "      \
	"NumVolumeNames=\"1\"><VolumeName "                                              \
	"VolumeGuid=\"\\??\\Volume{9b9cfbc4-369e-11e9-a17c-806e6f6e6963}\" "             \
	"DosPath=\"\\DosDevices\\C:\" FsName=\"NTFS\" Label=\"Sys\" "                    \
	"ClusterSize=\"0x1000\"/>"                                                       \
	"</FixedVolumes><AsrLdm NumPacks=\"0\"/></AsrSif>"

#define MBR_DISK(partitions)                                                             \
	"<MbrDisk NumPartitions=\"2\" PartitionTableSize=\"4\" BusKey=\"1\" "            \
	"DeviceNumber=\"3\" IsCritical=\"1\" MbrSignature=\"0x8ae9dbe5\" "               \
	"BytesPerSector=\"512\" SectorsPerTrack=\"63\" TracksPerCylinder=\"255\" "       \
	"NumCylinders=\"1958\" MediaType=\"12\" DiskSize=\"16106127360\" "               \
	"IsExcluded=\"0\" "                                                              \
	"IsShared=\"0\">" partitions "</MbrDisk>"

#define MBR_PARTITIONS                                                                   \
	"<MbrPartition PartitionIndex=\"1\" PartitionFlag=\"1\" BootFlag=\"0\" "         \
	"PartitionType=\"0x7\" FileSystemType=\"0x0\" NumSymbolicNames=\"2\" "           \
	"PartitionOffset=\"105906176\" PartitionLength=\"15999172608\" "                 \
	"IsCritical=\"1\">"                                                              \
	"<VolumeMountPoint SymbolicName=\"\\DosDevices\\C:\"/><VolumeMountPoint "        \
	"SymbolicName=\"\\??\\Volume{9b9cfbc4-369e-11e9-a17c-806e6f6e6963}\"/></"        \
	"MbrPartition>"                                                                  \
	"<MbrPartition PartitionIndex=\"0\" PartitionFlag=\"6\" BootFlag=\"1\" "         \
	"PartitionType=\"0x7\" FileSystemType=\"0x0\" NumSymbolicNames=\"1\" "           \
	"PartitionOffset=\"1048576\" PartitionLength=\"104857600\" IsCritical=\"1\">"    \
	"<VolumeMountPoint "                                                             \
	"SymbolicName=\"\\??\\Volume{9b9cfbc3-369e-11e9-a17c-806e6f6e6963}\""            \
	"/></MbrPartition>"

static struct asrsif *read_text(const char *text)
{
	struct asrsif *asrsif = NULL;
	struct err err = { 0 };

	if (asrsif_read(text, "a.xml", &asrsif, &err) < 0)
		fail_msg("%s", err.text);
	return asrsif;
}

static void refuse(const char *text, const char *message)
{
	struct asrsif *asrsif = NULL;
	struct err err = { 0 };

	assert_int_equal(asrsif_read(text, "a.xml", &asrsif, &err), -EBADMSG);
	assert_string_equal(err.text, message);
	assert_null(asrsif);
}

static void assert_guid(const struct value_guid *value, const char *text)
{
	char guid[GUID_TEXT_SIZE];

	assert_int_equal(value->origin, ORIGIN_ASRSIF);
	assert_string_equal(guid_format(&value->value, guid), text);
}

static void an_mbr_disk_is_read_exactly(void **state)
{
	AUTO(asrsif_freep)
	struct asrsif *asrsif = read_text(DOCUMENT(MBR_DISK(MBR_PARTITIONS)));
	const struct asrsif_disk *disk = &asrsif->disks[0];
	const struct asrsif_partition *p = disk->partitions;

	assert_string_equal(asrsif->machine, "L4MPJE-PC");
	assert_int_equal(asrsif->firmware, ASRSIF_BIOS);
	assert_false(asrsif->has_dynamic_disks);
	assert_int_equal(asrsif->disk_count, 1);
	assert_int_equal(disk->values.style.value, TABLE_MBR);
	assert_int_equal(disk->number, 3);
	assert_int_equal(disk->values.mbr_signature.value, 0x8ae9dbe5);
	assert_int_equal(disk->values.size.value, 16106127360);
	assert_int_equal(disk->values.sector_size.value, 512);
	assert_int_equal(disk->values.critical.value, 1);
	assert_int_equal(disk->partition_count, 2);
	assert_int_equal(p[0].values.slot.value, 1);
	assert_int_equal(p[0].values.offset.value, 1048576);
	assert_int_equal(p[0].values.length.value, 104857600);
	assert_int_equal(p[0].values.mbr_type.value, 7);
	assert_int_equal(p[0].values.mbr_active.value, 1);
	assert_null(p[0].dos_path);
	assert_int_equal(p[1].values.slot.value, 2);
	assert_int_equal(p[1].values.offset.value, 105906176);
	assert_int_equal(p[1].values.length.value, 15999172608);
	assert_int_equal(p[1].values.mbr_active.value, 0);
	assert_string_equal(p[1].dos_path, "C:");
	assert_true(p[1].has_volume);
	assert_int_equal(p[1].values.volume, -1);
	assert_int_equal(asrsif->volume_count, 1);
	assert_string_equal(asrsif->volumes[0].file_system, "NTFS");
	assert_string_equal(asrsif->volumes[0].label, "Sys");
	assert_string_equal(asrsif->volumes[0].dos_path, "C:");
}

#define PARTITION(index, type, offset)                                                   \
	"<MbrPartition PartitionIndex='" #index "' BootFlag='0' PartitionType='" #type   \
	"' PartitionOffset='" #offset "' PartitionLength='1048576'/>"

static void logical_partitions_get_slots_from_5_and_links_are_left_out(void **state)
{
	AUTO(asrsif_freep)
	struct asrsif *asrsif = read_text(DOCUMENT(
		MBR_DISK(PARTITION(0, 0x7, 1048576) PARTITION(1, 0xf, 2097152)
				 PARTITION(4, 0x7, 3145728) PARTITION(5, 0x5, 4194304)
					 PARTITION(8, 0x7, 5242880))));
	const struct asrsif_disk *disk = &asrsif->disks[0];

	assert_int_equal(disk->partition_count, 4);
	assert_int_equal(disk->partitions[1].values.slot.value, 2);
	assert_int_equal(disk->partitions[1].values.mbr_type.value, 0xf);
	assert_int_equal(disk->partitions[2].values.slot.value, 5);
	assert_int_equal(disk->partitions[3].values.slot.value, 6);
}

/* Three invented spellings of one GPT disk. */
static const char *const gpt_disks[] = {
	"<GptDisk NumPartitions='2' DeviceNumber='0' IsCritical='1' "
	"DiskId='{DC4FADF5-0301-43B1-A92E-FA050E941B2A}' BytesPerSector='4096' "
	"DiskSize='16106127360'><GptPartition PartitionIndex='1' "
	"PartitionType='{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}' "
	"PartitionId='{25db1717-fb0a-484d-986d-92ae59953c88}' "
	"GptAttributes='0x8000000000000001' PartitionName='Basic data partition' "
	"PartitionOffset='105906176' PartitionLength='15999172608'><VolumeMountPoint "
	"SymbolicName='\\??\\Volume{25db1717-fb0a-484d-986d-92ae59953c88}'/></"
	"GptPartition>"
	"<GptPartition PartitionIndex='0' "
	"PartitionType='{C12A7328-F81F-11D2-BA4B-00A0C93EC93B}' "
	"PartitionId='{2d9b7ebd-0f16-41ef-b06a-fd6526496b24}' GptAttributes='0' "
	"PartitionName='' PartitionOffset='1048576' "
	"PartitionLength='104857600'/></GptDisk>",

	"<DiskGpt GptDiskGuid='dc4fadf5-0301-43b1-a92e-fa050e941b2a' "
	"BytesPerSector='4096' DiskSize='16106127360' IsCritical='1'>"
	"<PartitionGpt UniqueGuid='2D9B7EBD-0F16-41EF-B06A-FD6526496B24' "
	"TypeGuid='C12A7328-F81F-11D2-BA4B-00A0C93EC93B' AttributeBits='0' Label='' "
	"StartingOffset='0x100000' ByteLength='0x6400000' PartitionIndex='0'/>"
	"<PartitionGpt TypeGuid='EBD0A0A2-B9E5-4433-87C0-68B6B72699C7' "
	"UniqueGuid='25DB1717-FB0A-484D-986D-92AE59953C88' "
	"AttributeBits='9223372036854775809' Label='Basic data partition' "
	"StartingOffset='105906176' ByteLength='15999172608' PartitionIndex='1' "
	"VolumeGuid='{25db1717-fb0a-484d-986d-92ae59953c88}'/></DiskGpt>",

	"<Disk Guid='{dc4fadf5-0301-43b1-a92e-fa050e941b2a}' BytesPerSector='4096' "
	"DiskSize='16106127360' IsCritical='1'><Entry "
	"T='{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}' "
	"U='{2d9b7ebd-0f16-41ef-b06a-fd6526496b24}' Attr='0x0' EntryName='' Index='0' "
	"Offset='1048576' Length='104857600'/><Entry Index='1' "
	"T='{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}' "
	"U='{25db1717-fb0a-484d-986d-92ae59953c88}' "
	"Attr='0x8000000000000001' EntryName='Basic data partition' Offset='105906176' "
	"Length='15999172608'><Mount "
	"Point='\\??\\Volume{25db1717-fb0a-484d-986d-92ae59953c88}'"
	"/></Entry></Disk>",
};

static void check_gpt_disk(const struct asrsif_disk *disk)
{
	const struct asrsif_partition *p = disk->partitions;

	assert_int_equal(disk->values.style.value, TABLE_GPT);
	assert_guid(&disk->values.disk_id, "dc4fadf5-0301-43b1-a92e-fa050e941b2a");
	assert_int_equal(disk->values.sector_size.value, 4096);
	assert_int_equal(disk->values.size.value, 16106127360);
	assert_int_equal(disk->partition_count, 2);
	assert_guid(&p[0].values.type, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
	assert_guid(&p[0].values.id, "2d9b7ebd-0f16-41ef-b06a-fd6526496b24");
	assert_int_equal(p[0].values.slot.value, 1);
	assert_int_equal(p[0].values.offset.value, 1048576);
	assert_int_equal(p[0].values.length.value, 104857600);
	assert_string_equal(p[0].values.name.value, "");
	assert_guid(&p[1].values.type, "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");
	assert_guid(&p[1].values.id, "25db1717-fb0a-484d-986d-92ae59953c88");
	assert_int_equal(p[1].values.slot.value, 2);
	assert_true(p[1].values.attributes.value == UINT64_C(0x8000000000000001));
	assert_string_equal(p[1].values.name.value, "Basic data partition");
	assert_int_equal(p[1].values.length.value, 15999172608);
	assert_true(p[1].has_volume);
}

static void gpt_disks_are_read_by_shape_in_any_spelling(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(gpt_disks); i++) {
		char text[4096];
		struct asrsif *asrsif;

		snprintf(text, sizeof(text), DOCUMENT("%s"), gpt_disks[i]);
		asrsif = read_text(text);
		assert_int_equal(asrsif->disk_count, 1);
		check_gpt_disk(&asrsif->disks[0]);
		asrsif_free(asrsif);
	}
}

static void an_id_that_could_be_either_of_two_is_left_open(void **state)
{
	AUTO(asrsif_freep)
	struct asrsif *asrsif = read_text(
		DOCUMENT("<GptDisk><Entry T='{11111111-2222-4333-8444-555555555555}' "
			 "U='{25db1717-fb0a-484d-986d-92ae59953c88}' Offset='1048576' "
			 "Length='512'/>"
			 "</GptDisk>"));

	assert_int_equal(asrsif->disks[0].partitions[0].values.id.origin, ORIGIN_NONE);
	assert_int_equal(asrsif->disks[0].partitions[0].values.type.origin, ORIGIN_NONE);
}

static void impossible_values_are_refused(void **state)
{
	refuse(DOCUMENT("<MbrDisk DiskSize='12GB'/>"),
	       "'a.xml': AsrSif: DiskSize '12GB' is not a number");
	refuse(DOCUMENT("<MbrDisk DiskSize='99999999999999999999'/>"),
	       "'a.xml': AsrSif: DiskSize '99999999999999999999' is not a number");
	refuse(DOCUMENT("<MbrDisk DiskSize='-1'/>"),
	       "'a.xml': AsrSif: DiskSize '-1' is not a number");
	refuse(DOCUMENT("<MbrDisk BytesPerSector='1000'/>"),
	       "'a.xml': AsrSif: disk with sectors of 1000 bytes, must be 512 to 4096");
	refuse(DOCUMENT("<MbrDisk MbrSignature='0x123456789'/>"),
	       "'a.xml': AsrSif: signature 0x123456789 has more than 32 bits");
	refuse(DOCUMENT("<MbrDisk DiskSize='2097152'>" PARTITION(0, 0x7,
								 1048577) "</MbrDisk>"),
	       "'a.xml': AsrSif: partition ends at byte 2097153, its disk at 2097152");
	refuse(DOCUMENT("<MbrDisk>" PARTITION(0, 0x7, 0xffffffffffffffff) "</MbrDisk>"),
	       "'a.xml': AsrSif: partition at 18446744073709551615 of 1048576 bytes is "
	       "beyond every disk");
	refuse(DOCUMENT("<MbrDisk>" PARTITION(0, 0x107, 512) "</MbrDisk>"),
	       "'a.xml': AsrSif: partition with index 1 and type 0x107 cannot be");
	refuse("<AsrSif><Disks></AsrSif>", "'a.xml': line 1: not XML: mismatched tag");
}

static void empty_entries_are_no_partitions(void **state)
{
	AUTO(asrsif_freep)
	struct asrsif *asrsif = read_text(
		DOCUMENT("<MbrDisk><MbrPartition PartitionIndex='2' PartitionType='0x0' "
			 "PartitionOffset='0' PartitionLength='0'/></MbrDisk>"));

	assert_int_equal(asrsif->disk_count, 1);
	assert_int_equal(asrsif->disks[0].partition_count, 0);
}

static void a_document_without_disks_is_read(void **state)
{
	AUTO(asrsif_freep) struct asrsif *asrsif = read_text("<AsrSif/>");

	assert_int_equal(asrsif->disk_count, 0);
	assert_null(asrsif->machine);
}

static void it_is_found_raw_and_escaped_once_or_twice(void **state)
{
	static const char *const documents[] = {
		"<A><AsrSif><B x=\"&#38;\"/></AsrSif></A>",
		"<A m=\"&lt;AsrSif&gt;&lt;B "
		"x=&quot;&amp;#38;&quot;/&gt;&lt;/AsrSif&gt;\"/>",
		"<A m=\"&amp;lt;AsrSif&amp;gt;&amp;lt;B "
		"x=&amp;quot;&amp;amp;#38;&amp;quot;/"
		"&amp;gt;&amp;lt;/AsrSif&amp;gt;\"/>",
		"<A m='&lt;AsrSif&gt;&#60;B x=&#x22;&amp;#38;&#34;/>&lt;/AsrSif&gt;'",
	};

	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		struct err err = { 0 };
		char *text = NULL;

		assert_int_equal(asrsif_find(documents[i], &text, &err), 0);
		assert_string_equal(text, "<AsrSif><B x=\"&#38;\"/></AsrSif>");
		free(text);
	}
}

static void documents_without_it_are_told(void **state)
{
	static const char *const documents[] = {
		"", "<A/>", "&", "&#", "AsrSif",
	};

	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		struct err err = { 0 };
		char *text = NULL;

		assert_int_equal(asrsif_find(documents[i], &text, &err), -ENOENT);
		assert_null(text);
	}
}

static void one_that_is_cut_off_is_damaged(void **state)
{
	static const char *const documents[] = {
		"<AsrSif>",
		"<A m=\"&lt;AsrSif&gt;",
		"<A m=\"&lt;AsrSif </AsrSif>",
	};

	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		struct err err = { 0 };
		char *text = NULL;

		assert_int_equal(asrsif_find(documents[i], &text, &err), -EBADMSG);
		assert_string_equal(err.text, "AsrSif begins, but does not end");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_mbr_disk_is_read_exactly),
		cmocka_unit_test(
			logical_partitions_get_slots_from_5_and_links_are_left_out),
		cmocka_unit_test(gpt_disks_are_read_by_shape_in_any_spelling),
		cmocka_unit_test(an_id_that_could_be_either_of_two_is_left_open),
		cmocka_unit_test(impossible_values_are_refused),
		cmocka_unit_test(empty_entries_are_no_partitions),
		cmocka_unit_test(a_document_without_disks_is_read),
		cmocka_unit_test(it_is_found_raw_and_escaped_once_or_twice),
		cmocka_unit_test(documents_without_it_are_told),
		cmocka_unit_test(one_that_is_cut_off_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
