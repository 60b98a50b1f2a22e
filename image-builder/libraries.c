/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The closure of DT_NEEDED: see libraries.h. */
#include "libraries.h"

#include <string.h>

#include <base/text.h>

#include "elf-file.h"
#include "package-hint.h"

/* Deeper than any chain of libraries; a loop ends earlier, at what is in the tree
 * already. */
#define DEPTH_MAX 32

struct closure {
	const struct sysroot *sysroot;
	struct root_tree *tree; /* pointers to its nodes do not outlive an addition */
	unsigned depth;
};

static int add_needs(struct closure *closure, const char *path, struct err *err);

/* -- finding one --------------------------------------------------------------------- */

/* The folder of requester in place of $ORIGIN. NULL: no memory. */
static char *expand_origin(const char *folder, const char *requester)
{
	static const char *const tokens[] = { "$ORIGIN", "${ORIGIN}" };

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		size_t length = strlen(tokens[i]);

		if (strncmp(folder, tokens[i], length) == 0)
			return text_format("%.*s%s",
					   (int)(strrchr(requester, '/') - requester),
					   requester, folder + length);
	}
	return strdup(folder);
}

/* Looks through the folders of a search path. *ret is NULL if it is in none. */
static int search(const struct sysroot *sysroot, const char *search_path,
		  const char *requester, const char *name, char **ret, struct err *err)
{
	AUTO_FREE char *folders = strdup(search_path);
	char *rest = folders;

	if (!folders)
		return err_nomem(err);
	for (char *folder = strsep(&rest, ":"); folder; folder = strsep(&rest, ":")) {
		AUTO_FREE char *expanded = expand_origin(folder, requester);
		AUTO_FREE char *path =
			expanded ? text_format("%s/%s", expanded, name) : NULL;

		if (!path)
			return err_nomem(err);
		if (sysroot_has(sysroot, path)) {
			*ret = TAKE_PTR(path);
			return 0;
		}
	}
	*ret = NULL;
	return 0;
}

static int not_found(const struct sysroot *sysroot, const char *requester,
		     const char *name, struct err *err)
{
	AUTO_FREE char *pattern = text_format("*/%s", name);
	AUTO_FREE char *hint = pattern ? package_hint(pattern) : NULL;

	return err_set(err, -ENOENT,
		       "'%s' needs '%s', which is not in the sysroot '%s'%s", requester,
		       name, sysroot->path,
		       hint && hint[0] ? hint : "; add its package to packages.list");
}

/* -- the closure --------------------------------------------------------------------- */

static int add_file(struct closure *closure, const char *path, struct err *err)
{
	struct content content = { 0 };
	unsigned mode;
	int r;

	if (root_tree_find(closure->tree, path))
		return 0;
	r = sysroot_read(closure->sysroot, path, &content, &mode, err);
	if (r == 0)
		r = root_tree_add_file(closure->tree, path, mode, &content, err);
	return r < 0 ? r : add_needs(closure, path, err);
}

/* search_path: of the requester, may be NULL */
static int add_library(struct closure *closure, const char *requester,
		       const char *search_path, const char *name, struct err *err)
{
	AUTO_FREE char *path = NULL;
	int r = 0;

	if (search_path)
		r = search(closure->sysroot, search_path, requester, name, &path, err);
	if (r == 0 && !path)
		r = search(closure->sysroot,
			   closure->sysroot->architecture->library_folders, requester,
			   name, &path, err);
	if (r == 0 && !path)
		r = not_found(closure->sysroot, requester, name, err);
	return r < 0 ? r : add_file(closure, path, err);
}

/* The program after a script's "#!"; NULL: it is no script, or no memory. */
static char *script_program(const struct content *content)
{
	const char *bytes = (const char *)content->bytes;
	AUTO_FREE char *line = NULL;
	char *program;

	if (content->length < 2 || bytes[0] != '#' || bytes[1] != '!')
		return NULL;
	line = strndup(bytes + 2, content->length - 2);
	if (!line)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	program = line + strspn(line, " \t");
	program[strcspn(program, " \t")] = '\0';
	return strdup(program);
}

static int add_script_program(struct closure *closure, const char *path,
			      const struct content *content, struct err *err)
{
	AUTO_FREE char *program = script_program(content);
	int r = program ? add_file(closure, program, err) : 0;

	return r < 0 ? err_add(err, "'%s' is a script", path) : 0;
}

static int add_needs_of(struct closure *closure, const char *path, struct err *err)
{
	AUTO(elf_needs_clear) struct elf_needs needs = { 0 };
	const struct node *node = root_tree_find(closure->tree, path);
	int r;

	if (!node || node->kind != NODE_FILE)
		return err_set(err, -EINVAL, "'%s': is not a file in the image", path);
	r = elf_read_needs(&node->content, path, closure->sysroot->architecture, &needs,
			   err);
	if (r == 0 && !needs.is_elf)
		return add_script_program(closure, path, &node->content, err);
	if (r == 0 && needs.interpreter)
		r = add_file(closure, needs.interpreter, err);
	for (size_t i = 0; i < needs.count && r == 0; i++)
		r = add_library(closure, path, needs.search_path, needs.names[i], err);
	return r;
}

static int add_needs(struct closure *closure, const char *path, struct err *err)
{
	int r;

	if (closure->depth == DEPTH_MAX)
		return err_set(err, -ELOOP, "'%s': libraries more than %d deep", path,
			       DEPTH_MAX);
	closure->depth++;
	r = add_needs_of(closure, path, err);
	closure->depth--;
	return r;
}

int libraries_add(const struct sysroot *sysroot, const char *path, struct root_tree *tree,
		  struct err *err)
{
	struct closure closure = { .sysroot = sysroot, .tree = tree };

	return add_needs(&closure, path, err);
}

int libraries_add_named(const struct sysroot *sysroot, const char *name,
			struct root_tree *tree, struct err *err)
{
	struct closure closure = { .sysroot = sysroot, .tree = tree };

	return add_library(&closure, "the manifest", NULL, name, err);
}
