/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disks in memory for the tests of the partition layer: a GPT written field by field,
 * from the UEFI specification and not with the code under test, which the tests then
 * spoil.
 */
#pragma once

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/block-source.h>
#include <base/crc32c.h>
#include <base/guid.h>

struct disk_image {
	uint8_t *bytes;
	size_t size;   /* bytes */
	size_t sector; /* bytes */
	size_t sectors;
	size_t slots;
	size_t table_sectors; /* entries of one copy */
};

/* Offsets of UEFI 5.3.2 (header), 5.3.3 (entry) and 5.2.1 (MBR). */
enum {
	HEADER_REVISION = 0x08,
	HEADER_SIZE = 0x0c,
	HEADER_CRC = 0x10,
	HEADER_MY_LBA = 0x18,
	HEADER_ALTERNATE = 0x20,
	HEADER_FIRST = 0x28,
	HEADER_LAST = 0x30,
	HEADER_GUID = 0x38,
	HEADER_ENTRIES_LBA = 0x48,
	HEADER_COUNT = 0x50,
	HEADER_ENTRY_SIZE = 0x54,
	HEADER_ENTRIES_CRC = 0x58,
	ENTRY_ID = 0x10,
	ENTRY_FIRST = 0x20,
	ENTRY_LAST = 0x28,
	ENTRY_ATTRIBUTES = 0x30,
	ENTRY_NAME = 0x38,
	MBR_ENTRY = 0x1be,
};

static inline void put_number(uint8_t *to, uint64_t value, size_t width)
{
	for (size_t i = 0; i < width; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static inline void put_guid(uint8_t *to, const char *text)
{
	struct guid guid;

	if (guid_parse(text, strlen(text), &guid) < 0)
		abort();
	memcpy(to, guid.b, sizeof(guid.b));
}

static inline uint8_t *image_at(struct disk_image *image, size_t lba)
{
	return image->bytes + lba * image->sector;
}

static inline uint8_t *image_header(struct disk_image *image, int backup)
{
	return image_at(image, backup ? image->sectors - 1 : 1);
}

static inline size_t image_entries_lba(struct disk_image *image, int backup)
{
	return backup ? image->sectors - 1 - image->table_sectors : 2;
}

/* slot from 1 */
static inline uint8_t *image_entry(struct disk_image *image, int backup, size_t slot)
{
	return image_at(image, image_entries_lba(image, backup)) + 128 * (slot - 1);
}

/* Computes the CRCs of one copy anew. */
static inline void image_seal(struct disk_image *image, int backup)
{
	uint8_t *header = image_header(image, backup);

	put_number(header + HEADER_ENTRIES_CRC,
		   crc32(0, image_entry(image, backup, 1), 128 * image->slots), 4);
	put_number(header + HEADER_CRC, 0, 4);
	put_number(header + HEADER_CRC, crc32(0, header, 92), 4);
}

/* The same without the entries, for headers that shall lie about them. */
static inline void image_seal_header(struct disk_image *image, int backup)
{
	uint8_t *header = image_header(image, backup);

	put_number(header + HEADER_CRC, 0, 4);
	put_number(header + HEADER_CRC, crc32(0, header, 92), 4);
}

/* Writes into both copies. */
static inline void image_put_partition(struct disk_image *image, size_t slot,
				       const char *type, const char *id, uint64_t first,
				       uint64_t last, const char *name)
{
	for (int backup = 0; backup < 2; backup++) {
		uint8_t *entry = image_entry(image, backup, slot);

		put_guid(entry, type);
		put_guid(entry + ENTRY_ID, id);
		put_number(entry + ENTRY_FIRST, first, 8);
		put_number(entry + ENTRY_LAST, last, 8);
		for (size_t i = 0; name[i]; i++)
			put_number(entry + ENTRY_NAME + 2 * i, (uint8_t)name[i], 2);
	}
}

static inline void image_put_header(struct disk_image *image, int backup)
{
	uint8_t *header = image_header(image, backup);

	memcpy(header, "EFI PART", 8);
	put_number(header + HEADER_REVISION, 0x10000, 4);
	put_number(header + HEADER_SIZE, 92, 4);
	put_number(header + HEADER_MY_LBA, backup ? image->sectors - 1 : 1, 8);
	put_number(header + HEADER_ALTERNATE, backup ? 1 : image->sectors - 1, 8);
	put_number(header + HEADER_FIRST, 2 + image->table_sectors, 8);
	put_number(header + HEADER_LAST, image->sectors - 2 - image->table_sectors, 8);
	put_guid(header + HEADER_GUID, "b4fac9d5-d44b-4c9a-ae0e-47574e783822");
	put_number(header + HEADER_ENTRIES_LBA, image_entries_lba(image, backup), 8);
	put_number(header + HEADER_COUNT, image->slots, 4);
	put_number(header + HEADER_ENTRY_SIZE, 128, 4);
}

static inline void mbr_put_entry(uint8_t *sector, size_t index, uint8_t boot,
				 uint8_t type, uint32_t first, uint32_t sectors)
{
	uint8_t *entry = sector + MBR_ENTRY + 16 * index;

	entry[0] = boot;
	entry[4] = type;
	put_number(entry + 8, first, 4);
	put_number(entry + 12, sectors, 4);
	put_number(sector + 510, 0xaa55, 2);
}

static inline struct disk_image image_blank(size_t sector, size_t sectors)
{
	struct disk_image image = { .size = sector * sectors,
				    .sector = sector,
				    .sectors = sectors,
				    .slots = 128,
				    .table_sectors = 128 * 128 / sector };

	image.bytes = calloc(1, image.size);
	if (!image.bytes)
		abort();
	return image;
}

/* ESP, MSR, C: and a recovery partition; slot 3 is left empty, the order of the slots is
 * not that of the disk. */
static inline struct disk_image image_gpt(size_t sector, size_t sectors)
{
	struct disk_image image = image_blank(sector, sectors);
	size_t first = 2 + image.table_sectors;

	mbr_put_entry(image.bytes, 0, 0, 0xee, 1, (uint32_t)sectors - 1);
	image_put_header(&image, 0);
	image_put_header(&image, 1);
	image_put_partition(&image, 1, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
			    "4a1ec2d1-f182-442e-8f09-a6345a8f58cb", first, first + 9,
			    "EFI system partition");
	image_put_partition(&image, 2, "e3c9e316-0b5c-4db8-817d-f92df00215ae",
			    "e15f32b9-cc19-47ab-8b31-3b098becbf81", first + 60,
			    first + 69, "Microsoft reserved partition");
	image_put_partition(&image, 4, "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7",
			    "b62b9ee3-0b23-4b70-b6b5-b9d1616d765e", first + 10,
			    first + 50, "Basic data partition");
	image_put_partition(&image, 5, "de94bba4-06d1-4d40-a16a-bfd50179d6ac",
			    "7a18b620-7fff-4002-9b96-d83dc601163a", first + 70,
			    first + 99, "");
	for (int backup = 0; backup < 2; backup++) {
		put_number(image_entry(&image, backup, 5) + ENTRY_ATTRIBUTES,
			   UINT64_C(0x8000000000000001), 8);
		image_seal(&image, backup);
	}
	return image;
}

static inline struct block_source *image_source(struct disk_image *image,
						uint32_t sector_size)
{
	struct block_source *source = NULL;

	if (source_memory_new(image->bytes, image->size, "disk", &source, NULL) < 0)
		abort();
	source->sector_size = sector_size;
	return source;
}
