/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One image of a set: see backup-image.h. */
#include "backup-image.h"

#include <string.h>
#include <strings.h>

#include <base/checked.h>
#include <base/text.h>

#include "image-name.h"

/* A store has some 20 to 100 KiB. */
#define BCD_MAX_SIZE (16u << 20)

#define UEFI_STORE "EFI/Microsoft/Boot/BCD"
#define BIOS_STORE "Boot/BCD"

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

/* -- files in the volume
 * ----------------------------------------------------------------- */

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
	{ ROLE_WINDOWS, "Windows/System32/config/SYSTEM" },
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

/* -- boot stores
 * ------------------------------------------------------------------------- */

static int read_store(struct block_source *source, const struct backup_volume *volume,
		      const char *path, struct bcd_store *ret, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	AUTO_FREE char *what = text_format("%s: %s", source->name, path);
	size_t length = 0;
	int r;

	if (!what)
		return err_nomem(err);
	r = volume_read_file(source, &volume->fs, path, BCD_MAX_SIZE, &bytes, &length,
			     err);
	if (r < 0)
		return r;
	return bcd_store_read(bytes, length, what, ret, err);
}

/* A store that cannot be read is one voice less, not a damaged image. */
static int keep_problem(int r, struct boot_stores *stores, const struct err *err)
{
	if (r == 0 || r == -ENOENT || error_ends_scan(r))
		return r == -ENOENT ? 0 : r;
	stores->problem = *err;
	return 0;
}

static int find_stores(struct block_source *source, const struct backup_volume *volume,
		       struct boot_stores *stores, struct err *err)
{
	struct bcd_store store;
	int r;

	if (volume->role == ROLE_ESP && !stores->has_uefi) {
		r = read_store(source, volume, UEFI_STORE, &store, err);
		if (r < 0)
			return keep_problem(r, stores, err);
		stores->uefi = store;
		stores->has_uefi = true;
		return 0;
	}
	/* The system volume's store counts more than one that lies on the Windows volume.
	 */
	if (volume->role == ROLE_SYSTEM
		    ? stores->has_bios && stores->bios_role == ROLE_SYSTEM
		    : volume->role != ROLE_WINDOWS || stores->has_bios)
		return 0;
	r = read_store(source, volume, BIOS_STORE, &store, err);
	if (r < 0)
		return keep_problem(r, stores, err);
	stores->bios = store;
	stores->has_bios = true;
	stores->bios_role = volume->role;
	return 0;
}

/* -- the volume
 * -------------------------------------------------------------------------- */

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
		struct boot_stores *stores, struct err *err)
{
	AUTO(source_freep) struct block_source *source = NULL;
	struct block_source *file, *disk;
	int r;

	r = tree_open(tree, volume->image_path, &file, err);
	if (r < 0)
		return r;
	r = image_open(file, &volume->image, &disk, err);
	if (r < 0)
		return r;
	r = image_volume_open(disk, &source, err);
	if (r == 0)
		r = identify(source, volume, err);
	if (r == 0)
		r = count_used(source, volume, err);
	if (r < 0 || !can_read_files(&volume->fs))
		return r;
	r = find_role(source, volume, err);
	if (r == 0)
		r = find_completeness(source, volume, err);
	return r < 0 ? r : find_stores(source, volume, stores, err);
}

int image_look(struct tree *tree, struct backup_volume *volume,
	       struct boot_stores *stores, struct err *err)
{
	struct err problem = { 0 };
	int r = look(tree, volume, stores, &problem);

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
