/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drivers that were brought along: see hw.h. Packages (deb(5)) are unpacked by ar and tar, in
 * processes of their own; the kernel judges modules, and under Secure Boot their signatures.
 */
#include "hw.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/block-source.h>
#include <base/cleanup.h>
#include <base/guid.h>
#include <base/spawn.h>
#include <partition/layout.h>

#include <partition/boot-medium.h>

#define WORK_FOLDER   "/run/openbmr/drivers"
#define FIRMWARE_PATH "/sys/module/firmware_class/parameters/path"
#define FILES_MAX     256 /* nobody brings more; each is loaded at most once a round */
#define OPEN_MAX_FTW  8

/* Paths found by a walk; nftw() takes no context. */
struct files {
	char *paths[FILES_MAX];
	size_t count;
};
static struct files found;
static const char *wanted_ending;

static void files_clear(struct files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->paths[i]);
	*files = (struct files){ 0 };
}

static int take_file(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	size_t length = strlen(path), ending = strlen(wanted_ending);

	(void)st;
	(void)where;
	if (kind == FTW_F && found.count < FILES_MAX && length > ending &&
	    strcmp(path + length - ending, wanted_ending) == 0) {
		found.paths[found.count] = strdup(path);
		found.count += found.paths[found.count] != NULL;
	}
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Regular files below a folder with this ending, by name; a folder that is not there has
 * none. */
static struct files find_files(const char *folder, const char *ending)
{
	struct files files;

	wanted_ending = ending;
	(void)nftw(folder, take_file, OPEN_MAX_FTW, FTW_PHYS);
	files = found;
	found = (struct files){ 0 };
	qsort(files.paths, files.count, sizeof(files.paths[0]), compare_paths);
	return files;
}

static int make_folder(const char *path, struct err *err)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "'%s': creating the folder", path);
	return 0;
}

/* -- firmware -------------------------------------------------------------------------- */

/* The kernel looks there first from now on. */
static void announce_firmware(void)
{
	AUTO_CLOSE int fd = open(FIRMWARE_PATH, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, HW_FIRMWARE_FOLDER, strlen(HW_FIRMWARE_FOLDER)) < 0)
		printf("'%s': %s, ignoring\n", FIRMWARE_PATH, strerror(errno));
}

/* Copies what lies in a folder; there may be none. */
static int add_firmware(const char *folder, struct err *err)
{
	AUTO_FREE char *all = text_format("%s/.", folder);
	const char *argv[] = { "cp", "-r", all, HW_FIRMWARE_FOLDER, NULL };
	int r;

	if (!all)
		return err_nomem(err);
	if (access(folder, F_OK) < 0)
		return 0;
	r = make_folder(HW_FIRMWARE_FOLDER, err);
	if (r == 0)
		r = spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
	if (r == 0)
		announce_firmware();
	return r;
}

/* -- packages -------------------------------------------------------------------------- */

/* Members that hold the files of a package, and how tar reads them. */
static const struct data_member {
	const char *name, *how;
} data_members[] = {
	{ "data.tar.xz", "-xJf" },
	{ "data.tar.gz", "-xzf" },
	{ "data.tar\n", "-xf" },
};

static int find_data(const char *package, const struct data_member **ret, struct err *err)
{
	const char *argv[] = { "ar", "t", package, NULL };
	AUTO_FREE char *list = NULL;
	int r = spawn_run(&(struct spawn){ .argv = argv }, &list, err);

	for (size_t i = 0; i < ARRAY_SIZE(data_members) && r == 0; i++)
		if (strstr(list, data_members[i].name)) {
			*ret = &data_members[i];
			return 0;
		}
	return r < 0 ? r
		     : err_set(err, -ENOTSUP,
			       "no files in it that are packed by xz or gzip");
}

static int take_data(const char *package, const struct data_member *member,
		     const char *output, struct err *err)
{
	AUTO_CLOSE int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	AUTO_FREE char *name = strndup(member->name, strcspn(member->name, "\n"));
	const char *argv[] = { "ar", "p", package, name, NULL };

	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", output);
	if (!name)
		return err_nomem(err);
	return spawn_run(&(struct spawn){ .argv = argv, .output_fd = fd }, NULL, err);
}

static int extract(const char *package, const char *data, const char *folder,
		   struct err *err)
{
	const struct data_member *member = NULL;
	int r = find_data(package, &member, err);
	const char *argv[] = {
		"tar", r < 0 ? NULL : member->how, data, "-C", folder, NULL
	};

	if (r == 0)
		r = take_data(package, member, data, err);
	if (r == 0)
		r = spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
	(void)unlink(data);
	return r;
}

static int unpack(const char *package, size_t number, struct err *err)
{
	static const char *const firmware[] = { "lib/firmware", "usr/lib/firmware" };
	AUTO_FREE char *folder = text_format(WORK_FOLDER "/package-%zu", number);
	AUTO_FREE char *data = text_format(WORK_FOLDER "/package-%zu.tar", number);
	int r = folder && data ? make_folder(folder, err) : err_nomem(err);

	if (r == 0)
		r = extract(package, data, folder, err);
	for (size_t i = 0; i < ARRAY_SIZE(firmware) && r == 0; i++) {
		AUTO_FREE char *path = text_format("%s/%s", folder, firmware[i]);

		r = path ? add_firmware(path, err) : err_nomem(err);
	}
	return r < 0 ? err_add(err, "'%s'", package) : 0;
}

/* Unpacked ones lie below WORK_FOLDER afterwards. */
static size_t unpack_all(const char *folder)
{
	AUTO(files_clear) struct files packages = find_files(folder, ".deb");
	static size_t number;
	size_t failed = 0;
	struct err err;

	for (size_t i = 0; i < packages.count; i++)
		if (unpack(packages.paths[i], number++, &err) < 0) {
			printf("%s\n", err.text);
			failed++;
		}
	return failed;
}

