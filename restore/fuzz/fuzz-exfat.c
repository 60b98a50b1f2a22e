/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An exFAT volume, sparse (fuzz.h): its folders, and the files in them, a little of each. */
#include <string.h>

#include <base/checked.h>

#include "fuzz/fuzz.h"
#include "volumes/file-system.h"

#define SIZE_MAX_FUZZ (UINT64_C(1) << 32) /* bytes; larger ones only repeat loops */
#define DEPTH_MAX     4
#define ENTRIES_MAX   16 /* of one folder that are looked at */

static void read_file(void *fs, const char *path)
{
	struct err err = { 0 };
	uint8_t bytes[256];
	void *file = NULL;
	uint64_t size;
	int r = exfat_files.open_file(fs, path, &file, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	if (r < 0)
		return;
	size = exfat_files.file_size(file);
	for (uint64_t at = 0; r == 0 && at < size; at += size / 3 + 1)
		r = exfat_files.read_file(file, at, bytes,
					  min_u64(sizeof(bytes), size - at), &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	exfat_files.close_file(file);
}

static void walk(void *fs, const char *path, unsigned depth)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	struct err err = { 0 };
	int r = exfat_files.list(fs, path, &listing, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	for (size_t i = 0; i < min_u64(listing.count, ENTRIES_MAX); i++) {
		AUTO_FREE char *below = tree_path_join(path, listing.entries[i].name);

		if (below && !listing.entries[i].is_folder)
			read_file(fs, below);
		else if (below && depth < DEPTH_MAX)
			walk(fs, below, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO(source_freep)
	struct block_source *volume = fuzz_sparse_source(bytes, length, "fuzz-volume");
	struct err err = { 0 };
	void *fs = NULL;

	if (!volume || volume->size < 512 || volume->size > SIZE_MAX_FUZZ)
		return 0;
	if (exfat_files.open(volume, &fs, &err) == 0) {
		walk(fs, "", 0);
		exfat_files.close(fs);
	}
	return 0;
}
