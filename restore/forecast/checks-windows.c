/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the boot store to Windows' kernel and its drivers. */
#include <string.h>

#include <base/text.h>

#include "evidence/bcd.h"
#include "hives/hive-check.h"
#include "scene.h"
#include "services.h"
#include "volumes/ntfs-edit.h"

#define STORE_MAX (16u << 20) /* real ones have 24 to 64 KiB */

static bool always(const struct scene *scene)
{
	return true;
}

static bool has_store(const struct scene *scene)
{
	return !scene->made_anew;
}

/* -- the boot store ---- */

/* The name that a partition gets, and the one that it had. */
static struct bcd_device new_name(const struct restore_plan *plan, size_t index)
{
	const struct disk_partition *p = &plan->after->partitions[index];

	if (plan->after->style == TABLE_GPT)
		return (struct bcd_device){ .kind = BCD_DEVICE_GPT,
					    .disk_id = plan->after->disk_id,
					    .partition_id = p->id };
	return (struct bcd_device){ .kind = BCD_DEVICE_MBR,
				    .mbr_signature = plan->after->mbr_signature,
				    .offset = p->offset };
}

static bool had_name(const struct restore_plan *plan, size_t index,
		     const struct bcd_device *device)
{
	struct bcd_device old = { 0 };
	struct id_change names;

	if (!plan_partition_names(plan, index, &names))
		return false;
	if (names.old_style == TABLE_GPT) {
		old.kind = BCD_DEVICE_GPT;
		old.disk_id = names.old_disk_id;
		old.partition_id = names.old_id;
	} else {
		old.kind = BCD_DEVICE_MBR;
		old.mbr_signature = names.old_signature;
		old.offset = names.old_offset;
	}
	return bcd_device_equal(device, &old);
}

/* Does a partition of the plans have this name? In a backup the old ones count: they are patched
 * where they change. */
static bool leads_somewhere(const struct scene *scene, const struct bcd_device *device,
			    bool on_disk)
{
	if (device->kind == BCD_DEVICE_OTHER)
		return true;
	for (size_t p = 0; p < scene->set->count; p++) {
		const struct restore_plan *plan = scene->set->plans[p];

		for (size_t i = 0; i < plan->after->count; i++) {
			struct bcd_device name = new_name(plan, i);

			if (bcd_device_equal(device, &name) ||
			    (!on_disk && had_name(plan, i, device)))
				return true;
		}
	}
	return false;
}

/* The volume with the store, and its path. */
static struct scene_volume *store_of(struct scene *scene, const char **ret_path)
{
	*ret_path = scene->uefi ? "EFI/Microsoft/Boot/BCD" : "Boot/BCD";
	return scene->uefi ? scene_find(scene, ROLE_ESP) : scene_active(scene);
}

static int judge_store(struct scene *scene, const struct bcd_store *store, bool on_disk,
		       const char *name, struct err *err)
{
	if (!store->has_loader)
		return scene_say(scene, FORECAST_RED, name, err,
				 "the boot store has no entry that starts Windows");
	if (store->uefi != scene->uefi)
		return scene_say(scene, FORECAST_RED, name, err,
				 "the boot store's entry starts winload.%s, this machine "
				 "needs winload.%s",
				 store->uefi ? "efi" : "exe",
				 scene->uefi ? "efi" : "exe");
	if (!leads_somewhere(scene, &store->windows, on_disk))
		return scene_say(
			scene, FORECAST_RED, name, err,
			"the boot store's entry for Windows leads to a partition "
			"that is not there (0xc000000e)");
	if (!leads_somewhere(scene, &store->boot_manager, on_disk))
		return scene_say(
			scene, FORECAST_AMBER, name, err,
			"the boot store's boot manager names a partition that is "
			"not there");
	return scene_say(scene, FORECAST_GREEN, name, err,
			 "its entries lead to partitions of the restored disk");
}