/* -- modules --------------------------------------------------------------------------- */

/* One may need what another one brings: rounds, until one brings nothing new. */
static size_t load_all(struct hw_modules *modules, struct files *files)
{
	size_t left = files->count;
	bool progress = true;
	struct err err;

	while (progress && left > 0) {
		progress = false;
		for (size_t i = 0; i < files->count; i++) {
			if (!files->paths[i] ||
			    hw_module_load(modules, files->paths[i], &err) < 0)
				continue;
			printf("'%s': loaded\n", files->paths[i]);
			free(TAKE_PTR(files->paths[i]));
			progress = true;
			left--;
		}
	}
	for (size_t i = 0; i < files->count; i++)
		if (files->paths[i] && hw_module_load(modules, files->paths[i], &err) < 0)
			printf("%s\n", err.text);
	return left;
}

static int load_folder(struct hw_modules *modules, const char *folder, size_t *failed)
{
	AUTO(files_clear) struct files files = find_files(folder, ".ko");

	*failed += load_all(modules, &files);
	return 0;
}

int hw_drivers_load(const char *folder, size_t *ret_failed, struct err *err)
{
	AUTO(hw_modules_freep) struct hw_modules *modules = NULL;
	AUTO_FREE char *firmware = text_format("%s/firmware", folder);
	size_t failed = 0;
	int r = firmware ? 0 : err_nomem(err);

	*ret_failed = 0;
	if (r == 0 && access(folder, F_OK) < 0)
		return 0;
	if (r == 0)
		r = hw_modules_open(&modules, err);
	if (r == 0)
		r = make_folder("/run/openbmr", err);
	if (r == 0)
		r = make_folder(WORK_FOLDER, err);
	if (r == 0)
		r = add_firmware(firmware, err);
	if (r < 0)
		return r;
	failed = unpack_all(folder);
	r = load_folder(modules, folder, &failed);
	if (r == 0)
		r = load_folder(modules, WORK_FOLDER, &failed);
	*ret_failed = failed;
	return r;
}

/* -- the boot medium ------------------------------------------------------------------- */

/* The partition that openbmr.boot= means, in the table of a disk; NULL: none. */
static const struct disk_partition *find_partition(const struct disk_layout *layout,
						   const char *boot_medium)
{
	unsigned signature, slot;
	struct guid id;
	bool by_guid = guid_parse(boot_medium, strlen(boot_medium), &id) == 0;
	bool by_slot = sscanf(boot_medium, "mbr:%x:%u", &signature, &slot) == 2 &&
		       layout->style == TABLE_MBR && layout->mbr_signature == signature;

	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *partition = &layout->partitions[i];

		if ((by_guid && guid_equal(&partition->id, &id)) ||
		    (by_slot && partition->slot == slot))
			return partition;
	}
	return NULL;
}

/* Its FAT, if it is on this disk: "/dev/sdb@@1048576", as mtools take it. A disk that cannot be
 * read is not the one. */
static char *drive_on(const char *disk, const char *boot_medium)
{
	AUTO(source_freep) struct block_source *source = NULL;
	AUTO(layout_freep) struct disk_layout *layout = NULL;
	const struct disk_partition *partition = NULL;
	struct err err;

	if (source_file_open(disk, &source, &err) < 0 ||
	    layout_read(source, 0, &layout, NULL, &err) < 0)
		return NULL;
	partition = find_partition(layout, boot_medium);
	return partition ? text_format("%s@@%ju", disk, (uintmax_t)partition->offset)
			 : NULL;
}

/* Only tables are read, and no device that is no disk: a full list of the disks takes longer
 * than the start of a machine may. */
static char *medium_drive(const char *boot_medium)
{
	static const char *const disks[] = { "sd", "nvme", "vd", "mmcblk", "xvd" };
	DIR *folder = opendir("/sys/block");
	struct dirent *entry;
	char *drive = NULL;

	while (folder && !drive && (entry = readdir(folder)))
		for (size_t i = 0; i < ARRAY_SIZE(disks); i++) {
			AUTO_FREE char *path = text_format("/dev/%s", entry->d_name);

			if (path && !drive &&
			    strncmp(entry->d_name, disks[i], strlen(disks[i])) == 0)
				drive = drive_on(path, boot_medium);
		}
	if (folder)
		closedir(folder);
	return drive;
}

/* What is not there is not copied, and no error. */
static void copy_folder(const char *drive, const char *name)
{
	AUTO_FREE char *source = text_format("::/openbmr/%s", name);
	const char *argv[] = { "mcopy", "-n",	"-s",	     "-Q", "-i",
			       drive,	source, WORK_FOLDER, NULL };

	struct err ignored;

	if (source && spawn_run(&(struct spawn){ .argv = argv }, NULL, &ignored) < 0)
		return;
}

int hw_drivers_load_from_medium(size_t *ret_failed, struct err *err)
{
	AUTO_FREE char *boot_medium = boot_medium_read();
	AUTO_FREE char *drive = boot_medium ? medium_drive(boot_medium) : NULL;
	int r;

	*ret_failed = 0;
	if (!drive)
		return 0;
	r = make_folder("/run/openbmr", err);
	if (r == 0)
		r = make_folder(WORK_FOLDER, err);
	if (r < 0)
		return r;
	copy_folder(drive, "drivers");
	copy_folder(drive, "firmware");
	r = add_firmware(WORK_FOLDER "/firmware", err);
	return r < 0 ? r : hw_drivers_load(WORK_FOLDER "/drivers", ret_failed, err);
}
