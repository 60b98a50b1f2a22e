/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One image of a set: see backup-image.h. */
#include "backup-image.h"

#include <string.h>
#include <strings.h>

#include <base/checked.h>
#include <base/text.h>

#include "hives/hive-load.h"
#include "image-name.h"

/* A store has some 20 to 100 KiB. */
#define BCD_MAX_SIZE (16u << 20)

#define UEFI_STORE  "EFI/Microsoft/Boot/BCD"
#define BIOS_STORE  "Boot/BCD"
#define SYSTEM_HIVE "Windows/System32/config/SYSTEM"

bool error_ends_scan(int code)
{
	static const int codes[] = {
		ENOMEM,	      ECANCELED, ETIMEDOUT, ECONNABORTED, ECONNRESET,
		ECONNREFUSED, ENOTCONN,	 EPIPE,	    EHOSTUNREACH, ENETUNREACH,
		ENETDOWN,     EMFILE,	 ENFILE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (code == -codes[i])
			return true;
	return false;
}

/* -- files in the volume ---- */

/* 1: it is there and not empty; 0: it is not; else an error. */
static int has_file(struct block_source *source, const struct volume_info *fs,
		    const char *path, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r = volume_read_file(source, fs, path, 0, &bytes, &length, err);

	if (r == -EFBIG)
		return 1;
	return r == -ENOENT || r == 0 ? 0 : r;
}

/* By which file a volume is recognised; the first that fits decides. */
static const struct role_sign {
	enum volume_role role;
	const char *file;
} role_signs[] = {
	{ ROLE_ESP, UEFI_STORE },
	{ ROLE_WINDOWS, SYSTEM_HIVE },
	{ ROLE_SYSTEM, "bootmgr" },
	{ ROLE_SYSTEM, BIOS_STORE },
	{ ROLE_RECOVERY, "Recovery/WindowsRE/Winre.wim" },
};

static bool is_fat(const struct volume_info *fs)
{
	return fs->fs == FS_FAT32 || fs->fs == FS_FAT16 || fs->fs == FS_FAT12;
}

static bool is_esp_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return image_name_read(slash ? slash + 1 : path).kind == IMAGE_NAME_ESP;
}

static int find_role(struct block_source *source, struct backup_volume *volume,
		     struct err *err)
{
	bool fat = is_fat(&volume->fs);

	if (is_esp_name(volume->image_path)) {
		volume->role = ROLE_ESP;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(role_signs); i++) {
		int r;

		/* Only FAT volumes are EFI system partitions, and they are nothing else
		 * here. */
		if (fat != (role_signs[i].role == ROLE_ESP))
			continue;
		r = has_file(source, &volume->fs, role_signs[i].file, err);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		volume->role = role_signs[i].role;
		return 0;
	}
	return 0;
}

/* What a complete volume of a role has: one of the two files of each line. A file-level
 * backup of the system state has the hives, but not the kernel (FORMAT.md section 1). */
static const struct role_need {
	enum volume_role role;
	const char *file, *other;
} role_needs[] = {
	{ ROLE_ESP, UEFI_STORE, UEFI_STORE },
	{ ROLE_ESP, "EFI/Microsoft/Boot/bootmgfw.efi", "EFI/Boot/bootx64.efi" },
	{ ROLE_WINDOWS, "Windows/System32/ntoskrnl.exe",
	  "Windows/System32/ntoskrnl.exe" },
	{ ROLE_WINDOWS, "Windows/System32/winload.efi", "Windows/System32/winload.exe" },
	{ ROLE_SYSTEM, "bootmgr", "bootmgr" },
	{ ROLE_SYSTEM, BIOS_STORE, BIOS_STORE },
};

static int find_completeness(struct block_source *source, struct backup_volume *volume,
			     struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(role_needs); i++) {
		const struct role_need *need = &role_needs[i];
		int r;

		if (need->role != volume->role)
			continue;
		r = has_file(source, &volume->fs, need->file, err);
		if (r == 0)
			r = has_file(source, &volume->fs, need->other, err);
		if (r < 0)
			return r;
		if (r == 0) {
			volume->completeness = COMPLETENESS_PARTIAL;
			volume->health = HEALTH_PARTIAL;
			volume->reason =
				text_format("file-level backup: '%s' is not in the image",
					    need->file);
			return volume->reason ? 0 : err_nomem(err);
		}
		volume->completeness = COMPLETENESS_FULL;
	}
	return 0;
}

/* -- boot stores and the SYSTEM hive ---- */

static int read_store(const void *bytes, size_t length, const char *what,
		      struct image_finds *finds, struct err *err)
{
	int r = bcd_store_read(bytes, length, what, &finds->bios, err);

	finds->has_bios = r == 0;
	return r;
}

static int read_uefi_store(const void *bytes, size_t length, const char *what,
			   struct image_finds *finds, struct err *err)
{
	int r = bcd_store_read(bytes, length, what, &finds->uefi, err);

	finds->has_uefi = r == 0;
	return r;
}

static int read_mounted(const void *bytes, size_t length, const char *what,
			struct image_finds *finds, struct err *err)
{
	return mounted_devices_read(bytes, length, what, &finds->mounted, err);
}

