/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A struct backup as JSON and back. One table per struct describes both directions:
 *
 *	{ "format": 1, "source": "…", "machines": [
 *	  { "name": "SRV01", "name_origin": "asrsif", "versions": [
 *	    { "path": "…", "time": V, "id": "08/31/2026-21:00", "uefi": true,
 *	      "firmware_origin": V, "health": "whole", "reasons": [], "notes": [],
 *	      "documents": [],
 *	      "volumes": [ { "image_path": "…", "image": {…}, "fs": {…},
 *	          "length": 104857600, "used": 0, "volume_guid": V, "access_path": V, "label": V,
 *	          "role": "windows", "critical": V, "completeness": "full", "health": "whole",
 *	          "reason": null }, … ],
 *	      "disks": [ { "style": V, "size": V, …, "partitions": [ { "slot": V, … } ] } ],
 *	      "contradictions": [ { "what": "…", "value_a": "…", "a": "asrsif", … } ] } ] } ] }
 *
 * where V is null for an unknown value, else { "value": …, "origin": "asrsif" }. Bytes
 * and seconds are numbers; ids, attributes and signatures are hexadecimal texts. Every key
 * is always there; a reader refuses missing and unknown ones.
 */
#include <restore/backup.h>

#include "fields-json.h"

#define BACKUP_JSON_FORMAT 1

/* Far above what any backup has. They bound what a reader process can make the engine do.
 */
#define MAX_MACHINES   65536
#define MAX_VERSIONS   65536
#define MAX_VOLUMES    1024
#define MAX_DISKS      512
#define MAX_PARTITIONS 1024
#define MAX_LINES      1024

static const char *const role_ids[] = {
	[ROLE_DATA] = "data",	      [ROLE_ESP] = "esp",
	[ROLE_WINDOWS] = "windows",   [ROLE_SYSTEM] = "system",
	[ROLE_RECOVERY] = "recovery",
};
static const char *const completeness_ids[] = {
	[COMPLETENESS_UNKNOWN] = "unknown",
	[COMPLETENESS_FULL] = "full",
	[COMPLETENESS_PARTIAL] = "partial",
};
static const char *const health_ids[] = {
	[HEALTH_WHOLE] = "whole",
	[HEALTH_PARTIAL] = "partial",
	[HEALTH_DAMAGED] = "damaged",
};
static const char *const fs_ids[] = {
	[FS_UNKNOWN] = "unknown", [FS_NTFS] = "ntfs",	[FS_FAT32] = "fat32",
	[FS_FAT16] = "fat16",	  [FS_FAT12] = "fat12", [FS_EXFAT] = "exfat",
	[FS_REFS] = "refs",
};
static const char *const image_words[] = { "vhd",     "vhdx",	      "raw", "fixed",
					   "dynamic", "differencing", "" };

JSON_NAMES(role_names, role_ids);
JSON_NAMES(completeness_names, completeness_ids);
JSON_NAMES(health_names, health_ids);
JSON_NAMES(fs_names, fs_ids);
JSON_NAMES(image_names, image_words);

static const struct json_field image_fields[] = {
	JSON_WORD(struct image_info, format, image_names),
	JSON_WORD(struct image_info, subformat, image_names),
	JSON_U64(struct image_info, virtual_size),
	JSON_U64(struct image_info, file_size),
	JSON_U64(struct image_info, mtime_ns),
	JSON_U32(struct image_info, block_size),
	JSON_U32(struct image_info, sector_size),
	JSON_U32(struct image_info, physical_sector_size),
	JSON_U64(struct image_info, allocated),
	JSON_GUID(struct image_info, unique_id),
	JSON_CHARS(struct image_info, creator),
	JSON_U64(struct image_info, log_entries),
	JSON_U64(struct image_info, log_bytes),
	JSON_CHARS(struct image_info, notes),
};
JSON_STRUCT(image_type, struct image_info, image_fields);

static const struct json_field fs_fields[] = {
	JSON_ENUM(struct volume_info, fs, fs_names),
	JSON_U32(struct volume_info, sector_size),
	JSON_U32(struct volume_info, cluster_size),
	JSON_U64(struct volume_info, fs_size),
	JSON_U64(struct volume_info, hidden_bytes),
	JSON_HEX(struct volume_info, serial),
};
JSON_STRUCT(fs_type, struct volume_info, fs_fields);

static const struct json_field volume_fields[] = {
	JSON_TEXT(struct backup_volume, image_path),
	JSON_NESTED(struct backup_volume, image, image_type),
	JSON_NESTED(struct backup_volume, fs, fs_type),
	JSON_U64(struct backup_volume, length),
	JSON_U64(struct backup_volume, used),
	JSON_VALUE_GUID(struct backup_volume, volume_guid),
	JSON_VALUE_TEXT(struct backup_volume, access_path),
	JSON_VALUE_TEXT(struct backup_volume, label),
	JSON_ENUM(struct backup_volume, role, role_names),
	JSON_VALUE_U64(struct backup_volume, critical),
	JSON_ENUM(struct backup_volume, completeness, completeness_names),
	JSON_ENUM(struct backup_volume, health, health_names),
	JSON_TEXT(struct backup_volume, reason),
};
JSON_STRUCT(volume_type, struct backup_volume, volume_fields);

static const struct json_field partition_fields[] = {
	JSON_VALUE_U64(struct source_partition, slot),
	JSON_VALUE_U64(struct source_partition, offset),
	JSON_VALUE_U64(struct source_partition, length),
	JSON_VALUE_GUID(struct source_partition, type),
	JSON_VALUE_GUID(struct source_partition, id),
	JSON_VALUE_HEX(struct source_partition, attributes),
	JSON_VALUE_TEXT(struct source_partition, name),
	JSON_VALUE_HEX(struct source_partition, mbr_type),
	JSON_VALUE_U64(struct source_partition, mbr_active),
	JSON_INT(struct source_partition, volume),
};
JSON_STRUCT(partition_type, struct source_partition, partition_fields);

