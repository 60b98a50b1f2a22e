/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which image belongs to which partition of AsrSif, and which element of the boot store
 * to which image. Each way to tell is tried on all images before the next, weaker one; a
 * way that fits several partitions decides nothing.
 */
#include "evidence-parts.h"

#include <inttypes.h>
#include <string.h>

#include <base/text.h>

/* One pair that may belong together. */
struct pair {
	const struct asrsif_disk *disk;
	const struct asrsif_partition *partition;
	const struct backup_volume *volume;
	const struct image_name *name;
};

static bool has_guid(const struct image_name *name)
{
	return name->kind == IMAGE_NAME_GUID || name->kind == IMAGE_NAME_MBR;
}

static bool by_volume_guid(const struct pair *p)
{
	return has_guid(p->name) && p->partition->has_volume &&
	       guid_equal(&p->name->guid, &p->partition->volume);
}

static bool by_partition_id(const struct pair *p)
{
	const struct value_guid *id = &p->partition->values.id;

	return has_guid(p->name) && value_known(id->origin) &&
	       guid_equal(&p->name->guid, &id->value);
}

static bool by_signature_and_offset(const struct pair *p)
{
	return p->name->kind == IMAGE_NAME_MBR &&
	       p->disk->values.style.value == TABLE_MBR &&
	       p->disk->values.mbr_signature.value == p->name->mbr_signature &&
	       p->partition->values.offset.value == p->name->offset;
}

static bool by_esp_type(const struct pair *p)
{
	const struct value_guid *type = &p->partition->values.type;

	return (p->name->kind == IMAGE_NAME_ESP || p->volume->role == ROLE_ESP) &&
	       value_known(type->origin) && guid_equal(&type->value, &partition_type_esp);
}

static bool by_place(const struct pair *p)
{
	return p->volume->fs.hidden_bytes && p->volume->length &&
	       p->volume->fs.hidden_bytes == p->partition->values.offset.value &&
	       p->volume->length == p->partition->values.length.value;
}

/* Only partitions that had a volume: an MSR of the same length is none. */
static bool by_length(const struct pair *p)
{
	return p->volume->length && p->partition->has_volume &&
	       p->volume->length == p->partition->values.length.value;
}

typedef bool pair_test(const struct pair *pair);

static pair_test *const tests[] = {
	by_volume_guid, by_partition_id, by_signature_and_offset,
	by_esp_type,	by_place,	 by_length,
};

/* -- joining ---- */

static int two_candidates(struct merge *merge, const struct backup_volume *a,
			  const struct backup_volume *b, struct err *err)
{
	AUTO_FREE char *what =
		text_format("two candidates for volume %s", volume_title(a));

	if (!what)
		return err_nomem(err);
	return contradiction_add(merge->version,
				 &(struct contradiction){ .what = what,
							  .value_a = a->image_path,
							  .value_b = b->image_path,
							  .a = ORIGIN_IMAGE_NAME,
							  .b = ORIGIN_IMAGE_NAME,
							  .fatal = true },
				 err);
}

/* Walks disks and partitions of AsrSif in step with the version's copies of them. */
struct place {
	size_t disk, partition;
};

static struct source_partition *partition_at(struct merge *merge, struct place at)
{
	return &merge->version->disks[at.disk].partitions[at.partition];
}

static struct pair pair_at(struct merge *merge, size_t volume, struct place at)
{
	const struct asrsif_disk *disk = &merge->in->asrsif->disks[at.disk];

	return (struct pair){ .disk = disk,
			      .partition = &disk->partitions[at.partition],
			      .volume = &merge->version->volumes[volume],
			      .name = &merge->in->names[volume] };
}

/* How many partitions fit this volume by this test; the last of them to *ret. With
 * free_only, those that have no volume yet. */
