/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The record of a change that stopped half-way, as any disk that is looked at may carry it: a pointer,
 * then its index. What is taken stays in the volume, and off the log. */
#include <string.h>

#include <base/checked.h>

#include "fuzz/fuzz.h"
#include "state/redo.h"

static void check_records(const struct redo_pointer *pointer,
			  const struct redo_record *records)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < pointer->record_count; i++) {
		fuzz_require(records[i].offset >= end, "ranges are out of order");
		fuzz_require(range_within(records[i].offset, records[i].length,
					  pointer->volume_length),
			     "a range leaves the volume");
		for (uint32_t e = 0; e < pointer->extent_count; e++)
			fuzz_require(!ranges_overlap(records[i].offset, records[i].length,
						     pointer->extents[e].offset,
						     pointer->extents[e].length),
				     "a range overwrites the log");
		end = records[i].offset + records[i].length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO_FREE struct redo_record *records = NULL;
	struct redo_pointer pointer, again;
	struct err err = { 0 };
	uint8_t sector[512] = { 0 };

	if (length < sizeof(sector))
		return 0;
	if (redo_pointer_decode(bytes, &pointer, &err) < 0) {
		fuzz_require(err.text[0], "an error without a text");
		return 0;
	}
	redo_pointer_encode(&pointer, sector);
	fuzz_require(redo_pointer_decode(sector, &again, &err) == 0,
		     "what was read is not written as it was");
	if (redo_index_decode(&pointer, bytes + 512, length - 512, &records, &err) == 0)
		check_records(&pointer, records);
	else
		fuzz_require(err.text[0], "an error without a text");
	return 0;
}
