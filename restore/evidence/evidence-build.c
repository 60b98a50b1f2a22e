/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The source's disks where no AsrSif tells them (FORMAT.md 4.3): one partition per image,
 * put on the disk that its name or the boot store names. What the partitions are filled
 * with comes later, like for disks of AsrSif.
 */
#include "evidence-parts.h"

#include <string.h>

#include <base/checked.h>
#include <base/text.h>

/* What is known of the disk of one volume. */
struct disk_key {
	enum table_style style; /* TABLE_NONE: unknown */
	enum origin origin;
	uint32_t mbr_signature;
	struct guid disk_id;
};

static struct disk_key key_of_device(const struct bcd_device *device)
{
	struct disk_key key = { .origin = ORIGIN_BCD };

	key.style = device->kind == BCD_DEVICE_GPT ? TABLE_GPT : TABLE_MBR;
	key.mbr_signature = device->mbr_signature;
	key.disk_id = device->disk_id;
	return key;
}

/* For GPT the entry does not tell the disk. */
static struct disk_key key_of_mounted(const struct mounted_device *mounted)
{
	if (!mounted || mounted->kind != MOUNTED_MBR)
		return (struct disk_key){ .style = TABLE_NONE };
	return (struct disk_key){ .style = TABLE_MBR,
				  .origin = ORIGIN_MOUNTED_DEVICES,
				  .mbr_signature = mounted->mbr_signature };
}

static struct disk_key key_of_volume(const struct merge *merge, size_t volume)
{
	const struct image_name *name = &merge->in->names[volume];

	if (name->kind == IMAGE_NAME_MBR)
		return (struct disk_key){ .style = TABLE_MBR,
					  .origin = ORIGIN_IMAGE_NAME,
					  .mbr_signature = name->mbr_signature };
	if (merge->volumes[volume].device)
		return key_of_device(merge->volumes[volume].device);
	return key_of_mounted(merge->volumes[volume].mounted);
}

static bool disk_has_key(const struct source_disk *disk, const struct disk_key *key)
{
	if (disk->style.value != key->style)
		return false;
	if (key->style == TABLE_MBR)
		return disk->mbr_signature.value == key->mbr_signature;
	return guid_equal(&disk->disk_id.value, &key->disk_id);
}

static struct source_disk *disk_with_key(struct backup_version *version,
					 const struct disk_key *key)
{
	for (size_t i = 0; i < version->disk_count; i++)
		if (disk_has_key(&version->disks[i], key))
			return &version->disks[i];
	return NULL;
}

static int add_disk(struct backup_version *version, const struct disk_key *key,
		    struct source_disk **ret, struct err *err)
{
	struct source_disk *grown, *disk;

