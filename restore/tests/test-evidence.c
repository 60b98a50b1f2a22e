/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Merging evidence: which image belongs where, which origin counts, what is a contradiction
 * and what becomes convention. Whole generated sets are tried in qemu-tests; here are the
 * cases that no generator makes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <base/checked.h>

#include "backup-parts.h"
#include "evidence.h"
#include "value.h"

#define ESP_GUID     "fd1de650-7c8d-433a-8d36-50221b556da0"
#define WINDOWS_GUID "7c666e94-9e56-4048-b2ed-173e841bbdbd"
#define OTHER_GUID   "25db1717-fb0a-484d-986d-92ae59953c88"
#define DISK_GUID    "dc4fadf5-0301-43b1-a92e-fa050e941b2a"
#define RANDOM_GUID  "9b9cfbc4-369e-11e9-a17c-806e6f6e6963"

#define MAX_VOLUMES 8

/* A set under test. */
struct set {
	struct backup_version version;
	struct image_name names[MAX_VOLUMES];
	struct evidence evidence;
	struct bcd_store uefi, bios;
	struct asrsif *asrsif;
};

static struct guid guid(const char *text)
{
	struct guid result;

	assert_int_equal(guid_parse(text, strlen(text), &result), 0);
	return result;
}

static void set_up(struct set *set)
{
	*set = (struct set){ .version = { .path = strdup("set") } };
	set->version.volumes = calloc(MAX_VOLUMES, sizeof(*set->version.volumes));
	assert_non_null(set->version.volumes);
	set->evidence.names = set->names;
}

static void tear_down(struct set *set)
{
	backup_version_clear(&set->version);
	asrsif_free(set->asrsif);
}

static struct backup_volume *add_volume(struct set *set, const char *name,
					enum volume_role role, uint64_t length,
					uint64_t hidden)
{
	size_t i = set->version.volume_count++;
	struct backup_volume *volume = &set->version.volumes[i];

	assert_true(i < MAX_VOLUMES);
	set->names[i] = image_name_read(name);
	volume->image_path = strdup(name);
	assert_non_null(volume->image_path);
	volume->role = role;
	volume->length = length;
	volume->fs = (struct volume_info){ .fs = role == ROLE_ESP ? FS_FAT32 : FS_NTFS,
					   .sector_size = 512,
					   .hidden_bytes = hidden,
					   .serial = i + 1 };
	return volume;
}

static void set_asrsif(struct set *set, const char *disks)
{
	struct err err = { 0 };
	char text[4096];

	snprintf(text, sizeof(text), "<AsrSif><Disks>%s</Disks></AsrSif>", disks);
	if (asrsif_read(text, "a.xml", &set->asrsif, &err) < 0)
		fail_msg("%s", err.text);
	set->evidence.asrsif = set->asrsif;
}

static struct bcd_device gpt_device(const char *partition)
{
	return (struct bcd_device){ .kind = BCD_DEVICE_GPT,
				    .partition_id = guid(partition),
				    .disk_id = guid(DISK_GUID) };
}

static struct bcd_device mbr_device(uint32_t signature, uint64_t offset)
{
	return (struct bcd_device){ .kind = BCD_DEVICE_MBR,
				    .mbr_signature = signature,
				    .offset = offset };
}

/* The usual UEFI machine without AsrSif. */
static void make_uefi(struct set *set)
{
	set_up(set);
	add_volume(set, "Esp.vhdx", ROLE_ESP, 100 * MiB, MiB);
	add_volume(set, WINDOWS_GUID ".vhdx", ROLE_WINDOWS, 300 * MiB, 117 * MiB);
	set->uefi.boot_manager = gpt_device(ESP_GUID);
	set->uefi.windows = gpt_device(WINDOWS_GUID);
	set->evidence.uefi_store = &set->uefi;
}

static void merge(struct set *set)
{
	struct err err = { 0 };

	if (evidence_merge(&set->evidence, &set->version, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_value(const struct value_u64 *value, uint64_t number,
			 enum origin origin)
{
	assert_int_equal(value->origin, origin);
	assert_int_equal(value->value, number);
}

static void assert_guid(const struct value_guid *value, const char *text,
			enum origin origin)
{
	char found[GUID_TEXT_SIZE];

	assert_int_equal(value->origin, origin);
	assert_string_equal(guid_format(&value->value, found), text);
}

static void assert_contradiction(const struct set *set, size_t index, const char *what,
				 const char *a, const char *b, bool fatal)
{
	const struct contradiction *c = &set->version.contradictions[index];

	assert_true(index < set->version.contradiction_count);
	assert_string_equal(c->what, what);
	assert_string_equal(c->value_a, a);
	assert_string_equal(c->value_b, b);
	assert_int_equal(c->fatal, fatal);
}

/* -- without AsrSif ---------------------------------------------------------------------- */

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

/* -- with AsrSif ------------------------------------------------------------------------- */

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

#define WINDOWS_AT     122683392
#define WINDOWS_LENGTH 314572800

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

static void
an_id_that_differs_from_the_store_is_fatal_unless_the_store_is_dirty(void **state)
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
	assert_contradiction(&set, 0, "disk 0: table", "GPT", "MBR", true);
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
	const struct CMUnitTest all[] = {
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
		cmocka_unit_test(images_of_any_name_are_joined_by_place_and_length),
		cmocka_unit_test(what_asrsif_leaves_open_is_filled_by_others),
		cmocka_unit_test(asrsif_lists_the_reserved_partition_so_none_is_added),
		cmocka_unit_test(
			an_id_that_differs_from_the_store_is_fatal_unless_the_store_is_dirty),
		cmocka_unit_test(an_image_without_a_place_is_fatal),
		cmocka_unit_test(a_second_image_of_one_name_is_a_second_candidate),
		cmocka_unit_test(overlapping_partitions_are_fatal),
		cmocka_unit_test(logical_partitions_lie_inside_the_extended_one),
		cmocka_unit_test(another_sector_size_in_the_boot_sector_is_fatal),
		cmocka_unit_test(another_table_in_the_names_is_fatal),
		cmocka_unit_test(the_writer_tells_critical_volumes_and_what_is_missing),
		cmocka_unit_test(firmware_that_two_documents_see_differently_is_a_note),
		cmocka_unit_test(the_id_of_the_disk_in_a_caption_fills_a_gap_only),
		cmocka_unit_test(a_fatal_contradiction_is_never_lost_among_many),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
