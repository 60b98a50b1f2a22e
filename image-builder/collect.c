/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One function per kind of entry, and a table of them: see collect.h. */
#include "collect.h"

#include <string.h>

#include "libraries.h"
#include "modules.h"
#include "package-hint.h"

typedef int collect_entry(const struct collection *collection,
			  const struct manifest_entry *entry, struct root_tree *tree,
			  struct err *err);

/* ret is for values of at most limit */
static int read_number(const char *text, int base, unsigned long limit, unsigned *ret,
		       struct err *err)
{
	char *end;
	unsigned long value = strtoul(text, &end, base);

	if (end == text || *end || value > limit)
		return err_set(err, -EINVAL,
			       "'%s': must be a number from 0 to %lu (base %d)", text,
			       limit, base);
	*ret = (unsigned)value;
	return 0;
}

static int add_host_file(const char *source, const char *path, struct root_tree *tree,
			 struct err *err)
{
	struct content content = { 0 };
	unsigned mode;
	int r = content_map(source, &content, &mode, err);

	return r < 0 ? r : root_tree_add_file(tree, path, mode, &content, err);
}

static int collect_own(const struct collection *collection,
		       const struct manifest_entry *entry, struct root_tree *tree,
		       struct err *err)
{
	AUTO_FREE char *source =
		text_format("%s/%s", collection->programs, entry->word[0]);
	int r;

	if (!source)
		return err_nomem(err);
	r = add_host_file(source, entry->word[1], tree, err);
	return r < 0 ? r : libraries_add(collection->sysroot, entry->word[1], tree, err);
}

static int collect_program(const struct collection *collection,
			   const struct manifest_entry *entry, struct root_tree *tree,
			   struct err *err)
{
	const char *path = entry->word[1] ? entry->word[1] : entry->word[0];
	struct content content = { 0 };
	unsigned mode;
	int r = sysroot_read(collection->sysroot, entry->word[0], &content, &mode, err);

	if (r == 0)
		r = root_tree_add_file(tree, path, mode, &content, err);
	return r < 0 ? r : libraries_add(collection->sysroot, path, tree, err);
}

static int collect_library(const struct collection *collection,
			   const struct manifest_entry *entry, struct root_tree *tree,
			   struct err *err)
{
	return libraries_add_named(collection->sysroot, entry->word[0], tree, err);
}

static int collect_data(const struct collection *collection,
			const struct manifest_entry *entry, struct root_tree *tree,
			struct err *err)
{
	return sysroot_add(collection->sysroot, entry->word[0], tree, err);
}

static int collect_file(const struct collection *collection,
			const struct manifest_entry *entry, struct root_tree *tree,
			struct err *err)
{
	const char *manifest = collection->manifest->name;
	const char *slash = strrchr(manifest, '/');
	AUTO_FREE char *source =
		text_format("%.*s%s", slash ? (int)(slash - manifest + 1) : 0, manifest,
			    entry->word[0]);

	if (!source)
		return err_nomem(err);
	return add_host_file(source, entry->word[1], tree, err);
}

static int collect_folder(const struct collection *collection,
			  const struct manifest_entry *entry, struct root_tree *tree,
			  struct err *err)
{
	unsigned mode = 0755;
	int r = entry->word[1] ? read_number(entry->word[1], 8, 07777, &mode, err) : 0;

	return r < 0 ? r : root_tree_add_folder(tree, entry->word[0], mode, err);
}

static int collect_link(const struct collection *collection,
			const struct manifest_entry *entry, struct root_tree *tree,
			struct err *err)
{
	return root_tree_add_link(tree, entry->word[0], entry->word[1], err);
}

static int collect_links(const struct collection *collection,
			 const struct manifest_entry *entry, struct root_tree *tree,
			 struct err *err)
{
	AUTO_FREE char *names = strdup(entry->word[2]);
	char *rest = names;
	int r = names ? 0 : err_nomem(err);

	while (r == 0 && rest) {
		const char *name = strsep(&rest, ",");
		AUTO_FREE char *path = text_format("%s/%s", entry->word[0], name);

		if (!path)
			return err_nomem(err);
		r = root_tree_add_link(tree, path, entry->word[1], err);
	}
	return r;
}

static int collect_character(const struct collection *collection,
			     const struct manifest_entry *entry, struct root_tree *tree,
			     struct err *err)
{
	unsigned major, minor;
	int r = read_number(entry->word[1], 10, 4095, &major, err);

	if (r == 0)
		r = read_number(entry->word[2], 10, 1048575, &minor, err);
	return r < 0 ? r
		     : root_tree_add_character(tree, entry->word[0], 0600, major, minor,
					       err);
}

static int collect_firmware(const struct collection *collection,
			    const struct manifest_entry *entry, struct root_tree *tree,
			    struct err *err)
{
	return firmware_add(collection->sysroot, collection->firmware, entry->word[0],
			    tree, err);
}

static int collect_first(const struct collection *collection,
			 const struct manifest_entry *entry, struct root_tree *tree,
			 struct err *err)
{
	root_tree_first(tree);
	return 0;
}

static collect_entry *const collectors[] = {
	[ENTRY_OWN] = collect_own,
	[ENTRY_PROGRAM] = collect_program,
	[ENTRY_LIBRARY] = collect_library,
	[ENTRY_DATA] = collect_data,
	[ENTRY_FILE] = collect_file,
	[ENTRY_FOLDER] = collect_folder,
	[ENTRY_LINK] = collect_link,
	[ENTRY_LINKS] = collect_links,
	[ENTRY_CHARACTER] = collect_character,
	[ENTRY_MODULE] = NULL, /* all together: modules_add() */
	[ENTRY_FIRMWARE] = collect_firmware,
	[ENTRY_FIRST] = collect_first,
};

/* A path of a package that is not there may be in a package that nobody listed. */
static int name_entry(const struct manifest *manifest, const struct manifest_entry *entry,
		      int code, struct err *err)
{
	bool of_package = entry->kind == ENTRY_PROGRAM || entry->kind == ENTRY_DATA;
	AUTO_FREE char *hint =
		code == -ENOENT && of_package ? package_hint(entry->word[0]) : NULL;
	struct err fact = *err;

	return err_set(err, code, "'%s', line %u: %s%s", manifest->name, entry->line,
		       fact.text, hint ? hint : "");
}

int collect_tree(const struct collection *collection, struct root_tree *tree,
		 struct text *missing_firmware, struct err *err)
{
	const struct manifest *manifest = collection->manifest;
	struct module_choice choice = {
		.manifest = manifest,
		.firmware = collection->firmware,
		.scratch = collection->scratch,
	};

	for (size_t i = 0; i < manifest->count; i++) {
		const struct manifest_entry *entry = &manifest->entries[i];
		collect_entry *collect = collectors[entry->kind];
		int r = collect ? collect(collection, entry, tree, err) : 0;

		if (r < 0)
			return name_entry(manifest, entry, r, err);
	}
	return modules_add(collection->sysroot, &choice, tree, missing_firmware, err);
}
