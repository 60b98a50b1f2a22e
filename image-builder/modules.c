/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owns libkmod: which modules belong together. See modules.h. */
#include "modules.h"

#include <libkmod.h>
#include <string.h>

struct selection {
	const struct sysroot *sysroot;
	const struct module_choice *choice;
	struct kmod_ctx *kmod;
	char *folder; /* /lib/modules/RELEASE, in the sysroot and in the image */
	struct root_tree *tree;
	struct text *missing_firmware;
};

static void selection_clear(struct selection *selection)
{
	kmod_unref(selection->kmod);
	free(selection->folder);
}

static void kmod_listp(struct kmod_list **list)
{
	kmod_module_unref_list(*list);
}

static void kmod_modulep(struct kmod_module **module)
{
	if (*module)
		kmod_module_unref(*module);
}

static int selection_open(struct selection *selection, struct err *err)
{
	static const char *const no_configuration[] = { NULL };
	AUTO_FREE char *folder = NULL;

	selection->folder = text_format("/lib/modules/%s", selection->sysroot->kernel);
	folder = text_format("%s/lib/modules/%s", selection->sysroot->path,
			     selection->sysroot->kernel);
	if (!selection->folder || !folder)
		return err_nomem(err);
	selection->kmod = kmod_new(folder, no_configuration);
	if (!selection->kmod)
		return err_nomem(err);
	return 0;
}

static int add_module(struct selection *selection, struct kmod_module *module,
		      struct err *err);

/* -- what a module asks for ---------------------------------------------------------- */

