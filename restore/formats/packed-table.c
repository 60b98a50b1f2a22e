/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The seek table of a packed image: see packed-table.h. */
#include "packed-table.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

size_t packed_entry_size(const struct packed_table *table)
{
	return table->checksums ? sizeof(struct packed_entry_disk)
				: offsetof(struct packed_entry_disk, checksum);
}

/* Content that cannot be made smaller grows by less than this. */
static uint64_t stored_limit(uint32_t length)
{
	return length + length / 128 + 64 * KiB;
}

/* -- foot and head ---- */

static bool has_magic(const struct packed_foot_disk *disk)
{
	const le32 magic = put_le32(PACKED_SEEKABLE_MAGIC);

	return memcmp(disk->magic, magic.b, sizeof(magic.b)) == 0;
}

int packed_foot_parse(const struct packed_foot_disk *disk, uint64_t file_size,
		      const char *name, struct packed_table *ret, struct err *err)
{
	struct packed_table table = { .frames = get_le32(disk->frames),
				      .checksums = disk->flags & PACKED_CHECKSUMS };
	uint64_t length;

	if (!has_magic(disk))
		return err_set(
			err, -ENOTSUP,
			"'%s': zstd without a seek table: another program made it, or it "
			"is cut short, and it can only be read from its start; 'zstd -d' "
			"unpacks it, 'bmr pack' makes one that can be read anywhere",
			name);
	if (disk->flags & PACKED_RESERVED)
		return err_set(err, -EBADMSG,
			       "'%s': seek table with flags 0x%02x, 0x%02x must be 0",
			       name, disk->flags, PACKED_RESERVED);
	if (table.frames == 0 || table.frames > PACKED_MAX_FRAMES)
		return err_set(err, -EBADMSG,
			       "'%s': seek table of %" PRIu32
			       " frames, must have from 1 to %u",
			       name, table.frames, PACKED_MAX_FRAMES);
	length = (uint64_t)table.frames * packed_entry_size(&table) + sizeof(*disk);
	if (length + sizeof(struct packed_head_disk) > file_size)
		return err_set(err, -EBADMSG,
			       "'%s': seek table of %" PRIu32 " frames, %" PRIu64
			       " bytes, in a file of %" PRIu64,
			       name, table.frames, length, file_size);
	table.offset = file_size - length;
	*ret = table;
	return 0;
}

static int check_head(struct block_source *file, const struct packed_table *table,
		      struct err *err)
{
	uint64_t length = file->size - table->offset;
	struct packed_head_disk head;
	int r = source_read(file, &head, table->offset - sizeof(head), sizeof(head), err);

	if (r < 0)
		return r;
	if (get_le32(head.magic) == PACKED_SKIPPABLE_MAGIC &&
	    get_le32(head.length) == length)
		return 0;
	return err_set(err, -EBADMSG,
		       "'%s': seek table begins with 0x%08" PRIx32 " and %" PRIu32
		       " bytes, must be 0x%08x and %" PRIu64,
		       file->name, get_le32(head.magic), get_le32(head.length),
		       PACKED_SKIPPABLE_MAGIC, length);
}

/* -- entries ---- */

static int check_frame(const struct block_source *file, const struct packed_table *table,
		       uint32_t index, const struct packed_frame *frame, struct err *err)
{
	uint64_t end = table->offset - sizeof(struct packed_head_disk);

	if (frame->length > PACKED_MAX_FRAME)
		return err_set(err, -ENOTSUP,
			       "'%s': frame %" PRIu32 " holds %" PRIu32
			       " bytes, at most %u can be read; pack it by 'bmr pack'",
			       file->name, index, frame->length, PACKED_MAX_FRAME);
	if (frame->stored == 0 || frame->stored > stored_limit(frame->length))
		return err_set(err, -EBADMSG,
			       "'%s': frame %" PRIu32 " of %" PRIu32 " bytes for %" PRIu32
			       " of content, must be from 1 to "
			       "%" PRIu64,
			       file->name, index, frame->stored, frame->length,
			       stored_limit(frame->length));
	if (frame->stored > end - frame->offset)
		return err_set(err, -EBADMSG,
			       "'%s': frame %" PRIu32 " at %" PRIu64 "+%" PRIu32
			       " reaches into the seek table at %" PRIu64,
			       file->name, index, frame->offset, frame->stored, end);
	return 0;
}

static size_t entries_of(const struct packed_table *table, size_t page)
{
	return (size_t)min_u64(PACKED_PAGE, table->frames - (uint64_t)page * PACKED_PAGE);
}

