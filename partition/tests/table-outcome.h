/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What reading a table from a disk in memory came to. Include it after cmocka. */
#pragma once

#include <string.h>

#include <base/block-source.h>
#include <partition/layout.h>

#include "disk-image.h"

#define SECTORS 400

/* What reading an image gave. */
struct outcome {
	int code;
	struct err err;
	struct disk_layout *layout;
	char *notes;
};

static inline struct outcome read_image(struct disk_image *image, uint32_t sector_size)
{
	AUTO(source_freep) struct block_source *source = image_source(image, 0);
	struct outcome outcome = { 0 };

	outcome.code = layout_read(source, sector_size, &outcome.layout, &outcome.notes,
				   &outcome.err);
	free(image->bytes);
	return outcome;
}

static inline void outcome_clear(struct outcome *outcome)
{
	layout_free(outcome->layout);
	free(outcome->notes);
}

#define OUTCOME AUTO(outcome_clear) struct outcome

static inline void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in '%s'", part, text);
}

static inline void assert_refused(const struct outcome *outcome, const char *part)
{
	assert_int_equal(outcome->code, -EBADMSG);
	assert_contains(outcome->err.text, "'disk': ");
	assert_contains(outcome->err.text, part);
}

static inline struct disk_image image_mbr(void)
{
	struct disk_image image = image_blank(512, SECTORS);

	put_number(image.bytes + 440, 0x000deb62, 4);
	mbr_put_entry(image.bytes, 0, 0x80, 0x07, 63, 37);
	mbr_put_entry(image.bytes, 1, 0, 0x07, 100, 50);
	return image;
}

/* Extended partition at 200+190 with logical ones at 201+9, 250+10 and, before the second
 * in the order of the disk, 231+9. */
