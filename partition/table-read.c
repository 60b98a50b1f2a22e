/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads partition tables from a block source: the part that does I/O and weighs the
 * copies of a GPT against each other. What the bytes mean is in table-gpt.c and
 * table-mbr.c.
 */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/crc32c.h>
#include <base/fuzzing.h>

#include "table-format.h"

/* A disk while its table is read. */
struct table_reader {
	struct block_source *disk;
	uint32_t sector_size; /* bytes */
	uint64_t sectors;
	FILE *notes;
};

/* One of the two copies of a GPT. */
struct gpt_copy {
	int state;	 /* 0: whole; -ENOEXEC: none here; -EBADMSG: CRC wrong; -EINVAL:
			    CRC right, but impossible */
	bool has_header; /* the header itself is whole */
	uint64_t lba;	 /* where it was looked for */
	struct gpt_header header;
	uint8_t *entries;
	struct err reason;
};

static void gpt_copy_clear(struct gpt_copy *copy)
{
	free(copy->entries);
	copy->entries = NULL;
}

/* -- GPT ---- */

static int read_entries(const struct table_reader *reader, struct gpt_copy *copy,
			struct err *err)
{
	const struct gpt_header *header = &copy->header;
	size_t length = (size_t)header->entry_count * header->entry_size;
	uint32_t crc;
	int r;

	copy->entries = malloc(length);
	if (!copy->entries)
		return err_nomem(err);
	r = source_read(reader->disk, copy->entries,
			header->entries_lba * reader->sector_size, length, err);
	if (r < 0)
		return r;
	crc = crc32(0, copy->entries, length);
	if (crc != header->entries_crc && !CHECKSUMS_IGNORED)
		copy->state = err_set(&copy->reason, -EBADMSG,
				      "entries CRC %08" PRIx32 ", computed %08" PRIx32,
				      header->entries_crc, crc);
	return 0;
}

/* Fails on read errors only; what is wrong with the copy goes to copy->state. */
static int gpt_copy_read(const struct table_reader *reader, uint64_t lba,
			 struct gpt_copy *copy, struct err *err)
{
	uint8_t sector[SECTOR_SIZE_MAX];
	struct gpt_place place = { .name = reader->disk->name,
				   .lba = lba,
				   .sectors = reader->sectors,
				   .sector_size = reader->sector_size };
	int r;

	copy->lba = lba;
	if (lba >= reader->sectors) {
		copy->state =
			err_set(&copy->reason, -ENOEXEC,
				"LBA %" PRIu64 " is behind the disk's end, %" PRIu64, lba,
				reader->sectors);
		return 0;
	}
	r = source_read(reader->disk, sector, lba * reader->sector_size,
			reader->sector_size, err);
	if (r < 0)
		return r;
	copy->state = gpt_header_parse(sector, &place, &copy->header, &copy->reason);
	if (copy->state < 0)
		return 0;
	copy->has_header = true;
	return read_entries(reader, copy, err);
}

static int gpt_layout(const struct table_reader *reader, const struct gpt_copy *copy,
		      struct disk_layout *layout, struct err *err)
{
	struct gpt_place place = { .name = reader->disk->name,
				   .lba = copy->lba,
				   .sectors = reader->sectors,
				   .sector_size = reader->sector_size };

	layout->style = TABLE_GPT;
	layout->slots = copy->header.entry_count;
	layout->disk_id = copy->header.disk_id;
	return gpt_entries_parse(copy->entries, &copy->header, &place, layout,
				 reader->notes, err);
}

static bool same_table(const struct gpt_header *a, const struct gpt_header *b)
{
	return guid_equal(&a->disk_id, &b->disk_id) && a->entries_crc == b->entries_crc &&
	       a->entry_count == b->entry_count && a->entry_size == b->entry_size &&
	       a->first_usable_lba == b->first_usable_lba &&
	       a->last_usable_lba == b->last_usable_lba;
}

static void note_backup(const struct table_reader *reader, const struct gpt_copy *primary,
			const struct gpt_copy *backup)
{
	uint64_t last = reader->sectors - 1;

	if (backup->lba < last)
		fprintf(reader->notes,
			"GPT: the disk is larger than its table says: backup header "
			"expected "
			"at LBA %" PRIu64 ", the disk's last is %" PRIu64 "\n",
			backup->lba, last);
	if (backup->state == -ENOEXEC)
		fprintf(reader->notes, "GPT: no backup header: %s\n",
			backup->reason.text);
	else if (backup->state < 0)
		fprintf(reader->notes, "GPT: backup at LBA %" PRIu64 " is damaged: %s\n",
			backup->lba, backup->reason.text);
	else if (!same_table(&primary->header, &backup->header))
		fprintf(reader->notes,
			"GPT: backup at LBA %" PRIu64
			" is stale: it differs from the primary table, ignoring it\n",
			backup->lba);
}

