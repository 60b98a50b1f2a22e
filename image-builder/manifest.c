/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the lines of a manifest: see manifest.h. Pure. */
#include "manifest.h"

#include <string.h>

static const char blanks[] = " \t\r";

/* clang-format off: one kind per line */
static const struct {
	const char *name;
	size_t least, most; /* words */
} kinds[] = {
	[ENTRY_OWN] = { "own", 2, 2 },
	[ENTRY_PROGRAM] = { "program", 1, 2 },
	[ENTRY_LIBRARY] = { "library", 1, 1 },
	[ENTRY_DATA] = { "data", 1, 1 },
	[ENTRY_FILE] = { "file", 2, 2 },
	[ENTRY_FOLDER] = { "folder", 1, 2 },
	[ENTRY_LINK] = { "link", 2, 2 },
	[ENTRY_LINKS] = { "links", 3, 3 },
	[ENTRY_CHARACTER] = { "character", 3, 3 },
	[ENTRY_MODULE] = { "module", 1, 1 },
	[ENTRY_FIRMWARE] = { "firmware", 1, 1 },
};
/* clang-format on */

void manifest_clear(struct manifest *manifest)
{
	free(manifest->name);
	free(manifest->text);
	free(manifest->entries);
	*manifest = (struct manifest){ 0 };
}

static int find_kind(const struct manifest *manifest, const char *word, unsigned line,
		     enum entry_kind *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, word) == 0) {
			*ret = (enum entry_kind)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "'%s', line %u: '%s' is not a kind of entry",
		       manifest->name, line, word);
}

/* Splits one line in place. *ret_found is 0 for a line without words. */
static int parse_line(const struct manifest *manifest, char *text, unsigned line,
		      struct manifest_entry *ret, size_t *ret_found, struct err *err)
{
	struct manifest_entry entry = { .line = line };
	char *rest = NULL, *word;
	size_t words = 0;
	int r;

	text[strcspn(text, "#")] = '\0';
	word = strtok_r(text, blanks, &rest);
	*ret_found = word ? 1 : 0;
	if (!word)
		return 0;
	r = find_kind(manifest, word, line, &entry.kind, err);
	if (r < 0)
		return r;
	while ((word = strtok_r(NULL, blanks, &rest))) {
		if (words < ENTRY_WORDS)
			entry.word[words] = word;
		words++;
	}
	if (words < kinds[entry.kind].least || words > kinds[entry.kind].most)
		return err_set(
			err, -EINVAL,
			"'%s', line %u: '%s' has %zu words after it, must be %zu to %zu",
			manifest->name, line, kinds[entry.kind].name, words,
			kinds[entry.kind].least, kinds[entry.kind].most);
	*ret = entry;
	return 0;
}

static size_t count_lines(const char *text)
{
	size_t lines = 1;

	while ((text = strchr(text, '\n'))) {
		lines++;
		text++;
	}
	return lines;
}

int manifest_parse(const char *name, const char *text, struct manifest *ret,
		   struct err *err)
{
	AUTO(manifest_clear) struct manifest manifest = { .name = strdup(name) };
	unsigned line = 0;
	char *rest;

	manifest.text = strdup(text);
	manifest.entries = calloc(count_lines(text), sizeof(*manifest.entries));
	if (!manifest.name || !manifest.text || !manifest.entries)
		return err_nomem(err);
	rest = manifest.text;
	for (char *here = strsep(&rest, "\n"); here; here = strsep(&rest, "\n")) {
		size_t found;
		int r = parse_line(&manifest, here, ++line,
				   &manifest.entries[manifest.count], &found, err);

		if (r < 0)
			return r;
		manifest.count += found;
	}
	*ret = manifest;
	manifest = (struct manifest){ 0 };
	return 0;
}
