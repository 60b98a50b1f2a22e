/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The index of the chosen modules, made by depmod from copies in a scratch folder, and
 * the firmware files. See modules.h.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/spawn.h>

#include "modules.h"

/* What libkmod and modprobe read; the text files beside them say the same. */
static const char *const index_files[] = {
	"modules.dep.bin",     "modules.alias.bin",	    "modules.builtin.bin",
	"modules.symbols.bin", "modules.builtin.alias.bin", "modules.softdep",
};

/* What depmod takes over from the package. */
static const char *const package_files[] = {
	"modules.order",
	"modules.builtin",
	"modules.builtin.modinfo",
};

static int write_file(const char *path, const struct content *content, struct err *err)
{
	AUTO_FCLOSE FILE *file = fopen(path, "we");

	if (!file)
		return err_errno(err, errno, "'%s': creating", path);
	if (fwrite(content->bytes, 1, content->length, file) != content->length ||
	    fclose(TAKE_PTR(file)) != 0)
		return err_errno(err, errno, "'%s': writing", path);
	return 0;
}

static int make_folders(const char *path, struct err *err)
{
	AUTO_FREE char *copy = strdup(path);

	if (!copy)
		return err_nomem(err);
	for (char *end = strchr(copy + 1, '/'); end; end = strchr(end + 1, '/')) {
		*end = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return err_errno(err, errno, "'%s': creating the folder", copy);
		*end = '/';
	}
	return 0;
}

static int copy_out(const char *scratch, const char *path, const struct content *content,
		    struct err *err)
{
	AUTO_FREE char *target = text_format("%s/%s", scratch, path);
	int r;

	if (!target)
		return err_nomem(err);
	r = make_folders(target, err);
	return r < 0 ? r : write_file(target, content, err);
}

static int stage(const struct sysroot *sysroot, const char *scratch,
		 const struct root_tree *tree, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < tree->count && r == 0; i++) {
		const struct node *node = &tree->nodes[i];

		if (node->kind == NODE_FILE &&
		    strncmp(node->path, "lib/modules/", 12) == 0)
			r = copy_out(scratch, node->path, &node->content, err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(package_files) && r == 0; i++) {
		AUTO(content_clear) struct content content = { 0 };
		AUTO_FREE char *path = text_format("/lib/modules/%s/%s", sysroot->kernel,
						   package_files[i]);

		if (!path)
			return err_nomem(err);
		r = sysroot_read(sysroot, path, &content, NULL, err);
		if (r == 0)
			r = copy_out(scratch, path + 1, &content, err);
	}
	return r;
}

static int collect(const struct sysroot *sysroot, const char *scratch,
		   struct root_tree *tree, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(index_files); i++) {
		AUTO_FREE char *path = text_format("/lib/modules/%s/%s", sysroot->kernel,
						   index_files[i]);
		AUTO_FREE char *source = path ? text_format("%s%s", scratch, path) : NULL;
		struct content content = { 0 };
		int r;

		if (!source)
			return err_nomem(err);
		r = content_map(source, &content, NULL, err);
		if (r == 0)
			r = root_tree_add_file(tree, path, 0644, &content, err);
		if (r < 0)
			return err_add(err, "index of the modules");
	}
	return 0;
}

int module_index_add(const struct sysroot *sysroot, const char *scratch,
		     struct root_tree *tree, struct err *err)
{
	const char *depmod[] = { "depmod", "-b", scratch, sysroot->kernel, NULL };
	const char *rm[] = { "rm", "-rf", "--", scratch, NULL };
	/* modules that a killed build left there must not get into the index */
	int r = spawn_run(&(struct spawn){ .argv = rm }, NULL, err), removed;

	if (r == 0)
		r = stage(sysroot, scratch, tree, err);
	if (r == 0)
		r = spawn_run(&(struct spawn){ .argv = depmod }, NULL, err);
	if (r == 0)
		r = collect(sysroot, scratch, tree, err);
	removed = spawn_run(&(struct spawn){ .argv = rm }, NULL, r < 0 ? NULL : err);
	return r < 0 ? r : removed;
}

int firmware_add(const struct sysroot *sysroot, const char *folder, const char *name,
		 struct root_tree *tree, struct err *err)
{
	AUTO_FREE char *path = text_format("/lib/firmware/%s", name);
	AUTO_FREE char *source = text_format("%s/%s", folder ? folder : "", name);
	AUTO(content_clear) struct content content = { 0 };
	int r = -ENOENT;

	if (!path || !source)
		return err_nomem(err);
	if (folder)
		r = content_map(source, &content, NULL, err);
	if (r == -ENOENT)
		r = sysroot_read(sysroot, path, &content, NULL, err);
	if (r < 0)
		return err_add(err,
			       "firmware '%s' is in neither the folder '%s' nor a "
			       "package of packages.list; "
			       "Debian has such files in the packages firmware-* of "
			       "non-free-firmware",
			       name, folder ? folder : "(none given)");
	return root_tree_add_file(tree, path, 0644, &content, err);
}