static size_t count_fits(struct merge *merge, size_t volume, pair_test *test,
			 bool free_only, struct place *ret)
{
	const struct asrsif *asrsif = merge->in->asrsif;
	size_t count = 0;

	for (size_t i = 0; i < asrsif->disk_count; i++) {
		for (size_t j = 0; j < asrsif->disks[i].partition_count; j++) {
			struct place at = { i, j };
			struct pair pair = pair_at(merge, volume, at);

			if ((free_only && partition_at(merge, at)->volume >= 0) ||
			    !test(&pair))
				continue;
			*ret = at;
			count++;
		}
	}
	return count;
}

static int join(struct merge *merge, size_t volume, struct place at, struct err *err)
{
	const struct asrsif_partition *partition =
		&merge->in->asrsif->disks[at.disk].partitions[at.partition];
	struct backup_volume *target = &merge->version->volumes[volume];

	partition_at(merge, at)->volume = (int)volume;
	if (partition->has_volume)
		value_set_guid(&target->volume_guid, &partition->volume, ORIGIN_ASRSIF);
	if (partition->dos_path && !value_known(target->access_path.origin))
		return value_set_text(&target->access_path, partition->dos_path,
				      ORIGIN_ASRSIF, err);
	return 0;
}

static int report_leftover(struct merge *merge, size_t volume, struct err *err)
{
	const struct backup_volume *left = &merge->version->volumes[volume];
	AUTO_FREE char *what = NULL;
	char length[48];

	if (left->health == HEALTH_DAMAGED)
		return 0; /* said already; its length is not known */
	what = text_format("place of '%s' on the source's disks", left->image_path);
	if (!what)
		return err_nomem(err);
	snprintf(length, sizeof(length), "%" PRIu64 " bytes", left->length);
	return contradiction_add(
		merge->version,
		&(struct contradiction){ .what = what,
					 .value_a = (char *)"no partition fits",
					 .value_b = length,
					 .a = ORIGIN_ASRSIF,
					 .b = ORIGIN_IMAGE_TABLE,
					 .fatal = true },
		err);
}

/* Joins the volume if the test says where it belongs. The weakest test takes what the
 * others left free; by the others, a second image for a partition is an error of the set.
 */
static int try_join(struct merge *merge, size_t volume, pair_test *test, bool *ret_done,
		    struct err *err)
{
	struct place at;
	int first;

	if (count_fits(merge, volume, test, test == by_length, &at) != 1)
		return 0;
	*ret_done = true;
	first = partition_at(merge, at)->volume;
	if (first < 0)
		return join(merge, volume, at, err);
	return two_candidates(merge, &merge->version->volumes[first],
			      &merge->version->volumes[volume], err);
}

static int join_volumes(struct merge *merge, struct err *err)
{
	size_t count = merge->version->volume_count;
	AUTO_FREE bool *done = calloc(count + 1, sizeof(*done));
	int r = 0;

	if (!done)
		return err_nomem(err);
	for (size_t t = 0; t < ARRAY_SIZE(tests); t++)
		for (size_t i = 0; i < count && r == 0; i++)
			if (!done[i])
				r = try_join(merge, i, tests[t], &done[i], err);
	for (size_t i = 0; i < count && r == 0; i++)
		if (!done[i])
			r = report_leftover(merge, i, err);
	return r;
}

/* -- the disks of AsrSif ---- */

