/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VHD images as block sources: checks every block that the table names, and reads. The bytes
 * are understood by vhd-parse.c, the footer is found by vhd-footers.c.
 */
#include "image-parent.h"
#include "paged-table.h"
#include "vhd-footers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/checked.h>

struct vhd {
	struct block_source source;
	struct block_source *file; /* owned once the image is open */
	struct paged_table table;
	uint32_t block_size;
	uint32_t bitmap_size;
	struct bitmap_cache bitmap; /* differencing images only */
};

static void vhd_free(struct vhd *vhd)
{
	free(vhd->bitmap.bits);
	paged_table_clear(&vhd->table);
	free(vhd->source.name);
	free(vhd);
}
DEFINE_FREEP(struct vhd, vhd, vhd_free)

static uint64_t choose_size(const struct vhd_footer *footer, struct image_info *info)
{
	if (!footer->uses_chs || !footer->size_chs ||
	    footer->size_chs >= footer->size_field)
		return footer->size_field;
	image_note(
		info,
		"size by geometry, as its creator counts; the footer's size field says "
		"%" PRIu64 " bytes",
		footer->size_field);
	return footer->size_chs;
}

/* -- reading ---- */

/* *ret: bytes in the file of the block's data; 0: absent. */
static int vhd_block_position(struct vhd *vhd, uint64_t block, uint64_t *ret,
			      struct err *err)
{
	be32 entry;
	int r = paged_table_read(&vhd->table, block * sizeof(entry), &entry,
				 sizeof(entry), err);

	if (r < 0)
		return r;
	*ret = get_be32(entry) == VHD_BLOCK_ABSENT
		       ? 0
		       : (uint64_t)get_be32(entry) * VHD_SECTOR + vhd->bitmap_size;
	return 0;
}

static int vhd_read_at(struct block_source *source, void *buffer, uint64_t offset,
		       size_t length, struct err *err)
{
	struct vhd *vhd = (struct vhd *)source;
	uint8_t *out = buffer;

	while (length) {
		uint64_t within = offset % vhd->block_size, position = 0;
		size_t part = (size_t)min_u64(vhd->block_size - within, length);
		int r = vhd_block_position(vhd, offset / vhd->block_size, &position, err);

		if (r == 0 && position)
			r = source_read(vhd->file, out, position + within, part, err);
		else if (r == 0)
			memset(out, 0, part);
		if (r < 0)
			return r;
		out += part;
		offset += part;
		length -= part;
	}
	return 0;
}

static int vhd_extents(struct block_source *source, uint64_t offset, uint64_t length,
		       struct extent *extents, size_t max, size_t *ret_count,
		       struct err *err)
{
	struct vhd *vhd = (struct vhd *)source;
	size_t count = 0;

	while (length) {
		uint64_t within = offset % vhd->block_size, position = 0;
		uint64_t part = min_u64(vhd->block_size - within, length);
		int r = vhd_block_position(vhd, offset / vhd->block_size, &position, err);
		enum extent_kind kind = position ? EXTENT_DATA : EXTENT_ABSENT;

		if (r < 0)
			return r;
		if (count && extents[count - 1].kind == kind)
			extents[count - 1].length += part;
		else if (count < max)
			extents[count++] = (struct extent){ offset, part, kind };
		else
			break;
		offset += part;
		length -= part;
	}
	*ret_count = count;
	return 0;
}

/* Of a differencing image: a block that it stores has a bit per sector, set where the sector
 * is its own ("Hard Disk Images", differencing). */
static int vhd_piece_at(struct block_source *child, uint64_t offset, uint64_t length,
			enum image_piece *ret, uint64_t *ret_length, struct err *err)
{
	struct vhd *vhd = (struct vhd *)child;
	uint64_t within = offset % vhd->block_size, position = 0, run;
	uint64_t part = min_u64(vhd->block_size - within, length);
	uint64_t sectors = (within % VHD_SECTOR + part + VHD_SECTOR - 1) / VHD_SECTOR;
	bool own = false;
	int r = vhd_block_position(vhd, offset / vhd->block_size, &position, err);

