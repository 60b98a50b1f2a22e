/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of a FAT volume, sparse (fuzz.h): what is called free lies within the volume. */
#include <base/checked.h>

#include "fuzz/fuzz.h"
#include "volumes/fat-table.h"

#define SIZE_MAX_FUZZ (64 * MiB) /* larger ones only repeat loops */

static bool is_fat(const struct volume_info *info)
{
	return info->fs == FS_FAT12 || info->fs == FS_FAT16 || info->fs == FS_FAT32;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO(source_freep)
	struct block_source *volume = fuzz_sparse_source(bytes, length, "fuzz-volume");
	AUTO(fat_table_clear) struct fat_table table = { 0 };
	struct volume_info info = { 0 };
	struct err err = { 0 };
	uint8_t boot[4096];
	int r;

	if (!volume || volume->size < sizeof(boot) || volume->size > SIZE_MAX_FUZZ ||
	    source_read(volume, boot, 0, sizeof(boot), &err) < 0 ||
	    volume_identify(boot, volume->size, &info, &err) < 0 || !is_fat(&info))
		return 0;
	r = fat_table_read(volume, &info, &table, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	fuzz_require(r < 0 || range_within(table.heap,
					   (uint64_t)table.clusters * table.cluster_size,
					   volume->size),
		     "clusters beyond the volume");
	return 0;
}
