/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was found in a tree: its texts, its life, and how a version is chosen. */
#include <restore/backup.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <base/text.h>

#include "backup-parts.h"

static const struct origin_name {
	const char *id, *text;
} origin_names[ORIGIN_COUNT] = {
	[ORIGIN_NONE] = { "none", "unknown" },
	[ORIGIN_ASRSIF] = { "asrsif", "AsrSif" },
	[ORIGIN_IMAGE_TABLE] = { "image-table", "image" },
	[ORIGIN_BCD] = { "bcd", "BCD" },
	[ORIGIN_IMAGE_NAME] = { "image-name", "image name" },
	[ORIGIN_MOUNTED_DEVICES] = { "mounted-devices", "MountedDevices" },
	[ORIGIN_BOOT_SECTOR] = { "boot-sector", "boot sector" },
	[ORIGIN_ASR_WRITER] = { "asr-writer", "ASR writer" },
	[ORIGIN_BACKUP_SPECS] = { "backup-specs", "BackupSpecs.xml" },
	[ORIGIN_FOLDER_NAME] = { "folder-name", "folder name" },
	[ORIGIN_FILE_TIME] = { "file-time", "file time" },
	[ORIGIN_CONVENTION] = { "convention", "convention" },
	[ORIGIN_USER] = { "user", "user" },
};

const char *origin_text(enum origin origin)
{
	return (unsigned)origin < ORIGIN_COUNT ? origin_names[origin].text : "unknown";
}

const char *origin_id(enum origin origin)
{
	return (unsigned)origin < ORIGIN_COUNT ? origin_names[origin].id : "none";
}

const char *volume_role_text(enum volume_role role)
{
	static const char *const texts[] = {
		[ROLE_DATA] = "data",	      [ROLE_ESP] = "EFI system",
		[ROLE_WINDOWS] = "Windows",   [ROLE_SYSTEM] = "system",
		[ROLE_RECOVERY] = "recovery",
	};

	return (unsigned)role < ARRAY_SIZE(texts) ? texts[role] : "unknown";
}

const char *health_text(enum health health)
{
	static const char *const texts[] = {
		[HEALTH_WHOLE] = "whole",
		[HEALTH_PARTIAL] = "partial",
		[HEALTH_DAMAGED] = "damaged",
	};

	return (unsigned)health < ARRAY_SIZE(texts) ? texts[health] : "unknown";
}

/* -- freeing ---- */

static void lines_free(char **lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(lines[i]);
	free(lines);
}

void backup_volume_clear(struct backup_volume *volume)
{
	free(volume->image_path);
	free(volume->access_path.value);
	free(volume->label.value);
	free(volume->reason);
}

static void disk_clear(struct source_disk *disk)
{
	for (size_t i = 0; i < disk->partition_count; i++)
		free(disk->partitions[i].name.value);
	free(disk->partitions);
}

void backup_version_clear(struct backup_version *version)
{
	for (size_t i = 0; i < version->volume_count; i++)
		backup_volume_clear(&version->volumes[i]);
	for (size_t i = 0; i < version->disk_count; i++)
		disk_clear(&version->disks[i]);
	for (size_t i = 0; i < version->contradiction_count; i++) {
		free(version->contradictions[i].what);
		free(version->contradictions[i].value_a);
		free(version->contradictions[i].value_b);
	}
	lines_free(version->reasons, version->reason_count);
	lines_free(version->notes, version->note_count);
	lines_free(version->documents, version->document_count);
	free(version->volumes);
	free(version->disks);
	free(version->contradictions);
	free(version->firmware_origin.value);
	free(version->path);
	memset(version, 0, sizeof(*version));
}

void backup_free(struct backup *backup)
{
	if (!backup)
		return;
	for (size_t i = 0; i < backup->machine_count; i++) {
		struct backup_machine *machine = &backup->machines[i];

		for (size_t j = 0; j < machine->version_count; j++)
			backup_version_clear(&machine->versions[j]);
		free(machine->versions);
		free(machine->name);
	}
	free(backup->machines);
	free(backup->source);
	free(backup);
}

