/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every value of disks and partitions from every origin, best first. What comes later and
 * differs is a contradiction: fatal where a restore would have to guess which is true.
 */
#include "evidence-parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/checked.h>

/* "partition 3 of disk 0: length" */
#define WHAT_SIZE 400 /* a name has up to 255 bytes */

/* One partition with an image, and all that speaks about it. */
struct subject {
	struct merge *merge;
	size_t disk_index;
	struct source_disk *disk;
	struct source_partition *partition;
	const struct backup_volume *volume;
	const struct image_name *name;
	const struct bcd_device *device;      /* or NULL */
	const struct mounted_device *mounted; /* or NULL */
	char title[320];		      /* "partition of C: on disk 0" */
};

static struct value_claim claim_of(const struct subject *subject, char what[WHAT_SIZE],
				   const char *field, enum origin origin, bool fatal)
{
	snprintf(what, WHAT_SIZE, "%s: %s", subject->title, field);
	return (struct value_claim){ .version = subject->merge->version,
				     .what = what,
				     .origin = origin,
				     .fatal = fatal };
}

static struct value_claim claim_of_disk(const struct subject *subject,
					char what[WHAT_SIZE], const char *field,
					enum origin origin, bool fatal)
{
	snprintf(what, WHAT_SIZE, "disk %zu: %s", subject->disk_index, field);
	return (struct value_claim){ .version = subject->merge->version,
				     .what = what,
				     .origin = origin,
				     .fatal = fatal };
}

/* A store that was not written to its end may be older than the rest. */
static bool store_is_fatal(const struct subject *subject)
{
	return !subject->merge->store->dirty;
}

static int merge_length(const struct subject *subject, struct err *err)
{
	char what[WHAT_SIZE];
	struct value_claim claim =
		claim_of(subject, what, "length", ORIGIN_IMAGE_TABLE, true);

	if (!subject->volume->length)
		return 0;
	return value_merge(&subject->partition->length, subject->volume->length, &claim,
			   err);
}

static int merge_name(const struct subject *subject, struct err *err)
{
	char what[WHAT_SIZE];
	struct value_claim claim;
	int r;

	if (subject->name->kind != IMAGE_NAME_MBR)
		return 0;
	claim = claim_of_disk(subject, what, "table", ORIGIN_IMAGE_NAME, true);
	claim.style = VALUE_TABLE_STYLE;
	r = value_merge(&subject->disk->style, TABLE_MBR, &claim, err);
	if (r < 0)
		return r;
	claim = claim_of_disk(subject, what, "signature", ORIGIN_IMAGE_NAME, true);
	claim.style = VALUE_HEX;
	r = value_merge(&subject->disk->mbr_signature, subject->name->mbr_signature,
			&claim, err);
	if (r < 0)
		return r;
	claim = claim_of(subject, what, "offset", ORIGIN_IMAGE_NAME, true);
	return value_merge(&subject->partition->offset, subject->name->offset, &claim,
			   err);
}

static int merge_mbr_device(const struct subject *subject, struct err *err)
{
	bool fatal = store_is_fatal(subject);
	char what[WHAT_SIZE];
	struct value_claim claim;
	int r;

	claim = claim_of_disk(subject, what, "signature", ORIGIN_BCD, fatal);
	claim.style = VALUE_HEX;
	r = value_merge(&subject->disk->mbr_signature, subject->device->mbr_signature,
			&claim, err);
	if (r < 0)
		return r;
	claim = claim_of(subject, what, "offset", ORIGIN_BCD, fatal);
	return value_merge(&subject->partition->offset, subject->device->offset, &claim,
			   err);
}

static int merge_gpt_device(const struct subject *subject, struct err *err)
{
	bool fatal = store_is_fatal(subject);
	char what[WHAT_SIZE];
	struct value_claim claim;
	int r;

	claim = claim_of_disk(subject, what, "id", ORIGIN_BCD, fatal);
	r = value_merge_guid(&subject->disk->disk_id, &subject->device->disk_id, &claim,
			     err);
	if (r < 0)
		return r;
	claim = claim_of(subject, what, "id", ORIGIN_BCD, fatal);
	return value_merge_guid(&subject->partition->id, &subject->device->partition_id,
				&claim, err);
}

static int merge_device(const struct subject *subject, struct err *err)
{
	char what[WHAT_SIZE];
	struct value_claim claim;
	enum table_style style;
	int r;

	if (!subject->device)
		return 0;
	style = subject->device->kind == BCD_DEVICE_GPT ? TABLE_GPT : TABLE_MBR;
	claim = claim_of_disk(subject, what, "table", ORIGIN_BCD,
			      store_is_fatal(subject));
	claim.style = VALUE_TABLE_STYLE;
	r = value_merge(&subject->disk->style, style, &claim, err);
	if (r < 0 || subject->disk->style.value != style)
		return r;
	return style == TABLE_GPT ? merge_gpt_device(subject, err)
				  : merge_mbr_device(subject, err);
}