	if (r == 0 && position) {
		r = bitmap_cache_fill(&vhd->bitmap, vhd->file, offset / vhd->block_size,
				      position - vhd->bitmap_size, vhd->bitmap_size, err);
		if (r < 0)
			return r;
		run = bitmap_run(vhd->bitmap.bits, BITS_HIGH_FIRST, within / VHD_SECTOR,
				 sectors, &own);
		part = min_u64(part, run * VHD_SECTOR - within % VHD_SECTOR);
	}
	if (r < 0)
		return r;
	*ret = own ? PIECE_OWN : PIECE_PARENT;
	*ret_length = part;
	return 0;
}

static void vhd_close(struct block_source *source)
{
	struct vhd *vhd = (struct vhd *)source;

	source_close(vhd->file);
	vhd_free(vhd);
}

static const struct block_source_ops vhd_ops = {
	.read_at = vhd_read_at,
	.extents = vhd_extents,
	.close = vhd_close,
};

/* -- checking the table ---- */

/* Something that blocks must not lie on. */
struct vhd_area {
	const char *what;
	uint64_t offset, length;
};

#define VHD_AREAS 4 /* copy of the footer, dynamic header, block table, footer */

static int check_areas(const struct block_source *file,
		       const struct vhd_area areas[VHD_AREAS], struct err *err)
{
	for (size_t i = 0; i < VHD_AREAS; i++) {
		if (!range_within(areas[i].offset, areas[i].length, file->size))
			return err_set(err, -EBADMSG,
				       "'%s': VHD %s of %" PRIu64 " bytes at %" PRIu64
				       " leaves the file of %" PRIu64 " bytes",
				       file->name, areas[i].what, areas[i].length,
				       areas[i].offset, file->size);
		for (size_t j = 0; j < i; j++)
			if (ranges_overlap(areas[i].offset, areas[i].length,
					   areas[j].offset, areas[j].length))
				return err_set(err, -EBADMSG,
					       "'%s': VHD %s at %" PRIu64
					       " overlaps the %s",
					       file->name, areas[i].what, areas[i].offset,
					       areas[j].what);
	}
	return 0;
}

/* The end of the last block may be missing where it lies behind the end of the disk. */
static uint64_t stored_length(const struct vhd *vhd, uint64_t block)
{
	return vhd->bitmap_size +
	       min_u64(vhd->block_size, vhd->source.size - block * vhd->block_size);
}

static int check_block(const struct vhd *vhd, uint64_t block, uint32_t sector,
		       const struct vhd_area areas[VHD_AREAS], struct err *err)
{
	const struct block_source *file = vhd->file;
	uint64_t offset = (uint64_t)sector * VHD_SECTOR,
		 length = stored_length(vhd, block);

	if (!range_within(offset, length, file->size))
		return err_set(err, -EBADMSG,
			       "'%s': VHD block %" PRIu64 " lies at %" PRIu64 "+%" PRIu64
			       ", beyond the end of the file of %" PRIu64
			       " bytes: cut short",
			       file->name, block, offset, length, file->size);
	for (size_t i = 0; i < VHD_AREAS; i++)
		if (ranges_overlap(offset, length, areas[i].offset, areas[i].length))
			return err_set(err, -EBADMSG,
				       "'%s': VHD block %" PRIu64 " at %" PRIu64
				       " overlaps the %s",
				       file->name, block, offset, areas[i].what);
	return 0;
}

static int check_blocks(struct vhd *vhd, const struct vhd_area areas[VHD_AREAS],
			struct vhd_claims *claims, uint64_t *ret_allocated,
			struct err *err)
{
	uint64_t allocated = 0;

