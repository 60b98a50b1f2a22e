/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of FAT volumes: see fat-table.h. */
#include "fat-table.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>

/* BIOS parameter block, fatgen103 pages 9-12. */
struct fat_boot_disk {
	uint8_t jump[11];
	le16 sector_size;	 /* 0x0b */
	uint8_t cluster_sectors; /* 0x0d */
	le16 reserved_sectors;	 /* 0x0e */
	uint8_t fats;		 /* 0x10 */
	le16 root_entries;	 /* 0x11; 0 on FAT32 */
	le16 sectors16;		 /* 0x13; 0: see 0x20 */
	uint8_t media;		 /* 0x15 */
	le16 fat_sectors16;	 /* 0x16; 0: see 0x24 */
	uint8_t geometry[8];
	le32 sectors32;	    /* 0x20 */
	le32 fat_sectors32; /* 0x24; FAT32 */
};
_Static_assert(offsetof(struct fat_boot_disk, fat_sectors32) == 0x24, "BPB");

#define ROOT_ENTRY_SIZE 32u
/* The first two entries of a table are of no cluster. */
#define FIRST_CLUSTER 2u
/* Of a table at once; whole entries of 12 bits, and all of a FAT12. */
#define WINDOW 12288u

/* Where the tables lie. */
struct shape {
	uint64_t start, length; /* bytes: of the first one, of each */
	unsigned count, bits;	/* tables; of an entry */
};

static unsigned entry_bits(enum file_system fs)
{
	switch (fs) {
	case FS_FAT12:
		return 12;
	case FS_FAT16:
		return 16;
	default:
		return 32;
	}
}

/* All of it fits 64 bits: 32 bits of sectors, of 12 bits at most. */
static int parse_boot(const uint8_t *boot, const struct volume_info *info,
		      struct shape *shape, struct fat_table *table, struct err *err)
{
	struct fat_boot_disk disk;
	uint64_t sector, sectors, fat_sectors, heap, entries;

	memcpy(&disk, boot, sizeof(disk));
	sector = get_le16(disk.sector_size);
	sectors = get_le16(disk.sectors16) ? get_le16(disk.sectors16)
					   : get_le32(disk.sectors32);
	fat_sectors = get_le16(disk.fat_sectors16) ? get_le16(disk.fat_sectors16)
						   : get_le32(disk.fat_sectors32);
	if (!sector || !disk.cluster_sectors || !disk.fats)
		return err_set(err, -EBADMSG, "FAT boot sector: without sizes");
	heap = get_le16(disk.reserved_sectors) + fat_sectors * disk.fats +
	       (get_le16(disk.root_entries) * ROOT_ENTRY_SIZE + sector - 1) / sector;
	*shape = (struct shape){ get_le16(disk.reserved_sectors) * sector,
				 fat_sectors * sector, disk.fats, entry_bits(info->fs) };
	entries = shape->length * 8 / shape->bits;
	*table = (struct fat_table){ .heap = heap * sector,
				     .cluster_size =
					     (uint32_t)sector * disk.cluster_sectors };
	if (heap >= sectors || entries < FIRST_CLUSTER ||
	    (sectors - heap) / disk.cluster_sectors > entries - FIRST_CLUSTER)
		return err_set(err, -EBADMSG,
			       "FAT boot sector: tables of %" PRIu64
			       " entries for %" PRIu64 " sectors",
			       entries, sectors);
	table->clusters = (uint32_t)((sectors - heap) / disk.cluster_sectors);
	return 0;
}

/* Entry number index of a piece of a table. Of 32 bits the highest four are reserved. */
static uint32_t entry_at(const uint8_t *bytes, uint32_t index, unsigned bits)
{
	size_t at = (size_t)index * bits / 8;

	if (bits == 12)
		return (uint32_t)(bytes[at] | bytes[at + 1] << 8) >> (index % 2 * 4) &
		       0xfff;
	if (bits == 16)
		return (uint32_t)(bytes[at] | bytes[at + 1] << 8);
	return (bytes[at] | (uint32_t)bytes[at + 1] << 8 | (uint32_t)bytes[at + 2] << 16 |
		(uint32_t)bytes[at + 3] << 24) &
	       0x0fffffff;
}

static int mark_table(struct block_source *volume, const struct shape *shape,
		      uint64_t start, struct fat_table *table, struct err *err)
{
	uint32_t window = WINDOW * 8 / shape->bits;
	uint32_t end = table->clusters + FIRST_CLUSTER;
	uint8_t bytes[WINDOW + 1] = { 0 }; /* an entry of 12 bits is read as two bytes */
	int r = 0;

	for (uint32_t first = 0; first < end && r == 0; first += window) {
		uint64_t at = (uint64_t)first * shape->bits / 8;
		size_t part = (size_t)min_u64(WINDOW, shape->length - at);

		r = source_read(volume, bytes, start + at, part, err);
		for (uint32_t i = 0; r == 0 && i < window && first + i < end; i++) {
			uint32_t cluster = first + i - FIRST_CLUSTER;

			if (first + i >= FIRST_CLUSTER && entry_at(bytes, i, shape->bits))
				table->used[cluster / 8] |= (uint8_t)(1u << cluster % 8);
		}
	}
	return r;
}

void fat_table_clear(struct fat_table *table)
{
	free(table->used);
	*table = (struct fat_table){ 0 };
}

int fat_table_read(struct block_source *volume, const struct volume_info *info,
		   struct fat_table *ret, struct err *err)
{
	AUTO(fat_table_clear) struct fat_table table = { 0 };
	struct shape shape = { 0 };
	uint8_t boot[512];
	int r = source_read(volume, boot, 0, sizeof(boot), err);

	if (r == 0)
		r = parse_boot(boot, info, &shape, &table, err);
	if (r < 0)
		return err_add(err, "'%s'", volume->name), r;
	table.used = calloc(1, table.clusters / 8 + 1);
	if (!table.used)
		return err_nomem(err);
	for (unsigned i = 0; i < shape.count && r == 0; i++)
		r = mark_table(volume, &shape, shape.start + i * shape.length, &table,
			       err);
	if (r < 0)
		return r;
	*ret = table;
	table = (struct fat_table){ 0 };
	return 0;
}
