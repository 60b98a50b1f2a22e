/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Merging evidence: the order of steps, and what concerns volumes and firmware. */
#include "evidence-parts.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>

const char *volume_title(const struct backup_volume *volume)
{
	const char *slash = strrchr(volume->image_path, '/');

	if (volume->access_path.value && volume->access_path.value[0])
		return volume->access_path.value;
	return slash ? slash + 1 : volume->image_path;
}

/* -- firmware ---- */

/* One voice on how the machine started. */
struct firmware_claim {
	const char *why;
	enum origin origin;
	bool says, uefi;
};

static bool has_role(const struct backup_version *version, enum volume_role role)
{
	for (size_t i = 0; i < version->volume_count; i++)
		if (version->volumes[i].role == role)
			return true;
	return false;
}

static bool has_mbr_name(const struct merge *merge)
{
	for (size_t i = 0; i < merge->version->volume_count; i++)
		if (merge->in->names[i].kind == IMAGE_NAME_MBR)
			return true;
	return false;
}

static int take_firmware(struct merge *merge, const struct firmware_claim *claim,
			 struct err *err)
{
	struct backup_version *version = merge->version;
	struct contradiction found = {
		.what = (char *)"firmware",
		.value_a = (char *)(version->uefi ? "UEFI" : "BIOS"),
		.value_b = (char *)(claim->uefi ? "UEFI" : "BIOS"),
		.a = version->firmware_origin.origin,
		.b = claim->origin,
	};

	if (!claim->says)
		return 0;
	if (value_known(version->firmware_origin.origin))
		return version->uefi == claim->uefi
			       ? 0
			       : contradiction_add(version, &found, err);
	version->uefi = claim->uefi;
	return value_set_text(&version->firmware_origin, claim->why, claim->origin, err);
}

/* Best first. What a set without documents shows comes last: an MBR disk needs a BIOS,
 * and an EFI system partition with a boot store UEFI. */
static int merge_firmware(struct merge *merge, struct err *err)
{
	const struct evidence *in = merge->in;
	enum asrsif_firmware type =
		in->asrsif ? in->asrsif->firmware : ASRSIF_FIRMWARE_UNKNOWN;
	bool esp = has_role(merge->version, ROLE_ESP);
	const struct firmware_claim claims[] = {
		{ type == ASRSIF_UEFI ? "FirmwareType 2" : "FirmwareType 1",
		  ORIGIN_ASRSIF, type != ASRSIF_FIRMWARE_UNKNOWN, type == ASRSIF_UEFI },
		{ "path of the boot store", ORIGIN_ASR_WRITER,
		  in->writer && in->writer->has_boot_path,
		  in->writer && in->writer->uefi },
		{ "EFI system partition", ORIGIN_IMAGE_TABLE, esp, true },
		{ "store outside an EFI system partition", ORIGIN_BCD,
		  in->bios_store && !esp, false },
		{ "images of volumes on an MBR disk", ORIGIN_IMAGE_NAME,
		  has_mbr_name(merge) && !esp, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		int r = take_firmware(merge, &claims[i], err);

		if (r < 0)
			return r;
	}
	merge->store = merge->version->uefi ? in->uefi_store : in->bios_store;
	if (!value_known(merge->version->firmware_origin.origin))
		merge->store = in->uefi_store ? in->uefi_store : in->bios_store;
	return 0;
}

/* -- volumes ---- */

/* AsrSif has set the GUIDs of the images that it knows. */
static int merge_names(struct merge *merge, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < merge->version->volume_count && r == 0; i++) {
		const struct image_name *name = &merge->in->names[i];
		struct backup_volume *volume = &merge->version->volumes[i];
		AUTO_FREE char *what = text_format("volume of '%s'", volume->image_path);
		struct value_claim claim = { .version = merge->version,
					     .what = what,
					     .origin = ORIGIN_IMAGE_NAME };

		if (!what)
			return err_nomem(err);
		if (name->kind == IMAGE_NAME_GUID || name->kind == IMAGE_NAME_MBR)
			r = value_merge_guid(&volume->volume_guid, &name->guid, &claim,
					     err);
	}
	return r;
}

static bool guid_matches(const struct value_guid *value, bool has_guid,
			 const struct guid *guid)
{
	return value_known(value->origin) && has_guid && guid_equal(&value->value, guid);
}

static const struct specs_volume *specs_of(const struct backup_specs *specs,
					   const struct backup_volume *volume)
{
	for (size_t i = 0; specs && i < specs->count; i++)
		if (guid_matches(&volume->volume_guid, specs->volumes[i].has_guid,
				 &specs->volumes[i].guid))
			return &specs->volumes[i];
	return NULL;
}

/* The list of the backup counts more than what was looked for in the image. */
static int set_completeness(struct merge *merge, struct backup_volume *volume,
			    const struct specs_volume *specs, struct err *err)
{
	int r = 0;

	if (specs->completeness == COMPLETENESS_UNKNOWN)
		return 0;
	volume->completeness = specs->completeness;
	if (volume->health == HEALTH_DAMAGED)
		return 0;
	if (specs->completeness == COMPLETENESS_FULL && volume->reason)
		r = note_add(merge->version, err,
			     "volume %s is complete by BackupSpecs.xml, but %s",
			     volume_title(volume), volume->reason);
	free(volume->reason);
	volume->reason = NULL;
	volume->health = HEALTH_WHOLE;
	if (r < 0 || specs->completeness == COMPLETENESS_FULL)
		return r;
	volume->health = HEALTH_PARTIAL;
	volume->reason = strdup(specs->why);
	return volume->reason ? 0 : err_nomem(err);
}

