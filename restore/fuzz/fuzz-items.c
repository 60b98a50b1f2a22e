/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is read of files in volumes: reparse data, the table and chunks of a file compressed by
 * Windows 10, lines of mdir and mattrib, items as the reader process sends them. The first byte says which.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "reader/item-wire.h"
#include "volumes/fat-listing.h"
#include "volumes/reparse.h"
#include "volumes/wof.h"

#define FILE_SIZE 200000

static void reparse(const uint8_t *bytes, size_t length)
{
	AUTO(reparse_clear) struct reparse found = { 0 };
	struct err err = { 0 };
	int r = reparse_parse(bytes, length, length ? bytes[0] << 8u : 0, &found, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	fuzz_require(r == 0 || !found.target, "a failure with a result");
}

static void compressed(const uint8_t *bytes, size_t length)
{
	AUTO(source_freep) struct block_source *source = NULL;
	struct block_source *stream = NULL;
	struct err err = { 0 };

	if (!length || source_memory_new(bytes, length, "stream", &stream, &err) < 0)
		return;
	if (wof_source_new(stream, bytes[0] % WOF_ALGORITHMS, FILE_SIZE, &source, &err) ==
	    0)
		fuzz_read_around(source);
}

static void listing(const uint8_t *bytes, size_t length)
{
	AUTO_FREE char *text = fuzz_text(bytes, length);
	AUTO(item_list_clear) struct item_list list = { 0 };
	struct err err = { 0 };
	uint32_t attributes = 0;

	if (!text)
		return;
	fuzz_require(fat_attributes_parse(text, &attributes, &err) == 0 || err.text[0],
		     "an error without a text");
	if (fat_listing_parse(text, &list, &err) == 0)
		for (size_t i = 0; i < list.count; i++)
			fuzz_require(!strchr(list.items[i].name, '/'), "a path as name");
}

static void wire(const uint8_t *bytes, size_t length)
{
	size_t at = 0;
	int r = 0;

	while (r == 0 && at < length) {
		AUTO(item_clear) struct item item = { 0 };
		AUTO_FREE char *path = NULL;
		struct err err = { 0 };
		size_t before = at;

		r = item_wire_take(bytes, length, &at, &path, &item, &err);
		fuzz_require(r == 0 || err.text[0], "an error without a text");
		fuzz_require(r < 0 || (at > before && !strchr(item.name, '/')),
			     "an impossible item");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static void (*const parsers[])(const uint8_t *bytes,
				       size_t length) = { reparse, compressed, listing,
							  wire };

	if (length)
		parsers[bytes[0] % ARRAY_SIZE(parsers)](bytes + 1, length - 1);
	return 0;
}
