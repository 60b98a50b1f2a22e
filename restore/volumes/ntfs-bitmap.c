/* SPDX-License-Identifier: GPL-3.0-or-later */
/* $Bitmap of an NTFS volume, read without the library's buffers: see ntfs.h. */
#include <inttypes.h>

#include "ntfs-internal.h"

#include <base/checked.h>

/* Is the part of the volume not stored at all? */
static int is_absent(struct ntfs *ntfs, uint64_t offset, uint64_t length, bool *ret,
		     struct err *err)
{
	while (length) {
		struct extent extent;
		size_t count = 0;
		int r = source_extents(ntfs->source, offset, length, &extent, 1, &count,
				       err);

		if (r < 0)
			return r;
		if (extent.kind == EXTENT_DATA) {
			*ret = false;
			return 0;
		}
		offset += extent.length;
		length -= extent.length;
	}
	*ret = true;
	return 0;
}

/* The run of $Bitmap that holds its byte offset: where on the volume, and how many of length
 * bytes from there on are in one piece. */
static int find_bitmap_run(struct ntfs *ntfs, uint64_t offset, uint64_t length,
			   uint64_t *ret_position, uint64_t *ret_length, struct err *err)
{
	uint32_t cluster_size = ntfs_cluster_size(ntfs);
	runlist_element *run;
	uint64_t within;

	ntfs_forget_failure(ntfs);
	run = ntfs_attr_find_vcn(ntfs->volume->lcnbmp_na, (VCN)(offset / cluster_size));
	if (!run)
		return ntfs_library_failed(ntfs, "the runs of $Bitmap", err);
	if (run->lcn < 0 || run->length <= 0 ||
	    !range_within((uint64_t)run->lcn, (uint64_t)run->length, ntfs_clusters(ntfs)))
		return err_set(
			err, -EBADMSG,
			"'%s': NTFS is damaged: $Bitmap has a hole at byte %" PRIu64,
			ntfs->source->name, offset);
	within = offset - (uint64_t)run->vcn * cluster_size;
	*ret_position = (uint64_t)run->lcn * cluster_size + within;
	*ret_length = min_u64((uint64_t)run->length * cluster_size - within, length);
	return 0;
}

int ntfs_bitmap_read(struct ntfs *ntfs, uint64_t offset, uint8_t *bits, size_t length,
		     bool *ret_absent, struct err *err)
{
	bool absent = true;

	for (uint64_t at = offset, end = offset + length; absent && at < end;) {
		uint64_t position = 0, run = 0;
		int r = find_bitmap_run(ntfs, at, end - at, &position, &run, err);

		if (r == 0)
			r = is_absent(ntfs, position, run, &absent, err);
		if (r < 0)
			return r;
		at += run;
	}
	for (size_t done = 0; !absent && done < length;) {
		uint64_t position = 0, run = 0;
		int r = find_bitmap_run(ntfs, offset + done, length - done, &position,
					&run, err);

		if (r == 0)
			r = source_read(ntfs->source, bits + done, position, (size_t)run,
					err);
		if (r < 0)
			return r;
		done += (size_t)run;
	}
	*ret_absent = absent;
	return 0;
}

static int check_used(struct ntfs *ntfs, const char *what, uint64_t cluster,
		      struct err *err)
{
	uint8_t byte = 0;
	bool absent;
	int r = ntfs_bitmap_read(ntfs, cluster / 8, &byte, 1, &absent, err);

	if (r < 0)
		return r;
	if (absent || !(byte >> cluster % 8 & 1))
		return err_set(err, -EBADMSG,
			       "'%s': NTFS is damaged: $Bitmap calls cluster %" PRIu64
			       " free, where %s lies",
			       ntfs->source->name, cluster, what);
	return 0;
}

int ntfs_bitmap_check(struct ntfs *ntfs, struct err *err)
{
	const ntfs_attr *bitmap = ntfs->volume->lcnbmp_na;
	uint64_t needed = (ntfs_clusters(ntfs) + 7) / 8, position = 0, run = 0;
	int r;

	if ((uint64_t)bitmap->data_size < needed ||
	    (uint64_t)bitmap->initialized_size < needed)
		return err_set(err, -EBADMSG,
			       "'%s': NTFS is damaged: $Bitmap has %" PRId64
			       " bytes, %" PRId64 " of them valid, %" PRIu64
			       " clusters need %" PRIu64,
			       ntfs->source->name, bitmap->data_size,
			       bitmap->initialized_size, ntfs_clusters(ntfs), needed);
	if (!NAttrNonResident(bitmap))
		return err_set(
			err, -EBADMSG,
			"'%s': NTFS is damaged: $Bitmap has no clusters of its own",
			ntfs->source->name);
	r = find_bitmap_run(ntfs, 0, 1, &position, &run, err);
	if (r == 0)
		r = check_used(ntfs, "the boot sector", 0, err);
	if (r == 0)
		r = check_used(ntfs, "$MFT", (uint64_t)ntfs->volume->mft_lcn, err);
	if (r == 0)
		r = check_used(ntfs, "$MFTMirr", (uint64_t)ntfs->volume->mftmirr_lcn,
			       err);
	if (r == 0)
		r = check_used(ntfs, "$Bitmap", position / ntfs_cluster_size(ntfs), err);
	return r;
}
