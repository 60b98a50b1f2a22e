/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The block allocation table of a VHDX ([MS-VHDX] 2.5): its arithmetic and its entries.
 * Reads nothing. */
#include "vhdx-format.h"

#include <inttypes.h>

#include <base/cleanup.h>

/* 2.5: a sector bitmap block describes 2^23 sectors. */
#define SECTORS_PER_BITMAP_BLOCK (UINT64_C(1) << 23)

int vhdx_bat_layout(const char *name, const struct vhdx_parameters *parameters,
		    uint64_t region_length, struct vhdx_bat *ret, struct err *err)
{
	uint64_t size = parameters->disk_size, block = parameters->block_size;
	struct vhdx_bat bat = {
		.blocks = size / block + (size % block != 0),
		.chunk_ratio =
			SECTORS_PER_BITMAP_BLOCK * parameters->logical_sector / block,
	};

	bat.entries = bat.blocks + (bat.blocks - 1) / bat.chunk_ratio;
	/* all chunks are whole: the bitmap comes behind the last payload entry of its own
	 */
	if (parameters->has_parent)
		bat.entries =
			((bat.blocks - 1) / bat.chunk_ratio + 1) * (bat.chunk_ratio + 1);
	if (bat.entries > region_length / sizeof(le64))
		return err_set(
			err, -EBADMSG,
			"'%s': VHDX BAT region of %" PRIu64 " bytes, a disk of %" PRIu64
			" bytes in blocks of %" PRIu64 " needs %" PRIu64,
			name, region_length, size, block, bat.entries * sizeof(le64));
	*ret = bat;
	return 0;
}

uint64_t vhdx_bat_index(const struct vhdx_bat *bat, uint64_t block)
{
	return block + block / bat->chunk_ratio;
}

uint64_t vhdx_bat_block(const struct vhdx_bat *bat, uint64_t index)
{
	uint64_t in_chunk = index % (bat->chunk_ratio + 1);

	return index / (bat->chunk_ratio + 1) * bat->chunk_ratio + in_chunk;
}

int vhdx_bat_entry_parse(const char *name, uint64_t block, uint64_t entry,
			 struct vhdx_block *ret, struct err *err)
{
	unsigned state = entry & VHDX_BAT_STATE_MASK;

	if (state == 4 || state == 5)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX block %" PRIu64 " has the unknown state %u",
			       name, block, state);
	if (entry & VHDX_BAT_RESERVED_MASK)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX block %" PRIu64
			       " has reserved bits set in its table entry %#" PRIx64,
			       name, block, entry);
	*ret = (struct vhdx_block){
		.state = (enum vhdx_block_state)state,
		.offset = state == VHDX_BLOCK_PRESENT || state == VHDX_BLOCK_PARTIAL
				  ? entry & VHDX_BAT_OFFSET_MASK
				  : 0,
	};
	return 0;
}

uint64_t vhdx_bat_bitmap_index(const struct vhdx_bat *bat, uint64_t chunk)
{
	return (chunk + 1) * (bat->chunk_ratio + 1) - 1;
}

/* 2.5.1.2: states of a sector bitmap block; the one that is stored */
#define BITMAP_PRESENT 6u

int vhdx_bitmap_entry_parse(const char *name, uint64_t chunk, uint64_t entry,
			    uint64_t *ret_offset, struct err *err)
{
	unsigned state = entry & VHDX_BAT_STATE_MASK;

	if (state != BITMAP_PRESENT)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX sector bitmap %" PRIu64
			       " has the state %u, but a block is partly in the parent: "
			       "must be 6 (stored)",
			       name, chunk, state);
	if (entry & VHDX_BAT_RESERVED_MASK)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX sector bitmap %" PRIu64
			       " has reserved bits set in its table entry %#" PRIx64,
			       name, chunk, entry);
	*ret_offset = entry & VHDX_BAT_OFFSET_MASK;
	return 0;
}

uint32_t vhdx_bitmap_size(const struct vhdx_parameters *parameters)
{
	return parameters->block_size / parameters->logical_sector / 8;
}

int vhdx_claims_init(struct vhdx_claims *claims, uint64_t file_size, struct err *err)
{
	uint64_t count = file_size / MiB + 1;
	uint64_t *bits = calloc(count / 64 + 1, sizeof(*bits));

	if (!bits)
		return err_nomem(err);
	*claims = (struct vhdx_claims){ .bits = bits, .count = count };
	return 0;
}

void vhdx_claims_clear(struct vhdx_claims *claims)
{
	free(claims->bits);
	claims->bits = NULL;
}

bool vhdx_claims_take(struct vhdx_claims *claims, uint64_t offset, uint64_t length)
{
	uint64_t first = offset / MiB, last = (offset + length - 1) / MiB;

	for (uint64_t i = first; i <= last; i++) {
		uint64_t bit = UINT64_C(1) << i % 64;

		if (claims->bits[i / 64] & bit)
			return false;
		claims->bits[i / 64] |= bit;
	}
	return true;
}