/* -- choosing ---- */

static int no_machine(const struct backup *backup, const char *name, struct err *err)
{
	struct text names = { 0 };
	AUTO_FREE char *list = NULL;

	for (size_t i = 0; i < backup->machine_count; i++)
		text_add(&names, "%s'%s'", i ? ", " : "", backup->machines[i].name);
	list = text_take(&names);
	if (!list)
		return err_nomem(err);
	if (!backup->machine_count)
		return err_set(err, -ENOENT, "'%s': no backup found", backup->source);
	if (!name)
		return err_set(err, -EEXIST,
			       "'%s': backups of %zu machines, name one of them: %s",
			       backup->source, backup->machine_count, list);
	return err_set(err, -ENOENT, "'%s': no backup of machine '%s'; there are: %s",
		       backup->source, name, list);
}

static int choose_machine(const struct backup *backup, const char *name,
			  const struct backup_machine **ret, struct err *err)
{
	if (!name && backup->machine_count == 1) {
		*ret = &backup->machines[0];
		return 0;
	}
	for (size_t i = 0; name && i < backup->machine_count; i++) {
		if (strcasecmp(backup->machines[i].name, name) == 0) {
			*ret = &backup->machines[i];
			return 0;
		}
	}
	return no_machine(backup, name, err);
}

/* Both forms name a minute in UTC. */
static int parse_version(const char *text, int64_t *ret_minute, struct err *err)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ",
					     "%m/%d/%Y-%H:%M" };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (end && *end == '\0') {
			*ret_minute = timegm(&tm) / 60;
			return 0;
		}
	}
	return err_set(
		err, -EINVAL,
		"version '%s': write latest, 2026-08-31T21:00Z, 08/31/2026-21:00, or the "
		"folder as 'bmr scan' shows it",
		text);
}

/* "2026-08-31 21:00:05 UTC" or "of unknown time". */
static const char *version_when(const struct backup_version *version, char text[32])
{
	char time[TIME_TEXT_SIZE];

	if (version->time.origin == ORIGIN_NONE)
		return "of unknown time";
	snprintf(text, 32, "%s UTC", time_format((int64_t)version->time.value, time));
	return text;
}

static int two_versions(const struct backup_machine *machine,
			const struct backup_version *a, const struct backup_version *b,
			struct err *err)
{
	char when[32];

	return err_set(
		err, -EEXIST,
		"machine '%s': two versions %s, '%s' and '%s': give the folder of one "
		"of them as the version",
		machine->name, version_when(a, when), a->path, b->path);
}

static bool same_time(const struct backup_version *a, const struct backup_version *b)
{
	return a->time.origin != ORIGIN_NONE && b->time.origin != ORIGIN_NONE &&
	       a->time.value == b->time.value;
}

static int none_is_whole(const struct backup_machine *machine, struct err *err)
{
	struct text why = { 0 };
	AUTO_FREE char *list = NULL;
	char when[32];

	for (size_t i = 0; i < machine->version_count; i++) {
		const struct backup_version *version = &machine->versions[i];

		text_add(&why, "%s%s is %s: %s", i ? "; " : "",
			 version_when(version, when), health_text(version->health),
			 version->reason_count ? version->reasons[0] : "no reason known");
	}
	list = text_take(&why);
	if (!list)
		return err_nomem(err);
	return err_set(
		err, -ENOENT,
		"machine '%s': no version is whole: %s; such a set is not restored, "
		"'bmr files get --version newest' takes files out of it",
		machine->name, list);
}

static int choose_latest(const struct backup_machine *machine, bool whole,
			 const struct backup_version **ret, struct err *err)
{
	const struct backup_version *versions = machine->versions;
	size_t count = machine->version_count, found = count;

	for (size_t i = 0; i < count; i++) {
		if (whole && versions[i].health != HEALTH_WHOLE)
			continue;
		if (found < count && same_time(&versions[found], &versions[i]))
			return two_versions(machine, &versions[found], &versions[i], err);
		if (found == count)
			found = i;
	}
	if (found == count)
		return none_is_whole(machine, err);
	*ret = &versions[found];
	return 0;
}

