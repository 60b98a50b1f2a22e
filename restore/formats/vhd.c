/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VHD images as block sources: finds footer and header, checks every block that the table
 * names, and reads. The bytes are understood by vhd-parse.c.
 */
#include "image-kind.h"
#include "paged-table.h"
#include "vhd-format.h"

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
};

static void vhd_free(struct vhd *vhd)
{
	paged_table_clear(&vhd->table);
	free(vhd->source.name);
	free(vhd);
}
DEFINE_FREEP(struct vhd, vhd, vhd_free)

/* -- the footers ---- */

/* Where the footer can begin, in bytes before the end of the file: as specified, as old
 * Virtual PC wrote it, and before the one more sector of Windows' backups (FORMAT.md
 * section 2). */
static const uint32_t footer_places[] = { VHD_FOOTER_SIZE, VHD_FOOTER_SIZE_OLD,
					  VHD_FOOTER_SIZE + VHD_SECTOR };

struct footer_found {
	uint8_t bytes[VHD_FOOTER_SIZE];
	enum vhd_mark mark;
	uint64_t offset; /* in the file */
};

static int read_footer_at(struct block_source *file, uint64_t offset,
			  struct footer_found *ret, struct err *err)
{
	struct footer_found found = { .offset = offset };
	int r = source_read(file, found.bytes, offset,
			    (size_t)min_u64(VHD_FOOTER_SIZE, file->size - offset), err);

	if (r < 0)
		return r;
	found.mark = vhd_footer_mark(found.bytes);
	*ret = found;
	return 0;
}

/* The best of the places at the end: a good one before a damaged one before none. */
static int find_end_footer(struct block_source *file, struct footer_found *ret,
			   struct err *err)
{
	struct footer_found best = { .offset = file->size };

	for (size_t i = 0; i < ARRAY_SIZE(footer_places); i++) {
		struct footer_found found;
		int r;

		if (file->size < footer_places[i])
			continue;
		r = read_footer_at(file, file->size - footer_places[i], &found, err);
		if (r < 0)
			return r;
		if (found.mark > best.mark)
			best = found;
	}
	*ret = best;
	return 0;
}

static int find_start_footer(struct block_source *file, struct footer_found *ret,
			     struct err *err)
{
	if (file->size < VHD_FOOTER_SIZE) {
		*ret = (struct footer_found){ 0 };
		return 0;
	}
	return read_footer_at(file, 0, ret, err);
}

static int no_footer(const struct block_source *file, enum vhd_mark end,
		     enum vhd_mark start, struct err *err)
{
	if (end == VHD_MARK_NONE && start == VHD_MARK_NONE)
		return err_set(
			err, -EBADMSG,
			"'%s': no VHD footer at the end and no copy at the start: cut "
			"short or not a VHD",
			file->name);
	if (start == VHD_MARK_NONE)
		return err_set(
			err, -EBADMSG,
			"'%s': checksum of the VHD footer is wrong and there is no copy "
			"at the start",
			file->name);
	if (end == VHD_MARK_NONE)
		return err_set(
			err, -EBADMSG,
			"'%s': no VHD footer at the end, and the checksum of its copy at "
			"the start is wrong",
			file->name);
	return err_set(err, -EBADMSG,
		       "'%s': checksums of the VHD footer and of its copy are both wrong",
		       file->name);
}

/* The end's footer is gone: a write was interrupted while it moved, or the file was cut.
 * The blocks are checked against the file's size in any case. */
static int use_start_footer(struct block_source *file, const struct footer_found *start,
			    enum vhd_mark end_mark, struct image_info *info,
			    struct vhd_footer *ret, struct err *err)
{
	int r = vhd_footer_parse(file->name, start->bytes, ret, err);

	if (r < 0)
		return r;
	if (ret->type == VHD_FIXED)
		return err_set(err, -EBADMSG,
			       "'%s': no sound VHD footer at the end of a fixed image: "
			       "cut short",
			       file->name);
	image_note(info, "footer at the end is %s: its copy at the start is used",
		   end_mark == VHD_MARK_NONE ? "missing" : "damaged");
	return 0;
}

/* *ret_end: where the sound footer at the end begins; the file's size if there is none.
 */
static int read_footers(struct block_source *file, struct image_info *info,
			struct vhd_footer *ret, uint64_t *ret_end, struct err *err)
{
	struct footer_found end, start;
	struct vhd_footer copy;
	int r = find_end_footer(file, &end, err);