static int take_text(struct value_text *value, const char *text, enum origin origin,
		     struct err *err)
{
	if (value_known(value->origin) || !text || !text[0])
		return 0;
	return value_set_text(value, text, origin, err);
}

static int merge_specs(struct merge *merge, struct err *err)
{
	for (size_t i = 0; i < merge->version->volume_count; i++) {
		struct backup_volume *volume = &merge->version->volumes[i];
		const struct specs_volume *specs = specs_of(merge->in->specs, volume);
		int r;

		if (!specs)
			continue;
		r = take_text(&volume->access_path, specs->access_path,
			      ORIGIN_BACKUP_SPECS, err);
		if (r == 0)
			r = take_text(&volume->label, specs->label, ORIGIN_BACKUP_SPECS,
				      err);
		if (r == 0)
			r = set_completeness(merge, volume, specs, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* An image of zeros or of something else, where Windows saw a file system: half written. */
static int check_file_system(struct backup_volume *volume, const char *named,
			     struct err *err)
{
	static const char *const known[] = { "NTFS", "FAT", "FAT32", "exFAT", "ReFS" };

	if (volume->health == HEALTH_DAMAGED || volume->fs.fs != FS_UNKNOWN || !named)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcasecmp(named, known[i]) != 0)
			continue;
		volume->health = HEALTH_DAMAGED;
		free(volume->reason);
		volume->reason = text_format("no file system in the image, %s by AsrSif",
					     known[i]);
		return volume->reason ? 0 : err_nomem(err);
	}
	return 0;
}

static int take_fixed_volume(struct backup_volume *volume,
			     const struct asrsif_volume *fixed, struct err *err)
{
	int r;

	if (!guid_matches(&volume->volume_guid, true, &fixed->guid))
		return 0;
	r = take_text(&volume->access_path, fixed->dos_path, ORIGIN_ASRSIF, err);
	if (r == 0)
		r = take_text(&volume->label, fixed->label, ORIGIN_ASRSIF, err);
	return r < 0 ? r : check_file_system(volume, fixed->file_system, err);
}

static int merge_fixed_volumes(struct merge *merge, struct err *err)
{
	const struct asrsif *asrsif = merge->in->asrsif;
	int r = 0;

	for (size_t i = 0; asrsif && i < merge->version->volume_count; i++)
		for (size_t j = 0; j < asrsif->volume_count && r == 0; j++)
			r = take_fixed_volume(&merge->version->volumes[i],
					      &asrsif->volumes[j], err);
	return r;
}

/* The disks of AsrSif come first, each with its partitions by offset, and maybe others. */
static struct value_u64 critical_by_asrsif(const struct merge *merge, size_t volume)
{
	const struct asrsif *asrsif = merge->in->asrsif;

	for (size_t d = 0; asrsif && d < asrsif->disk_count; d++) {
		const struct source_disk *disk = &merge->version->disks[d];

		for (size_t i = 0; i < disk->partition_count; i++) {
			const struct asrsif_partition *p = asrsif->disks[d].partitions;
			const struct asrsif_partition *end =
				p + asrsif->disks[d].partition_count;

			if (disk->partitions[i].volume != (int)volume)
				continue;
			for (; p < end; p++)
				if (p->values.offset.value ==
				    disk->partitions[i].offset.value)
					return p->critical;
		}
	}
	return (struct value_u64){ 0 };
}

/* Without the ASR writer's document and AsrSif what starts the machine counts as critical. */
static void merge_critical(struct merge *merge)
{
	const struct asr_writer *writer = merge->in->writer;

	for (size_t i = 0; i < merge->version->volume_count; i++) {
		struct backup_volume *volume = &merge->version->volumes[i];

		for (size_t j = 0; writer && j < writer->volume_count; j++)
			if (guid_matches(&volume->volume_guid, true,
					 &writer->volumes[j].guid))
				value_set(&volume->critical, writer->volumes[j].critical,
					  ORIGIN_ASR_WRITER);
		if (!value_known(volume->critical.origin))
			volume->critical = critical_by_asrsif(merge, i);
		if (!value_known(volume->critical.origin))
			value_set(&volume->critical, volume->role != ROLE_DATA,
				  ORIGIN_CONVENTION);
	}
}

/* -- all ---- */

static int merge_steps(struct merge *merge, struct err *err)
{
	int r = merge_firmware(merge, err);

	if (r == 0 && merge->in->asrsif)
		r = merge_asrsif(merge, err);
	if (r < 0)
		return r;
	r = merge_names(merge, err);
	if (r == 0)
		r = merge_find_devices(merge, err);
	if (r == 0)
		r = merge_mounted(merge, err);
	if (r == 0)
		r = merge_fixed_volumes(merge, err);
	if (r == 0)
		r = merge_specs(merge, err);
	if (r == 0)
		r = merge_letters(merge, err);
	if (r < 0)
		return r;
	merge_critical(merge);
	if (!merge->version->disk_count)
		r = merge_build_disks(merge, err);
	if (r == 0)
		r = merge_fields(merge, err);
	if (r == 0)
		r = merge_conventions(merge, err);
	if (r == 0)
		r = merge_health(merge, err);
	return r;
}

int evidence_merge(const struct evidence *evidence, struct backup_version *version,
		   struct err *err)
{
	struct merge merge = { .in = evidence, .version = version };
	int r;

	merge.volumes = calloc(version->volume_count + 1, sizeof(*merge.volumes));
	if (!merge.volumes)
		return err_nomem(err);
	r = merge_steps(&merge, err);
	free(merge.volumes);
	return r;
}
