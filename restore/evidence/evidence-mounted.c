/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * MountedDevices of the SYSTEM hives in a set's images: joined to the volumes, best test
 * first. The key also names devices that are long gone, so nothing here adds a volume or a
 * disk.
 */
#include "evidence-parts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>

/* One pair that may belong together. */
struct pair {
	const struct mounted_device *mounted;
	const struct backup_volume *volume;
	const struct image_name *name;
	const struct bcd_device *device; /* of the volume, or NULL */
};

static bool by_volume_guid(const struct pair *p)
{
	return p->mounted->has_volume && value_known(p->volume->volume_guid.origin) &&
	       guid_equal(&p->mounted->volume, &p->volume->volume_guid.value);
}

static bool by_device(const struct pair *p)
{
	if (!p->device)
		return false;
	if (p->mounted->kind == MOUNTED_GPT)
		return p->device->kind == BCD_DEVICE_GPT &&
		       guid_equal(&p->mounted->partition_id, &p->device->partition_id);
	return p->device->kind == BCD_DEVICE_MBR &&
	       p->mounted->mbr_signature == p->device->mbr_signature &&
	       p->mounted->offset == p->device->offset;
}

static bool by_name(const struct pair *p)
{
	if (p->mounted->kind == MOUNTED_GPT)
		return p->name->kind == IMAGE_NAME_GUID && !p->name->is_random &&
		       guid_equal(&p->mounted->partition_id, &p->name->guid);
	return p->name->kind == IMAGE_NAME_MBR &&
	       p->mounted->mbr_signature == p->name->mbr_signature &&
	       p->mounted->offset == p->name->offset;
}

/* The weakest: another disk can have had a partition at the same place, so that it counts
 * only where one entry fits. */
static bool by_place(const struct pair *p)
{
	return p->mounted->kind == MOUNTED_MBR && p->volume->fs.hidden_bytes &&
	       p->volume->fs.hidden_bytes == p->mounted->offset;
}

typedef bool pair_test(const struct pair *pair);

static pair_test *const tests[] = { by_volume_guid, by_device, by_name, by_place };

/* The one entry of a hive that fits; NULL: none or several. */
static const struct mounted_device *find_in(const struct mounted_devices *mounted,
					    pair_test *test, struct pair pair)
{
	const struct mounted_device *found = NULL;

	for (size_t i = 0; i < mounted->count; i++) {
		pair.mounted = &mounted->devices[i];
		if (!test(&pair))
			continue;
		if (found)
			return NULL;
		found = pair.mounted;
	}
	return found;
}

static void find_entry(struct merge *merge, size_t volume)
{
	struct merge_volume *to = &merge->volumes[volume];
	const struct pair pair = {
		.volume = &merge->version->volumes[volume],
		.name = &merge->in->names[volume],
		.device = to->device,
	};

	for (size_t t = 0; t < ARRAY_SIZE(tests); t++) {
		for (size_t i = 0; i < merge->version->volume_count && !to->mounted;
		     i++) {
			const struct mounted_devices *mounted = &merge->in->mounted[i];

			to->mounted = find_in(mounted, tests[t], pair);
			to->mounted_is_old = to->mounted && mounted->dirty;
		}
	}
}

static int merge_guid(struct merge *merge, struct backup_volume *volume,
		      const struct mounted_device *mounted, struct err *err)
{
	AUTO_FREE char *what = text_format("volume of '%s'", volume->image_path);
	const struct value_claim claim = { .version = merge->version,
					   .what = what,
					   .origin = ORIGIN_MOUNTED_DEVICES };

	if (!mounted->has_volume)
		return 0;
	return what ? value_merge_guid(&volume->volume_guid, &mounted->volume, &claim,
				       err)
		    : err_nomem(err);
}

/* A volume can also be mounted in a folder, which is no contradiction to its letter. */
static int merge_letter(struct merge *merge, struct backup_volume *volume,
			const struct mounted_device *mounted, struct err *err)
{
	const char *known = volume->access_path.value;
	char letter[3] = { mounted->letter, ':', '\0' };
	AUTO_FREE char *what = text_format("drive letter of '%s'", volume->image_path);

	if (!what)
		return err_nomem(err);
	if (!mounted->letter)
		return 0;
	if (!known || !known[0])
		return value_set_text(&volume->access_path, letter,
				      ORIGIN_MOUNTED_DEVICES, err);
	if (strlen(known) != 2 || known[1] != ':' || strcasecmp(known, letter) == 0)
		return 0;
	return contradiction_add(
		merge->version,
		&(struct contradiction){ .what = what,
					 .value_a = volume->access_path.value,
					 .value_b = letter,
					 .a = volume->access_path.origin,
					 .b = ORIGIN_MOUNTED_DEVICES },
		err);
}

int merge_mounted(struct merge *merge, struct err *err)
{
	struct backup_version *version = merge->version;
	int r = 0;

	for (size_t i = 0; merge->in->mounted && i < version->volume_count; i++)
		find_entry(merge, i);
	for (size_t i = 0; r == 0 && i < version->volume_count; i++)
		if (merge->volumes[i].mounted)
			r = merge_guid(merge, &version->volumes[i],
				       merge->volumes[i].mounted, err);
	return r;
}

int merge_letters(struct merge *merge, struct err *err)
{
	struct backup_version *version = merge->version;
	int r = 0;

	for (size_t i = 0; r == 0 && i < version->volume_count; i++)
		if (merge->volumes[i].mounted)
			r = merge_letter(merge, &version->volumes[i],
					 merge->volumes[i].mounted, err);
	return r;
}
