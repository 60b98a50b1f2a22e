/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A large table of a file, read in pages when they are asked for, so that a table costs the
 * same memory whatever size it claims.
 */
#pragma once

#include <base/block-source.h>

#define PAGED_TABLE_PAGE  65536 /* bytes: one read over SMB costs the same as a small one */
#define PAGED_TABLE_PAGES 4	/* kept: the table, and what jumps between MFT and data needs */

struct paged_table {
	struct block_source *file; /* not owned */
	uint64_t offset, length;   /* bytes of the table in the file */
	uint64_t page_start[PAGED_TABLE_PAGES]; /* in the table; UINT64_MAX: empty */
	uint8_t *pages;			        /* owned */
	uint8_t *zeros; /* a bit for each page of which all bytes are 0; owned; NULL: not known */
};

/* offset + length lies within file: the caller has checked it. */
int paged_table_init(struct paged_table *table, struct block_source *file, uint64_t offset,
		     uint64_t length, struct err *err) MUST_CHECK;
void paged_table_clear(struct paged_table *table);

/* Reads all of the table once, in large pieces, and remembers which pages are all zeros: they are
 * not read again. */
int paged_table_find_zeros(struct paged_table *table, struct err *err) MUST_CHECK;
/* How many bytes from position on, up to the end of its page, are known to be zeros: all or none. */
uint64_t paged_table_zeros(const struct paged_table *table, uint64_t position);

/* Reads size bytes (a divisor of the page size) at position, a multiple of size. */
int paged_table_read(struct paged_table *table, uint64_t position, void *ret, size_t size,
		     struct err *err) MUST_CHECK;