/* The backup may stand in for a primary that is damaged, never for one that is whole but
 * impossible: a disk cloned from a larger one has a new start and somebody else's end. */
static int gpt_from_backup(const struct table_reader *reader,
			   const struct gpt_copy *primary, const struct gpt_copy *backup,
			   struct disk_layout *layout, struct err *err)
{
	const char *name = reader->disk->name;

	if (primary->state == -EINVAL)
		return err_set(err, -EBADMSG, "'%s': GPT: %s%s%s", name,
			       primary->reason.text,
			       backup->state < 0 ? "; backup: " : "",
			       backup->state < 0 ? backup->reason.text : "");
	if (backup->state < 0)
		return err_set(
			err, -EBADMSG,
			"'%s': GPT: both copies are damaged or missing: primary: %s; "
			"backup: %s",
			name, primary->reason.text, backup->reason.text);
	if (primary->has_header && !same_table(&primary->header, &backup->header))
		return err_set(err, -EBADMSG,
			       "'%s': GPT: primary: %s; the backup is of another table",
			       name, primary->reason.text);
	fprintf(reader->notes,
		"GPT: primary is damaged (%s), read from the backup at LBA %" PRIu64 "\n",
		primary->reason.text, backup->lba);
	return gpt_layout(reader, backup, layout, err);
}

static int read_gpt(const struct table_reader *reader, struct disk_layout *layout,
		    struct err *err)
{
	AUTO(gpt_copy_clear) struct gpt_copy primary = { 0 }, backup = { 0 };
	uint64_t backup_lba = reader->sectors - 1;
	int r = gpt_copy_read(reader, 1, &primary, err);

	if (r < 0)
		return r;
	if (primary.has_header)
		backup_lba = primary.header.alternate_lba;
	r = gpt_copy_read(reader, backup_lba, &backup, err);
	if (r < 0)
		return r;
	if (primary.state < 0)
		return gpt_from_backup(reader, &primary, &backup, layout, err);
	note_backup(reader, &primary, &backup);
	return gpt_layout(reader, &primary, layout, err);
}

/* -- MBR ---- */

static const struct disk_partition *find_extended(const struct disk_layout *layout)
{
	for (size_t i = 0; i < layout->count; i++)
		if (layout->partitions[i].mbr_kind == MBR_EXTENDED)
			return &layout->partitions[i];
	return NULL;
}

int mbr_chain_read(struct block_source *disk, const struct disk_partition *extended,
		   struct disk_layout *layout, struct mbr_chain *ret, FILE *notes,
		   struct err *err)
{
	*ret = (struct mbr_chain){
		.name = disk->name,
		.first_lba = extended->offset / layout->sector_size,
		.sectors = extended->length / layout->sector_size,
		.next_lba = extended->offset / layout->sector_size,
	};
	while (ret->next_lba) {
		struct mbr_disk record;
		int r = source_read(disk, &record, ret->next_lba * layout->sector_size,
				    sizeof(record), err);

		if (r == 0)
			r = mbr_chain_step(ret, &record, layout, notes, err);
		if (r < 0)
			return r;
	}
	return mbr_chain_check(ret, layout, err);
}

static int read_logical(const struct table_reader *reader, struct disk_layout *layout,
			struct err *err)
{
	const struct disk_partition *extended = find_extended(layout);
	struct disk_partition copy;
	struct mbr_chain chain;

	if (!extended)
		return 0;
	copy = *extended; /* the layout grows and moves */
	return mbr_chain_read(reader->disk, &copy, layout, &chain, reader->notes, err);
}

static int read_mbr(const struct table_reader *reader, const struct mbr_disk *mbr,
		    struct disk_layout *layout, struct err *err)
{
	int r;

	layout->style = TABLE_MBR;
	r = mbr_parse(mbr, reader->disk->name, layout, err);
	/* Its code and messages may look like entries, though hardly like sound ones. */
	if (r == -EBADMSG && mbr_looks_like_volume(mbr)) {
		fputs("the boot sector of a volume, not a table\n", reader->notes);
		layout->style = TABLE_NONE;
		layout->count = 0;
		return 0;
	}
	return r < 0 ? r : read_logical(reader, layout, err);
}

/* -- which of them ---- */

/* How much of a GPT there is if sectors have this size: 2 a whole primary, 1 some of it.
 */
static int rate_gpt(struct table_reader *reader, uint32_t sector_size, int *ret,
		    struct err *err)
{
	AUTO(gpt_copy_clear) struct gpt_copy primary = { 0 }, backup = { 0 };
	int r;

