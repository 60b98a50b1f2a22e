/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A raw disk image: the file is the disk. It has no mark of its own, so anything that
 * starts like a disk is one, apart from files whose name says that they are something
 * else.
 */
#include "image-kind.h"

#include <string.h>

#include <base/checked.h>

/* Has the disk a GPT header at LBA 1 of this sector size? */
static int has_gpt_at(struct block_source *file, uint32_t sector_size, bool *ret,
		      struct err *err)
{
	uint8_t signature[8];
	int r;

	*ret = false;
	if (!range_within(sector_size, sizeof(signature), file->size))
		return 0;
	r = source_read(file, signature, sector_size, sizeof(signature), err);
	if (r == 0)
		*ret = memcmp(signature, "EFI PART", sizeof(signature)) == 0;
	return r;
}

static int raw_probe(struct block_source *file, bool *ret_is, struct err *err)
{
	uint8_t sector[512];
	int r;

	*ret_is = false;
	if (file->size < sizeof(sector) || file->size % sizeof(sector))
		return 0;
	r = source_read(file, sector, 0, sizeof(sector), err);
	if (r == 0)
		*ret_is = sector[510] == 0x55 && sector[511] == 0xaa;
	return r;
}

static int raw_open(struct block_source *file, struct image_family *family,
		    struct image_info *info, struct block_source **ret, struct err *err)
{
	uint32_t sector_size = file->sector_size;
	bool is_4k = false;
	int r;

	if (!sector_size) {
		r = has_gpt_at(file, 4096, &is_4k, err);
		if (r < 0)
			return r;
		sector_size = is_4k && file->size % 4096 == 0 ? 4096 : 512;
	}
	/* The file itself serves: it only learns the sector size that it has as a disk.
	 */
	file->sector_size = sector_size;
	info->subformat = "fixed";
	info->virtual_size = file->size;
	info->allocated = file->size;
	info->sector_size = sector_size;
	info->physical_sector_size = sector_size;
	*ret = file;
	return 0;
}

const struct image_kind image_kind_raw = {
	.format = "raw",
	.probe = raw_probe,
	.open = raw_open,
};
