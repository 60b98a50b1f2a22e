/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VHDX images as block sources: reads headers, log, regions, metadata and table in this
 * order, each through what the one before said, checks every block that the table names,
 * and reads. The bytes are understood by vhdx-parse.c, vhdx-log.c and vhdx-bat.c.
 */
#include "image-parent.h"
#include "paged-table.h"
#include "vhdx-format.h"
#include "vhdx-replay.h"

#include <inttypes.h>
#include <string.h>

struct vhdx {
	struct block_source source;
	struct block_source *file; /* the file, or its replayed view; owned */
	struct vhdx_header header;
	struct vhdx_regions regions;
	struct vhdx_parameters parameters;
	struct vhdx_bat bat;
	struct paged_table table;
	struct image_parent parent; /* differencing images only */
	struct bitmap_cache bitmap; /* the same */
};

static void vhdx_free(struct vhdx *vhdx)
{
	free(vhdx->parent.path);
	free(vhdx->bitmap.bits);
	paged_table_clear(&vhdx->table);
	source_close(vhdx->file);
	free(vhdx->source.name);
	free(vhdx);
}
DEFINE_FREEP(struct vhdx, vhdx, vhdx_free)

/* -- reading ---- */

static int read_block(struct vhdx *vhdx, uint64_t number, struct vhdx_block *ret,
		      struct err *err)
{
	le64 entry;
	int r = paged_table_read(&vhdx->table,
				 vhdx_bat_index(&vhdx->bat, number) * sizeof(entry),
				 &entry, sizeof(entry), err);

	if (r < 0)
		return r;
	r = vhdx_bat_entry_parse(vhdx->source.name, number, get_le64(entry), ret, err);
	if (r == 0 && ret->state == VHDX_BLOCK_PARTIAL && !vhdx->parameters.has_parent)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX block %" PRIu64
			       " is partly in a parent, but the image has none",
			       vhdx->source.name, number);
	return r;
}

/* Is data of the block in this file, be it all or some of its sectors? */
static bool is_stored(const struct vhdx_block *block)
{
	return block->state == VHDX_BLOCK_PRESENT || block->state == VHDX_BLOCK_PARTIAL;
}

/* The block at offset and how many of up to length bytes from there on lie in one piece
 * of the file (or are all not stored): blocks are often neighbours in the file, and one
 * large read over a network beats two small ones. */
static int read_piece(struct vhdx *vhdx, uint64_t offset, uint64_t length,
		      struct vhdx_block *ret, uint64_t *ret_piece, struct err *err)
{
	uint64_t size = vhdx->parameters.block_size, number = offset / size;
	uint64_t piece = min_u64(size - offset % size, length);
	struct vhdx_block first, next;
	int r = read_block(vhdx, number, &first, err);

	for (uint64_t i = 1; r == 0 && piece < length; i++) {
		r = read_block(vhdx, number + i, &next, err);
		if (r < 0 || next.state != first.state ||
		    (is_stored(&next) && next.offset != first.offset + i * size))
			break;
		piece += min_u64(size, length - piece);
	}
	if (r < 0)
		return r;
	*ret = first;
	*ret_piece = piece;
	return 0;
}

static int vhdx_read_at(struct block_source *source, void *buffer, uint64_t offset,
			size_t length, struct err *err)
{
	struct vhdx *vhdx = (struct vhdx *)source;
	uint8_t *out = buffer;

	while (length) {
		struct vhdx_block block;
		uint64_t piece = 0;
		int r = read_piece(vhdx, offset, length, &block, &piece, err);

		if (r < 0)
			return r;
		if (is_stored(&block))
			r = source_read(vhdx->file, out,
					block.offset +
						offset % vhdx->parameters.block_size,
					(size_t)piece, err);
		else
			memset(out, 0, (size_t)piece);
		if (r < 0)
			return r;
		out += piece;
		offset += piece;
		length -= (size_t)piece;
	}
	return 0;
}

static enum extent_kind kind_of(enum vhdx_block_state state)
{
	switch (state) {
	case VHDX_BLOCK_PRESENT:
		return EXTENT_DATA;
	case VHDX_BLOCK_ZERO:
		return EXTENT_ZERO;
	default:
		return EXTENT_ABSENT;
	}
}

/* The next block, from number on, of which the entry is not known to be 0: those before it are
 * not stored. Disks claim millions of blocks and have few. */
