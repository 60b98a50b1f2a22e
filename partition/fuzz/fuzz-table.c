/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Partition tables, GPT and MBR with its chain: a sparse disk (fuzz.h). What is read must be
 * whole: its partitions within the disk, apart from each other.
 */
#include <base/checked.h>

#include <partition/layout.h>

#include "fuzz/fuzz.h"

/* An extended partition is only what logical ones lie in. */
static void check_apart(const struct disk_partition *a, const struct disk_partition *b)
{
	if (a->mbr_kind == MBR_EXTENDED || b->mbr_kind == MBR_EXTENDED)
		return;
	fuzz_require(!ranges_overlap(a->offset, a->length, b->offset, b->length),
		     "partitions that overlap");
}

static void check(const struct disk_layout *layout, uint64_t size)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *a = &layout->partitions[i];

		fuzz_require(a->length && range_within(a->offset, a->length, size),
			     "a partition beyond the disk");
		for (size_t k = 0; k < i; k++)
			check_apart(a, &layout->partitions[k]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO(source_freep)
	struct block_source *disk = fuzz_sparse_source(bytes, length, "fuzz-disk");
	AUTO(layout_freep) struct disk_layout *layout = NULL;
	AUTO_FREE char *notes = NULL;
	struct err err = { 0 };

	if (!disk)
		return 0;
	if (layout_read(disk, 0, &layout, &notes, &err) == 0)
		check(layout, disk->size);
	else
		fuzz_require(err.text[0], "an error without a text");
	return 0;
}