/* Fills table->frame with the page, which begins at sums; *ret: where it ends. */
static int load_page(struct packed_table *table, struct block_source *file, size_t page,
		     struct packed_sums *ret, struct err *err)
{
	struct packed_sums sums = table->sums[page];
	uint8_t bytes[PACKED_PAGE * sizeof(struct packed_entry_disk)];
	size_t count = entries_of(table, page), size = packed_entry_size(table);
	uint64_t first = (uint64_t)page * PACKED_PAGE;
	int r;

	table->page = table->page_count;
	r = source_read(file, bytes, table->offset + first * size, count * size, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct packed_entry_disk entry = { 0 };
		struct packed_frame *frame = &table->frame[i];

		memcpy(&entry, bytes + i * size, size);
		*frame = (struct packed_frame){
			.offset = sums.offset,
			.stored = get_le32(entry.stored),
			.start = sums.start,
			.length = get_le32(entry.length),
			.checksum = get_le32(entry.checksum),
		};
		r = check_frame(file, table, (uint32_t)(first + i), frame, err);
		sums.offset += frame->stored;
		sums.start += frame->length;
	}
	if (r < 0)
		return r;
	table->page = page;
	table->page_frames = count;
	*ret = sums;
	return 0;
}

static int read_entries(struct packed_table *table, struct block_source *file,
			struct err *err)
{
	uint64_t end = table->offset - sizeof(struct packed_head_disk);
	const struct packed_sums *last = &table->sums[table->page_count];
	int r = 0;

	for (size_t page = 0; r == 0 && page < table->page_count; page++) {
		r = load_page(table, file, page, &table->sums[page + 1], err);
		for (size_t i = 0; r == 0 && i < table->page_frames; i++)
			table->max_length = (uint32_t)max_u64(table->max_length,
							      table->frame[i].length);
	}
	if (r < 0)
		return r;
	if (last->offset != end)
		return err_set(err, -EBADMSG,
			       "'%s': the frames end at %" PRIu64
			       ", and the seek table begins at %" PRIu64,
			       file->name, last->offset, end);
	table->size = last->start;
	return 0;
}

void packed_table_clear(struct packed_table *table)
{
	free(table->sums);
	free(table->frame);
	*table = (struct packed_table){ 0 };
}

static int read_table(struct block_source *file, struct packed_table *table,
		      struct err *err)
{
	struct packed_foot_disk foot;
	int r;

	if (file->size < sizeof(foot) + sizeof(struct packed_head_disk))
		return err_set(err, -EBADMSG, "'%s': %" PRIu64 " bytes, no packed image",
			       file->name, file->size);
	r = source_read(file, &foot, file->size - sizeof(foot), sizeof(foot), err);
	if (r == 0)
		r = packed_foot_parse(&foot, file->size, file->name, table, err);
	if (r == 0)
		r = check_head(file, table, err);
	if (r < 0)
		return r;
	table->page_count = (table->frames + PACKED_PAGE - 1) / PACKED_PAGE;
	table->sums = calloc(table->page_count + 1, sizeof(*table->sums));
	table->frame = calloc(PACKED_PAGE, sizeof(*table->frame));
	if (!table->sums || !table->frame)
		return err_nomem(err);
	return read_entries(table, file, err);
}

int packed_table_read(struct block_source *file, struct packed_table *ret,
		      struct err *err)
{
	struct packed_table table = { 0 };
	int r = read_table(file, &table, err);

	if (r < 0) {
		packed_table_clear(&table);
		return r;
	}
	*ret = table;
	return 0;
}

/* The last page that begins at or before offset. */
static size_t find_page(const struct packed_table *table, uint64_t offset)
{
	size_t low = 0, high = table->page_count - 1;

	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;

		if (table->sums[middle].start <= offset)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

int packed_table_find(struct packed_table *table, struct block_source *file,
		      uint64_t offset, struct packed_frame *ret, struct err *err)
{
	size_t page = find_page(table, offset), low = 0, high;
	struct packed_sums end;
	int r;

	if (page != table->page) {
		r = load_page(table, file, page, &end, err);
		if (r < 0)
			return r;
	}
	/* the last frame that begins at or before offset: those without content begin
	 * where their successor does */
	high = table->page_frames - 1;
	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;

		if (table->frame[middle].start <= offset)
			low = middle;
		else
			high = middle - 1;
	}
	*ret = table->frame[low];
	if (offset >= ret->start && offset - ret->start < ret->length)
		return 0;
	return err_set(err, -ESTALE,
		       "'%s': its seek table has changed since it was opened",
		       file->name);
}
