/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is a set fit for a bare-metal restore? What is missing, and every reason why not. */
#include "backup-parts.h"
#include "evidence-parts.h"

#include <string.h>

static bool has_volume(const struct backup_version *version, const struct guid *guid)
{
	for (size_t i = 0; i < version->volume_count; i++) {
		const struct value_guid *own = &version->volumes[i].volume_guid;

		if (value_known(own->origin) && guid_equal(&own->value, guid))
			return true;
	}
	return false;
}

/* Images of which nothing tells the volume's GUID could be the ones that seem missing.
 * The image of the EFI system partition never carries it. */
static size_t count_unidentified(const struct backup_version *version)
{
	size_t count = 0;

	for (size_t i = 0; i < version->volume_count; i++)
		count += !value_known(version->volumes[i].volume_guid.origin) &&
			 version->volumes[i].role != ROLE_ESP;
	return count;
}

/* BackupSpecs.xml lists what the backup consists of. */
static int find_missing_listed(struct merge *merge, struct err *err)
{
	const struct backup_specs *specs = merge->in->specs;
	size_t missing = 0;
	int r = 0;

	for (size_t i = 0; specs && i < specs->count; i++)
		missing += specs->volumes[i].has_guid &&
			   !has_volume(merge->version, &specs->volumes[i].guid);
	if (missing <= count_unidentified(merge->version))
		return 0;
	for (size_t i = 0; specs && i < specs->count && r == 0; i++) {
		const struct specs_volume *volume = &specs->volumes[i];
		char guid[GUID_TEXT_SIZE];

		if (!volume->has_guid || has_volume(merge->version, &volume->guid))
			continue;
		r = reason_add(
			merge->version, HEALTH_DAMAGED, err,
			"BackupSpecs.xml lists volume %s%s{%s}, but its image is missing",
			volume->access_path, volume->access_path[0] ? " " : "",
			guid_format(&volume->guid, guid));
	}
	return r;
}

/* Volumes that Windows itself calls critical and that are not in the set. */
static int find_missing_critical(struct merge *merge, struct err *err)
{
	const struct asr_writer *writer = merge->in->writer;
	struct backup_version *version = merge->version;
	size_t unknown = count_unidentified(version), missing = 0;
	int r = 0;

	for (size_t i = 0; i < version->volume_count; i++)
		unknown += !value_known(version->volumes[i].volume_guid.origin) &&
			   version->volumes[i].role == ROLE_ESP;
	for (size_t i = 0; writer && i < writer->volume_count; i++)
		missing += writer->volumes[i].critical &&
			   !has_volume(version, &writer->volumes[i].guid);
	if (missing <= unknown)
		return 0;
	for (size_t i = 0; writer && i < writer->volume_count && r == 0; i++) {
		const struct asr_writer_volume *volume = &writer->volumes[i];
		char guid[GUID_TEXT_SIZE];

		if (volume->critical && !has_volume(version, &volume->guid))
			r = reason_add(version, HEALTH_PARTIAL, err,
				       "critical volume {%s} is not in the backup",
				       guid_format(&volume->guid, guid));
	}
	return r;
}

static bool has_role(const struct backup_version *version, enum volume_role role)
{
	for (size_t i = 0; i < version->volume_count; i++)
		if (version->volumes[i].role == role)
			return true;
	return false;
}

/* What a machine starts from. Not asked where an image is damaged: it may be that one. */
static int find_missing_roles(struct merge *merge, struct err *err)
{
	struct backup_version *version = merge->version;

	if (!version->volume_count)
		return reason_add(version, HEALTH_DAMAGED, err, "no image of a volume");
	for (size_t i = 0; i < version->volume_count; i++)
		if (version->volumes[i].health == HEALTH_DAMAGED)
			return 0;
	if (!has_role(version, ROLE_WINDOWS))
		return reason_add(version, HEALTH_PARTIAL, err,
				  "none of the images holds Windows: data volumes only");
	if (version->uefi && !has_role(version, ROLE_ESP))
		return reason_add(
			version, HEALTH_PARTIAL, err,
			"no image of the EFI system partition, without which the "
			"machine does not start");
	if (!version->uefi && !has_role(version, ROLE_SYSTEM) && !merge->in->bios_store)
		return reason_add(
			version, HEALTH_PARTIAL, err,
			"no image holds the boot manager (bootmgr and Boot\\BCD), "
			"without which the machine does not start");
	return 0;
}

static int judge_volumes(struct merge *merge, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < merge->version->volume_count && r == 0; i++) {
		const struct backup_volume *volume = &merge->version->volumes[i];

		if (volume->health != HEALTH_WHOLE)
			r = reason_add(merge->version, volume->health, err,
				       "volume %s is %s: %s", volume_title(volume),
				       health_text(volume->health),
				       volume->reason ? volume->reason : "not whole");
	}
	return r;
}

/* Windows' volume is there for its state alone. */
static int judge_system_state(struct merge *merge, struct err *err)
{
	const struct backup_specs *specs = merge->in->specs;
	const struct backup_version *version = merge->version;
	bool partial = false;

	for (size_t i = 0; i < version->volume_count; i++)
		partial |= version->volumes[i].role == ROLE_WINDOWS &&
			   version->volumes[i].completeness == COMPLETENESS_PARTIAL;
	if (!specs || !specs->system_state || !partial)
		return 0;
	return reason_add(merge->version, HEALTH_PARTIAL, err,
			  "system state only: registry, boot files and catalogues for a "
			  "Windows that is there; 'bmr restore-systemstate' puts them "
			  "onto it, 'bmr files' takes them out");
}

static int judge_contradictions(struct merge *merge, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < merge->version->contradiction_count && r == 0; i++) {
		const struct contradiction *c = &merge->version->contradictions[i];

		if (c->fatal)
			r = reason_add(merge->version, HEALTH_DAMAGED, err,
				       REASON_CONTRADICTION "%s: %s (%s) but %s (%s)",
				       c->what, c->value_a, origin_text(c->a), c->value_b,
				       origin_text(c->b));
	}
	return r;
}

static int note_old_hive(struct merge *merge, struct err *err)
{
	for (size_t i = 0; i < merge->version->volume_count; i++)
		if (merge->volumes[i].mounted_is_old)
			return note_add(
				merge->version, err,
				"the SYSTEM hive was not written to its end; what its "
				"MountedDevices say may be old");
	return 0;
}

static int add_notes(struct merge *merge, struct err *err)
{
	int r = 0;

	if (merge->in->asrsif && merge->in->asrsif->has_dynamic_disks)
		r = note_add(merge->version, err,
			     "the source had dynamic disks, which are not recreated");
	if (r == 0 && merge->store && merge->store->dirty)
		r = note_add(
			merge->version, err,
			"the boot store was not written to its end; what it says may be "
			"old");
	if (r == 0 && !merge->in->asrsif)
		r = note_add(
			merge->version, err,
			"no AsrSif: the layout is rebuilt from images and boot store");
	return r < 0 ? r : note_old_hive(merge, err);
}

int merge_health(struct merge *merge, struct err *err)
{
	static int (*const steps[])(struct merge * merge, struct err * err) = {
		judge_volumes,	     judge_system_state,
		find_missing_listed, find_missing_critical,
		find_missing_roles,  judge_contradictions,
		add_notes,
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && r == 0; i++)
		r = steps[i](merge, err);
	return r;
}
