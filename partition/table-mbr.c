/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Understands the bytes of an MBR and of extended boot records. Pure: see table-format.h.
 */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "table-format.h"

#define BOOT_INDICATOR_ACTIVE 0x80

/* -- is it a table at all? ---- */

/* What the boot sectors of volumes have where an MBR has code. They end in 55 AA as well.
 */
static const struct volume_mark {
	size_t offset;
	const char *text;
} volume_marks[] = {
	{ 3, "NTFS    " },  { 3, "EXFAT   " },	{ 3, "-FVE-FS-" },  { 3, "ReFS" },
	{ 54, "FAT12   " }, { 54, "FAT16   " }, { 54, "FAT     " }, { 82, "FAT32   " },
};

bool mbr_looks_like_volume(const struct mbr_disk *mbr)
{
	for (size_t i = 0; i < ARRAY_SIZE(volume_marks); i++)
		if (memcmp(mbr->boot_code + volume_marks[i].offset, volume_marks[i].text,
			   strlen(volume_marks[i].text)) == 0)
			return true;
	return false;
}

static bool entries_are_plausible(const struct mbr_disk *mbr)
{
	for (size_t i = 0; i < MBR_PRIMARIES; i++)
		if (mbr->entries[i].boot_indicator & ~BOOT_INDICATOR_ACTIVE)
			return false;
	return true;
}

static size_t count_types(const struct mbr_disk *mbr, bool protective)
{
	size_t count = 0;

	for (size_t i = 0; i < MBR_PRIMARIES; i++)
		if (mbr->entries[i].type != 0)
			count += (mbr->entries[i].type == MBR_TYPE_PROTECTIVE) ==
				 protective;
	return count;
}

enum mbr_verdict mbr_judge(const struct mbr_disk *mbr)
{
	if (get_le16(mbr->signature) != MBR_SIGNATURE)
		return MBR_ABSENT;
	if (!entries_are_plausible(mbr))
		return mbr_looks_like_volume(mbr) ? MBR_VOLUME : MBR_ABSENT;
	if (count_types(mbr, true))
		return MBR_PROTECTIVE;
	/* A FAT boot sector has zeros where a table has its entries. */
	if (count_types(mbr, false) == 0 && mbr_looks_like_volume(mbr))
		return MBR_VOLUME;
	return MBR_TABLE;
}

bool mbr_is_hybrid(const struct mbr_disk *mbr)
{
	return count_types(mbr, true) > 0 && count_types(mbr, false) > 0;
}

bool mbr_type_is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

/* -- primaries ---- */

static int add_partition(struct disk_layout *layout, const struct mbr_entry_disk *entry,
			 unsigned slot, uint64_t first_lba, struct err *err)
{
	struct disk_partition *p = layout_add(layout);

	if (!p)
		return err_nomem(err);
	p->slot = slot;
	p->offset = first_lba * layout->sector_size;
	p->length = (uint64_t)get_le32(entry->sectors) * layout->sector_size;
	p->mbr_type = entry->type;
	p->mbr_active = entry->boot_indicator == BOOT_INDICATOR_ACTIVE;
	if (slot >= MBR_FIRST_LOGICAL)
		p->mbr_kind = MBR_LOGICAL;
	else
		p->mbr_kind =
			mbr_type_is_extended(entry->type) ? MBR_EXTENDED : MBR_PRIMARY;
	return 0;
}

static int parse_primary(const struct mbr_entry_disk *entry, unsigned slot,
			 const char *name, struct disk_layout *layout, struct err *err)
{
	uint64_t disk_sectors = layout->disk_size / layout->sector_size;
	uint32_t first = get_le32(entry->first_lba), sectors = get_le32(entry->sectors);

	if (sectors == 0)
		return err_set(err, -EBADMSG, "'%s': MBR partition %u: size 0", name,
			       slot);
	if (first == 0)
		return err_set(
			err, -EBADMSG,
			"'%s': MBR partition %u: starts at LBA 0, where the table lies",
			name, slot);
	if (!range_within(first, sectors, disk_sectors))
		return err_set(err, -EBADMSG,
			       "'%s': MBR partition %u: LBA %" PRIu32 "+%" PRIu32
			       ", the disk ends at %" PRIu64
			       ": it is cut off or was copied from a larger one",
			       name, slot, first, sectors, disk_sectors);
	return add_partition(layout, entry, slot, first, err);
}

int mbr_parse(const struct mbr_disk *mbr, const char *name, struct disk_layout *layout,
	      struct err *err)
{
	unsigned extended = 0;
	char prefix[512];

	for (unsigned i = 0; i < MBR_PRIMARIES; i++) {
		int r = 0;

		if (mbr->entries[i].type != 0)
			r = parse_primary(&mbr->entries[i], i + 1, name, layout, err);
		if (r < 0)
			return r;
		extended += mbr_type_is_extended(mbr->entries[i].type);
	}
	if (extended > 1)
		return err_set(err, -EBADMSG,
			       "'%s': MBR: %u extended partitions, at most 1 is possible",
			       name, extended);
	layout->mbr_signature = get_le32(mbr->disk_signature);
	snprintf(prefix, sizeof(prefix), "'%s': MBR: ", name);
	return layout_check_overlap(layout, -EBADMSG, prefix, err);
}

