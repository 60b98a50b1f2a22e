/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one volume in an image of a Windows backup: see restore/image.h. */
#include <inttypes.h>

#include <base/checked.h>
#include <restore/image.h>

/* Windows puts a reserved partition of its own before the volume (FORMAT.md section 2).
 */
static bool can_hold_volume(const struct disk_layout *layout,
			    const struct disk_partition *partition)
{
	if (layout->style == TABLE_GPT)
		return !guid_equal(&partition->type, &partition_type_msr);
	return partition->mbr_kind != MBR_EXTENDED;
}

static int find_volume(const char *name, const struct disk_layout *layout,
		       const struct disk_partition **ret, struct err *err)
{
	const struct disk_partition *found = NULL;

	if (layout->style == TABLE_NONE)
		return err_set(
			err, -EBADMSG,
			"'%s': no partition table in the image, expected one with the "
			"backed up volume",
			name);
	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *partition = &layout->partitions[i];

		if (!can_hold_volume(layout, partition))
			continue;
		if (found)
			return err_set(
				err, -EBADMSG,
				"'%s': partitions %u and %u could both be the backed up "
				"volume, expected one",
				name, found->slot, partition->slot);
		found = partition;
	}
	if (!layout->count)
		return err_set(err, -EBADMSG,
			       "'%s': the image's partition table is empty, expected the "
			       "backed up volume in it",
			       name);
	if (!found)
		return err_set(
			err, -EBADMSG,
			"'%s': no partition in the image could be the backed up volume: "
			"its table of %zu entries has none but reserved ones",
			name, layout->count);
	*ret = found;
	return 0;
}

int image_volume_open(struct block_source *disk, struct block_source **ret,
		      struct err *err)
{
	AUTO(source_freep) struct block_source *owned = disk;
	AUTO(layout_freep) struct disk_layout *layout = NULL;
	const struct disk_partition *volume = NULL;
	int r = layout_read(disk, disk->sector_size, &layout, NULL, err);

	if (r == 0)
		r = find_volume(disk->name, layout, &volume, err);
	if (r != 0)
		return r;
	return source_slice_new(TAKE_PTR(owned), true, volume->offset, volume->length,
				disk->name, ret, err);
}