static const struct json_field disk_fields[] = {
	JSON_VALUE_U64(struct source_disk, style),
	JSON_VALUE_U64(struct source_disk, size),
	JSON_VALUE_U64(struct source_disk, sector_size),
	JSON_VALUE_GUID(struct source_disk, disk_id),
	JSON_VALUE_HEX(struct source_disk, mbr_signature),
	JSON_VALUE_U64(struct source_disk, critical),
	JSON_LIST(struct source_disk, partitions, partition_count, partition_type,
		  MAX_PARTITIONS),
};
JSON_STRUCT(disk_type, struct source_disk, disk_fields);

static const struct json_field contradiction_fields[] = {
	JSON_TEXT(struct contradiction, what), JSON_TEXT(struct contradiction, value_a),
	JSON_ORIGIN(struct contradiction, a),  JSON_TEXT(struct contradiction, value_b),
	JSON_ORIGIN(struct contradiction, b),  JSON_BOOL(struct contradiction, fatal),
};
JSON_STRUCT(contradiction_type, struct contradiction, contradiction_fields);

static const struct json_field version_fields[] = {
	JSON_TEXT(struct backup_version, path),
	JSON_VALUE_U64(struct backup_version, time),
	JSON_CHARS(struct backup_version, id),
	JSON_BOOL(struct backup_version, uefi),
	JSON_VALUE_TEXT(struct backup_version, firmware_origin),
	JSON_ENUM(struct backup_version, health, health_names),
	JSON_LINES(struct backup_version, reasons, reason_count, MAX_LINES),
	JSON_LINES(struct backup_version, notes, note_count, MAX_LINES),
	JSON_LINES(struct backup_version, documents, document_count, MAX_LINES),
	JSON_LIST(struct backup_version, volumes, volume_count, volume_type, MAX_VOLUMES),
	JSON_LIST(struct backup_version, disks, disk_count, disk_type, MAX_DISKS),
	JSON_LIST(struct backup_version, contradictions, contradiction_count,
		  contradiction_type, MAX_LINES),
};
JSON_STRUCT(version_type, struct backup_version, version_fields);

static const struct json_field machine_fields[] = {
	JSON_TEXT(struct backup_machine, name),
	JSON_ORIGIN(struct backup_machine, name_origin),
	JSON_LIST(struct backup_machine, versions, version_count, version_type,
		  MAX_VERSIONS),
};
JSON_STRUCT(machine_type, struct backup_machine, machine_fields);

static const struct json_field backup_fields[] = {
	JSON_CONSTANT("format", BACKUP_JSON_FORMAT),
	JSON_TEXT(struct backup, source),
	JSON_LIST(struct backup, machines, machine_count, machine_type, MAX_MACHINES),
};
JSON_STRUCT(backup_type, struct backup, backup_fields);

int backup_to_json(const struct backup *backup, char **ret_text, struct err *err)
{
	return json_write(&backup_type, backup, ret_text, err);
}

/* -- what no table can say ---- */

static int check_text(const char *text, const char *what, struct err *err)
{
	return text ? 0 : err_set(err, -EBADMSG, "backup as JSON: '%s' is null", what);
}

static int check_disk(const struct source_disk *disk, size_t volume_count,
		      struct err *err)
{
	if (disk->style.value > TABLE_GPT)
		return err_set(err, -EBADMSG, "backup as JSON: no such style of table");
	for (size_t i = 0; i < disk->partition_count; i++) {
		int volume = disk->partitions[i].volume;

		if (volume < -1 || (volume >= 0 && (size_t)volume >= volume_count))
			return err_set(err, -EBADMSG,
				       "backup as JSON: partition with volume %d of %zu",
				       volume, volume_count);
	}
	return 0;
}

static int check_version(const struct backup_version *version, struct err *err)
{
	int r = check_text(version->path, "path", err);

	for (size_t i = 0; i < version->volume_count && r == 0; i++)
		r = check_text(version->volumes[i].image_path, "image_path", err);
	for (size_t i = 0; i < version->disk_count && r == 0; i++)
		r = check_disk(&version->disks[i], version->volume_count, err);
	for (size_t i = 0; i < version->contradiction_count && r == 0; i++) {
		r = check_text(version->contradictions[i].what, "what", err);
		if (r == 0)
			r = check_text(version->contradictions[i].value_a, "value_a",
				       err);
		if (r == 0)
			r = check_text(version->contradictions[i].value_b, "value_b",
				       err);
	}
	return r;
}

static int check_backup(const struct backup *backup, struct err *err)
{
	int r = check_text(backup->source, "source", err);

	for (size_t i = 0; i < backup->machine_count && r == 0; i++) {
		const struct backup_machine *machine = &backup->machines[i];

		r = check_text(machine->name, "name", err);
		if (r == 0 && !machine->version_count)
			r = err_set(err, -EBADMSG,
				    "backup as JSON: machine without version");
		for (size_t j = 0; j < machine->version_count && r == 0; j++)
			r = check_version(&machine->versions[j], err);
	}
	return r;
}

int backup_from_json(const char *text, size_t length, struct backup **ret,
		     struct err *err)
{
	AUTO(backup_freep) struct backup *backup = calloc(1, sizeof(*backup));
	int r;

	if (!backup)
		return err_nomem(err);
	r = json_read(&backup_type, text, length, backup, err);
	if (r == 0)
		r = check_backup(backup, err);
	if (r < 0)
		return err_add(err, "the reader's answer"), r;
	*ret = TAKE_PTR(backup);
	return 0;
}
