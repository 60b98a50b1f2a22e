/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layouts as data: see partition/layout.h. Pure; a layout owns its partitions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <base/checked.h>
#include <base/utf.h>

#include "table-format.h"

const struct guid partition_type_esp = GUID_INIT(0xc12a7328, 0xf81f, 0x11d2, 0xba, 0x4b,
						 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b);
const struct guid partition_type_msr = GUID_INIT(0xe3c9e316, 0x0b5c, 0x4db8, 0x81, 0x7d,
						 0xf9, 0x2d, 0xf0, 0x02, 0x15, 0xae);
const struct guid partition_type_basic_data = GUID_INIT(
	0xebd0a0a2, 0xb9e5, 0x4433, 0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7);
const struct guid partition_type_recovery = GUID_INIT(
	0xde94bba4, 0x06d1, 0x4d40, 0xa1, 0x6a, 0xbf, 0xd5, 0x01, 0x79, 0xd6, 0xac);
const struct guid partition_type_ldm_metadata = GUID_INIT(
	0x5808c8aa, 0x7e8f, 0x42e0, 0x85, 0xd2, 0xe1, 0xe9, 0x04, 0x34, 0xcf, 0xb3);
const struct guid partition_type_ldm_data = GUID_INIT(
	0xaf9b60a0, 0x1431, 0x4f62, 0xbc, 0x68, 0x33, 0x11, 0x71, 0x4a, 0x69, 0xad);
const struct guid partition_type_storage_spaces = GUID_INIT(
	0xe75caf8f, 0xf680, 0x4cee, 0xaf, 0xa3, 0xb0, 0x01, 0xe5, 0x6e, 0xfc, 0x2d);

/* 32-bit LBAs: a table entry can neither start nor be longer beyond this. */
#define MBR_LBA_LIMIT (UINT64_C(1) << 32)

#define MBR_TYPE_EFI 0xef

/* -- what types are called ---- */

static const struct gpt_type_text {
	const struct guid *type;
	const char *text;
} gpt_type_texts[] = {
	{ &partition_type_esp, "EFI system" },
	{ &partition_type_msr, "Microsoft reserved" },
	{ &partition_type_basic_data, "basic data" },
	{ &partition_type_recovery, "recovery" },
	{ &partition_type_ldm_metadata, "dynamic disk metadata" },
	{ &partition_type_ldm_data, "dynamic disk data" },
	{ &partition_type_storage_spaces, "Storage Spaces" },
};

static const struct mbr_type_text {
	uint8_t type;
	const char *text;
} mbr_type_texts[] = {
	{ 0x01, "FAT12" },	    { 0x04, "FAT16" },
	{ 0x06, "FAT16" },	    { 0x0e, "FAT16" },
	{ 0x0b, "FAT32" },	    { 0x0c, "FAT32" },
	{ 0x05, "extended" },	    { 0x0f, "extended" },
	{ 0x85, "extended" },	    { 0x07, "NTFS" },
	{ 0x27, "recovery" },	    { 0x42, "dynamic disk data" },
	{ 0x82, "Linux swap" },	    { 0x83, "Linux" },
	{ 0xee, "GPT protective" }, { MBR_TYPE_EFI, "EFI system" },
};

const char *partition_type_text(const struct disk_layout *layout,
				const struct disk_partition *partition)
{
	if (layout->style == TABLE_MBR) {
		for (size_t i = 0; i < ARRAY_SIZE(mbr_type_texts); i++)
			if (mbr_type_texts[i].type == partition->mbr_type)
				return mbr_type_texts[i].text;
		return "other";
	}
	for (size_t i = 0; i < ARRAY_SIZE(gpt_type_texts); i++)
		if (guid_equal(gpt_type_texts[i].type, &partition->type))
			return gpt_type_texts[i].text;
	return "other";
}

bool partition_is_esp(const struct disk_layout *layout,
		      const struct disk_partition *partition)
{
	return layout->style == TABLE_MBR
		       ? partition->mbr_type == MBR_TYPE_EFI
		       : guid_equal(&partition->type, &partition_type_esp);
}

/* -- memory ---- */

void layout_free(struct disk_layout *layout)
{
	if (!layout)
		return;
	free(layout->partitions);
	free(layout);
}

struct disk_layout *layout_new(void)
{
	return calloc(1, sizeof(struct disk_layout));
}

struct disk_layout *layout_copy(const struct disk_layout *layout)
{
	AUTO(layout_freep) struct disk_layout *copy = layout_new();

