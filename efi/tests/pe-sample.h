/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small good PE image in memory for the tests, with named places to spoil: one page of
 * headers, then a page for each section. Written from the PE specification, not from
 * pe.c.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#define PAGE	     0x1000u
#define MAX_SECTIONS 8u
#define SAMPLE_SIZE  ((1 + MAX_SECTIONS) * PAGE)

/* offsets in the image */
#define AT_PE_OFFSET	   0x3c
#define AT_PE		   0x80
#define AT_MACHINE	   (AT_PE + 4)
#define AT_SECTION_COUNT   (AT_PE + 6)
#define AT_OPTIONAL_SIZE   (AT_PE + 20)
#define AT_OPTIONAL	   (AT_PE + 24)
#define AT_IMAGE_SIZE	   (AT_OPTIONAL + 56)
#define AT_HEADERS_SIZE	   (AT_OPTIONAL + 60)
#define AT_DIRECTORY_COUNT (AT_OPTIONAL + 108)
#define OPTIONAL_SIZE	   240
#define AT_SECTION(i)	   (AT_OPTIONAL + OPTIONAL_SIZE + 40 * (i))
#define AT_VIRTUAL_SIZE(i) (AT_SECTION(i) + 8)
#define AT_ADDRESS(i)	   (AT_SECTION(i) + 12)
#define AT_RAW_SIZE(i)	   (AT_SECTION(i) + 16)

struct sample {
	uint8_t bytes[SAMPLE_SIZE];
};

static inline void sample_put16(struct sample *sample, size_t at, unsigned int value)
{
	sample->bytes[at] = (uint8_t)value;
	sample->bytes[at + 1] = (uint8_t)(value >> 8);
}

static inline void sample_put32(struct sample *sample, size_t at, uint32_t value)
{
	sample_put16(sample, at, value & 0xffff);
	sample_put16(sample, at + 2, value >> 16);
}

/* Section i has the given name and content (a string without its NUL). */
static inline void sample_make(struct sample *sample, unsigned int count,
			       const char *const names[], const char *const contents[])
{
	memset(sample, 0, sizeof(*sample));
	memcpy(sample->bytes, "MZ", 2);
	sample_put32(sample, AT_PE_OFFSET, AT_PE);
	memcpy(sample->bytes + AT_PE, "PE", 2);
	sample_put16(sample, AT_MACHINE, 0x8664);
	sample_put16(sample, AT_SECTION_COUNT, count);
	sample_put16(sample, AT_OPTIONAL_SIZE, OPTIONAL_SIZE);
	sample_put16(sample, AT_OPTIONAL, 0x20b);
	sample_put32(sample, AT_IMAGE_SIZE, (1 + count) * PAGE);
	sample_put32(sample, AT_HEADERS_SIZE, 0x400);
	sample_put32(sample, AT_DIRECTORY_COUNT, 16);
	for (unsigned int i = 0; i < count; i++) {
		size_t length = strlen(contents[i]);

		memcpy(sample->bytes + AT_SECTION(i), names[i], strlen(names[i]));
		sample_put32(sample, AT_VIRTUAL_SIZE(i), (uint32_t)length);
		sample_put32(sample, AT_ADDRESS(i), (1 + i) * PAGE);
		sample_put32(sample, AT_RAW_SIZE(i), 0x200);
		memcpy(sample->bytes + (1 + i) * PAGE, contents[i], length);
	}
}
