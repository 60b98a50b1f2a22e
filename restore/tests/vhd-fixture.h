/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One good dynamic VHD as Windows' backup writes it (FORMAT.md section 2), by hand. */
#pragma once

#include "image-fixture.h"

/* The good image: 7 MiB in blocks of 2 MiB (the last one half behind the disk's end), of
 * which 0 and 2 are stored, in reverse order. */
#define BLOCK	  (2 * MiB)
#define DISK	  (7 * MiB)
#define HEADER	  512
#define TABLE	  1536
#define STORED	  (512 + BLOCK) /* sector bitmap and data */
#define BLOCK_2	  2048
#define BLOCK_0	  (BLOCK_2 + STORED)
#define FOOTER	  (BLOCK_0 + STORED)
#define FILE_SIZE (FOOTER + 1024) /* the footer and the one more sector */

#define NAME "C.vhd"

static inline uint32_t sum_of(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += bytes[i];
	return ~sum;
}

static inline void fix_footer(uint8_t *footer)
{
	put_be(footer + 64, 4, 0);
	put_be(footer + 64, 4, sum_of(footer, 512));
}

static inline void fix_header(uint8_t *header)
{
	put_be(header + 36, 4, 0);
	put_be(header + 36, 4, sum_of(header, 1024));
}

static inline void make_footer(uint8_t *footer, unsigned type, uint64_t size)
{
	memset(footer, 0, 512);
	memcpy(footer, "conectix", 8);
	put_be(footer + 8, 4, 2);
	put_be(footer + 12, 4, 0x10000);
	put_be(footer + 16, 8, type == 2 ? UINT64_MAX : HEADER);
	memcpy(footer + 28, "vsim", 4);
	put_be(footer + 32, 4, 0x10001);
	memcpy(footer + 36, "Wi2k", 4);
	put_be(footer + 40, 8, size);
	put_be(footer + 48, 8, size);
	put_be(footer + 56, 2, 210); /* 210 * 4 * 17 sectors: less than 7 MiB */
	footer[58] = 4;
	footer[59] = 17;
	put_be(footer + 60, 4, type);
	for (unsigned i = 0; i < 16; i++)
		footer[68 + i] = (uint8_t)(0x10 + i);
	footer[84] = 1; /* saved state, as in Windows' backups */
	fix_footer(footer);
}

static inline void make_header(uint8_t *header, uint32_t entries, uint32_t block_size)
{
	memset(header, 0, 1024);
	memcpy(header, "cxsparse", 8);
	put_be(header + 8, 8, UINT64_MAX);
	put_be(header + 16, 8, TABLE);
	put_be(header + 24, 4, 0x10000);
	put_be(header + 28, 4, entries);
	put_be(header + 32, 4, block_size);
	fix_header(header);
}

/* FILE_SIZE bytes; the caller frees them. */
static inline uint8_t *make_dynamic(void)
{
	uint8_t *image = calloc(1, FILE_SIZE);

	assert_non_null(image);
	make_footer(image, 3, DISK);
	make_header(image + HEADER, 4, BLOCK);
	memset(image + TABLE, 0xff, 512);
	put_be(image + TABLE, 4, BLOCK_0 / 512);
	put_be(image + TABLE + 8, 4, BLOCK_2 / 512);
	fill_pattern(image + BLOCK_0 + 512, BLOCK, 1);
	fill_pattern(image + BLOCK_2 + 512, BLOCK, 3);
	make_footer(image + FOOTER, 3, DISK);
	return image;
}

/* What the good image's disk holds. The caller frees it. */
static inline uint8_t *make_content(void)
{
	uint8_t *content = calloc(1, DISK);

	assert_non_null(content);
	fill_pattern(content, BLOCK, 1);
	fill_pattern(content + 2 * BLOCK, BLOCK, 3);
	return content;
}