	if (!copy)
		return NULL;
	*copy = *layout;
	copy->partitions = NULL;
	if (layout->count) {
		copy->partitions = calloc(layout->count, sizeof(*copy->partitions));
		if (!copy->partitions)
			return NULL;
		memcpy(copy->partitions, layout->partitions,
		       layout->count * sizeof(*copy->partitions));
	}
	return TAKE_PTR(copy);
}

struct disk_partition *layout_add(struct disk_layout *layout)
{
	struct disk_partition *partitions =
		reallocarray(layout->partitions, layout->count + 1, sizeof(*partitions));

	if (!partitions)
		return NULL;
	layout->partitions = partitions;
	partitions[layout->count] = (struct disk_partition){ 0 };
	return &partitions[layout->count++];
}

static int compare_slots(const void *a, const void *b)
{
	const struct disk_partition *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

void layout_sort(struct disk_layout *layout)
{
	if (layout->count)
		qsort(layout->partitions, layout->count, sizeof(*layout->partitions),
		      compare_slots);
}

/* -- checks ---- */

static bool is_extended_pair(const struct disk_layout *layout,
			     const struct disk_partition *a,
			     const struct disk_partition *b)
{
	return layout->style == TABLE_MBR && a->mbr_kind == MBR_EXTENDED &&
	       b->mbr_kind == MBR_LOGICAL;
}

/* prefix comes before "partition N", since both readers and writers use this. */
static int check_pair(const struct disk_layout *layout, const struct disk_partition *a,
		      const struct disk_partition *b, int code, const char *prefix,
		      struct err *err)
{
	if (is_extended_pair(layout, a, b) || is_extended_pair(layout, b, a)) {
		const struct disk_partition *extended =
			a->mbr_kind == MBR_EXTENDED ? a : b;
		const struct disk_partition *logical = extended == a ? b : a;

		if (logical->offset >= extended->offset &&
		    range_within(logical->offset - extended->offset, logical->length,
				 extended->length))
			return 0;
		return err_set(err, code,
			       "%slogical partition %u (%" PRIu64 "+%" PRIu64
			       ") leaves extended partition %u (%" PRIu64 "+%" PRIu64 ")",
			       prefix, logical->slot, logical->offset, logical->length,
			       extended->slot, extended->offset, extended->length);
	}
	if (!ranges_overlap(a->offset, a->length, b->offset, b->length))
		return 0;
	return err_set(err, code,
		       "%spartitions %u (%" PRIu64 "+%" PRIu64 ") and %u (%" PRIu64
		       "+%" PRIu64 ") overlap",
		       prefix, a->slot, a->offset, a->length, b->slot, b->offset,
		       b->length);
}

int layout_check_overlap(const struct disk_layout *layout, int code, const char *prefix,
			 struct err *err)
{
	for (size_t i = 0; i < layout->count; i++) {
		for (size_t j = i + 1; j < layout->count; j++) {
			int r = check_pair(layout, &layout->partitions[i],
					   &layout->partitions[j], code, prefix, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static unsigned slots_of(const struct disk_layout *layout)
{
	return layout->slots ? layout->slots : GPT_SLOTS_DEFAULT;
}

/* Sectors of header and entries, without LBA 0. */
static uint64_t gpt_table_sectors(const struct disk_layout *layout)
{
	return 1 + gpt_entries_sectors(slots_of(layout), GPT_ENTRY_SIZE_MIN,
				       layout->sector_size);
}

void layout_usable(const struct disk_layout *layout, uint64_t *ret_start,
		   uint64_t *ret_end)
{
	uint64_t sectors = layout->disk_size / layout->sector_size;
	uint64_t first = 1, end = min_u64(sectors, MBR_LBA_LIMIT);

	if (layout->style == TABLE_GPT) {
		first = 1 + gpt_table_sectors(layout);
		end = sectors > gpt_table_sectors(layout)
			      ? sectors - gpt_table_sectors(layout)
			      : 0;
	}
	*ret_start = first * layout->sector_size;
	*ret_end = end * layout->sector_size;
}

static int check_place(const struct disk_layout *layout, const struct disk_partition *p,
		       struct err *err)
{
	uint64_t start, end;

	layout_usable(layout, &start, &end);
	if (p->length == 0)
		return err_set(err, -EINVAL, "partition %u: length 0", p->slot);
	if (p->offset % layout->sector_size || p->length % layout->sector_size)
		return err_set(err, -EINVAL,
			       "partition %u: %" PRIu64 "+%" PRIu64
			       " is not made of whole sectors of %" PRIu32 " bytes",
			       p->slot, p->offset, p->length, layout->sector_size);
	if (p->offset < start)
		return err_set(err, -EINVAL,
			       "partition %u: starts at byte %" PRIu64
			       ", the table before it ends at %" PRIu64,
			       p->slot, p->offset, start);
	if (!range_within(p->offset, p->length, end))
		return err_set(err, -EINVAL,
			       "partition %u: %" PRIu64 "+%" PRIu64
			       " leaves the usable area, which ends at byte %" PRIu64
			       " of the disk's %" PRIu64,
			       p->slot, p->offset, p->length, end, layout->disk_size);
	return 0;
}

static int check_name(const struct disk_partition *p, struct err *err)
{
	AUTO_FREE uint8_t *units = NULL;
	size_t length = 0;
	int r;

	if (!memchr(p->name, '\0', sizeof(p->name)))
		return err_set(err, -EINVAL, "partition %u: name without end", p->slot);
	r = utf8_to_utf16le(p->name, &units, &length, err);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return err_set(err, -EINVAL, "partition %u: name is not UTF-8", p->slot);
	if (length > 2 * GPT_NAME_UNITS)
		return err_set(
			err, -EINVAL,
			"partition %u: name '%s' has %zu UTF-16 units, at most %d fit",
			p->slot, p->name, length / 2, GPT_NAME_UNITS);
	return 0;
}

static int check_gpt_partition(const struct disk_layout *layout,
			       const struct disk_partition *p, struct err *err)
{
	char id[GUID_TEXT_SIZE];

	if (p->slot < 1 || p->slot > slots_of(layout))
		return err_set(err, -EINVAL, "partition %u: the table has slots 1 to %u",
			       p->slot, slots_of(layout));
	if (guid_is_zero(&p->type))
		return err_set(err, -EINVAL, "partition %u: type is zero", p->slot);
	if (guid_is_zero(&p->id))
		return err_set(err, -EINVAL, "partition %u: id is zero", p->slot);
	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *other = &layout->partitions[i];

		if (other != p && guid_equal(&other->id, &p->id))
			return err_set(err, -EINVAL, "partitions %u and %u: same id %s",
				       other->slot, p->slot, guid_format(&p->id, id));
	}
	return check_name(p, err);
}

static bool has_slot(const struct disk_layout *layout, unsigned slot)
{
	for (size_t i = 0; i < layout->count; i++)
		if (layout->partitions[i].slot == slot)
			return true;
	return false;
}

static int check_mbr_partition(const struct disk_layout *layout,
			       const struct disk_partition *p, struct err *err)
{
	bool logical = p->mbr_kind == MBR_LOGICAL;
	bool extended_type = mbr_type_is_extended(p->mbr_type);

	if (logical != (p->slot >= MBR_FIRST_LOGICAL) || p->slot < 1)
		return err_set(err, -EINVAL, "partition %u: %s partitions have slots %s",
			       p->slot, logical ? "logical" : "primary",
			       logical ? "from 5" : "1 to 4");
	if (p->mbr_type == 0 || p->mbr_type == MBR_TYPE_PROTECTIVE ||
	    extended_type != (p->mbr_kind == MBR_EXTENDED))
		return err_set(err, -EINVAL,
			       "partition %u: type %02x does not fit its kind", p->slot,
			       p->mbr_type);
	if (p->slot > MBR_FIRST_LOGICAL && !has_slot(layout, p->slot - 1))
		return err_set(
			err, -EINVAL,
			"partition %u: logical partitions have no gaps in their slots",
			p->slot);
	if (p->mbr_active && p->mbr_kind != MBR_PRIMARY)
		return err_set(err, -EINVAL,
			       "partition %u: only a primary partition can be active",
			       p->slot);
	return 0;
}

/* One extended partition at most, and one if there are logical ones. */
static int check_extended(const struct disk_layout *layout, struct err *err)
{
	unsigned extended = 0, logical = 0, active = 0;

	for (size_t i = 0; i < layout->count; i++) {
		extended += layout->partitions[i].mbr_kind == MBR_EXTENDED;
		logical += layout->partitions[i].mbr_kind == MBR_LOGICAL;
		active += layout->partitions[i].mbr_active;
	}
	if (extended > 1)
		return err_set(err, -EINVAL,
			       "%u extended partitions, at most 1 is possible", extended);
	if (logical && !extended)
		return err_set(err, -EINVAL,
			       "%u logical partitions without an extended partition",
			       logical);
	if (active > 1)
		return err_set(err, -EINVAL,
			       "%u active partitions, at most 1 is possible", active);
	return 0;
}

/* Each logical partition has an extended boot record somewhere between it and what lies
 * before it; that of the first slot is the first sector of the extended partition. */
static int check_record_room(const struct disk_layout *layout,
			     const struct disk_partition *p, struct err *err)
{
	for (size_t i = 0; i < layout->count && p->mbr_kind == MBR_LOGICAL; i++) {
		const struct disk_partition *before = &layout->partitions[i];
		uint64_t end = before->offset + before->length;

		if (before->mbr_kind == MBR_EXTENDED)
			end = p->slot == MBR_FIRST_LOGICAL
				      ? before->offset
				      : before->offset + layout->sector_size;
		if (before->mbr_kind != MBR_PRIMARY && end == p->offset)
			return err_set(
				err, -EINVAL,
				"partition %u: no room for an extended boot record "
				"before byte %" PRIu64,
				p->slot, p->offset);
	}
	return 0;
}

static int check_disk(const struct disk_layout *layout, struct err *err)
{
	if (layout->style != TABLE_GPT && layout->style != TABLE_MBR)
		return err_set(err, -EINVAL, "layout has no table style");
	if (!is_power_of_two(layout->sector_size) ||
	    layout->sector_size < SECTOR_SIZE_MIN ||
	    layout->sector_size > SECTOR_SIZE_MAX)
		return err_set(err, -EINVAL,
			       "sector size %" PRIu32
			       ", must be a power of two from %d to %d",
			       layout->sector_size, SECTOR_SIZE_MIN, SECTOR_SIZE_MAX);
	if (layout->style == TABLE_GPT &&
	    (slots_of(layout) < GPT_SLOTS_DEFAULT || slots_of(layout) > GPT_SLOTS_MAX))
		return err_set(err, -EINVAL, "%u slots, must be %d to %d",
			       slots_of(layout), GPT_SLOTS_DEFAULT, GPT_SLOTS_MAX);
	if (layout->style == TABLE_GPT && guid_is_zero(&layout->disk_id))
		return err_set(err, -EINVAL, "disk id is zero");
	if (layout->disk_size < layout_minimum_size(layout))
		return err_set(err, -EINVAL,
			       "disk of %" PRIu64 " bytes, the layout needs %" PRIu64,
			       layout->disk_size, layout_minimum_size(layout));
	return 0;
}

int layout_check(const struct disk_layout *layout, struct err *err)
{
	bool gpt = layout->style == TABLE_GPT;
	int r = check_disk(layout, err);

	for (size_t i = 0; i < layout->count && r == 0; i++) {
		const struct disk_partition *p = &layout->partitions[i];

		r = check_place(layout, p, err);
		if (r == 0)
			r = gpt ? check_gpt_partition(layout, p, err)
				: check_mbr_partition(layout, p, err);
		for (size_t j = 0; j < i && r == 0; j++)
			if (layout->partitions[j].slot == p->slot)
				r = err_set(err, -EINVAL, "two partitions have slot %u",
					    p->slot);
	}
	if (r == 0 && !gpt)
		r = check_extended(layout, err);
	if (r == 0)
		r = layout_check_overlap(layout, -EINVAL, "", err);
	for (size_t i = 0; i < layout->count && r == 0; i++)
		r = check_record_room(layout, &layout->partitions[i], err);
	return r;
}

uint64_t layout_minimum_size(const struct disk_layout *layout)
{
	uint64_t end = layout->sector_size, partition_end;

	if (layout->style == TABLE_GPT)
		end = (1 + gpt_table_sectors(layout)) * layout->sector_size;
	for (size_t i = 0; i < layout->count; i++) {
		if (!checked_add(layout->partitions[i].offset,
				 layout->partitions[i].length, &partition_end))
			return UINT64_MAX;
		end = max_u64(end, partition_end);
	}
	if (layout->style == TABLE_GPT &&
	    !checked_add(end, gpt_table_sectors(layout) * layout->sector_size, &end))
		return UINT64_MAX;
	return end;
}

/* -- comparison ---- */

/* Where differences are written, the first one only. */
struct difference {
	char *text;
	size_t size;
};

static bool differ(const struct difference *why, const char *format, ...) PRINTF(2, 3);

static bool differ(const struct difference *why, const char *format, ...)
{
	va_list arguments;

	if (why->text && why->size) {
		va_start(arguments, format);
		vsnprintf(why->text, why->size, format, arguments);
		va_end(arguments);
	}
	return false;
}

static bool guids_equal(const struct guid *a, const struct guid *b, unsigned slot,
			const char *what, const struct difference *why)
{
	char text_a[GUID_TEXT_SIZE], text_b[GUID_TEXT_SIZE];

	if (guid_equal(a, b))
		return true;
	guid_format(a, text_a);
	guid_format(b, text_b);
	if (!slot)
		return differ(why, "%s: %s and %s", what, text_a, text_b);
	return differ(why, "partition %u: %s %s and %s", slot, what, text_a, text_b);
}

static bool gpt_partitions_equal(const struct disk_partition *a,
				 const struct disk_partition *b,
				 const struct difference *why)
{
	if (!guids_equal(&a->type, &b->type, a->slot, "type", why) ||
	    !guids_equal(&a->id, &b->id, a->slot, "id", why))
		return false;
	if (a->attributes != b->attributes)
		return differ(why,
			      "partition %u: attributes %016" PRIx64 " and %016" PRIx64,
			      a->slot, a->attributes, b->attributes);
	if (strcmp(a->name, b->name) != 0)
		return differ(why, "partition %u: name '%s' and '%s'", a->slot, a->name,
			      b->name);
	return true;
}

static bool mbr_partitions_equal(const struct disk_partition *a,
				 const struct disk_partition *b,
				 const struct difference *why)
{
	if (a->mbr_type != b->mbr_type)
		return differ(why, "partition %u: type %02x and %02x", a->slot,
			      a->mbr_type, b->mbr_type);
	if (a->mbr_active != b->mbr_active)
		return differ(why, "partition %u: active only in the %s layout", a->slot,
			      a->mbr_active ? "first" : "second");
	return true;
}

static bool partitions_equal(const struct disk_layout *layout,
			     const struct disk_partition *a,
			     const struct disk_partition *b, const struct difference *why)
{
	if (a->offset != b->offset || a->length != b->length)
		return differ(why,
			      "partition %u: %" PRIu64 "+%" PRIu64 " and %" PRIu64
			      "+%" PRIu64,
			      a->slot, a->offset, a->length, b->offset, b->length);
	return layout->style == TABLE_GPT ? gpt_partitions_equal(a, b, why)
					  : mbr_partitions_equal(a, b, why);
}

static bool tables_equal(const struct disk_layout *a, const struct disk_layout *b,
			 const struct difference *why)
{
	static const char *const styles[] = { "no table", "MBR", "GPT" };

	if (a->style != b->style)
		return differ(why, "style: %s and %s", styles[a->style],
			      styles[b->style]);
	if (a->sector_size != b->sector_size)
		return differ(why, "sector size: %" PRIu32 " and %" PRIu32,
			      a->sector_size, b->sector_size);
	if (a->count != b->count)
		return differ(why, "partitions: %zu and %zu", a->count, b->count);
	if (a->style == TABLE_MBR && a->mbr_signature != b->mbr_signature)
		return differ(why, "disk signature: %08" PRIx32 " and %08" PRIx32,
			      a->mbr_signature, b->mbr_signature);
	if (a->style != TABLE_GPT)
		return true;
	if (slots_of(a) != slots_of(b))
		return differ(why, "slots: %u and %u", slots_of(a), slots_of(b));
	return guids_equal(&a->disk_id, &b->disk_id, 0, "disk id", why);
}

static const struct disk_partition *find_slot(const struct disk_layout *layout,
					      unsigned slot)
{
	for (size_t i = 0; i < layout->count; i++)
		if (layout->partitions[i].slot == slot)
			return &layout->partitions[i];
	return NULL;
}

bool layout_equal(const struct disk_layout *a, const struct disk_layout *b, char *why,
		  size_t why_size)
{
	struct difference difference = { why, why_size };

	if (!tables_equal(a, b, &difference))
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct disk_partition *p = &a->partitions[i];
		const struct disk_partition *q = find_slot(b, p->slot);

		if (!q)
			return differ(&difference,
				      "partition %u: only in the first layout", p->slot);
		if (!partitions_equal(a, p, q, &difference))
			return false;
	}
	return true;
}