static int add_list(struct selection *selection, struct kmod_list *list, struct err *err)
{
	struct kmod_list *item;

	kmod_list_foreach(item, list)
	{
		AUTO(kmod_modulep)
		struct kmod_module *module = kmod_module_get_module(item);
		int r = add_module(selection, module, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* "pre: crypto-crc32c post: a b": names or aliases; what the kernel does not have, or has
 * built in, is not needed. */
static int add_soft(struct selection *selection, const char *value, struct err *err)
{
	AUTO_FREE char *words = strdup(value);
	char *rest = NULL;

	if (!words)
		return err_nomem(err);
	for (char *word = strtok_r(words, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest)) {
		AUTO(kmod_listp) struct kmod_list *found = NULL;
		int r;

		if (word[strlen(word) - 1] == ':' ||
		    kmod_module_new_from_lookup(selection->kmod, word, &found) < 0)
			continue;
		r = add_list(selection, found, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_firmware(struct selection *selection, const char *name, const char *module,
			struct err *err)
{
	struct err why;
	int r = firmware_add(selection->sysroot, selection->choice->firmware, name,
			     selection->tree, &why);

	if (r == -ENOENT) {
		text_add(selection->missing_firmware, "%s %s\n", module, name);
		return 0;
	}
	return r < 0 ? err_set(err, r, "%s", why.text) : 0;
}

static int add_asked(struct selection *selection, struct kmod_module *module,
		     struct err *err)
{
	struct kmod_list *infos = NULL, *item;
	int r = kmod_module_get_info(module, &infos);

	if (r < 0)
		return err_errno(err, -r, "'%s': reading what it says of itself",
				 kmod_module_get_path(module));
	r = 0;
	kmod_list_foreach(item, infos)
	{
		const char *key = kmod_module_info_get_key(item);
		const char *value = kmod_module_info_get_value(item);

		if (strcmp(key, "softdep") == 0)
			r = add_soft(selection, value, err);
		else if (strcmp(key, "firmware") == 0)
			r = add_firmware(selection, value, kmod_module_get_name(module),
					 err);
		if (r < 0)
			break;
	}
	kmod_module_info_free_list(infos);
	return r;
}

/* -- one module ---------------------------------------------------------------------- */

static int add_module(struct selection *selection, struct kmod_module *module,
		      struct err *err)
{
	const char *found = kmod_module_get_path(module);
	AUTO(kmod_listp) struct kmod_list *dependencies = NULL;
	AUTO_FREE char *path = NULL;
	struct content content = { 0 };
	int r;

	if (!found) /* built into the kernel */
		return 0;
	path = text_format("%s%s", selection->folder,
			   found + strlen(kmod_get_dirname(selection->kmod)));
	if (!path)
		return err_nomem(err);
	if (root_tree_find(selection->tree, path))
		return 0;
	r = sysroot_read(selection->sysroot, path, &content, NULL, err);
	if (r == 0)
		r = root_tree_add_file(selection->tree, path, 0644, &content, err);
	if (r < 0)
		return r;
	dependencies = kmod_module_get_dependencies(module);
	r = add_list(selection, dependencies, err);
	return r < 0 ? r : add_asked(selection, module, err);
}

static int add_by_path(struct selection *selection, const char *path, struct err *err)
{
	AUTO(kmod_modulep) struct kmod_module *module = NULL;
	AUTO_FREE char *name = module_name(path);
	int r;

	if (!name)
		return err_nomem(err);
	r = kmod_module_new_from_name(selection->kmod, name, &module);
	if (r < 0)
		return err_errno(err, -r, "kernel module '%s'", name);
	return add_module(selection, module, err);
}

/* -- what the manifest chooses ------------------------------------------------------- */

static const char *pattern_of(const struct manifest_entry *entry)
{
	return entry->kind == ENTRY_MODULE ? entry->word[0] : NULL;
}

static bool left_out(const struct manifest *manifest, const char *path)
{
	for (size_t i = 0; i < manifest->count; i++) {
		const char *pattern = pattern_of(&manifest->entries[i]);

		if (pattern && pattern[0] == '!' &&
		    module_pattern_matches(pattern + 1, path))
			return true;
	}
	return false;
}

/* A driver that is built in needs no file. */
static bool built_in(struct selection *selection, const char *name)
{
	AUTO(kmod_modulep) struct kmod_module *module = NULL;

	return !strchr(name, '/') &&
	       kmod_module_new_from_name(selection->kmod, name, &module) == 0 &&
	       kmod_module_get_initstate(module) == KMOD_MODULE_BUILTIN;
}

/* dep is modules.dep, lines "kernel/….ko: dependencies" */
static int add_matching(struct selection *selection, const struct manifest_entry *entry,
			const char *dep, struct err *err)
{
	const struct manifest *manifest = selection->choice->manifest;
	static const char prefix[] = "kernel/";
	size_t found = 0;

	while (*dep) {
		AUTO_FREE char *path = strndup(dep, strcspn(dep, ":\n"));
		int r = 0;

		if (!path)
			return err_nomem(err);
		if (strncmp(path, prefix, strlen(prefix)) == 0 &&
		    module_pattern_matches(entry->word[0], path + strlen(prefix))) {
			found++;
			if (!left_out(manifest, path + strlen(prefix)))
				r = add_by_path(selection, path, err);
		}
		if (r < 0)
			return r;
		dep += strcspn(dep, "\n");
		dep += *dep == '\n';
	}
	if (!found && !built_in(selection, entry->word[0]))
		return err_set(err, -ENOENT,
			       "'%s', line %u: no module of kernel %s (package %s) "
			       "matches '%s'",
			       manifest->name, entry->line, selection->sysroot->kernel,
			       selection->sysroot->architecture->kernel_package,
			       entry->word[0]);
	return 0;
}

static int read_dep(const struct selection *selection, char **ret, struct err *err)
{
	AUTO_FREE char *path = text_format("%s/modules.dep", selection->folder);
	AUTO(content_clear) struct content content = { 0 };
	int r;

	if (!path)
		return err_nomem(err);
	r = sysroot_read(selection->sysroot, path, &content, NULL, err);
	if (r < 0)
		return err_add(err, "no index of modules, run 'depmod -b %s %s'",
			       selection->sysroot->path, selection->sysroot->kernel);
	*ret = strndup(content.length ? (const char *)content.bytes : "", content.length);
	return *ret ? 0 : err_nomem(err);
}

int modules_add(const struct sysroot *sysroot, const struct module_choice *choice,
		struct root_tree *tree, struct text *missing_firmware, struct err *err)
{
	AUTO(selection_clear)
	struct selection selection = {
		.sysroot = sysroot,
		.choice = choice,
		.tree = tree,
		.missing_firmware = missing_firmware,
	};
	AUTO_FREE char *dep = NULL;
	int r = selection_open(&selection, err);

	if (r == 0)
		r = read_dep(&selection, &dep, err);
	for (size_t i = 0; i < choice->manifest->count && r == 0; i++) {
		const struct manifest_entry *entry = &choice->manifest->entries[i];
		const char *pattern = pattern_of(entry);

		if (pattern && pattern[0] != '!')
			r = add_matching(&selection, entry, dep, err);
	}
	return r < 0 ? r : module_index_add(sysroot, choice->scratch, tree, err);
}
