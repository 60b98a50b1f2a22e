/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One good VHDX, written by hand from [MS-VHDX]: 5.5 MiB in blocks of 1 MiB, one of each
 * state, stored in reverse order.
 *
 *	0      identifier, headers, region tables
 *	1 MiB  log (empty)
 *	2 MiB  metadata
 *	3 MiB  BAT
 *	4 MiB  block 5, half of it behind the disk's end
 *	5 MiB  block 0
 */
#pragma once

#include "image-fixture.h"

#include <base/crc32c.h>

#define X_BLOCK	    MiB
#define X_BLOCKS    6
#define X_DISK	    (5 * MiB + 512 * KiB)
#define X_FILE	    (6 * MiB)
#define X_HEADER_1  (64 * KiB)
#define X_HEADER_2  (128 * KiB)
#define X_REGIONS_1 (192 * KiB)
#define X_REGIONS_2 (256 * KiB)
#define X_LOG	    MiB
#define X_METADATA  (2 * MiB)
#define X_ITEMS	    (X_METADATA + 64 * KiB)
#define X_BAT	    (3 * MiB)
#define X_BLOCK_5   (4 * MiB)
#define X_BLOCK_0   (5 * MiB)

#define X_NAME "C.vhdx"

/* Places in the region table and the metadata table, and of the items themselves. */
#define X_REGION_BAT	  16
#define X_REGION_METADATA 48
#define X_ITEM(n)	  (32 + 32 * (n))
#define X_PARAMETERS	  X_ITEMS
#define X_DISK_SIZE	  (X_ITEMS + 8)
#define X_LOGICAL	  (X_ITEMS + 16)
#define X_PHYSICAL	  (X_ITEMS + 20)

static const char x_data_guid[] = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

/* The CRC-32C over length bytes with that at offset 4 taken as 0. */
static inline void x_fix(uint8_t *structure, size_t length)
{
	put_le(structure + 4, 4, 0);
	put_le(structure + 4, 4, crc32c(0, structure, length));
}

static inline void x_make_header(uint8_t *header, uint64_t sequence)
{
	memset(header, 0, 4096);
	memcpy(header, "head", 4);
	put_le(header + 8, 8, sequence);
	put_guid(header + 16, "11111111-1111-1111-1111-111111111111");
	put_guid(header + 32, x_data_guid);
	put_le(header + 66, 2, 1);
	put_le(header + 68, 4, MiB);
	put_le(header + 72, 8, X_LOG);
	x_fix(header, 4096);
}

static inline void x_make_regions(uint8_t *table)
{
	memset(table, 0, 65536);
	memcpy(table, "regi", 4);
	put_le(table + 8, 4, 2);
	put_guid(table + X_REGION_BAT, "2dc27766-f623-4200-9d64-115e9bfd4a08");
	put_le(table + X_REGION_BAT + 16, 8, X_BAT);
	put_le(table + X_REGION_BAT + 24, 4, MiB);
	put_le(table + X_REGION_BAT + 28, 4, 1);
	put_guid(table + X_REGION_METADATA, "8b7ca206-4790-4b9a-b8fe-575f050f886e");
	put_le(table + X_REGION_METADATA + 16, 8, X_METADATA);
	put_le(table + X_REGION_METADATA + 24, 4, MiB);
	put_le(table + X_REGION_METADATA + 28, 4, 1);
	x_fix(table, 65536);
}

static inline void x_add_item(uint8_t *image, unsigned number, const char *guid,
			      uint32_t offset, uint32_t length, uint32_t flags)
{
	uint8_t *entry = image + X_METADATA + X_ITEM(number);

	put_guid(entry, guid);
	put_le(entry + 16, 4, offset);
	put_le(entry + 20, 4, length);
	put_le(entry + 24, 4, flags);
	if (image[X_METADATA + 10] <= number)
		image[X_METADATA + 10] = (uint8_t)(number + 1);
}

