/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cells of a hive: where each begins, and which of them something refers to. Pure; the
 * bytes are borrowed.
 */
#pragma once

#include "hive-base.h"

struct hive_cells {
	const char *what;     /* the hive's name, borrowed */
	const uint8_t *bytes; /* of the first bin on */
	uint32_t size;	      /* of all bins */
	uint8_t *starts;      /* owned; a bit per 8 bytes: a cell in use begins */
	uint8_t *claimed;     /* owned; something refers to it */
};

struct hive_cell {
	uint32_t offset;      /* of the cell, from the first bin on */
	const uint8_t *bytes; /* its contents */
	uint32_t length;      /* of the contents, at least 4 */
};

/* Base block, bins and cells. -EBADMSG, -ENOTSUP. */
int hive_cells_read(const struct hive_file *file, const char *what,
		    struct hive_cells *ret, struct err *err) MUST_CHECK;
void hive_cells_clear(struct hive_cells *cells);

/* The cell at offset, which kind of thing says for messages ("list of values"). -EBADMSG: no
 * cell in use begins there. */
int hive_cell_at(const struct hive_cells *cells, uint32_t offset, const char *kind,
		 struct hive_cell *ret, struct err *err) MUST_CHECK;
/* The same, for something that has one owner only. -EBADMSG also for the second one. */
int hive_cell_claim(struct hive_cells *cells, uint32_t offset, const char *kind,
		    struct hive_cell *ret, struct err *err) MUST_CHECK;
bool hive_cell_is_claimed(const struct hive_cells *cells, uint32_t offset);