	for (uint64_t block = 0; block * vhd->block_size < vhd->source.size; block++) {
		uint64_t position = 0;
		uint32_t sector;
		int r = vhd_block_position(vhd, block, &position, err);

		if (r < 0)
			return r;
		if (!position)
			continue;
		sector = (uint32_t)((position - vhd->bitmap_size) / VHD_SECTOR);
		r = check_block(vhd, block, sector, areas, err);
		if (r < 0)
			return r;
		if (!vhd_claims_take(claims, sector))
			return err_set(
				err, -EBADMSG,
				"'%s': VHD block %" PRIu64 " at %" PRIu64
				" overlaps another block: two table entries share it",
				vhd->file->name, block, (uint64_t)sector * VHD_SECTOR);
		allocated += vhd->block_size;
	}
	*ret_allocated = allocated;
	return 0;
}

/* -- opening ---- */

static int check_fixed(const struct block_source *file, uint64_t footer_offset,
		       const struct image_info *info, struct err *err)
{
	if (info->virtual_size <= footer_offset)
		return 0;
	return err_set(err, -EBADMSG,
		       "'%s': fixed VHD of %" PRIu64 " bytes, but only %" PRIu64
		       " are there: cut short",
		       file->name, info->virtual_size, footer_offset);
}

static int read_dynamic_header(struct block_source *file, const struct vhd_footer *footer,
			       uint8_t bytes[sizeof(struct vhd_dynamic_disk)],
			       struct err *err)
{
	if (!range_within(footer->data_offset, sizeof(struct vhd_dynamic_disk),
			  file->size))
		return err_set(err, -EBADMSG,
			       "'%s': VHD dynamic header at %" PRIu64
			       " leaves the file of %" PRIu64 " bytes",
			       file->name, footer->data_offset, file->size);
	return source_read(file, bytes, footer->data_offset,
			   sizeof(struct vhd_dynamic_disk), err);
}