static int check_store(struct scene *scene, const char *name, struct err *err)
{
	const char *path;
	struct scene_volume *volume = store_of(scene, &path);
	AUTO(scene_file_clear) struct scene_file file = { 0 };
	struct bcd_store store = { 0 };
	struct err fault = { 0 };
	int r;

	if (!volume)
		return scene_say(scene, FORECAST_RED, name, err,
				 "no partition that could hold it");
	r = scene_read(volume, path, STORE_MAX, &file, &fault);
	if (r == 0)
		r = bcd_store_read(file.bytes, file.length, path, &store, &fault);
	if (r < 0)
		return scene_say(scene, FORECAST_RED, name, err,
				 "%s (0xc000000f); repair it with 'bcdboot' from a "
				 "Windows installation medium",
				 r == -ENOENT ? "absent" : fault.text);
	return judge_store(scene, &store, volume->on_disk, name, err);
}

/* -- loader and kernel ---- */

static int check_program(struct scene *scene, const char *path, const char *name,
			 struct err *err)
{
	struct scene_volume *windows = scene_find(scene, ROLE_WINDOWS);
	AUTO(scene_file_clear) struct scene_file file = { 0 };
	char shown[SCENE_PATH_SIZE];
	struct err fault = { 0 };
	int r;

	scene_path(path, shown);
	if (!windows)
		return scene_say(scene, FORECAST_RED, name, err,
				 "no volume with Windows is restored");
	r = scene_read(windows, path, 64u << 20, &file, &fault);
	if (r == -ENOTSUP) /* compressed by Windows 10, which its loader reads */
		return scene_say(scene, FORECAST_GREEN, name, err, "%s is there", shown);
	if (r < 0)
		return scene_say(scene, FORECAST_RED, name, err, "%s: %s", shown,
				 r == -ENOENT ? "absent" : fault.text);
	if (file.length < 2 || memcmp(file.bytes, "MZ", 2) != 0)
		return scene_say(scene, FORECAST_RED, name, err,
				 "%s: %zu bytes that are no program", shown, file.length);
	return scene_say(scene, FORECAST_GREEN, name, err, "%s, %zu bytes", shown,
			 file.length);
}

static int check_loader(struct scene *scene, const char *name, struct err *err)
{
	return check_program(scene,
			     scene->uefi ? "Windows/System32/winload.efi"
					 : "Windows/System32/winload.exe",
			     name, err);
}

static int check_kernel(struct scene *scene, const char *name, struct err *err)
{
	return check_program(scene, "Windows/System32/ntoskrnl.exe", name, err);
}

/* -- the registry ---- */

/* Windows loads these before anybody can log on. */
static const char *const hives[] = { "SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT" };

static int check_hive(struct scene *scene, struct scene_volume *windows, const char *hive,
		      bool *ret_whole, struct err *err)
{
	AUTO(hive_image_clear) struct hive_image image = { 0 };
	AUTO_FREE char *name = text_format("hive %s", hive);
	struct err fault = { 0 };
	int r;

	if (!name)
		return err_nomem(err);
	r = scene_recover_hive(windows, hive, &image, &fault);
	if (r < 0) {
		*ret_whole = false;
		return scene_say(scene, FORECAST_RED, name, err,
				 "%s: Windows stops "
				 "before anybody can log on",
				 r == -ENOENT ? "absent" : fault.text);
	}
	if (image.how != HIVE_WAS_UNLOGGED)
		return 0;
	*ret_whole = false;
	return scene_say(scene, FORECAST_AMBER, name, err,
			 "was not written to its end and has no log that fits; what is "
			 "there is sound");
}

static int check_hives(struct scene *scene, const char *name, struct err *err)
{
	struct scene_volume *windows = scene_find(scene, ROLE_WINDOWS);
	bool whole = true;
	int r = 0;

	if (!windows)
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(hives); i++)
		r = check_hive(scene, windows, hives[i], &whole, err);
	if (r < 0 || !whole)
		return r;
	return scene_say(scene, FORECAST_GREEN, name, err,
			 "SYSTEM, SOFTWARE, SAM, SECURITY, DEFAULT are whole");
}

/* -- drivers ---- */

struct missing {
	unsigned count;
	bool critical;
	struct text names;
};

static int look_for_driver(struct scene_volume *windows, const struct service *service,
			   struct missing *missing)
{
	AUTO_FREE char *path = NULL;
	struct err fault = { 0 };

