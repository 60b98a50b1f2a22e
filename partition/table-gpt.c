/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Understands the bytes of a GPT (UEFI 5.3). Pure: see table-format.h. */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/crc32c.h>
#include <base/fuzzing.h>
#include <base/utf.h>

#include "table-format.h"

static const uint8_t gpt_signature[8] = "EFI PART";

uint64_t gpt_entries_sectors(uint32_t count, uint32_t entry_size, uint32_t sector_size)
{
	return ((uint64_t)count * entry_size + sector_size - 1) / sector_size;
}

static int header_check_crc(const uint8_t *sector, const struct gpt_place *place,
			    struct err *err)
{
	struct gpt_header_disk header;
	uint8_t copy[SECTOR_SIZE_MAX];
	uint32_t size, crc, computed;

	memcpy(&header, sector, sizeof(header));
	size = get_le32(header.header_size);
	if (size < GPT_HEADER_SIZE_MIN || size > place->sector_size)
		return err_set(err, -EBADMSG,
			       "header size %" PRIu32 ", must be %d to %" PRIu32, size,
			       GPT_HEADER_SIZE_MIN, place->sector_size);
	memcpy(copy, sector, size);
	memset(copy + offsetof(struct gpt_header_disk, header_crc), 0, sizeof(le32));
	crc = get_le32(header.header_crc);
	computed = crc32(0, copy, size);
	if (crc != computed && !CHECKSUMS_IGNORED)
		return err_set(err, -EBADMSG,
			       "header CRC %08" PRIx32 ", computed %08" PRIx32, crc,
			       computed);
	return 0;
}

static int header_check_sizes(const struct gpt_header *header, struct err *err)
{
	if (!is_power_of_two(header->entry_size) ||
	    header->entry_size < GPT_ENTRY_SIZE_MIN ||
	    header->entry_size > GPT_ENTRY_SIZE_MAX)
		return err_set(err, -EINVAL,
			       "entry size %" PRIu32
			       ", must be 128 times a power of two, "
			       "up to %d",
			       header->entry_size, GPT_ENTRY_SIZE_MAX);
	if (header->entry_count < 1 || header->entry_count > GPT_SLOTS_MAX)
		return err_set(err, -EINVAL, "%" PRIu32 " entries, must be 1 to %d",
			       header->entry_count, GPT_SLOTS_MAX);
	return 0;
}

/* UEFI 5.3.2: the primary entries lie between header and first usable LBA, the backup
 * ones between last usable LBA and header. */
static int header_check_entries(const struct gpt_header *header,
				const struct gpt_place *place, struct err *err)
{
	bool primary = place->lba == 1;
	uint64_t sectors = gpt_entries_sectors(header->entry_count, header->entry_size,
					       place->sector_size);
	uint64_t from = primary ? 2 : header->last_usable_lba + 1;
	uint64_t to = primary ? header->first_usable_lba : place->lba;

	if (header->entries_lba >= from && range_within(header->entries_lba, sectors, to))
		return 0;
	return err_set(err, -EINVAL,
		       "entries at LBA %" PRIu64 "+%" PRIu64 ", must lie within %" PRIu64
		       " to %" PRIu64,
		       header->entries_lba, sectors, from, to);
}

static int header_check_places(const struct gpt_header *header,
			       const struct gpt_place *place, struct err *err)
{
	bool primary = place->lba == 1;

	if (header->last_usable_lba >= place->sectors)
		return err_set(err, -EINVAL,
			       "last usable LBA %" PRIu64 ", the disk ends at %" PRIu64
			       ": it is cut off or was copied from a larger one",
			       header->last_usable_lba, place->sectors);
	if (header->first_usable_lba > header->last_usable_lba)
		return err_set(err, -EINVAL,
			       "first usable LBA %" PRIu64
			       " is behind the last, %" PRIu64,
			       header->first_usable_lba, header->last_usable_lba);
	if (primary ? header->alternate_lba <= header->last_usable_lba
		    : header->alternate_lba != 1)
		return err_set(err, -EINVAL,
			       "other header at LBA %" PRIu64 ", must be %s",
			       header->alternate_lba,
			       primary ? "behind the last usable LBA" : "1");
	if (!primary && place->lba <= header->last_usable_lba)
		return err_set(err, -EINVAL,
			       "last usable LBA %" PRIu64 " is behind the backup header",
			       header->last_usable_lba);
	return header_check_entries(header, place, err);
}

int gpt_header_parse(const uint8_t *sector, const struct gpt_place *place,
		     struct gpt_header *ret, struct err *err)
{
	struct gpt_header_disk disk;
	struct gpt_header header;
	int r;

