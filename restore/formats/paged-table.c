/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables read in pages: see paged-table.h. Each page has one place, by its number. */
#include "paged-table.h"

#include <string.h>

#include <base/checked.h>

int paged_table_init(struct paged_table *table, struct block_source *file,
		     uint64_t offset, uint64_t length, struct err *err)
{
	uint8_t *pages = malloc(PAGED_TABLE_PAGES * PAGED_TABLE_PAGE);

	if (!pages)
		return err_nomem(err);
	*table = (struct paged_table){
		.file = file,
		.offset = offset,
		.length = length,
		.pages = pages,
	};
	for (size_t i = 0; i < PAGED_TABLE_PAGES; i++)
		table->page_start[i] = UINT64_MAX;
	return 0;
}

void paged_table_clear(struct paged_table *table)
{
	free(table->pages);
	free(table->zeros);
	table->pages = table->zeros = NULL;
}

/* -- pages of zeros ---- */

/* One read over a long way, and no more memory than that for a while. */
#define SCAN_PIECE (16 * PAGED_TABLE_PAGE)

static bool all_zero(const uint8_t *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

static void note_zeros(struct paged_table *table, uint64_t start, const uint8_t *bytes,
		       size_t length)
{
	for (size_t at = 0; at < length; at += PAGED_TABLE_PAGE) {
		uint64_t page = (start + at) / PAGED_TABLE_PAGE;

		if (all_zero(bytes + at, min_u64(PAGED_TABLE_PAGE, length - at)))
			table->zeros[page / 8] |= (uint8_t)(1 << page % 8);
	}
}

int paged_table_find_zeros(struct paged_table *table, struct err *err)
{
	AUTO_FREE uint8_t *piece = malloc(min_u64(SCAN_PIECE, table->length));
	int r = 0;

	table->zeros = calloc(table->length / PAGED_TABLE_PAGE / 8 + 1, 1);
	if (!piece || !table->zeros)
		return err_nomem(err);
	for (uint64_t at = 0; r == 0 && at < table->length; at += SCAN_PIECE) {
		size_t length = (size_t)min_u64(SCAN_PIECE, table->length - at);

		r = source_read(table->file, piece, table->offset + at, length, err);
		if (r == 0)
			note_zeros(table, at, piece, length);
	}
	return r;
}

uint64_t paged_table_zeros(const struct paged_table *table, uint64_t position)
{
	uint64_t page = position / PAGED_TABLE_PAGE;

	if (!table->zeros || position >= table->length ||
	    !(table->zeros[page / 8] >> page % 8 & 1))
		return 0;
	return min_u64((page + 1) * PAGED_TABLE_PAGE, table->length) - position;
}

/* -- entries ---- */

int paged_table_read(struct paged_table *table, uint64_t position, void *ret, size_t size,
		     struct err *err)
{
	uint64_t start = align_down(position, PAGED_TABLE_PAGE);
	size_t place = (size_t)(start / PAGED_TABLE_PAGE % PAGED_TABLE_PAGES);
	uint8_t *page = table->pages + place * PAGED_TABLE_PAGE;
	int r;

	if (!range_within(position, size, table->length))
		return err_set(err, -EINVAL, "'%s': table has no place for this entry",
			       table->file->name);
	if (paged_table_zeros(table, position)) {
		memset(ret, 0, size);
		return 0;
	}
	if (table->page_start[place] != start) {
		table->page_start[place] = UINT64_MAX; /* a failed read leaves rubbish */
		r = source_read(table->file, page, table->offset + start,
				min_u64(PAGED_TABLE_PAGE, table->length - start), err);
		if (r < 0)
			return r;
		table->page_start[place] = start;
	}
	memcpy(ret, page + (position - start), size);
	return 0;
}