	if (service->start != SERVICE_BOOT || (service->type != SERVICE_KERNEL_DRIVER &&
					       service->type != SERVICE_FS_DRIVER))
		return 0;
	path = service_path(service);
	if (!path || scene_look(windows, path, &fault) != -ENOENT)
		return 0;
	missing->critical |= service->error_control == SERVICE_CRITICAL;
	if (missing->count < 8) /* enough to see what is wrong */
		text_add(&missing->names, "%s%s", missing->count ? ", " : "",
			 service->name);
	missing->count++;
	return 0;
}

static int judge_drivers(struct scene *scene, const struct service_list *list,
			 const char *name, struct err *err)
{
	struct scene_volume *windows = scene_find(scene, ROLE_WINDOWS);
	struct missing missing = { 0 };
	AUTO_FREE char *names = NULL;

	for (size_t i = 0; i < list->count; i++)
		look_for_driver(windows, &list->services[i], &missing);
	names = text_take(&missing.names);
	if (missing.count && !names)
		return err_nomem(err);
	if (!missing.count)
		return scene_say(scene, FORECAST_GREEN, name, err,
				 "every driver that the loader brings is there");
	return scene_say(
		scene, missing.critical ? FORECAST_RED : FORECAST_AMBER, name, err,
		"%u absent that the loader is to bring: %s%s", missing.count, names,
		missing.critical ? "; Windows does not start without (0xc000007b)" : "");
}

static bool has_system(const struct scene *scene)
{
	return scene->system.bytes;
}

static int check_drivers(struct scene *scene, const char *name, struct err *err)
{
	AUTO(service_list_clear) struct service_list list = { 0 };
	struct err fault = { 0 };

	if (service_list_read(&scene->system, &list, &fault) < 0)
		return scene_say(scene, FORECAST_RED, name, err, "SYSTEM: %s",
				 fault.text);
	return judge_drivers(scene, &list, name, err);
}

/* What the plan found out about the controller that the disk is, or will be, behind. */
static const struct plan_driver *storage_driver(const struct scene *scene)
{
	for (size_t i = 0; i < scene->count; i++)
		if (scene->volumes[i].role == ROLE_WINDOWS)
			return scene->volumes[i].plan->wishes.driver;
	return NULL;
}

static int check_storage_driver(struct scene *scene, const char *name, struct err *err)
{
	const struct plan_driver *driver = storage_driver(scene);

	if (!driver || !driver->controller[0]) /* not known */
		return 0;
	if (!driver->serves)
		return scene_say(scene, FORECAST_RED, name, err,
				 "%s: none in the image serves it; Windows stops with "
				 "INACCESSIBLE_BOOT_DEVICE",
				 driver->controller);
	return scene_say(scene, FORECAST_GREEN, name, err, "%s: %s%s", driver->controller,
			 driver->services,
			 driver->change[0] ? ", which the restore makes start at boot"
					   : "");
}

/* -- the file system ---- */

static int check_closed(struct scene *scene, const char *name, struct err *err)
{
	struct scene_volume *windows = scene_find(scene, ROLE_WINDOWS);
	AUTO(overlay_freep) struct overlay *overlay = NULL;
	struct ntfs *ntfs = NULL;
	struct err fault = { 0 };
	int r;

	if (!windows || windows->opened < 0 || windows->info.fs != FS_NTFS)
		return 0;
	r = overlay_new(windows->source, false, 64u << 20, &overlay, err);
	if (r < 0)
		return r;
	r = ntfs_open_overlay(overlay, &ntfs, &fault);
	ntfs_close(ntfs);
	if (r == 0)
		return scene_say(scene, FORECAST_GREEN, name, err,
				 "Windows closed it as it should");
	return scene_say(scene, FORECAST_AMBER, name, err, "%s", fault.text);
}

const struct forecast_check forecast_windows_checks[] = {
	{ "boot store", has_store, check_store },
	{ "loader", always, check_loader },
	{ "kernel", always, check_kernel },
	{ "registry", always, check_hives },
	{ "boot drivers", has_system, check_drivers },
	{ "storage driver", always, check_storage_driver },
	{ "file system", always, check_closed },
};

const size_t forecast_windows_check_count = ARRAY_SIZE(forecast_windows_checks);
