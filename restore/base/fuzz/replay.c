/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a fuzz target over its corpus, as an ordinary test: every input as it is, cut short
 * at several places, and with single bytes changed. FUZZ_CORPUS is the corpus's folder.
 * Arguments, if there are any, are files to run instead.
 */
#include <base/tree.h>

#include <string.h>

#include "fuzz.h"

#define INPUT_MAX (1u << 20) /* a whole corpus is smaller */
#define CUTS	  16	     /* of each input */
#define CHANGES	  32	     /* of each input */

/* A copy without room behind it, so that AddressSanitizer sees what reads beyond it. */
static void run(const uint8_t *bytes, size_t length)
{
	AUTO_FREE uint8_t *copy = malloc(length ? length : 1);

	fuzz_require(copy, "out of memory");
	if (length)
		memcpy(copy, bytes, length);
	LLVMFuzzerTestOneInput(copy, length);
}

static void run_variants(uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < CUTS; i++)
		run(bytes, length * i / CUTS);
	for (size_t i = 0; length && i < CHANGES; i++) {
		size_t at = length * i / CHANGES;
		uint8_t old = bytes[at];

		bytes[at] = (uint8_t)(old ^ (1u << (i % 8)));
		run(bytes, length);
		bytes[at] = old;
	}
}

static int replay(const struct tree_entry *entry, void *context, struct err *err)
{
	struct tree *tree = context;
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r = tree_read_file(tree, entry->name, INPUT_MAX, &bytes, &length, err);

	if (r < 0)
		return r;
	run(bytes, length);
	run_variants(bytes, length);
	printf("[       OK ] %s\n", entry->name);
	return 0;
}

static int replay_folder(const char *path, struct err *err)
{
	AUTO(tree_freep) struct tree *tree = NULL;
	int r = tree_local_open(path, &tree, err);

	if (r < 0)
		return r;
	return tree_list(tree, "", replay, tree, err);
}

static int replay_file(const char *path, struct err *err)
{
	AUTO(source_freep) struct block_source *file = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	int r = source_file_open(path, &file, err);

	if (r < 0)
		return r;
	bytes = malloc(file->size + 1);
	fuzz_require(bytes, "out of memory");
	r = source_read(file, bytes, 0, file->size, err);
	if (r == 0)
		run(bytes, file->size);
	return r;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int r = 0;

	for (int i = 1; i < argc && r == 0; i++)
		r = replay_file(argv[i], &err);
	if (argc == 1)
		r = replay_folder(FUZZ_CORPUS, &err);
	if (r < 0)
		fprintf(stderr, "replay: %s\n", err.text);
	return r < 0;
}
