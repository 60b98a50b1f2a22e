/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bins and cells of a hive: see hive-cells.h. */
#include "hive-cells.h"

#include <inttypes.h>

#include <base/checked.h>
#include <base/cleanup.h>

static bool bit_get(const uint8_t *bits, uint32_t offset)
{
	uint32_t n = offset / HIVE_CELL_UNIT;

	return bits[n / 8] >> (n % 8) & 1;
}

static void bit_set(uint8_t *bits, uint32_t offset)
{
	uint32_t n = offset / HIVE_CELL_UNIT;

	bits[n / 8] |= (uint8_t)(1 << (n % 8));
}

/* -- base block ---- */

static int check_base(const struct hive_file *file, const char *what,
		      struct hive_base_disk *ret, struct err *err)
{
	int r = hive_base_read(file, what, ret, err);
	uint32_t size, major, minor;

	if (r < 0)
		return r;
	if (!hive_base_checksum_is_right(ret))
		return err_set(err, -EBADMSG,
			       "'%s': checksum of its base block 0x%08x, must be 0x%08x",
			       what, get_le32(ret->checksum), hive_base_checksum(ret));
	major = get_le32(ret->major);
	minor = get_le32(ret->minor);
	if (major != 1 || minor < 3 || minor > 6)
		return err_set(err, -ENOTSUP,
			       "'%s': hive of version %u.%u, known are 1.3 to 1.6", what,
			       major, minor);
	if (get_le32(ret->type) != HIVE_PRIMARY || get_le32(ret->format) != 1)
		return err_set(err, -EBADMSG,
			       "'%s': file of type %u and format %u, a hive has 0 and 1",
			       what, get_le32(ret->type), get_le32(ret->format));
	size = get_le32(ret->bins_size);
	if (!size || size % HIVE_BIN_UNIT || file->length < HIVE_BASE_SIZE ||
	    size > file->length - HIVE_BASE_SIZE)
		return err_set(err, -EBADMSG, "'%s': %u bytes of bins in a file of %zu",
			       what, size, file->length);
	return 0;
}

/* -- bins ---- */

static int check_cell(struct hive_cells *cells, uint32_t offset, uint32_t end,
		      uint32_t *ret_size, struct err *err)
{
	uint32_t size;
	le32 stored;

	memcpy(&stored, cells->bytes + offset, sizeof(stored));
	size = get_le32(stored);
	if (size & 0x80000000) {
		size = 0 - size;
		bit_set(cells->starts, offset);
	}
	if (size < HIVE_CELL_UNIT || size % HIVE_CELL_UNIT || size > end - offset)
		return err_set(
			err, -EBADMSG,
			"'%s': cell at 0x%x of %u bytes, in a bin that has %u left",
			cells->what, offset, size, end - offset);
	*ret_size = size;
	return 0;
}

static int check_bin(struct hive_cells *cells, uint32_t offset, uint32_t *ret_size,
		     struct err *err)
{
	struct hive_bin_disk bin;
	uint32_t size, at, cell = 0;
	int r = 0;

	memcpy(&bin, cells->bytes + offset, sizeof(bin));
	size = get_le32(bin.size);
	if (memcmp(bin.magic, "hbin", 4) != 0 || get_le32(bin.offset) != offset)
		return err_set(err, -EBADMSG, "'%s': no bin at 0x%x", cells->what,
			       offset);
	if (!size || size % HIVE_BIN_UNIT || size > cells->size - offset)
		return err_set(err, -EBADMSG,
			       "'%s': bin at 0x%x of %u bytes, %u are left", cells->what,
			       offset, size, cells->size - offset);
	for (at = offset + (uint32_t)sizeof(bin); r == 0 && at < offset + size;
	     at += cell)
		r = check_cell(cells, at, offset + size, &cell, err);
	if (r == 0)
		*ret_size = size;
	return r;
}

int hive_cells_read(const struct hive_file *file, const char *what,
		    struct hive_cells *ret, struct err *err)
{
	struct hive_cells cells = { .what = what };
	struct hive_base_disk base;
	uint32_t at, size = 0;
	size_t room;
	int r = check_base(file, what, &base, err);

	if (r < 0)
		return r;
	cells.bytes = file->bytes + HIVE_BASE_SIZE;
	cells.size = get_le32(base.bins_size);
	room = cells.size / HIVE_CELL_UNIT / 8;
	cells.starts = calloc(1, room);
	cells.claimed = calloc(1, room);
	if (!cells.starts || !cells.claimed)
		r = err_nomem(err);
	for (at = 0; r == 0 && at < cells.size; at += size)
		r = check_bin(&cells, at, &size, err);
	if (r < 0)
		hive_cells_clear(&cells);
	else
		*ret = cells;
	return r;
}

void hive_cells_clear(struct hive_cells *cells)
{
	free(cells->starts);
	free(cells->claimed);
	*cells = (struct hive_cells){ 0 };
}

/* -- cells ---- */

int hive_cell_at(const struct hive_cells *cells, uint32_t offset, const char *kind,
		 struct hive_cell *ret, struct err *err)
{
	le32 stored;

	if (offset % HIVE_CELL_UNIT || offset >= cells->size ||
	    !bit_get(cells->starts, offset))
		return err_set(err, -EBADMSG,
			       "'%s': no cell at 0x%x, where a %s should be", cells->what,
			       offset, kind);
	memcpy(&stored, cells->bytes + offset, sizeof(stored));
	*ret = (struct hive_cell){ offset, cells->bytes + offset + sizeof(stored),
				   0 - get_le32(stored) - (uint32_t)sizeof(stored) };
	return 0;
}

int hive_cell_claim(struct hive_cells *cells, uint32_t offset, const char *kind,
		    struct hive_cell *ret, struct err *err)
{
	int r = hive_cell_at(cells, offset, kind, ret, err);

	if (r < 0)
		return r;
	if (bit_get(cells->claimed, offset))
		return err_set(err, -EBADMSG,
			       "'%s': cell at 0x%x, a %s, is in use twice or part of a "
			       "cycle",
			       cells->what, offset, kind);
	bit_set(cells->claimed, offset);
	return 0;
}

bool hive_cell_is_claimed(const struct hive_cells *cells, uint32_t offset)
{
	return offset % HIVE_CELL_UNIT == 0 && offset < cells->size &&
	       bit_get(cells->claimed, offset);
}