static inline void x_make_metadata(uint8_t *image)
{
	memcpy(image + X_METADATA, "metadata", 8);
	x_add_item(image, 0, "caa16737-fa36-4d43-b3b6-33f0aa44e76b", 65536, 8, 4);
	x_add_item(image, 1, "2fa54224-cd1b-4876-b211-5dbed83bf4b8", 65536 + 8, 8, 6);
	x_add_item(image, 2, "8141bf1d-a96f-4709-ba47-f233a8faab5f", 65536 + 16, 4, 6);
	x_add_item(image, 3, "cda348c7-445d-4471-9cc9-e9885251c556", 65536 + 20, 4, 6);
	x_add_item(image, 4, "beca12ab-b2e6-4523-93ef-c309e000c746", 65536 + 24, 16, 6);
	put_le(image + X_PARAMETERS, 4, X_BLOCK);
	put_le(image + X_DISK_SIZE, 8, X_DISK);
	put_le(image + X_LOGICAL, 4, 512);
	put_le(image + X_PHYSICAL, 4, 4096);
}

/* Where the parent locator lies, and its room. */
#define X_LOCATOR      (X_METADATA + 70000)
#define X_LOCATOR_SIZE 2048

static inline void x_put_utf16(uint8_t *at, const char *text)
{
	for (size_t i = 0; text[i]; i++)
		put_le(at + 2 * i, 2, (uint8_t)text[i]);
}

/* A parent locator of keys and values in turn, up to NULL. */
static inline void x_add_locator(uint8_t *image, const char *const *texts)
{
	uint8_t *locator = image + X_LOCATOR;
	size_t text_at = 500, count = 0;

	x_add_item(image, 5, "a8d35f2d-b30b-454d-abf7-d3d84834ab0c", 70000, X_LOCATOR_SIZE,
		   4);
	memset(locator, 0, X_LOCATOR_SIZE);
	put_guid(locator, "b04aefb7-d19e-4a81-b789-25b8e9445913");
	for (; texts[2 * count]; count++)
		for (size_t part = 0; part < 2; part++) {
			const char *text = texts[2 * count + part];
			uint8_t *entry = locator + 20 + 12 * count;

			put_le(entry + 4 * part, 4, text_at);
			put_le(entry + 8 + 2 * part, 2, 2 * strlen(text));
			x_put_utf16(locator + text_at, text);
			text_at += 2 * strlen(text);
		}
	put_le(locator + 18, 2, count);
}

/* X_FILE bytes; the caller frees them. */
static inline uint8_t *make_vhdx(void)
{
	uint8_t *image = calloc(1, X_FILE);
	static const char creator[] = "made by hand";

	assert_non_null(image);
	memcpy(image, "vhdxfile", 8);
	for (size_t i = 0; creator[i]; i++)
		image[8 + 2 * i] = (uint8_t)creator[i];
	x_make_header(image + X_HEADER_1, 7);
	x_make_header(image + X_HEADER_2, 6);
	x_make_regions(image + X_REGIONS_1);
	x_make_regions(image + X_REGIONS_2);
	x_make_metadata(image);
	put_le(image + X_BAT, 8, X_BLOCK_0 | 6);
	put_le(image + X_BAT + 8, 8, 0);
	put_le(image + X_BAT + 16, 8, 1);
	put_le(image + X_BAT + 24, 8, 2);
	put_le(image + X_BAT + 32, 8, X_BLOCK_0 | 3); /* unmapped: where it lies means nothing */
	put_le(image + X_BAT + 40, 8, X_BLOCK_5 | 6);
	fill_pattern(image + X_BLOCK_0, X_BLOCK, 1);
	fill_pattern(image + X_BLOCK_5, X_BLOCK, 3);
	return image;
}

/* What the good image's disk holds. The caller frees it. */
static inline uint8_t *make_vhdx_content(void)
{
	uint8_t *content = calloc(1, X_DISK);

	assert_non_null(content);
	fill_pattern(content, X_BLOCK, 1);
	fill_pattern(content + 5 * X_BLOCK, X_DISK - 5 * X_BLOCK, 3);
	return content;
}