	*ret = 0;
	reader->sector_size = sector_size;
	reader->sectors = reader->disk->size / sector_size;
	if (reader->sectors < 2)
		return 0;
	r = gpt_copy_read(reader, 1, &primary, err);
	if (r == 0)
		r = gpt_copy_read(reader, reader->sectors - 1, &backup, err);
	if (primary.has_header || primary.state == -EINVAL || backup.state == 0)
		*ret = primary.state == 0 ? 2 : 1;
	return r;
}

/* A plain file does not say what its sectors are. A header that was left behind by
 * another sector size does not win: its entries were overwritten. */
static int find_sector_size(struct table_reader *reader, uint32_t wanted, struct err *err)
{
	static const uint32_t sizes[] = { 512, 4096 };
	uint32_t found = SECTOR_SIZE_MIN;
	int best = 0, rating;

	if (!wanted)
		wanted = reader->disk->sector_size;
	for (size_t i = 0; i < ARRAY_SIZE(sizes) && !wanted; i++) {
		int r = rate_gpt(reader, sizes[i], &rating, err);

		if (r < 0)
			return r;
		if (rating > best) {
			best = rating;
			found = sizes[i];
		}
	}
	reader->sector_size = wanted ? wanted : found;
	if (!is_power_of_two(reader->sector_size) ||
	    reader->sector_size < SECTOR_SIZE_MIN ||
	    reader->sector_size > SECTOR_SIZE_MAX)
		return err_set(err, -EINVAL,
			       "'%s': sector size %" PRIu32
			       ", must be a power of two from %d to %d",
			       reader->disk->name, reader->sector_size, SECTOR_SIZE_MIN,
			       SECTOR_SIZE_MAX);
	reader->sectors = reader->disk->size / reader->sector_size;
	return 0;
}

/* Firmware, Windows and Linux ask for the protective MBR before they look at a GPT. */
static int note_stray_gpt(const struct table_reader *reader, struct err *err)
{
	AUTO(gpt_copy_clear) struct gpt_copy primary = { 0 };
	int r = 0;

	if (reader->sectors > 1)
		r = gpt_copy_read(reader, 1, &primary, err);
	if (r == 0 && primary.has_header)
		fputs("a GPT header without protective MBR, ignoring it\n",
		      reader->notes);
	return r;
}

static int read_table(const struct table_reader *reader, struct disk_layout *layout,
		      struct err *err)
{
	enum mbr_verdict verdict;
	struct mbr_disk mbr;
	int r;

	if (reader->sectors == 0)
		return 0;
	r = source_read(reader->disk, &mbr, 0, sizeof(mbr), err);
	if (r < 0)
		return r;
	verdict = mbr_judge(&mbr);
	if (verdict == MBR_PROTECTIVE && mbr_is_hybrid(&mbr))
		fputs("hybrid MBR: its entries are ignored, the GPT counts\n",
		      reader->notes);
	if (verdict == MBR_PROTECTIVE)
		return read_gpt(reader, layout, err);
	r = note_stray_gpt(reader, err);
	if (r == 0 && verdict == MBR_TABLE)
		r = read_mbr(reader, &mbr, layout, err);
	return r;
}

/* The stream's text, once it is complete. */
static int read_with_notes(struct table_reader *reader, uint32_t sector_size,
			   struct disk_layout **ret, struct err *err)
{
	AUTO(layout_freep) struct disk_layout *layout = layout_new();
	int r;

	if (!layout)
		return err_nomem(err);
	r = find_sector_size(reader, sector_size, err);
	if (r < 0)
		return r;
	layout->sector_size = reader->sector_size;
	layout->disk_size = reader->disk->size;
	r = read_table(reader, layout, err);
	if (r < 0)
		return r;
	layout_sort(layout);
	*ret = TAKE_PTR(layout);
	return 0;
}

int layout_read(struct block_source *disk, uint32_t sector_size, struct disk_layout **ret,
		char **ret_notes, struct err *err)
{
	AUTO(layout_freep) struct disk_layout *layout = NULL;
	struct table_reader reader = { .disk = disk };
	AUTO_FREE char *notes = NULL;
	size_t length = 0;
	int r;

	reader.notes = open_memstream(&notes, &length);
	if (!reader.notes)
		return err_nomem(err);
	r = read_with_notes(&reader, sector_size, &layout, err);
	if (fclose(reader.notes) != 0 && r == 0)
		r = err_nomem(err);
	if (r < 0)
		return r;
	if (ret_notes)
		*ret_notes = TAKE_PTR(notes);
	*ret = TAKE_PTR(layout);
	return 0;
}