	grown = reallocarray(version->disks, version->disk_count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	version->disks = grown;
	disk = &grown[version->disk_count++];
	*disk = (struct source_disk){ 0 };
	if (key->style != TABLE_NONE)
		value_set(&disk->style, key->style, key->origin);
	if (key->style == TABLE_MBR)
		value_set(&disk->mbr_signature, key->mbr_signature, key->origin);
	if (key->style == TABLE_GPT)
		value_set_guid(&disk->disk_id, &key->disk_id, key->origin);
	*ret = disk;
	return 0;
}

/* Where a volume starts, as far as it shows; 0: unknown. */
static uint64_t offset_of(const struct merge *merge, size_t volume)
{
	const struct bcd_device *device = merge->volumes[volume].device;
	const struct mounted_device *mounted = merge->volumes[volume].mounted;

	if (merge->in->names[volume].kind == IMAGE_NAME_MBR)
		return merge->in->names[volume].offset;
	if (device && device->kind == BCD_DEVICE_MBR)
		return device->offset;
	if (mounted && mounted->kind == MOUNTED_MBR)
		return mounted->offset;
	return merge->version->volumes[volume].fs.hidden_bytes;
}

static bool is_free(const struct merge *merge, const struct source_disk *disk,
		    size_t volume)
{
	uint64_t offset = offset_of(merge, volume), end;
	uint64_t length = merge->version->volumes[volume].length;

	if (!offset || !checked_add(offset, length, &end))
		return true;
	for (size_t i = 0; i < disk->partition_count; i++) {
		size_t other = (size_t)disk->partitions[i].volume;
		uint64_t start = offset_of(merge, other);
		uint64_t other_length = merge->version->volumes[other].length;

		if (start && checked_add(start, other_length, &end) &&
		    ranges_overlap(offset, length, start, other_length))
			return false;
	}
	return true;
}

static int add_partition(struct source_disk *disk, size_t volume, struct err *err)
{
	struct source_partition *grown;

	grown = reallocarray(disk->partitions, disk->partition_count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	disk->partitions = grown;
	grown[disk->partition_count++] =
		(struct source_partition){ .volume = (int)volume };
	return 0;
}

/* Images of the same volume: the same id, or the same file system at the same place. */
static bool same_volume(const struct merge *merge, size_t a, size_t b)
{
	const struct backup_volume *va = &merge->version->volumes[a];
	const struct backup_volume *vb = &merge->version->volumes[b];

	if (value_known(va->volume_guid.origin) && value_known(vb->volume_guid.origin) &&
	    guid_equal(&va->volume_guid.value, &vb->volume_guid.value))
		return true;
	return va->length && va->length == vb->length && va->fs.serial &&
	       va->fs.serial == vb->fs.serial &&
	       va->fs.hidden_bytes == vb->fs.hidden_bytes;
}

static int find_candidates(struct merge *merge, struct err *err)
{
	struct backup_version *version = merge->version;
	int r = 0;

	for (size_t i = 0; i < version->volume_count; i++) {
		for (size_t j = i + 1; j < version->volume_count && r == 0; j++) {
			struct contradiction found = {
				.value_a = version->volumes[i].image_path,
				.value_b = version->volumes[j].image_path,
				.a = ORIGIN_IMAGE_NAME,
				.b = ORIGIN_IMAGE_NAME,
				.fatal = true,
			};
			AUTO_FREE char *what = NULL;

			if (!same_volume(merge, i, j))
				continue;
			what = text_format("two candidates for volume %s",
					   volume_title(&version->volumes[i]));
			if (!what)
				return err_nomem(err);
			found.what = what;
			r = contradiction_add(version, &found, err);
		}
	}
	return r;
}

/* A volume of unknown disk goes to the first disk where its place is free. */
static int place_unknown(struct merge *merge, size_t volume, struct err *err)
{
	static const struct disk_key unknown = { .style = TABLE_NONE };
	struct backup_version *version = merge->version;
	struct source_disk *disk = NULL;
	int r;

	for (size_t i = 0; i < version->disk_count; i++)
		if (is_free(merge, &version->disks[i], volume))
			return add_partition(&version->disks[i], volume, err);
	r = add_disk(version, &unknown, &disk, err);
	return r < 0 ? r : add_partition(disk, volume, err);
}

static int place_known(struct merge *merge, size_t volume, const struct disk_key *key,
		       struct err *err)
{
	struct source_disk *disk = disk_with_key(merge->version, key);
	int r = 0;

	if (!disk)
		r = add_disk(merge->version, key, &disk, err);
	return r < 0 ? r : add_partition(disk, volume, err);
}

static int place_volumes(struct merge *merge, bool known, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < merge->version->volume_count && r == 0; i++) {
		struct disk_key key = key_of_volume(merge, i);

		/* a damaged image has no length and gets no partition */
		if (!merge->version->volumes[i].length ||
		    (key.style != TABLE_NONE) != known)
			continue;
		r = known ? place_known(merge, i, &key, err)
			  : place_unknown(merge, i, err);
	}
	return r;
}

/* Volume GUIDs that are not made of time or place are ids of GPT partitions. */
static bool names_gpt_id(const struct merge *merge, const struct source_disk *disk)
{
	for (size_t i = 0; i < disk->partition_count; i++) {
		const struct image_name *name =
			&merge->in->names[disk->partitions[i].volume];

		const struct mounted_device *mounted =
			merge->volumes[disk->partitions[i].volume].mounted;

		if (name->kind == IMAGE_NAME_GUID && !name->is_random)
			return true;
		if (mounted && mounted->kind == MOUNTED_GPT)
			return true;
	}
	return false;
}

/* Without any other sign, names and firmware decide. */
static void fill_style(const struct merge *merge, struct source_disk *disk)
{
	bool gpt = merge->version->uefi || names_gpt_id(merge, disk);

	if (!value_known(disk->style.origin))
		value_set(&disk->style, gpt ? TABLE_GPT : TABLE_MBR, ORIGIN_CONVENTION);
}

/* The volumes that name their disk first, so that the others find it. */
int merge_build_disks(struct merge *merge, struct err *err)
{
	int r = find_candidates(merge, err);

	if (r == 0)
		r = place_volumes(merge, true, err);
	if (r == 0)
		r = place_volumes(merge, false, err);
	for (size_t i = 0; i < merge->version->disk_count; i++)
		fill_style(merge, &merge->version->disks[i]);
	return r;
}
