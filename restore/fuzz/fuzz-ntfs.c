/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An NTFS volume, sparse (fuzz.h): its boot sector, its bitmap and the map made from it, and a
 * file in it. Through libntfs-3g, whose faults on the way show here, too.
 */
#include <restore/volume.h>

#include <base/checked.h>

#include "fuzz/fuzz.h"
#include "volumes/ntfs-edit.h"

#define SIZE_MAX_FUZZ                                                                    \
	(UINT64_C(1) << 40) /* bytes; larger ones only repeat the bitmap's loop */
#define STEPS 64	    /* of the map */

/* libntfs-3g 2022.10.3 loses the attribute it is at when ntfs_device_mount() fails. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libntfs-3g.so";
}

static void walk_map(struct block_source *volume, const struct volume_info *info)
{
	AUTO(volume_map_freep) struct volume_map *map = NULL;
	struct volume_range ranges[16];
	struct err err = { 0 };
	size_t count = 1;
	uint64_t at = 0;
	int r = volume_map_open(volume, info, &map, &err);

	for (unsigned i = 0; r == 0 && count && i < STEPS; i++) {
		r = volume_map_next(map, at, ranges, ARRAY_SIZE(ranges), &count, &err);
		for (size_t k = 0; r == 0 && k < count; k++) {
			fuzz_require(ranges[k].offset == at, "ranges with a gap");
			fuzz_require(range_within(at, ranges[k].length, volume->size),
				     "a range beyond the volume");
			at += ranges[k].length;
		}
	}
	fuzz_require(r == 0 || err.text[0], "an error without a text");
}

static void read_file(struct block_source *volume, const struct volume_info *info)
{
	AUTO_FREE uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length = 0;
	int r = volume_read_file(volume, info, "File.bin", 1 << 20, &bytes, &length,
				 &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
}

/* What fix-ups do, on an overlay: the volume itself is not written, and an error is told once
 * more at the end. */
static void edit_files(struct block_source *volume)
{
	AUTO(overlay_freep) struct overlay *overlay = NULL;
	struct ntfs *ntfs = NULL;
	struct err err = { 0 };
	int r;

	if (overlay_new(volume, false, 1 << 20, &overlay, &err) < 0 ||
	    ntfs_open_overlay(overlay, &ntfs, &err) < 0)
		return;
	r = ntfs_replace_file(ntfs, "File.bin", "content", 7, 0, &err);
	if (r == 0)
		r = ntfs_create_folder(ntfs, "", "Folder", 0, &err);
	if (r == 0)
		r = ntfs_rename_file(ntfs, "", "File.bin", "Other.bin", 0, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
	err = (struct err){ 0 };
	r = ntfs_edit_close(&ntfs, &err);
	fuzz_require(r == 0 || err.text[0], "an error without a text");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO(source_freep)
	struct block_source *volume = fuzz_sparse_source(bytes, length, "fuzz-volume");
	uint8_t boot[4096] = { 0 };
	struct volume_info info = { 0 };
	struct err err = { 0 };

	if (!volume || volume->size < sizeof(boot) || volume->size > SIZE_MAX_FUZZ)
		return 0;
	if (source_read(volume, boot, 0, sizeof(boot), &err) < 0 ||
	    volume_identify(boot, volume->size, &info, &err) < 0 || info.fs != FS_NTFS)
		return 0;
	walk_map(volume, &info);
	read_file(volume, &info);
	edit_files(volume);
	return 0;
}
