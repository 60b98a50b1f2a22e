/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What no origin tells is filled as Windows' own setup would do it, marked as convention:
 * types by role, slots by offset, the reserved partition in a gap of its size. Ids are
 * never invented here. Then the whole is looked at once more: do partitions overlap?
 */
#include "evidence-parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/checked.h>

/* GPT attribute bits (UEFI 5.3.3; bit 63 is Windows' "no drive letter"). */
#define ATTRIBUTE_REQUIRED  UINT64_C(1)
#define ATTRIBUTE_NO_LETTER (UINT64_C(1) << 63)

/* By role; ROLE_WINDOWS, ROLE_SYSTEM and ROLE_DATA are plain data partitions. */
static const struct gpt_convention {
	const struct guid *type;
	uint64_t attributes;
	const char *name;
} gpt_conventions[] = {
	[ROLE_DATA] = { &partition_type_basic_data, 0, "Basic data partition" },
	[ROLE_ESP] = { &partition_type_esp, ATTRIBUTE_NO_LETTER, "EFI system partition" },
	[ROLE_WINDOWS] = { &partition_type_basic_data, 0, "Basic data partition" },
	[ROLE_SYSTEM] = { &partition_type_basic_data, 0, "Basic data partition" },
	[ROLE_RECOVERY] = { &partition_type_recovery,
			    ATTRIBUTE_NO_LETTER | ATTRIBUTE_REQUIRED, "" },
};

/* Sizes that Windows' setup and makers of computers give the reserved partition. */
static const uint64_t msr_sizes[] = { 16 * MiB, 32 * MiB, 128 * MiB };

/* Where Windows puts a first partition, and the unit of all starts. */
#define ALIGNMENT MiB

static void set_default(struct value_u64 *value, uint64_t number)
{
	if (!value_known(value->origin))
		value_set(value, number, ORIGIN_CONVENTION);
}

static int fill_gpt(struct source_partition *p, enum volume_role role, struct err *err)
{
	const struct gpt_convention *convention = &gpt_conventions[role];

	if (!value_known(p->type.origin))
		value_set_guid(&p->type, convention->type, ORIGIN_CONVENTION);
	set_default(&p->attributes, convention->attributes);
	if (value_known(p->name.origin))
		return 0;
	return value_set_text(&p->name, convention->name, ORIGIN_CONVENTION, err);
}

static uint8_t mbr_type_of(const struct backup_volume *volume)
{
	if (volume->role == ROLE_RECOVERY)
		return 0x27;
	return volume->fs.fs == FS_FAT32 ? 0x0c : 0x07;
}

/* Active is the partition that the boot manager's element names, else the system volume.
 */
static bool is_active(const struct merge *merge, const struct source_disk *disk,
		      const struct source_partition *p)
{
	const struct bcd_store *store = merge->store;

	if (store && store->boot_manager.kind == BCD_DEVICE_MBR)
		return disk->mbr_signature.value == store->boot_manager.mbr_signature &&
		       p->offset.value == store->boot_manager.offset;
	return merge->version->volumes[p->volume].role == ROLE_SYSTEM;
}

static int fill_partition(struct merge *merge, struct source_disk *disk,
			  struct source_partition *p, struct err *err)
{
	const struct backup_volume *volume = &merge->version->volumes[p->volume];

	if (disk->style.value == TABLE_GPT)
		return fill_gpt(p, volume->role, err);
	set_default(&p->mbr_type, mbr_type_of(volume));
	set_default(&p->mbr_active, is_active(merge, disk, p));
	return 0;
}

/* -- places ---- */

static bool place_known(const struct source_partition *p)
{
	return value_known(p->offset.origin) && value_known(p->length.origin);
}

/* Where a range of this length overlaps no partition; else *ret_next is behind one that is in
 * the way. Offsets and lengths are below 2^63, so that their sums do not overflow. */
static bool is_free(const struct source_disk *disk, uint64_t start, uint64_t length,
		    uint64_t *ret_next)
{
	for (size_t i = 0; i < disk->partition_count; i++) {
		const struct source_partition *p = &disk->partitions[i];

		if (!place_known(p) ||
		    !ranges_overlap(start, length, p->offset.value, p->length.value))
			continue;
		*ret_next = p->offset.value + p->length.value;
		return false;
	}
	return true;
}

/* The first gap, from where Windows puts its first partition; every partition is passed at
 * most once. 0: there is none. */
static uint64_t find_gap(const struct source_disk *disk, uint64_t length)
{
	uint64_t start = ALIGNMENT, next;

	while (!is_free(disk, start, length, &next)) {
		if (!checked_align_up(next, ALIGNMENT, &start) ||
		    !range_within(start, length, INT64_MAX))
			return 0;
	}
	return start;
}

/* Partitions whose start is unknown go to the first gap that holds them: for an EFI system
 * partition that is where Windows' setup puts it. */
static void fill_places(struct source_disk *disk)
{
	for (size_t i = 0; i < disk->partition_count; i++) {
		struct source_partition *p = &disk->partitions[i];
		uint64_t start = 0;

		if (!value_known(p->offset.origin) && value_known(p->length.origin))
			start = find_gap(disk, p->length.value);
		if (start)
			value_set(&p->offset, start, ORIGIN_CONVENTION);
	}
}