/* -- logical partitions ---- */

/* Where the link of a record leads: relative to the extended partition. */
static int chain_follow(struct mbr_chain *chain, const struct mbr_entry_disk *link,
			struct err *err)
{
	uint64_t relative = get_le32(link->first_lba), next = chain->first_lba + relative;

	chain->next_lba = 0;
	if (link->type == 0)
		return 0;
	if (!mbr_type_is_extended(link->type))
		return err_set(
			err, -EBADMSG,
			"'%s': extended boot record %zu: link of type %02x, must be 05, "
			"0f or 85",
			chain->name, chain->count, link->type);
	if (relative >= chain->sectors)
		return err_set(err, -EBADMSG,
			       "'%s': extended boot record %zu: leads to sector %" PRIu64
			       " of the extended partition's %" PRIu64,
			       chain->name, chain->count, relative, chain->sectors);
	for (size_t i = 0; i < chain->count; i++)
		if (chain->seen[i] == next)
			return err_set(
				err, -EBADMSG,
				"'%s': extended boot record %zu: leads back to record "
				"%zu at LBA %" PRIu64,
				chain->name, chain->count, i + 1, next);
	chain->next_lba = next;
	return 0;
}

/* The start of a logical partition is relative to its record. */
static int chain_add_logical(struct mbr_chain *chain, const struct mbr_entry_disk *entry,
			     uint64_t record_lba, struct disk_layout *layout,
			     unsigned slot, struct err *err)
{
	uint64_t relative = get_le32(entry->first_lba),
		 sectors = get_le32(entry->sectors);
	uint64_t within = record_lba - chain->first_lba + relative;

	if (sectors == 0)
		return err_set(err, -EBADMSG, "'%s': logical partition %u: size 0",
			       chain->name, slot);
	if (mbr_type_is_extended(entry->type) || entry->type == MBR_TYPE_PROTECTIVE)
		return err_set(err, -EBADMSG, "'%s': logical partition %u: type %02x",
			       chain->name, slot, entry->type);
	if (relative == 0)
		return err_set(
			err, -EBADMSG,
			"'%s': logical partition %u: starts on its own record at LBA "
			"%" PRIu64,
			chain->name, slot, record_lba);
	if (!range_within(within, sectors, chain->sectors))
		return err_set(err, -EBADMSG,
			       "'%s': logical partition %u: sectors %" PRIu64 "+%" PRIu64
			       " of the extended partition's %" PRIu64,
			       chain->name, slot, within, sectors, chain->sectors);
	return add_partition(layout, entry, slot, record_lba + relative, err);
}

static unsigned next_logical_slot(const struct disk_layout *layout)
{
	unsigned slot = MBR_FIRST_LOGICAL;

	for (size_t i = 0; i < layout->count; i++)
		if (layout->partitions[i].mbr_kind == MBR_LOGICAL)
			slot++;
	return slot;
}

int mbr_chain_step(struct mbr_chain *chain, const struct mbr_disk *record,
		   struct disk_layout *layout, FILE *notes, struct err *err)
{
	uint64_t record_lba = chain->next_lba;
	int r = 0;

	if (get_le16(record->signature) != MBR_SIGNATURE)
		return err_set(err, -EBADMSG,
			       "'%s': extended boot record %zu at LBA %" PRIu64
			       ": signature %04x, must be %04x",
			       chain->name, chain->count + 1, record_lba,
			       get_le16(record->signature), MBR_SIGNATURE);
	if (chain->count >= MBR_LOGICAL_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': more than %d extended boot records, the limit",
			       chain->name, MBR_LOGICAL_MAX);
	chain->seen[chain->count++] = record_lba;
	if (notes && (record->entries[2].type || record->entries[3].type))
		fprintf(notes,
			"extended boot record %zu: more than two entries, ignoring\n",
			chain->count);
	if (record->entries[0].type)
		r = chain_add_logical(chain, &record->entries[0], record_lba, layout,
				      next_logical_slot(layout), err);
	return r < 0 ? r : chain_follow(chain, &record->entries[1], err);
}

int mbr_chain_check(const struct mbr_chain *chain, const struct disk_layout *layout,
		    struct err *err)
{
	char prefix[512];

	for (size_t i = 0; i < chain->count; i++) {
		uint64_t offset = chain->seen[i] * layout->sector_size;

		for (size_t j = 0; j < layout->count; j++) {
			const struct disk_partition *p = &layout->partitions[j];

			if (p->mbr_kind == MBR_LOGICAL &&
			    ranges_overlap(offset, layout->sector_size, p->offset,
					   p->length))
				return err_set(
					err, -EBADMSG,
					"'%s': logical partition %u covers the extended "
					"boot record at LBA %" PRIu64,
					chain->name, p->slot, chain->seen[i]);
		}
	}
	snprintf(prefix, sizeof(prefix), "'%s': MBR: ", chain->name);
	return layout_check_overlap(layout, -EBADMSG, prefix, err);
}