	memcpy(&disk, sector, sizeof(disk));
	if (memcmp(disk.signature, gpt_signature, sizeof(gpt_signature)) != 0)
		return err_set(err, -ENOEXEC, "no GPT header at LBA %" PRIu64,
			       place->lba);
	r = header_check_crc(sector, place, err);
	if (r < 0)
		return r;
	if (get_le32(disk.revision) != GPT_REVISION_1)
		return err_set(err, -EINVAL, "revision %08" PRIx32 ", must be %08x",
			       get_le32(disk.revision), GPT_REVISION_1);
	header = (struct gpt_header){
		.my_lba = get_le64(disk.my_lba),
		.alternate_lba = get_le64(disk.alternate_lba),
		.first_usable_lba = get_le64(disk.first_usable_lba),
		.last_usable_lba = get_le64(disk.last_usable_lba),
		.entries_lba = get_le64(disk.entries_lba),
		.entry_count = get_le32(disk.entry_count),
		.entry_size = get_le32(disk.entry_size),
		.entries_crc = get_le32(disk.entries_crc),
		.disk_id = disk.disk_id,
	};
	/* A copy of a header in the wrong place, with a CRC that is right all the same.
	 */
	if (header.my_lba != place->lba)
		return err_set(err, -EBADMSG,
			       "header says that it lies at LBA %" PRIu64
			       ", it is at %" PRIu64,
			       header.my_lba, place->lba);
	r = header_check_sizes(&header, err);
	if (r == 0)
		r = header_check_places(&header, place, err);
	if (r == 0)
		*ret = header;
	return r;
}

static bool gpt_name_read(const le16 name[GPT_NAME_UNITS],
			  char ret[sizeof((struct disk_partition){ 0 }.name)])
{
	AUTO_FREE char *text = NULL;
	size_t units = 0;

	/* Behind the NUL some tools leave rubbish. */
	while (units < GPT_NAME_UNITS && get_le16(name[units]) != 0)
		units++;
	if (utf16le_to_utf8(name, 2 * units, &text, NULL) < 0)
		return false;
	/* 36 units never take more than 108 bytes. */
	snprintf(ret, sizeof((struct disk_partition){ 0 }.name), "%s", text);
	return true;
}

static int entry_check(const struct gpt_entry_disk *entry, unsigned slot,
		       const struct gpt_header *header, const struct gpt_place *place,
		       struct err *err)
{
	uint64_t first = get_le64(entry->first_lba), last = get_le64(entry->last_lba);

	if (last < first)
		return err_set(err, -EBADMSG,
			       "'%s': GPT partition %u: first LBA %" PRIu64
			       ", last %" PRIu64 ": size 0 or less",
			       place->name, slot, first, last);
	if (last >= place->sectors)
		return err_set(err, -EBADMSG,
			       "'%s': GPT partition %u: last LBA %" PRIu64
			       ", the disk ends at %" PRIu64,
			       place->name, slot, last, place->sectors);
	if (first < header->first_usable_lba || last > header->last_usable_lba)
		return err_set(err, -EBADMSG,
			       "'%s': GPT partition %u: LBA %" PRIu64 " to %" PRIu64
			       " leaves the usable area, %" PRIu64 " to %" PRIu64,
			       place->name, slot, first, last, header->first_usable_lba,
			       header->last_usable_lba);
	return 0;
}

static int entry_parse(const uint8_t *bytes, unsigned slot,
		       const struct gpt_header *header, const struct gpt_place *place,
		       struct disk_layout *layout, FILE *notes, struct err *err)
{
	struct gpt_entry_disk entry;
	struct disk_partition *p;
	int r;

	memcpy(&entry, bytes, sizeof(entry));
	if (guid_is_zero(&entry.type))
		return 0;
	r = entry_check(&entry, slot, header, place, err);
	if (r < 0)
		return r;
	p = layout_add(layout);
	if (!p)
		return err_nomem(err);
	p->slot = slot;
	p->offset = get_le64(entry.first_lba) * place->sector_size;
	p->length = (get_le64(entry.last_lba) - get_le64(entry.first_lba) + 1) *
		    place->sector_size;
	p->type = entry.type;
	p->id = entry.id;
	p->attributes = get_le64(entry.attributes);
	if (!gpt_name_read(entry.name, p->name))
		fprintf(notes, "partition %u: name is not UTF-16, left out\n", slot);
	return 0;
}

static void note_equal_ids(const struct disk_layout *layout, FILE *notes)
{
	for (size_t i = 0; i < layout->count; i++) {
		for (size_t j = i + 1; j < layout->count; j++) {
			const struct disk_partition *a = &layout->partitions[i];
			const struct disk_partition *b = &layout->partitions[j];

			if (guid_equal(&a->id, &b->id))
				fprintf(notes, "partitions %u and %u have the same id\n",
					a->slot, b->slot);
		}
	}
}

int gpt_entries_parse(const uint8_t *bytes, const struct gpt_header *header,
		      const struct gpt_place *place, struct disk_layout *layout,
		      FILE *notes, struct err *err)
{
	char prefix[512];

	for (unsigned i = 0; i < header->entry_count; i++) {
		int r = entry_parse(bytes + (size_t)i * header->entry_size, i + 1, header,
				    place, layout, notes, err);

		if (r < 0)
			return r;
	}
	note_equal_ids(layout, notes);
	snprintf(prefix, sizeof(prefix), "'%s': GPT: ", place->name);
	return layout_check_overlap(layout, -EBADMSG, prefix, err);
}