static uint64_t skip_empty(const struct vhdx *vhdx, uint64_t number)
{
	uint64_t index = vhdx_bat_index(&vhdx->bat, number);
	uint64_t zeros = paged_table_zeros(&vhdx->table, index * sizeof(le64));

	return zeros ? vhdx_bat_block(&vhdx->bat, index + zeros / sizeof(le64)) : number;
}

static int vhdx_extents(struct block_source *source, uint64_t offset, uint64_t length,
			struct extent *extents, size_t max, size_t *ret_count,
			struct err *err)
{
	struct vhdx *vhdx = (struct vhdx *)source;
	uint64_t size = vhdx->parameters.block_size;
	size_t count = 0;

	while (length) {
		uint64_t number = offset / size, next = skip_empty(vhdx, number);
		struct vhdx_block block = { .state = VHDX_BLOCK_NOT_PRESENT };
		uint64_t part;
		enum extent_kind kind;
		int r = next > number ? 0 : read_block(vhdx, number, &block, err);

		if (r < 0)
			return r;
		part = min_u64(max_u64(next, number + 1) * size - offset, length);
		kind = kind_of(block.state);
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

/* Where in the file the bitmap of a block lies that is partly the parent's: a bitmap block of
 * 1 MiB describes a whole chunk (2.5.1.2, 2.5.2). */
static int bitmap_position(struct vhdx *vhdx, uint64_t number, uint64_t *ret,
			   struct err *err)
{
	uint64_t chunk = number / vhdx->bat.chunk_ratio;
	le64 entry;
	int r = paged_table_read(&vhdx->table,
				 vhdx_bat_bitmap_index(&vhdx->bat, chunk) * sizeof(entry),
				 &entry, sizeof(entry), err);

	if (r == 0)
		r = vhdx_bitmap_entry_parse(vhdx->source.name, chunk, get_le64(entry),
					    ret, err);
	if (r == 0)
		*ret += number % vhdx->bat.chunk_ratio *
			vhdx_bitmap_size(&vhdx->parameters);
	return r;
}

/* The run of sectors within a block that is partly the parent's. */
static int partial_piece(struct vhdx *vhdx, uint64_t offset, uint64_t length,
			 enum image_piece *ret, uint64_t *ret_length, struct err *err)
{
	uint64_t number = offset / vhdx->parameters.block_size, position = 0, run;
	uint32_t sector = vhdx->parameters.logical_sector;
	uint64_t within = offset % vhdx->parameters.block_size;
	uint64_t sectors = (within % sector + length + sector - 1) / sector;
	bool own;
	int r = 0;

	if (!vhdx->bitmap.filled || vhdx->bitmap.block != number)
		r = bitmap_position(vhdx, number, &position, err);
	if (r == 0)
		r = bitmap_cache_fill(&vhdx->bitmap, vhdx->file, number, position,
				      vhdx_bitmap_size(&vhdx->parameters), err);
	if (r < 0)
		return r;
	run = bitmap_run(vhdx->bitmap.bits, BITS_LOW_FIRST, within / sector, sectors,
			 &own);
	*ret = own ? PIECE_OWN : PIECE_PARENT;
	*ret_length = min_u64(length, run * sector - within % sector);
	return 0;
}

static int vhdx_piece_at(struct block_source *child, uint64_t offset, uint64_t length,
			 enum image_piece *ret, uint64_t *ret_length, struct err *err)
{
	struct vhdx *vhdx = (struct vhdx *)child;
	uint64_t size = vhdx->parameters.block_size;
	uint64_t part = min_u64(size - offset % size, length);
	struct vhdx_block block;
	int r = read_block(vhdx, offset / size, &block, err);

	if (r < 0)
		return r;
	if (block.state == VHDX_BLOCK_PARTIAL)
		return partial_piece(vhdx, offset, part, ret, ret_length, err);
	*ret = block.state == VHDX_BLOCK_PRESENT       ? PIECE_OWN
	       : block.state == VHDX_BLOCK_NOT_PRESENT ? PIECE_PARENT
						       : PIECE_ZERO;
	*ret_length = part;
	return 0;
}

static void vhdx_close(struct block_source *source)
{
	vhdx_free((struct vhdx *)source);
}

static const struct block_source_ops vhdx_ops = {
	.read_at = vhdx_read_at,
	.extents = vhdx_extents,
	.close = vhdx_close,
};

/* -- opening, step by step ---- */

/* Reads length bytes of a structure that must be there. */
static int read_part(struct block_source *file, const char *what, void *buffer,
		     uint64_t offset, size_t length, struct err *err)
{
	if (!range_within(offset, length, file->size))
		return err_set(err, -EBADMSG,
			       "'%s': file of %" PRIu64
			       " bytes ends before its VHDX %s at %" PRIu64 ": cut short",
			       file->name, file->size, what, offset);
	return source_read(file, buffer, offset, length, err);
}

static int open_identifier(struct vhdx *vhdx, struct image_info *info, struct err *err)
{
	uint8_t bytes[sizeof(struct vhdx_identifier_disk)];
	int r;

	if (vhdx->file->size > VHDX_FILE_SIZE_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': file of %" PRIu64
			       " bytes, no VHDX is beyond 128 TiB",
			       vhdx->file->name, vhdx->file->size);
	r = read_part(vhdx->file, "identifier", bytes, 0, sizeof(bytes), err);
	if (r < 0)
		return r;
	if (memcmp(bytes, "vhdxfile", 8) != 0)
		return err_set(
			err, -EBADMSG,
			"'%s': does not start with 'vhdxfile': not a VHDX, or damaged",
			vhdx->file->name);
	vhdx_creator(bytes, info->creator, sizeof(info->creator));
	return 0;
}

static int open_headers(struct vhdx *vhdx, struct image_info *info, struct err *err)
{
	uint8_t first[VHDX_HEADER_SIZE], second[VHDX_HEADER_SIZE];
	const char *note = NULL;
	int r = read_part(vhdx->file, "header", first, VHDX_HEADER_1, sizeof(first), err);

	if (r == 0)
		r = read_part(vhdx->file, "header", second, VHDX_HEADER_2, sizeof(second),
			      err);
	if (r == 0)
		r = vhdx_headers_parse(vhdx->file->name, first, second, &vhdx->header,
				       &note, err);
	if (r < 0)
		return r;
	if (note)
		image_note(info, "%s", note);
	info->unique_id = vhdx->header.data_write;
	return 0;
}

static int open_log(struct vhdx *vhdx, struct image_info *info, struct err *err)
{
	struct vhdx_replay_info replayed = { 0 };
	struct block_source *view = NULL;
	int r;

	if (guid_is_zero(&vhdx->header.log))
		return 0;
	r = vhdx_replay_new(vhdx->file, &vhdx->header, &view, &replayed, err);
	if (r < 0)
		return r;
	if (view->size > vhdx->file->size)
		image_note(info,
			   "log lets the file grow by %" PRIu64 " bytes, read as zeros",
			   view->size - vhdx->file->size);
	vhdx->file = view;
	info->log_entries = replayed.entries;
	info->log_bytes = replayed.bytes;
	return 0;
}

static int open_regions(struct vhdx *vhdx, struct image_info *info, struct err *err)
{
	AUTO_FREE uint8_t *tables = malloc(2 * VHDX_TABLE_SIZE);
	const char *note = NULL;
	int r;

	if (!tables)
		return err_nomem(err);
	r = read_part(vhdx->file, "region table", tables, VHDX_REGIONS_1, VHDX_TABLE_SIZE,
		      err);
	if (r == 0)
		r = read_part(vhdx->file, "region table", tables + VHDX_TABLE_SIZE,
			      VHDX_REGIONS_2, VHDX_TABLE_SIZE, err);
	if (r == 0)
		r = vhdx_regions_parse(vhdx->file->name, tables, tables + VHDX_TABLE_SIZE,
				       &vhdx->regions, &note, err);
	if (r < 0)
		return r;
	if (note)
		image_note(info, "%s", note);
	return vhdx_areas_check(vhdx->file->name, &vhdx->header, &vhdx->regions,
				vhdx->file->size, err);
}

/* The longest parent locator that is read: some paths; Windows' have 32,767 characters at
 * most. */
#define LOCATOR_SIZE_MAX (256u << 10)

static int read_parent(struct vhdx *vhdx, const struct vhdx_item *item, struct err *err)
{
	uint32_t length = (uint32_t)min_u64(item->length, LOCATOR_SIZE_MAX);
	AUTO_FREE uint8_t *locator = calloc(1, length + 1);
	int r = 0;

	if (!locator)
		return err_nomem(err);
	if (item->present && length)
		r = source_read(vhdx->file, locator,
				vhdx->regions.metadata.offset + item->offset, length,
				err);
	if (r < 0)
		return r;
	return vhdx_parent_read(locator, length, vhdx->parent.ids, &vhdx->parent.path,
				err);
}

static int open_metadata(struct vhdx *vhdx, struct err *err)
{
	AUTO_FREE uint8_t *table = malloc(VHDX_TABLE_SIZE);
	uint8_t values[VHDX_ITEM_COUNT][16] = { 0 };
	const struct vhdx_region *region = &vhdx->regions.metadata;
	struct vhdx_items items;
	int r;

	if (!table)
		return err_nomem(err);
	r = source_read(vhdx->file, table, region->offset, VHDX_TABLE_SIZE, err);
	if (r == 0)
		r = vhdx_items_parse(vhdx->file->name, table, region->length, &items,
				     err);
	for (unsigned i = 0; i < VHDX_ITEM_COUNT && r == 0; i++) {
		if (items.item[i].present)
			r = source_read(vhdx->file, values[i],
					region->offset + items.item[i].offset,
					vhdx_item_size((enum vhdx_item_number)i), err);
	}
	if (r == 0)
		r = vhdx_parameters_parse(vhdx->file->name, values, &vhdx->parameters,
					  err);
	if (r < 0)
		return r;
	if (vhdx->parameters.has_parent)
		return read_parent(vhdx, &items.item[VHDX_ITEM_PARENT_LOCATOR], err);
	return 0;
}

/* -- checking the table ---- */

static int check_place(const struct vhdx *vhdx, const char *what, uint64_t number,
		       uint64_t offset, uint64_t length, struct vhdx_claims *claims,
		       struct err *err)
{
	const char *area;

	if (!range_within(offset, length, vhdx->file->size))
		return err_set(
			err, -EBADMSG,
			"'%s': VHDX %s %" PRIu64 " lies at %" PRIu64 "+%" PRIu64
			", beyond the end of the file of %" PRIu64 " bytes: cut short",
			vhdx->file->name, what, number, offset, length, vhdx->file->size);
	area = vhdx_area_touched(&vhdx->header, &vhdx->regions, offset, length);
	if (area)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX %s %" PRIu64 " at %" PRIu64 " overlaps the %s",
			       vhdx->file->name, what, number, offset, area);
	if (!vhdx_claims_take(claims, offset, length))
		return err_set(err, -EBADMSG,
			       "'%s': VHDX %s %" PRIu64 " at %" PRIu64
			       " overlaps another block: two table entries share it",
			       vhdx->file->name, what, number, offset);
	return 0;
}

static int check_block(const struct vhdx *vhdx, uint64_t number, uint64_t offset,
		       struct vhdx_claims *claims, struct err *err)
{
	uint64_t block_size = vhdx->parameters.block_size;
	/* the end of the last block may be missing where it lies behind the disk's end */
	uint64_t length =
		min_u64(block_size, vhdx->parameters.disk_size - number * block_size);