	if (r == 0)
		r = find_start_footer(file, &start, err);
	if (r < 0)
		return r;
	if (end.mark != VHD_MARK_GOOD && start.mark != VHD_MARK_GOOD)
		return no_footer(file, end.mark, start.mark, err);
	*ret_end = end.mark == VHD_MARK_GOOD ? end.offset : file->size;
	if (end.mark != VHD_MARK_GOOD)
		return use_start_footer(file, &start, end.mark, info, ret, err);
	r = vhd_footer_parse(file->name, end.bytes, ret, err);
	if (r < 0 || ret->type == VHD_FIXED)
		return r;
	if (start.mark != VHD_MARK_GOOD) {
		image_note(info, "copy of the footer at the start is damaged: not used");
		return 0;
	}
	r = vhd_footer_parse(file->name, start.bytes, &copy, err);
	if (r < 0)
		return err_add(err, "copy of the footer");
	return vhd_footer_compare(file->name, ret, &copy, err);
}

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
			       "'%s': block %" PRIu64 " lies at %" PRIu64 "+%" PRIu64
			       ", beyond the end of the file of %" PRIu64
			       " bytes: cut short",
			       file->name, block, offset, length, file->size);
	for (size_t i = 0; i < VHD_AREAS; i++)
		if (ranges_overlap(offset, length, areas[i].offset, areas[i].length))
			return err_set(err, -EBADMSG,
				       "'%s': block %" PRIu64 " at %" PRIu64
				       " overlaps the VHD %s",
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
				"'%s': block %" PRIu64 " at %" PRIu64
				" overlaps another block: two table entries share it",
				vhd->file->name, block, (uint64_t)sector * VHD_SECTOR);
		allocated += vhd->block_size;
	}
	*ret_allocated = allocated;
	return 0;
}

/* -- opening ---- */

static int vhd_probe(struct block_source *file, bool *ret_is, struct err *err)
{
	struct footer_found found;
	int r = find_start_footer(file, &found, err);

	if (r == 0 && found.mark == VHD_MARK_NONE)
		r = find_end_footer(file, &found, err);
	if (r == 0)
		*ret_is = found.mark != VHD_MARK_NONE;
	return r;
}

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

/* Always fails: says which parent is needed. */
static int refuse_differencing(struct block_source *file, const struct vhd_footer *footer,
			       struct err *err)
{
	uint8_t bytes[sizeof(struct vhd_dynamic_disk)];
	AUTO_FREE char *parent = NULL;
	int r = read_dynamic_header(file, footer, bytes, err);

	if (r < 0)
		return r;
	r = vhd_parent_name(bytes, &parent, err);
	if (r == -ENOMEM)
		return r;
	if (r == 0)
		image_make_printable(parent);
	return err_set(
		err, -ENOTSUP,
		"'%s': differencing VHD, holds only the changes against its parent '%s': "
		"merge them into one image first",
		file->name, r == 0 && parent[0] ? parent : "(not named)");
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

/* Takes file over on success only. */
static int open_dynamic(struct block_source *file, const struct vhd_footer *footer,
			uint64_t footer_offset, struct image_info *info,
			struct block_source **ret, struct err *err)
{
	uint8_t bytes[sizeof(struct vhd_dynamic_disk)];
	AUTO(vhd_freep) struct vhd *vhd = NULL;
	struct vhd_dynamic dynamic = { 0 };
	int r = read_dynamic_header(file, footer, bytes, err);

	if (r == 0)
		r = vhd_dynamic_parse(file->name, bytes, info->virtual_size, &dynamic,
				      err);
	if (r < 0)
		return r;
	const struct vhd_area areas[VHD_AREAS] = {
		{ "copy of the footer", 0, VHD_FOOTER_SIZE },
		{ "dynamic header", footer->data_offset, sizeof(bytes) },
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
	*ret = &TAKE_PTR(vhd)->source;
	return 0;
}

static int vhd_open(struct block_source *file, struct image_info *info,
		    struct block_source **ret, struct err *err)
{
	AUTO(source_freep) struct block_source *owned = file;
	struct vhd_footer footer;
	uint64_t footer_offset;
	int r = read_footers(file, info, &footer, &footer_offset, err);

	if (r < 0)
		return r;
	if (footer.type == VHD_DIFFERENCING)
		return refuse_differencing(file, &footer, err);
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
		return source_slice_new(TAKE_PTR(owned), true, 0, info->virtual_size,
					file->name, ret, err);
	}
	info->subformat = "dynamic";
	r = open_dynamic(file, &footer, footer_offset, info, ret, err);
	if (r == 0)
		owned = NULL;
	return r;
}

const struct image_kind image_kind_vhd = {
	.format = "vhd",
	.extension = ".vhd",
	.probe = vhd_probe,
	.open = vhd_open,
};