/* *ret: NULL where there is none. */
static int find_by_time(const struct backup_machine *machine, int64_t minute, bool whole,
			const struct backup_version **ret, struct err *err)
{
	*ret = NULL;
	for (size_t i = 0; i < machine->version_count; i++) {
		const struct backup_version *version = &machine->versions[i];

		if (version->time.origin == ORIGIN_NONE ||
		    (int64_t)(version->time.value / 60) != minute ||
		    (whole && version->health != HEALTH_WHOLE))
			continue;
		if (*ret)
			return two_versions(machine, *ret, version, err);
		*ret = version;
	}
	return 0;
}

/* NULL: none lies there. */
static const struct backup_version *find_by_folder(const struct backup_machine *machine,
						   const char *path)
{
	for (size_t i = 0; i < machine->version_count; i++)
		if (strcmp(machine->versions[i].path, path) == 0)
			return &machine->versions[i];
	return NULL;
}

/* What is broken where it lies can be whole in a shadow copy. */
static int choose_by_time(const struct backup_machine *machine, const char *text,
			  const struct backup_version **ret, struct err *err)
{
	const struct backup_version *found = NULL;
	int64_t minute = 0;
	int r = parse_version(text, &minute, err);

	if (r == 0)
		r = find_by_time(machine, minute, true, &found, err);
	if (r == 0 && !found)
		r = find_by_time(machine, minute, false, &found, err);
	if (r < 0)
		return r;
	if (!found)
		return err_set(err, -ENOENT,
			       "machine '%s': no version '%s'; 'bmr scan' lists them",
			       machine->name, text);
	*ret = found;
	return 0;
}

int backup_choose(const struct backup *backup, const char *machine, const char *version,
		  const struct backup_machine **ret_machine,
		  const struct backup_version **ret_version, struct err *err)
{
	const struct backup_machine *m = NULL;
	const struct backup_version *v = NULL;
	int r = choose_machine(backup, machine, &m, err);

	if (r < 0 || !m)
		return r;
	if (!version || strcmp(version, "latest") == 0)
		r = choose_latest(m, true, &v, err);
	else if (strcmp(version, "newest") == 0)
		r = choose_latest(m, false, &v, err);
	else if (!(v = find_by_folder(m, version)))
		r = choose_by_time(m, version, &v, err);
	if (r < 0)
		return r;
	*ret_machine = m;
	*ret_version = v;
	return 0;
}

/* -- opening ---- */

static int changed(const char *path, const char *what, struct err *err)
{
	return err_set(err, -ESTALE,
		       "'%s': %s since it was scanned; a backup may be running: wait for "
		       "its end, then scan and plan again",
		       path, what);
}

/* Is it still the image that was scanned? */
static int check_image(const struct image_info *scanned, const struct image_info *now,
		       const char *path, struct err *err)
{
	char what[96];

	if (!scanned->file_size)
		return 0;
	snprintf(what, sizeof(what),
		 "grew or shrank from %" PRIu64 " to %" PRIu64 " bytes",
		 scanned->file_size, now->file_size);
	if (scanned->file_size != now->file_size)
		return changed(path, what, err);
	if (scanned->mtime_ns && now->mtime_ns && scanned->mtime_ns != now->mtime_ns)
		return changed(path, "was written to", err);
	if (!guid_equal(&scanned->unique_id, &now->unique_id))
		return changed(path, "got another unique id", err);
	return 0;
}

int backup_volume_open(struct tree *tree, const struct backup_volume *volume,
		       struct block_source **ret, struct err *err)
{
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	int r;

	r = image_open_path(tree, volume->image_path, &info, &disk, err);
	if (r == 0)
		r = check_image(&volume->image, &info, volume->image_path, err);
	return r < 0 ? r : image_volume_open(TAKE_PTR(disk), ret, err);
}
