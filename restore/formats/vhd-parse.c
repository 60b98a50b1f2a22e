/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Understands the bytes of a VHD; reads nothing. See vhd-format.h. */
#include "vhd-format.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <base/fuzzing.h>
#include <base/utf.h>

/* Ones' complement of the sum of all bytes but the checksum's own. */
static uint32_t checksum(const uint8_t *bytes, size_t length, size_t checksum_at)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < length; i++)
		if (i < checksum_at || i >= checksum_at + sizeof(be32))
			sum += bytes[i];
	return ~sum;
}

static bool checksum_is(const uint8_t *bytes, size_t length, size_t checksum_at,
			be32 stored)
{
	return checksum(bytes, length, checksum_at) == get_be32(stored) ||
	       CHECKSUMS_IGNORED;
}

enum vhd_mark vhd_footer_mark(const uint8_t bytes[VHD_FOOTER_SIZE])
{
	struct vhd_footer_disk disk;

	memcpy(&disk, bytes, sizeof(disk));
	if (memcmp(disk.cookie, "conectix", sizeof(disk.cookie)) != 0)
		return VHD_MARK_NONE;
	if (!checksum_is(bytes, sizeof(disk), offsetof(struct vhd_footer_disk, checksum),
			 disk.checksum))
		return VHD_MARK_BAD_CHECKSUM;
	return VHD_MARK_GOOD;
}

/* Four characters as they come, for people. */
static void copy_printable(char *ret, const char *bytes)
{
	for (size_t i = 0; i < 4; i++)
		ret[i] = isprint((unsigned char)bytes[i]) ? bytes[i] : '?';
	ret[4] = '\0';
}

/* "vsim 1.1 Wi2k" */
static void format_creator(const struct vhd_footer_disk *disk, char *ret, size_t size)
{
	char program[5], os[5];

	copy_printable(program, disk->creator);
	copy_printable(os, disk->creator_os);
	snprintf(ret, size, "%s %u.%u %s", program, get_be16(disk->creator_major),
		 get_be16(disk->creator_minor), os);
}

/* From big-endian to the mixed order of struct guid, so that its text is what other
 * programs show for the same file. */
static void convert_guid(const uint8_t bytes[16], struct guid *ret)
{
	static const uint8_t order[16] = { 3, 2, 1,  0,	 5,  4,	 7,  6,
					   8, 9, 10, 11, 12, 13, 14, 15 };

	for (size_t i = 0; i < sizeof(order); i++)
		ret->b[i] = bytes[order[i]];
}

/* 0 where the geometry is the greatest there is and so says nothing. */
static uint64_t chs_size(const struct vhd_footer_disk *disk)
{
	uint64_t sectors =
		(uint64_t)get_be16(disk->cylinders) * disk->heads * disk->sectors;

	return sectors < VHD_CHS_MAX ? sectors * VHD_SECTOR : 0;
}

/* Virtual PC, and qemu in its likeness, show their guests the disk that the geometry
 * says; Windows, disk2vhd and the others the one that the size field says. */
static bool creator_uses_chs(const char creator[4])
{
	return memcmp(creator, "vpc ", 4) == 0 || memcmp(creator, "qemu", 4) == 0;
}

int vhd_footer_parse(const char *name, const uint8_t bytes[VHD_FOOTER_SIZE],
		     struct vhd_footer *ret, struct err *err)
{
	struct vhd_footer_disk disk;
	uint32_t type;
	uint64_t size;

	memcpy(&disk, bytes, sizeof(disk));
	if (get_be32(disk.version) != VHD_VERSION)
		return err_set(err, -ENOTSUP,
			       "'%s': VHD format version %#x, known is %#x", name,
			       get_be32(disk.version), VHD_VERSION);
	type = get_be32(disk.type);
	if (type != VHD_FIXED && type != VHD_DYNAMIC && type != VHD_DIFFERENCING)
		return err_set(
			err, -EBADMSG,
			"'%s': VHD disk type %u, must be 2 (fixed), 3 (dynamic) or 4 "
			"(differencing)",
			name, type);
	size = get_be64(disk.current_size);
	if (size == 0)
		return err_set(err, -EBADMSG, "'%s': VHD disk of no bytes", name);
	if (size % VHD_SECTOR)
		return err_set(err, -EBADMSG,
			       "'%s': VHD disk size %" PRIu64
			       ", must be a multiple of 512",
			       name, size);
	*ret = (struct vhd_footer){
		.type = (enum vhd_type)type,
		.data_offset = get_be64(disk.data_offset),
		.size_field = size,
		.size_chs = chs_size(&disk),
		.uses_chs = creator_uses_chs(disk.creator),
	};
	convert_guid(disk.unique_id, &ret->unique_id);
	format_creator(&disk, ret->creator, sizeof(ret->creator));
	return 0;
}