	return check_place(vhdx, "block", number, offset, length, claims, err);
}

/* The bitmap of the chunk of this block, once for each chunk: *checked is the next chunk that
 * has not been. */
static int check_bitmap(struct vhdx *vhdx, uint64_t number, uint64_t *checked,
			struct vhdx_claims *claims, struct err *err)
{
	uint64_t chunk = number / vhdx->bat.chunk_ratio, offset = 0;
	int r;

	if (chunk < *checked)
		return 0;
	*checked = chunk + 1;
	r = bitmap_position(vhdx, chunk * vhdx->bat.chunk_ratio, &offset, err);
	if (r < 0)
		return r;
	return check_place(vhdx, "sector bitmap", chunk, offset, VHDX_BITMAP_BLOCK,
			   claims, err);
}

static int check_blocks(struct vhdx *vhdx, struct vhdx_claims *claims,
			uint64_t *ret_allocated, struct err *err)
{
	uint64_t allocated = 0, bitmaps = 0;

	for (uint64_t number = skip_empty(vhdx, 0); number < vhdx->bat.blocks;
	     number = skip_empty(vhdx, number + 1)) {
		struct vhdx_block block;
		int r = read_block(vhdx, number, &block, err);

		if (r == 0 && is_stored(&block)) {
			r = check_block(vhdx, number, block.offset, claims, err);
			allocated += vhdx->parameters.block_size;
		}
		if (r == 0 && block.state == VHDX_BLOCK_PARTIAL)
			r = check_bitmap(vhdx, number, &bitmaps, claims, err);
		if (r < 0)
			return r;
	}
	*ret_allocated = allocated;
	return 0;
}

static int open_bat(struct vhdx *vhdx, struct image_info *info, struct err *err)
{
	struct vhdx_claims claims = { 0 };
	int r = vhdx_bat_layout(vhdx->file->name, &vhdx->parameters,
				vhdx->regions.bat.length, &vhdx->bat, err);

	if (r == 0)
		r = paged_table_init(&vhdx->table, vhdx->file, vhdx->regions.bat.offset,
				     vhdx->bat.entries * sizeof(le64), err);
	if (r == 0)
		r = vhdx_claims_init(&claims, vhdx->file->size, err);
	if (r == 0)
		r = paged_table_find_zeros(&vhdx->table, err);
	if (r == 0)
		r = check_blocks(vhdx, &claims, &info->allocated, err);
	vhdx_claims_clear(&claims);
	return r;
}

/* -- opening ---- */

static int vhdx_probe(struct block_source *file, bool *ret_is, struct err *err)
{
	uint8_t signature[8] = { 0 };
	int r = 0;

	if (file->size >= sizeof(signature))
		r = source_read(file, signature, 0, sizeof(signature), err);
	if (r == 0)
		*ret_is = memcmp(signature, "vhdxfile", sizeof(signature)) == 0;
	return r;
}

static int open_steps(struct vhdx *vhdx, struct image_info *info, struct err *err)
{
	int r = open_identifier(vhdx, info, err);

	if (r == 0)
		r = open_headers(vhdx, info, err);
	if (r == 0)
		r = open_log(vhdx, info, err);
	if (r == 0)
		r = open_regions(vhdx, info, err);
	if (r == 0)
		r = open_metadata(vhdx, err);
	if (r == 0)
		r = open_bat(vhdx, info, err);
	return r;
}

/* Takes vhdx over. */
static int add_parent(struct vhdx *vhdx, struct image_family *family,
		      struct image_info *info, struct block_source **ret, struct err *err)
{
	AUTO(vhdx_freep) struct vhdx *owned = vhdx;
	struct block_source *source = NULL;
	int r = image_parent_open(&image_kind_vhdx, family, &vhdx->source, &vhdx->parent,
				  info, &source, err);