static int vhd_new(struct block_source *file, const struct vhd_dynamic *dynamic,
		   uint64_t size, struct vhd **ret, struct err *err)
{
	AUTO(vhd_freep) struct vhd *vhd = calloc(1, sizeof(*vhd));
	int r;

	if (!vhd)
		return err_nomem(err);
	vhd->source = (struct block_source){
		.ops = &vhd_ops,
		.size = size,
		.sector_size = VHD_SECTOR,
		.max_parallel = 1, /* the pages of the table are shared */
		.name = strdup(file->name),
	};
	if (!vhd->source.name)
		return err_nomem(err);
	vhd->file = file;
	vhd->block_size = dynamic->block_size;
	vhd->bitmap_size = dynamic->bitmap_size;
	r = paged_table_init(&vhd->table, file, dynamic->table_offset,
			     (uint64_t)dynamic->table_entries * sizeof(be32), err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(vhd);
	return 0;
}

static int check_table(struct vhd *vhd, const struct vhd_area areas[VHD_AREAS],
		       uint64_t *ret_allocated, struct err *err)
{
	struct vhd_claims claims = { 0 };
	int r = vhd_claims_init(&claims, vhd->file->size,
				(vhd->bitmap_size + vhd->block_size) / VHD_SECTOR, err);

	if (r == 0)
		r = check_blocks(vhd, areas, &claims, ret_allocated, err);
	vhd_claims_clear(&claims);
	return r;
}

/* Takes file over on success only. header: the dynamic header as it is in the file. */
static int open_blocks(struct block_source *file, const struct vhd_footer *footer,
		       uint64_t footer_offset, const uint8_t header[1024],
		       struct image_info *info, struct vhd **ret, struct err *err)
{
	AUTO(vhd_freep) struct vhd *vhd = NULL;
	struct vhd_dynamic dynamic = { 0 };
	int r = vhd_dynamic_parse(file->name, header, info->virtual_size, &dynamic, err);

	if (r < 0)
		return r;
	const struct vhd_area areas[VHD_AREAS] = {
		{ "copy of the footer", 0, VHD_FOOTER_SIZE },
		{ "dynamic header", footer->data_offset,
		  sizeof(struct vhd_dynamic_disk) },
		{ "footer", footer_offset, file->size - footer_offset },
		{ "block table", dynamic.table_offset,
		  (uint64_t)dynamic.table_entries * sizeof(be32) },
	};
	r = check_areas(file, areas, err);
	if (r == 0)
		r = vhd_new(file, &dynamic, info->virtual_size, &vhd, err);
	if (r == 0 && vhd)
		r = check_table(vhd, areas, &info->allocated, err);
	if (r < 0)
		return r;
	info->block_size = dynamic.block_size;
	*ret = TAKE_PTR(vhd);
	return 0;
}

/* Takes child over. */
static int add_parent(struct block_source *child, const uint8_t header[1024],
		      struct image_family *family, struct image_info *info,
		      struct block_source **ret, struct err *err)
{
	AUTO(source_freep) struct block_source *owned = child;
	struct block_source *source = NULL;
	struct image_parent parent = { 0 };
	AUTO_FREE char *path = NULL;
	int r = vhd_parent_read(header, &parent.ids[0], &path, err);

	if (r < 0)
		return r;
	parent.path = path;
	r = image_parent_open(&image_kind_vhd, family, child, &parent, info, &source,
			      err);
	if (r < 0)
		return r;
	return image_merge_new(TAKE_PTR(owned), vhd_piece_at, source, ret, err);
}

/* Takes file over. */
static int open_dynamic(struct block_source *file, const struct vhd_footer *footer,
			uint64_t footer_offset, struct image_family *family,
			struct image_info *info, struct block_source **ret,
			struct err *err)
{
	AUTO(source_freep) struct block_source *owned = file;
	uint8_t header[sizeof(struct vhd_dynamic_disk)];
	struct vhd *vhd = NULL;
	int r = read_dynamic_header(file, footer, header, err);

	if (r == 0)
		r = open_blocks(file, footer, footer_offset, header, info, &vhd, err);
	if (r < 0)
		return r;
	owned = NULL; /* the image has it */
	if (footer->type == VHD_DIFFERENCING)
		return add_parent(&vhd->source, header, family, info, ret, err);
	*ret = &vhd->source;
	return 0;
}

static int vhd_open(struct block_source *file, struct image_family *family,
		    struct image_info *info, struct block_source **ret, struct err *err)
{
	AUTO(source_freep) struct block_source *owned = file;
	struct vhd_footer footer;
	uint64_t footer_offset;
	int r = vhd_footers_read(file, info, &footer, &footer_offset, err);

	if (r < 0)
		return r;
	info->virtual_size = choose_size(&footer, info);
	if (info->virtual_size > VHD_SIZE_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': VHD disk size %" PRIu64
			       ", the format's limit is 2 TiB",
			       file->name, info->virtual_size);
	info->sector_size = VHD_SECTOR;
	info->physical_sector_size = VHD_SECTOR;
	info->unique_id = footer.unique_id;
	snprintf(info->creator, sizeof(info->creator), "%s", footer.creator);
	if (footer.type == VHD_FIXED) {
		info->subformat = "fixed";
		info->allocated = info->virtual_size;
		r = check_fixed(file, footer_offset, info, err);
		if (r < 0)
			return r;
		file->sector_size = VHD_SECTOR; /* the disk inherits it */
		return source_slice_new(TAKE_PTR(owned), true, 0, info->virtual_size,
					file->name, ret, err);
	}
	info->subformat = footer.type == VHD_DYNAMIC ? "dynamic" : "differencing";
	return open_dynamic(TAKE_PTR(owned), &footer, footer_offset, family, info, ret,
			    err);
}

static int vhd_read_id(struct block_source *file, struct guid *ret, struct err *err)
{
	struct image_info info = { 0 };
	struct vhd_footer footer;
	uint64_t footer_offset;
	int r = vhd_footers_read(file, &info, &footer, &footer_offset, err);

	if (r == 0)
		*ret = footer.unique_id;
	return r;
}

const struct image_kind image_kind_vhd = {
	.format = "vhd",
	.extension = ".vhd",
	.probe = vhd_footers_probe,
	.open = vhd_open,
	.read_id = vhd_read_id,
};