static int compare_offsets(const void *a, const void *b)
{
	const struct source_partition *p = a, *q = b;

	if (p->offset.value != q->offset.value)
		return p->offset.value < q->offset.value ? -1 : 1;
	return p->volume - q->volume;
}

static void sort_partitions(struct source_disk *disk)
{
	if (disk->partition_count)
		qsort(disk->partitions, disk->partition_count, sizeof(*disk->partitions),
		      compare_offsets);
}

/* -- the reserved partition ---- */

static bool is_msr_size(uint64_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(msr_sizes); i++)
		if (length == msr_sizes[i])
			return true;
	return false;
}

/* Where a gap of the right size lies directly before Windows. */
static bool find_msr_gap(const struct merge *merge, const struct source_disk *disk,
			 uint64_t *ret_offset, uint64_t *ret_length)
{
	uint64_t end = 0;

	for (size_t i = 0; i < disk->partition_count; i++) {
		const struct source_partition *p = &disk->partitions[i];

		if (i && p->volume >= 0 && p->offset.origin != ORIGIN_CONVENTION &&
		    merge->version->volumes[p->volume].role == ROLE_WINDOWS &&
		    p->offset.value > end && is_msr_size(p->offset.value - end)) {
			*ret_offset = end;
			*ret_length = p->offset.value - end;
			return true;
		}
		end = max_u64(end, p->offset.value + p->length.value);
	}
	return false;
}

/* Only for disks that were built without AsrSif, which lists the reserved partition. */
static int add_msr(struct merge *merge, struct source_disk *disk, struct err *err)
{
	struct source_partition msr = { .volume = -1 };
	struct source_partition *grown;
	uint64_t offset, length;
	int r;

	if (disk->style.value != TABLE_GPT ||
	    (merge->in->asrsif && merge->in->asrsif->disk_count) ||
	    !find_msr_gap(merge, disk, &offset, &length))
		return 0;
	grown = reallocarray(disk->partitions, disk->partition_count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	disk->partitions = grown;
	value_set(&msr.offset, offset, ORIGIN_CONVENTION);
	value_set(&msr.length, length, ORIGIN_CONVENTION);
	value_set_guid(&msr.type, &partition_type_msr, ORIGIN_CONVENTION);
	value_set(&msr.attributes, ATTRIBUTE_NO_LETTER, ORIGIN_CONVENTION);
	r = value_set_text(&msr.name, "Microsoft reserved partition", ORIGIN_CONVENTION,
			   err);
	if (r < 0)
		return r;
	grown[disk->partition_count++] = msr;
	sort_partitions(disk);
	return 0;
}

/* -- slots and overlaps ---- */

static bool slot_taken(const struct source_disk *disk, uint64_t slot)
{
	for (size_t i = 0; i < disk->partition_count; i++)
		if (value_known(disk->partitions[i].slot.origin) &&
		    disk->partitions[i].slot.value == slot)
			return true;
	return false;
}

static void fill_slots(struct source_disk *disk)
{
	uint64_t slot = 1;

	for (size_t i = 0; i < disk->partition_count; i++) {
		if (value_known(disk->partitions[i].slot.origin))
			continue;
		while (slot_taken(disk, slot))
			slot++;
		value_set(&disk->partitions[i].slot, slot, ORIGIN_CONVENTION);
	}
}

static bool is_extended(const struct source_disk *disk, const struct source_partition *p)
{
	return disk->style.value == TABLE_MBR &&
	       (p->mbr_type.value == 0x05 || p->mbr_type.value == 0x0f);
}

static int check_overlaps(struct merge *merge, size_t index, struct err *err)
{
	const struct source_disk *disk = &merge->version->disks[index];
	const struct source_partition *last = NULL;

	for (size_t i = 0; i < disk->partition_count; i++) {
		const struct source_partition *p = &disk->partitions[i];
		char what[64], a[48], b[48];

		if (!place_known(p) || is_extended(disk, p))
			continue;
		if (last && p->offset.value < last->offset.value + last->length.value) {
			snprintf(what, sizeof(what), "overlapping partitions on disk %zu",
				 index);
			snprintf(a, sizeof(a), "up to byte %" PRIu64,
				 last->offset.value + last->length.value);
			snprintf(b, sizeof(b), "from byte %" PRIu64, p->offset.value);
			return contradiction_add(
				merge->version,
				&(struct contradiction){ .what = what,
							 .value_a = a,
							 .value_b = b,
							 .a = last->offset.origin,
							 .b = p->offset.origin,
							 .fatal = true },
				err);
		}
		last = p;
	}
	return 0;
}

static int fill_disk(struct merge *merge, size_t index, struct err *err)
{
	struct source_disk *disk = &merge->version->disks[index];
	int r = 0;

	for (size_t i = 0; i < disk->partition_count && r == 0; i++)
		if (disk->partitions[i].volume >= 0)
			r = fill_partition(merge, disk, &disk->partitions[i], err);
	if (r < 0)
		return r;
	fill_places(disk);
	sort_partitions(disk);
	r = add_msr(merge, disk, err);
	if (r < 0)
		return r;
	fill_slots(disk);
	return check_overlaps(merge, index, err);
}

int merge_conventions(struct merge *merge, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < merge->version->disk_count && r == 0; i++)
		r = fill_disk(merge, i, err);
	return r;
}
