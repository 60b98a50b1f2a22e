/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inventory of disks, and plain files as disks: see partition/disks.h. */
#include <string.h>
#include <sys/stat.h>

#include <base/text.h>

#include <partition/disks.h>

#include "disk-content.h"
#include "disk-guard.h"
#include "disk-identity.h"

/* -- which block devices are disks ---- */

/* Memory, network, optical and stacked devices; parts of eMMC that only firmware uses. */
static const char *const other_names[] = { "loop", "ram",  "zram", "fd",    "sr",  "dm-",
					   "md",   "nbd",  "mtd",  "drbd",  "rbd", "zd",
					   "ubi",  "pmem", "gnbd", "bcache" };

#define SCSI_DISK	 0 /* SPC-4 table 141: peripheral device types */
#define SCSI_OPTICAL	 7
#define SCSI_SIMPLE_DISK 14

static bool name_is_disk(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_names); i++)
		if (strncmp(name, other_names[i], strlen(other_names[i])) == 0)
			return false;
	return !(strncmp(name, "mmcblk", 6) == 0 &&
		 (strstr(name, "boot") || strstr(name, "rpmb")));
}

/* A card reader without a card has size 0; a path of a multipath NVMe disk is hidden. */
static bool folder_is_disk(const char *folder)
{
	uint64_t type = sysfs_number(folder, "device/type", SCSI_DISK);

	return sysfs_number(folder, "size", 0) && !sysfs_number(folder, "hidden", 0) &&
	       (type == SCSI_DISK || type == SCSI_OPTICAL || type == SCSI_SIMPLE_DISK);
}

static void disk_entries_clear(struct disk_entries *all)
{
	for (size_t i = 0; i < all->count; i++) {
		disk_clear(&all->entries[i].disk);
		sysfs_disk_clear(&all->entries[i].sys);
	}
	free(all->entries);
	*all = (struct disk_entries){ 0 };
}

static int entry_read(const char *root, const char *name, struct disk_entry *entry,
		      struct err *err)
{
	int r = disk_identify(entry->sys.folder, &entry->disk, err);

	if (r < 0)
		return r;
	entry->disk.path = text_format("%s/dev/%s", root, name);
	if (!entry->disk.path)
		return err_nomem(err);
	if (!entry->disk.protection_text)
		entry->disk.protection_text = strdup("");
	if (!entry->disk.protection_text)
		return err_nomem(err);
	return disk_examine(&entry->disk, err);
}

static int add_disk(const char *name, void *context, struct err *err)
{
	struct disk_entries *all = context;
	struct disk_entry *entries, *entry;
	struct sysfs_disk sys = { 0 };
	int r;

	if (!name_is_disk(name))
		return 0;
	r = sysfs_disk_read(all->root, name, &sys, err);
	/* Unplugged since the folder was listed. */
	if (r == -ENOENT || r == -ENODEV)
		return 0;
	if (r < 0)
		return r;
	entries = reallocarray(all->entries, all->count + 1, sizeof(*entries));
	if (entries)
		all->entries = entries;
	if (!entries || !folder_is_disk(sys.folder)) {
		sysfs_disk_clear(&sys);
		return entries ? 0 : err_nomem(err);
	}
	entry = &entries[all->count++];
	*entry = (struct disk_entry){ .sys = sys };
	return entry_read(all->root, name, entry, err);
}

/* -- order ---- */

static int bus_rank(const char *bus)
{
	static const char *const order[] = { "nvme", "ata", "scsi", "virtio",
					     "xen",  "mmc", "other" };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (strcmp(bus, order[i]) == 0)
			return (int)i;
	return (int)ARRAY_SIZE(order);
}

/* sda before sdaa, nvme2n1 before nvme10n1 */
static int compare_paths(const char *a, const char *b)
{
	size_t x = strlen(a), y = strlen(b);

	return x != y ? (x > y) - (x < y) : strcmp(a, b);
}

static int compare_entries(const void *a, const void *b)
{
	const struct disk *x = &((const struct disk_entry *)a)->disk;
	const struct disk *y = &((const struct disk_entry *)b)->disk;
	bool x_removable = x->protection & DISK_REMOVABLE;
	bool y_removable = y->protection & DISK_REMOVABLE;

	if (x_removable != y_removable)
		return x_removable - y_removable;
	if (bus_rank(x->bus) != bus_rank(y->bus))
		return bus_rank(x->bus) - bus_rank(y->bus);
	return compare_paths(x->path, y->path);
}

/* -- the list ---- */

static int copy_source_paths(const char *const *paths, struct disk_list *list,
			     struct err *err)
{
	size_t count = 0;

	while (paths && paths[count])
		count++;
	list->source_paths = calloc(count + 1, sizeof(*list->source_paths));
	if (!list->source_paths)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++) {
		list->source_paths[i] = realpath(paths[i], NULL);
		if (!list->source_paths[i])
			return err_errno(err, errno, "'%s'", paths[i]);
	}
	return 0;
}

