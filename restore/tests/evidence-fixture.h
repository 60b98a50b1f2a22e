/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A backup set for tests of merging evidence. Include it after cmocka. */
#pragma once

#include <stdio.h>
#include <string.h>

#include <base/checked.h>

#include "evidence/backup-parts.h"
#include "evidence/evidence.h"
#include "evidence/value.h"

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

static inline struct guid guid(const char *text)
{
	struct guid result;

	assert_int_equal(guid_parse(text, strlen(text), &result), 0);
	return result;
}

static inline void set_up(struct set *set)
{
	*set = (struct set){ .version = { .path = strdup("set") } };
	set->version.volumes = calloc(MAX_VOLUMES, sizeof(*set->version.volumes));
	assert_non_null(set->version.volumes);
	set->evidence.names = set->names;
}

static inline void tear_down(struct set *set)
{
	backup_version_clear(&set->version);
	asrsif_free(set->asrsif);
}

static inline struct backup_volume *add_volume(struct set *set, const char *name,
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

static inline void set_asrsif(struct set *set, const char *disks)
{
	struct err err = { 0 };
	char text[4096];

	snprintf(text, sizeof(text), "<AsrSif><Disks>%s</Disks></AsrSif>", disks);
	if (asrsif_read(text, "a.xml", &set->asrsif, &err) < 0)
		fail_msg("%s", err.text);
	set->evidence.asrsif = set->asrsif;
}

static inline struct bcd_device gpt_device(const char *partition)
{
	return (struct bcd_device){ .kind = BCD_DEVICE_GPT,
				    .partition_id = guid(partition),
				    .disk_id = guid(DISK_GUID) };
}

static inline struct bcd_device mbr_device(uint32_t signature, uint64_t offset)
{
	return (struct bcd_device){ .kind = BCD_DEVICE_MBR,
				    .mbr_signature = signature,
				    .offset = offset };
}

/* The usual UEFI machine without AsrSif. */
static inline void make_uefi(struct set *set)
{
	set_up(set);
	add_volume(set, "Esp.vhdx", ROLE_ESP, 100 * MiB, MiB);
	add_volume(set, WINDOWS_GUID ".vhdx", ROLE_WINDOWS, 300 * MiB, 117 * MiB);
	set->uefi.boot_manager = gpt_device(ESP_GUID);
	set->uefi.windows = gpt_device(WINDOWS_GUID);
	set->evidence.uefi_store = &set->uefi;
}

static inline void merge(struct set *set)
{
	struct err err = { 0 };

	if (evidence_merge(&set->evidence, &set->version, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void assert_value(const struct value_u64 *value, uint64_t number,
				enum origin origin)
{
	assert_int_equal(value->origin, origin);
	assert_int_equal(value->value, number);
}

static inline void assert_guid(const struct value_guid *value, const char *text,
			       enum origin origin)
{
	char found[GUID_TEXT_SIZE];

	assert_int_equal(value->origin, origin);
	assert_string_equal(guid_format(&value->value, found), text);
}

static inline void assert_contradiction(const struct set *set, size_t index,
					const char *what, const char *a, const char *b,
					bool fatal)
{
	const struct contradiction *c = &set->version.contradictions[index];

	assert_true(index < set->version.contradiction_count);
	assert_string_equal(c->what, what);
	assert_string_equal(c->value_a, a);
	assert_string_equal(c->value_b, b);
	assert_int_equal(c->fatal, fatal);
}
