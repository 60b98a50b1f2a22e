/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owns libkmod: see hw.h. */
#include "hw.h"

#include <libkmod.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <base/cleanup.h>

struct hw_modules {
	struct kmod_ctx *kmod;
};

static void kmod_listp(struct kmod_list **list)
{
	kmod_module_unref_list(*list);
}

static void info_listp(struct kmod_list **list)
{
	kmod_module_info_free_list(*list);
}

static void modulep(struct kmod_module **module)
{
	if (*module)
		kmod_module_unref(*module);
}

int hw_modules_open(struct hw_modules **ret, struct err *err)
{
	static const char *const no_configuration[] = { NULL };
	AUTO(hw_modules_freep) struct hw_modules *modules = calloc(1, sizeof(*modules));
	struct utsname system;

	if (!modules)
		return err_nomem(err);
	uname(&system);
	modules->kmod = kmod_new(NULL, no_configuration);
	if (!modules->kmod)
		return err_nomem(err);
	if (kmod_load_resources(modules->kmod) < 0)
		return err_set(err, -ENOENT,
			       "'/lib/modules/%s': no index of kernel modules",
			       system.release);
	*ret = TAKE_PTR(modules);
	return 0;
}

void hw_modules_close(struct hw_modules *modules)
{
	if (modules->kmod)
		kmod_unref(modules->kmod);
	free(modules);
}

/* -- why a device has no driver ------------------------------------------------------- */

static bool firmware_is_there(const char *name)
{
	static const char *const folders[] = { "/lib/firmware", HW_FIRMWARE_FOLDER };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		AUTO_FREE char *path = text_format("%s/%s", folders[i], name);

		if (path && access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* The first firmware that a module names and that is not there; NULL: none. */
static char *missing_firmware(struct kmod_module *module)
{
	AUTO(info_listp) struct kmod_list *infos = NULL;
	struct kmod_list *item;

	if (kmod_module_get_info(module, &infos) < 0)
		return NULL;
	kmod_list_foreach(item, infos)
	{
		const char *value = kmod_module_info_get_value(item);

		if (strcmp(kmod_module_info_get_key(item), "firmware") == 0 &&
		    !firmware_is_there(value))
			return strdup(value);
	}
	return NULL;
}

char *hw_why_no_driver(struct hw_modules *modules, const struct hw_device *device)
{
	AUTO(kmod_listp) struct kmod_list *list = NULL;
	AUTO(modulep) struct kmod_module *module = NULL;
	AUTO_FREE char *firmware = NULL;

	if (kmod_module_new_from_lookup(modules->kmod, device->alias, &list) < 0 || !list)
		return strdup(device->needed ? "no driver: no module in this image "
					       "knows it"
					     : "no driver, and none is needed");
	module = kmod_module_get_module(list);
	firmware = device->firmware ? strdup(device->firmware) : missing_firmware(module);
	if (firmware)
		return text_format("no driver: needs firmware %s (module %s)", firmware,
				   kmod_module_get_name(module));
	return text_format("no driver: module %s does not take it; 'dmesg' says why",
			   kmod_module_get_name(module));
}

/* -- loading -------------------------------------------------------------------------- */

/* Modules that the file names and that the image has. What another file brings is loaded
 * with that one. */
static void load_dependencies(struct hw_modules *modules, struct kmod_module *module)
{
	AUTO(info_listp) struct kmod_list *infos = NULL;
	struct kmod_list *item;

	if (kmod_module_get_info(module, &infos) < 0)
		return;
	kmod_list_foreach(item, infos)
	{
		AUTO_FREE char *names = strdup(kmod_module_info_get_value(item));
		char *rest = names;

		if (strcmp(kmod_module_info_get_key(item), "depends") != 0)
			continue;
		for (char *name = strsep(&rest, ","); name; name = strsep(&rest, ",")) {
			AUTO(modulep) struct kmod_module *needed = NULL;

			if (*name &&
			    kmod_module_new_from_name(modules->kmod, name, &needed) == 0)
				kmod_module_probe_insert_module(needed, 0, NULL, NULL,
								NULL, NULL);
		}
	}
}

static int load_failed(int code, const char *path, struct err *err)
{
	struct utsname system;

	uname(&system);
	switch (code) {
	case -ENOENT:
		return err_set(err, code, "'%s': needs another module that is not there",
			       path);
	case -ENOEXEC:
		return err_set(err, code, "'%s': made for another kernel than %s", path,
			       system.release);
	case -EKEYREJECTED:
	case -EPERM:
		return err_set(err, -EKEYREJECTED,
			       "'%s': not signed by a key that the kernel trusts, which "
			       "Secure Boot demands",
			       path);
	default:
		return err_errno(err, -code, "'%s': loading", path);
	}
}

int hw_module_load(struct hw_modules *modules, const char *path, struct err *err)
{
	AUTO(modulep) struct kmod_module *module = NULL;
	int r = kmod_module_new_from_path(modules->kmod, path, &module);

	if (r < 0)
		return err_errno(err, -r, "'%s': no kernel module", path);
	load_dependencies(modules, module);
	r = kmod_module_insert_module(module, 0, NULL);
	return r == 0 || r == -EEXIST ? 0 : load_failed(r, path, err);
}
