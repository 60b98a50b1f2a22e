/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the lines of a manifest: see manifest.h. Pure. */
#include "manifest.h"

#include <string.h>

#include <base/text.h>

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
	[ENTRY_FIRST] = { "first", 0, 0 },
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

/* "[arm64]" in front of an entry; false: there is none. */
static bool is_condition(const char *word)
{
	size_t length = strlen(word);

	return length >= 2 && word[0] == '[' && word[length - 1] == ']';
}

static bool holds(const char *condition, const struct architecture *architecture)
{
	size_t length = strlen(condition) - 2;

	return strlen(architecture->name) == length &&
	       strncmp(condition + 1, architecture->name, length) == 0;
}

/* Splits one line in place. *ret_found is 0 for a line without words. */
static int parse_line(const struct manifest *manifest,
		      const struct architecture *architecture, char *text,
		      struct manifest_entry *ret, size_t *ret_found, struct err *err)
{
	const unsigned line = ret->line;
	struct manifest_entry entry = { .line = line };
	char *rest = NULL, *word;
	size_t words = 0;
	int r;

	text[strcspn(text, "#")] = '\0';
	word = strtok_r(text, blanks, &rest);
	*ret_found = 0;
	if (word && is_condition(word)) {
		if (!architecture_exists(word + 1, strlen(word) - 2))
			return err_set(err, -EINVAL,
				       "'%s', line %u: '%s' must be [amd64] or [arm64]",
				       manifest->name, line, word);
		if (!holds(word, architecture))
			return 0;
		word = strtok_r(NULL, blanks, &rest);
	}
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
	*ret_found = 1;
	return 0;
}

/* text with every mark replaced; NULL: no memory. */
static char *replace(const char *text, const char *mark, const char *with)
{
	AUTO(text_clear) struct text result = { 0 };

	for (const char *at; (at = strstr(text, mark)); text = at + strlen(mark))
		text_add(&result, "%.*s%s", (int)(at - text), text, with);
	text_add(&result, "%s", text);
	return text_take(&result);
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

int manifest_parse(const char *name, const char *text,
		   const struct architecture *architecture, struct manifest *ret,
		   struct err *err)
{
	AUTO(manifest_clear) struct manifest manifest = { .name = strdup(name) };
	unsigned line = 0;
	char *rest;

	manifest.text = replace(text, "@TRIPLET@", architecture->triplet);
	manifest.entries = calloc(count_lines(text), sizeof(*manifest.entries));
	if (!manifest.name || !manifest.text || !manifest.entries)
		return err_nomem(err);
	rest = manifest.text;
	for (char *here = strsep(&rest, "\n"); here; here = strsep(&rest, "\n")) {
		struct manifest_entry *entry = &manifest.entries[manifest.count];
		size_t found;
		int r;

		entry->line = ++line;
		r = parse_line(&manifest, architecture, here, entry, &found, err);
		if (r < 0)
			return r;
		manifest.count += found;
	}
	*ret = manifest;
	manifest = (struct manifest){ 0 };
	return 0;
}