	if (r < 0)
		return r;
	return image_merge_new(&TAKE_PTR(owned)->source, vhdx_piece_at, source, ret, err);
}

static void fill_info(const struct vhdx_parameters *parameters, struct image_info *info)
{
	info->subformat = parameters->has_parent	? "differencing"
			  : parameters->leave_allocated ? "fixed"
							: "dynamic";
	info->virtual_size = parameters->disk_size;
	info->block_size = parameters->block_size;
	info->sector_size = parameters->logical_sector;
	info->physical_sector_size = parameters->physical_sector;
}

static int vhdx_open(struct block_source *file, struct image_family *family,
		     struct image_info *info, struct block_source **ret, struct err *err)
{
	AUTO(source_freep) struct block_source *owned = file;
	AUTO(vhdx_freep) struct vhdx *vhdx = calloc(1, sizeof(*vhdx));
	int r;

	if (!vhdx)
		return err_nomem(err);
	vhdx->file = TAKE_PTR(owned);
	vhdx->source.name = strdup(file->name);
	if (!vhdx->source.name)
		return err_nomem(err);
	r = open_steps(vhdx, info, err);
	if (r < 0)
		return r;
	vhdx->source.ops = &vhdx_ops;
	vhdx->source.size = vhdx->parameters.disk_size;
	vhdx->source.sector_size = vhdx->parameters.logical_sector;
	vhdx->source.max_parallel = 1; /* the pages of the table are shared */
	fill_info(&vhdx->parameters, info);
	if (vhdx->parameters.has_parent)
		return add_parent(TAKE_PTR(vhdx), family, info, ret, err);
	*ret = &TAKE_PTR(vhdx)->source;
	return 0;
}

static int vhdx_read_id(struct block_source *file, struct guid *ret, struct err *err)
{
	struct vhdx vhdx = { .file = file };
	struct image_info info = { 0 };
	int r = open_headers(&vhdx, &info, err);

	if (r == 0)
		*ret = info.unique_id;
	return r;
}

const struct image_kind image_kind_vhdx = {
	.format = "vhdx",
	.extension = ".vhdx",
	.probe = vhdx_probe,
	.open = vhdx_open,
	.read_id = vhdx_read_id,
};
