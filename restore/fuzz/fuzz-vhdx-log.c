/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of a VHDX: the input is a sparse ring of one MiB (fuzz.h), whose claimed size is
 * taken as that of the whole file. What the replay says must lie within the ring and the file.
 */
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>

#include "formats/vhdx-log.h"
#include "fuzz/fuzz.h"

#define RING (1u << 20) /* the least that a log has */

#define ID_AT                                                                            \
	offsetof(struct vhdx_log_entry_disk, log) /* the first entry's id is the log's */

static void check_changes(const struct vhdx_log *log, const struct vhdx_changes *changes)
{
	uint8_t sector[VHDX_LOG_SECTOR];

	for (size_t i = 0; i < changes->count; i++) {
		const struct vhdx_change *change = &changes->items[i];

		fuzz_require(
			range_within(change->offset, change->length, changes->file_size),
			"a change beyond the file");
		if (change->sector != VHDX_CHANGE_ZEROS)
			vhdx_change_sector(log, change, sector);
	}
	for (uint64_t at = 0, i = 0; at < changes->file_size && i < 64; i++) {
		uint64_t end = 0;

		vhdx_changes_find(changes, at, &end);
		fuzz_require(end > at, "a search that stands still");
		at = end;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO(source_freep)
	struct block_source *file = fuzz_sparse_source(bytes, length, "fuzz.vhdx");
	AUTO_FREE uint8_t *ring = calloc(1, RING);
	struct vhdx_changes changes = { 0 };
	struct err err = { 0 };
	struct vhdx_log log = {
		.name = "fuzz.vhdx", .bytes = ring, .length = RING, .offset = RING
	};

	if (!file || !ring)
		return 0;
	log.file_size = file->size;
	if (source_read(file, ring, 0, min_u64(RING, file->size), &err) < 0)
		return 0;
	memcpy(log.id.b, ring + ID_AT, sizeof(log.id.b));
	if (vhdx_log_replay(&log, &changes, &err) == 0)
		check_changes(&log, &changes);
	else
		fuzz_require(err.text[0], "an error without a text");
	vhdx_changes_clear(&changes);
	return 0;
}
