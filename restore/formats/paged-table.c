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
	table->pages = NULL;
}

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