/* Which file of a volume is read by whom. */
static const struct find_file {
	enum volume_role role;
	const char *path;
	size_t limit; /* bytes */
	int (*read)(const void *bytes, size_t length, const char *what,
		    struct image_finds *finds, struct err *err);
} find_files[] = {
	{ ROLE_ESP, UEFI_STORE, BCD_MAX_SIZE, read_uefi_store },
	{ ROLE_SYSTEM, BIOS_STORE, BCD_MAX_SIZE, read_store },
	{ ROLE_WINDOWS, BIOS_STORE, BCD_MAX_SIZE, read_store },
	{ ROLE_WINDOWS, SYSTEM_HIVE, HIVE_MAX_SIZE, read_mounted },
};

/* The SYSTEM hive as Windows would load it, with what its logs hold; where they do not make it
 * whole, as it lies there: some of it may be read all the same. *ret_old: something is missing. */
static int load_system_hive(struct block_source *source,
			    const struct backup_volume *volume, uint8_t **ret,
			    size_t *ret_length, bool *ret_old, struct err *err)
{
	struct hive_image image = { 0 };
	struct err fault = { 0 };
	int r = hive_load(source, &volume->fs, SYSTEM_HIVE, &image, &fault);

	*ret_old = false;
	if (r == -EBADMSG || r == -ENOTSUP)
		return volume_read_file(source, &volume->fs, SYSTEM_HIVE, HIVE_MAX_SIZE,
					ret, ret_length, err);
	if (r < 0)
		return err_set(err, r, "%s", fault.text);
	*ret = image.bytes;
	*ret_length = image.length;
	*ret_old = image.how == HIVE_WAS_UNLOGGED;
	return 0;
}

static int read_find(struct block_source *source, const struct backup_volume *volume,
		     const struct find_file *find, struct image_finds *finds,
		     struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	AUTO_FREE char *what = text_format("%s: %s", source->name, find->path);
	size_t length = 0;
	bool old = false;
	int r;

	if (!what)
		return err_nomem(err);
	if (find->read == read_mounted)
		r = load_system_hive(source, volume, &bytes, &length, &old, err);
	else
		r = volume_read_file(source, &volume->fs, find->path, find->limit, &bytes,
				     &length, err);
	if (r == 0)
		r = find->read(bytes, length, what, finds, err);
	if (r == 0 && old)
		finds->mounted->dirty = true;
	return r;
}

/* A store or hive that cannot be read is one voice less, not a damaged image. */
static int read_finds(struct block_source *source, const struct backup_volume *volume,
		      struct image_finds *finds, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(find_files); i++) {
		int r;

		if (find_files[i].role != volume->role)
			continue;
		r = read_find(source, volume, &find_files[i], finds, err);
		if (error_ends_scan(r))
			return r;
		if (r < 0 && r != -ENOENT)
			finds->problem = *err;
	}
	return 0;
}

/* -- the volume ---- */

static int count_used(struct block_source *source, struct backup_volume *volume,
		      struct err *err)
{
	AUTO(volume_map_freep) struct volume_map *map = NULL;
	struct volume_range ranges[64];
	uint64_t offset = 0;
	size_t count;
	int r;

	r = volume_map_open(source, &volume->fs, &map, err);
	if (r < 0)
		return r;
	for (;;) {
		r = volume_map_next(map, offset, ranges, ARRAY_SIZE(ranges), &count, err);
		if (r < 0 || !count)
			return r;
		for (size_t i = 0; i < count; i++) {
			offset = ranges[i].offset + ranges[i].length;
			if (ranges[i].kind != RANGE_FREE)
				volume->used += ranges[i].length;
		}
	}
}

static int identify(struct block_source *source, struct backup_volume *volume,
		    struct err *err)
{
	uint8_t boot[4096] = { 0 };
	int r = source_read(source, boot, 0, min_u64(sizeof(boot), source->size), err);

	if (r < 0)
		return r;
	volume->length = source->size;
	return volume_identify(boot, source->size, &volume->fs, err);
}

static bool can_read_files(const struct volume_info *fs)
{
	return fs->fs == FS_NTFS || is_fat(fs);
}

static int look(struct tree *tree, struct backup_volume *volume,
		struct image_finds *finds, struct err *err)
{
	AUTO(source_freep) struct block_source *source = NULL;
	struct block_source *disk;
	int r;

	r = image_open_path(tree, volume->image_path, &volume->image, &disk, err);
	if (r < 0)
		return r;
	r = image_volume_open(disk, &source, err);
	if (r == 0)
		r = identify(source, volume, err);
	if (r == 0)
		r = count_used(source, volume, err);
	if (r < 0 || !can_read_files(&volume->fs))
		return r;
	r = volume_keep(&source, &volume->fs, err);
	if (r == 0)
		r = find_role(source, volume, err);
	if (r == 0)
		r = find_completeness(source, volume, err);
	return r < 0 ? r : read_finds(source, volume, finds, err);
}

int image_look(struct tree *tree, struct backup_volume *volume, struct image_finds *finds,
	       struct err *err)
{
	struct err problem = { 0 };
	int r = look(tree, volume, finds, &problem);

	if (!volume->image.format)
		volume->image.format = "";
	if (!volume->image.subformat)
		volume->image.subformat = "";
	if (r == 0)
		return 0;
	if (error_ends_scan(r))
		return err_set(err, r, "%s", problem.text);
	volume->health = HEALTH_DAMAGED;
	if (is_esp_name(volume->image_path))
		volume->role = ROLE_ESP;
	free(volume->reason);
	volume->reason = strdup(problem.text);
	return volume->reason ? 0 : err_nomem(err);
}