/* Windows corrects the key when it starts: what differs is shown, and not fatal. */
static int merge_mounted_device(const struct subject *subject, struct err *err)
{
	const struct mounted_device *mounted = subject->mounted;
	char what[WHAT_SIZE];
	struct value_claim claim;
	int r;

	if (!mounted)
		return 0;
	claim = claim_of_disk(subject, what, "table", ORIGIN_MOUNTED_DEVICES, false);
	claim.style = VALUE_TABLE_STYLE;
	r = value_merge(&subject->disk->style,
			mounted->kind == MOUNTED_GPT ? TABLE_GPT : TABLE_MBR, &claim,
			err);
	if (r < 0)
		return r;
	if (mounted->kind == MOUNTED_GPT) {
		claim = claim_of(subject, what, "id", ORIGIN_MOUNTED_DEVICES, false);
		return value_merge_guid(&subject->partition->id, &mounted->partition_id,
					&claim, err);
	}
	claim = claim_of_disk(subject, what, "signature", ORIGIN_MOUNTED_DEVICES, false);
	claim.style = VALUE_HEX;
	r = value_merge(&subject->disk->mbr_signature, mounted->mbr_signature, &claim,
			err);
	if (r < 0)
		return r;
	claim = claim_of(subject, what, "offset", ORIGIN_MOUNTED_DEVICES, false);
	return value_merge(&subject->partition->offset, mounted->offset, &claim, err);
}

/* The volume's GUID normally is the partition's id, but need not be (FORMAT.md section
 * 2): it only fills a gap. */
static int merge_name_id(const struct subject *subject, struct err *err)
{
	if (subject->name->kind == IMAGE_NAME_GUID && !subject->name->is_random &&
	    subject->disk->style.value == TABLE_GPT &&
	    !value_known(subject->partition->id.origin))
		value_set_guid(&subject->partition->id, &subject->name->guid,
			       ORIGIN_IMAGE_NAME);
	return 0;
}

/* HiddenSectors of a logical partition counts from its own boot record. */
static bool hidden_sectors_count(const struct subject *subject)
{
	enum file_system fs = subject->volume->fs.fs;
	bool known = fs == FS_NTFS || fs == FS_FAT32 || fs == FS_FAT16 || fs == FS_FAT12;

	return known && subject->volume->fs.hidden_bytes &&
	       !(subject->disk->style.value == TABLE_MBR &&
		 subject->partition->slot.value > 4);
}

static int merge_boot_sector(const struct subject *subject, struct err *err)
{
	const struct volume_info *fs = &subject->volume->fs;
	char what[WHAT_SIZE];
	struct value_claim claim;
	int r = 0;

	if (fs->sector_size) {
		claim = claim_of_disk(subject, what, "sector size", ORIGIN_BOOT_SECTOR,
				      true);
		r = value_merge(&subject->disk->sector_size, fs->sector_size, &claim,
				err);
	}
	if (r < 0 || !hidden_sectors_count(subject))
		return r;
	claim = claim_of(subject, what, "offset", ORIGIN_BOOT_SECTOR, false);
	return value_merge(&subject->partition->offset, fs->hidden_bytes, &claim, err);
}

/* In order of trust. */
static int (*const steps[])(const struct subject *subject, struct err *err) = {
	merge_length,	      merge_name,    merge_device,
	merge_mounted_device, merge_name_id, merge_boot_sector,
};

static int merge_partition(struct merge *merge, size_t disk,
			   struct source_partition *partition, struct err *err)
{
	size_t volume = (size_t)partition->volume;
	struct subject subject = {
		.merge = merge,
		.disk_index = disk,
		.disk = &merge->version->disks[disk],
		.partition = partition,
		.volume = &merge->version->volumes[volume],
		.name = &merge->in->names[volume],
		.device = merge->volumes[volume].device,
		.mounted = merge->volumes[volume].mounted,
	};
	int r = 0;

	snprintf(subject.title, sizeof(subject.title), "partition of %.255s on disk %zu",
		 volume_title(subject.volume), disk);
	for (size_t i = 0; i < ARRAY_SIZE(steps) && r == 0; i++)
		r = steps[i](&subject, err);
	return r;
}

/* -- disks ---- */

static const struct asr_writer_disk *writer_disk(const struct merge *merge, size_t disk)
{
	const struct asr_writer *writer = merge->in->writer;
	const struct asrsif *asrsif = merge->in->asrsif;

	if (!writer)
		return NULL;
	if (!asrsif || !asrsif->disk_count)
		return writer->disk_count == 1 && merge->version->disk_count == 1
			       ? &writer->disks[0]
			       : NULL;
	for (size_t i = 0; i < writer->disk_count; i++)
		if (asrsif->disks[disk].has_number &&
		    asrsif->disks[disk].number == writer->disks[i].number)
			return &writer->disks[i];
	return NULL;
}

/* The writer's captions are sentences: what they say fills gaps, and is shown where it
 * differs. */
static int merge_writer_disk(struct merge *merge, size_t index, struct err *err)
{
	const struct asr_writer_disk *said = writer_disk(merge, index);
	struct source_disk *disk = &merge->version->disks[index];
	struct subject subject = { .merge = merge, .disk_index = index };
	char what[WHAT_SIZE];
	struct value_claim claim;

	if (said && said->has_signature && disk->style.value != TABLE_GPT) {
		claim = claim_of_disk(&subject, what, "signature", ORIGIN_ASR_WRITER,
				      false);
		claim.style = VALUE_HEX;
		return value_merge(&disk->mbr_signature, said->mbr_signature, &claim,
				   err);
	}
	if (said && said->has_id && disk->style.value != TABLE_MBR) {
		claim = claim_of_disk(&subject, what, "id", ORIGIN_ASR_WRITER, false);
		return value_merge_guid(&disk->disk_id, &said->id, &claim, err);
	}
	return 0;
}

int merge_fields(struct merge *merge, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < merge->version->disk_count && r == 0; i++) {
		struct source_disk *disk = &merge->version->disks[i];

		for (size_t j = 0; j < disk->partition_count && r == 0; j++)
			if (disk->partitions[j].volume >= 0)
				r = merge_partition(merge, i, &disk->partitions[j], err);
		if (r == 0)
			r = merge_writer_disk(merge, i, err);
	}
	return r;
}