int vhd_footer_compare(const char *name, const struct vhd_footer *footer,
		       const struct vhd_footer *copy, struct err *err)
{
	if (footer->type != copy->type)
		return err_set(err, -EBADMSG,
			       "'%s': footer says disk type %u, its copy at the start %u",
			       name, footer->type, copy->type);
	if (footer->size_field != copy->size_field || footer->size_chs != copy->size_chs)
		return err_set(err, -EBADMSG,
			       "'%s': footer says a disk size of %" PRIu64
			       " bytes, its copy at the start %" PRIu64
			       " (by geometry %" PRIu64 " and %" PRIu64 ")",
			       name, footer->size_field, copy->size_field,
			       footer->size_chs, copy->size_chs);
	if (!guid_equal(&footer->unique_id, &copy->unique_id))
		return err_set(
			err, -EBADMSG,
			"'%s': footer and its copy at the start have different unique "
			"ids: parts of two images",
			name);
	if (footer->data_offset != copy->data_offset)
		return err_set(err, -EBADMSG,
			       "'%s': footer says a header at %" PRIu64
			       ", its copy at the start at %" PRIu64,
			       name, footer->data_offset, copy->data_offset);
	return 0;
}

static int check_block_size(const char *name, uint32_t block_size, struct err *err)
{
	if (!is_power_of_two(block_size))
		return err_set(err, -EBADMSG,
			       "'%s': VHD block size %u, must be a power of two", name,
			       block_size);
	if (block_size < VHD_BLOCK_SIZE_MIN || block_size > VHD_BLOCK_SIZE_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': VHD block size %u, must be from 512 KiB to 256 MiB",
			       name, block_size);
	return 0;
}

int vhd_dynamic_parse(const char *name, const uint8_t bytes[1024], uint64_t size,
		      struct vhd_dynamic *ret, struct err *err)
{
	struct vhd_dynamic_disk disk;
	uint32_t block_size, entries;
	uint64_t needed;
	int r;

	memcpy(&disk, bytes, sizeof(disk));
	if (memcmp(disk.cookie, "cxsparse", sizeof(disk.cookie)) != 0)
		return err_set(err, -EBADMSG,
			       "'%s': VHD dynamic header without 'cxsparse'", name);
	if (!checksum_is(bytes, sizeof(disk), offsetof(struct vhd_dynamic_disk, checksum),
			 disk.checksum))
		return err_set(err, -EBADMSG,
			       "'%s': checksum of the VHD dynamic header is wrong", name);
	if (get_be32(disk.version) != VHD_VERSION)
		return err_set(err, -ENOTSUP,
			       "'%s': VHD dynamic header version %#x, known is %#x", name,
			       get_be32(disk.version), VHD_VERSION);
	block_size = get_be32(disk.block_size);
	r = check_block_size(name, block_size, err);
	if (r < 0)
		return r;
	entries = get_be32(disk.table_entries);
	needed = size / block_size + (size % block_size != 0);
	if (entries < needed)
		return err_set(err, -EBADMSG,
			       "'%s': VHD block table of %u entries, a disk of %" PRIu64
			       " bytes in blocks of %u needs %" PRIu64,
			       name, entries, size, block_size, needed);
	*ret = (struct vhd_dynamic){
		.table_offset = get_be64(disk.table_offset),
		.table_entries = entries,
		.block_size = block_size,
		/* a bit per sector, padded to whole sectors */
		.bitmap_size = (block_size / VHD_SECTOR / 8 + VHD_SECTOR - 1) /
			       VHD_SECTOR * VHD_SECTOR,
	};
	return 0;
}

int vhd_parent_read(const uint8_t bytes[1024], struct guid *ret_id, char **ret_name,
		    struct err *err)
{
	struct vhd_dynamic_disk disk;
	uint8_t swapped[sizeof(disk.parent_name)];
	size_t length;
	char *name = NULL;
	int r;

	memcpy(&disk, bytes, sizeof(disk));
	for (length = 0; length < sizeof(swapped); length += 2) {
		swapped[length] = disk.parent_name[length + 1];
		swapped[length + 1] = disk.parent_name[length];
		if (!swapped[length] && !swapped[length + 1])
			break;
	}
	r = utf16le_to_utf8(swapped, length, &name, err);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		name = strdup("");
	if (!name)
		return err_nomem(err);
	convert_guid(disk.parent_id, ret_id);
	*ret_name = name;
	return 0;
}

int vhd_claims_init(struct vhd_claims *claims, uint64_t file_size, uint32_t length,
		    struct err *err)
{
	uint64_t cells = min_u64(file_size, VHD_REACH) / VHD_SECTOR / length + 1;
	uint32_t *starts = calloc(cells, sizeof(*starts));

	if (!starts)
		return err_nomem(err);
	*claims =
		(struct vhd_claims){ .starts = starts, .cells = cells, .length = length };
	return 0;
}

void vhd_claims_clear(struct vhd_claims *claims)
{
	free(claims->starts);
	claims->starts = NULL;
}

bool vhd_claims_take(struct vhd_claims *claims, uint32_t sector)
{
	uint64_t cell = sector / claims->length;
	uint32_t before = cell ? claims->starts[cell - 1] : 0;
	uint32_t after = cell + 1 < claims->cells ? claims->starts[cell + 1] : 0;

	if (claims->starts[cell] || (before && sector - before < claims->length) ||
	    (after && after - sector < claims->length))
		return false;
	claims->starts[cell] = sector;
	return true;
}