static int take_disks(struct disk_entries *all, struct disk_list *list, struct err *err)
{
	list->disks = calloc(all->count + 1, sizeof(*list->disks));
	if (!list->disks)
		return err_nomem(err);
	for (size_t i = 0; i < all->count; i++) {
		list->disks[list->count++] = all->entries[i].disk;
		all->entries[i].disk = (struct disk){ 0 };
	}
	return 0;
}

int disk_list_read(const struct disk_list_wishes *wishes, struct disk_list *ret,
		   struct err *err)
{
	AUTO(disk_entries_clear)
	struct disk_entries all = { .root = wishes->root ? wishes->root : "" };
	AUTO(disk_list_clear) struct disk_list list = { 0 };
	AUTO_FREE char *folder = text_format("%s/sys/block", all.root);
	int r;

	if (!folder)
		return err_nomem(err);
	r = copy_source_paths(wishes->source_paths, &list, err);
	if (r == 0)
		r = sysfs_walk(folder, add_disk, &all, err);
	if (r < 0)
		return r;
	if (all.count)
		qsort(all.entries, all.count, sizeof(*all.entries), compare_entries);
	r = disk_guard(&all, wishes, err);
	if (r == 0)
		r = take_disks(&all, &list, err);
	if (r < 0)
		return r;
	*ret = list;
	list = (struct disk_list){ 0 };
	return 0;
}

void disk_list_clear(struct disk_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		disk_clear(&list->disks[i]);
	free(list->disks);
	for (size_t i = 0; list->source_paths && list->source_paths[i]; i++)
		free(list->source_paths[i]);
	free(list->source_paths);
	*list = (struct disk_list){ 0 };
}

void disk_clear(struct disk *disk)
{
	free(disk->path);
	free(disk->model);
	free(disk->serial);
	free(disk->wwn);
	free(disk->bus);
	free(disk->controller);
	free(disk->protection_text);
	free(disk->content);
	layout_free(disk->layout);
	*disk = (struct disk){ 0 };
}

/* -- plain files ---- */

/* A file that will be created needs a folder to be created in. */
static int check_folder(const char *path, struct err *err)
{
	AUTO_FREE char *folder = strdup(path);
	struct stat st;
	char *slash;

	if (!folder)
		return err_nomem(err);
	slash = strrchr(folder, '/');
	if (!slash)
		return 0;
	slash[slash == folder] = '\0'; /* "/x" lies in "/" */
	if (stat(folder, &st) < 0)
		return err_errno(err, errno, "'%s': folder '%s'", path, folder);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "'%s': '%s' is no folder", path, folder);
	return 0;
}

static int file_to_create(const char *path, uint32_t sector_size, struct disk *disk,
			  struct err *err)
{
	int r = check_folder(path, err);

	if (r < 0)
		return r;
	disk->sector_size = sector_size ? sector_size : 512;
	disk->physical_sector_size = disk->sector_size;
	disk->layout = layout_new();
	disk->content = strdup("does not exist, will be created");
	if (!disk->layout || !disk->content)
		return err_nomem(err);
	disk->layout->sector_size = disk->sector_size;
	return 0;
}

static int file_that_exists(const struct stat *st, uint32_t sector_size,
			    struct disk *disk, struct err *err)
{
	int r;

	if (!S_ISREG(st->st_mode))
		return err_set(err, -EINVAL, "'%s' is %s, not an image file", disk->path,
			       S_ISDIR(st->st_mode) ? "a folder" : "a device");
	disk->exists = true;
	disk->size = (uint64_t)st->st_size;
	disk->sector_size = sector_size;
	r = disk_examine(disk, err);
	if (r == 0)
		r = disk_guard_file(disk, err);
	if (r == 0 && access(disk->path, W_OK) < 0)
		r = disk_protect(disk, DISK_READ_ONLY, err, "it cannot be written: %s",
				 strerrordesc_np(errno));
	return r;
}

int disk_from_file(const char *path, uint32_t sector_size, struct disk *ret,
		   struct err *err)
{
	AUTO(disk_clear) struct disk disk = { .is_file = true };
	struct stat st;
	int r;

	disk.path = strdup(path);
	disk.model = strdup("");
	disk.serial = strdup("");
	disk.wwn = strdup("");
	disk.bus = strdup("file");
	disk.protection_text = strdup("");
	if (!disk.path || !disk.model || !disk.serial || !disk.wwn || !disk.bus ||
	    !disk.protection_text)
		return err_nomem(err);
	if (stat(path, &st) == 0)
		r = file_that_exists(&st, sector_size, &disk, err);
	else if (errno == ENOENT)
		r = file_to_create(path, sector_size, &disk, err);
	else
		r = err_errno(err, errno, "'%s'", path);
	if (r < 0)
		return r;
	*ret = disk;
	disk = (struct disk){ 0 };
	return 0;
}