static int copy_disk(const struct asrsif_disk *from, struct source_disk *to,
		     struct err *err)
{
	*to = from->values;
	to->partitions = calloc(from->partition_count + 1, sizeof(*to->partitions));
	if (!to->partitions)
		return err_nomem(err);
	for (size_t i = 0; i < from->partition_count; i++) {
		struct source_partition *p = &to->partitions[to->partition_count++];
		const struct value_text *name = &from->partitions[i].values.name;

		*p = from->partitions[i].values;
		p->name = (struct value_text){ 0 };
		if (name->value) {
			int r = value_set_text(&p->name, name->value, name->origin, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

int merge_asrsif(struct merge *merge, struct err *err)
{
	const struct asrsif *asrsif = merge->in->asrsif;
	struct backup_version *version = merge->version;

	version->disks = calloc(asrsif->disk_count + 1, sizeof(*version->disks));
	if (!version->disks)
		return err_nomem(err);
	for (size_t i = 0; i < asrsif->disk_count; i++) {
		int r = copy_disk(&asrsif->disks[i],
				  &version->disks[version->disk_count++], err);

		if (r < 0)
			return r;
	}
	if (!asrsif->disk_count)
		return 0;
	return join_volumes(merge, err);
}

/* -- the boot store ---- */

/* Do element and volume name the same partition by themselves? */
static bool device_fits(const struct bcd_device *device,
			const struct backup_volume *volume, const struct image_name *name)
{
	if (device->kind == BCD_DEVICE_GPT)
		return name->kind == IMAGE_NAME_GUID &&
		       guid_equal(&device->partition_id, &name->guid);
	if (name->kind == IMAGE_NAME_MBR)
		return device->mbr_signature == name->mbr_signature &&
		       device->offset == name->offset;
	return device->kind == BCD_DEVICE_MBR &&
	       volume->fs.hidden_bytes == device->offset;
}

/* The only volume of a role; -1: none or several. */
static int only_volume(const struct backup_version *version, enum volume_role role)
{
	int found = -1;

	for (size_t i = 0; i < version->volume_count; i++) {
		if (version->volumes[i].role != role)
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

/* Does the name of the image say for itself which partition it is? */
static bool name_tells(const struct image_name *name, const struct bcd_device *device)
{
	if (device->kind == BCD_DEVICE_GPT)
		return name->kind == IMAGE_NAME_GUID && !name->is_random;
	return name->kind == IMAGE_NAME_MBR;
}

static void describe_device(const struct bcd_device *device, char text[GUID_TEXT_SIZE])
{
	if (device->kind == BCD_DEVICE_GPT)
		guid_format(&device->partition_id, text);
	else
		snprintf(text, GUID_TEXT_SIZE, "0x%08" PRIx32 " at %" PRIu64,
			 device->mbr_signature, device->offset);
}

/* The only image of a role is not the partition that the store means: perhaps that one was
 * not backed up, and the machine has a second Windows. */
static int report_other(struct merge *merge, size_t volume,
			const struct bcd_device *device, struct err *err)
{
	const struct backup_volume *only = &merge->version->volumes[volume];
	AUTO_FREE char *what =
		text_format("%s in the boot store", volume_role_text(only->role));
	char guid[GUID_TEXT_SIZE], named[GUID_TEXT_SIZE];

	if (!what)
		return err_nomem(err);
	guid_format(&merge->in->names[volume].guid, guid);
	describe_device(device, named);
	return contradiction_add(merge->version,
				 &(struct contradiction){ .what = what,
							  .value_a = guid,
							  .value_b = named,
							  .a = ORIGIN_IMAGE_NAME,
							  .b = ORIGIN_BCD },
				 err);
}

static int find_device(struct merge *merge, const struct bcd_device *device,
		       enum volume_role role, struct err *err)
{
	int only;

	if (device->kind == BCD_DEVICE_OTHER)
		return 0;
	for (size_t i = 0; i < merge->version->volume_count; i++) {
		if (!device_fits(device, &merge->version->volumes[i],
				 &merge->in->names[i]))
			continue;
		merge->volumes[i].device = device;
		return 0;
	}
	only = only_volume(merge->version, role);
	if (only < 0 || merge->volumes[only].device)
		return 0;
	if (name_tells(&merge->in->names[only], device))
		return report_other(merge, (size_t)only, device, err);
	merge->volumes[only].device = device;
	return 0;
}

int merge_find_devices(struct merge *merge, struct err *err)
{
	const struct bcd_store *store = merge->store;
	int r;

	if (!store)
		return 0;
	r = find_device(merge, &store->boot_manager,
			merge->version->uefi ? ROLE_ESP : ROLE_SYSTEM, err);
	if (r == 0)
		r = find_device(merge, &store->windows, ROLE_WINDOWS, err);
	if (r == 0)
		r = find_device(merge, &store->recovery, ROLE_RECOVERY, err);
	return r;
}
