/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of volumes that fix-ups change: see volume-edit.h. */
#include "volume-edit.h"

#include <string.h>

#include "fat-edit.h"
#include "ntfs-edit.h"

struct volume_edit {
	struct overlay *overlay; /* borrowed */
	enum file_system fs;
	int64_t time;
	struct fat_edit *fat; /* FAT */
	struct ntfs *ntfs;    /* NTFS; for reading until the first change */
	bool writing;
};

int volume_edit_open(struct overlay *overlay, const struct volume_info *info,
		     int64_t time, struct volume_edit **ret, struct err *err)
{
	AUTO_FREE struct volume_edit *edit = calloc(1, sizeof(*edit));
	int r;

	if (!edit)
		return err_nomem(err);
	*edit = (struct volume_edit){ .overlay = overlay, .fs = info->fs, .time = time };
	switch (info->fs) {
	case FS_NTFS:
		r = ntfs_open(overlay_source(overlay), &edit->ntfs, err);
		break;
	case FS_FAT12:
	case FS_FAT16:
	case FS_FAT32:
		r = fat_edit_open(overlay_source(overlay), &edit->fat, err);
		break;
	default:
		return err_set(err, -ENOTSUP, "no files are changed on %s volumes",
			       file_system_text(info->fs));
	}
	if (r == 0)
		*ret = TAKE_PTR(edit);
	return r;
}

void volume_edit_drop(struct volume_edit *edit)
{
	if (!edit)
		return;
	ntfs_close(edit->ntfs);
	fat_edit_close(edit->fat);
	free(edit);
}

static int take_change(uint64_t offset, const void *bytes, size_t length, void *context,
		       struct err *err)
{
	return overlay_write(context, bytes, offset, length, err);
}

int volume_edit_close(struct volume_edit **edit, struct err *err)
{
	AUTO(volume_edit_freep) struct volume_edit *closing = TAKE_PTR(*edit);

	if (!closing->writing)
		return 0;
	if (closing->fat)
		return fat_edit_changes(closing->fat, take_change, closing->overlay, err);
	return ntfs_edit_close(&closing->ntfs, err);
}

int volume_edit_read(struct volume_edit *edit, const char *path, size_t limit,
		     uint8_t **ret, size_t *ret_length, struct err *err)
{
	if (edit->fat)
		return fat_edit_read(edit->fat, path, limit, ret, ret_length, err);
	return ntfs_file_read_all(edit->ntfs, path, limit, ret, ret_length, err);
}

static int begin_writing(struct volume_edit *edit, struct err *err)
{
	struct ntfs *ntfs;
	int r;

	if (edit->writing)
		return 0;
	if (edit->fat) {
		r = fat_edit_check(edit->fat, err);
		edit->writing = r == 0;
		return r;
	}
	r = ntfs_open_overlay(edit->overlay, &ntfs, err);
	if (r < 0)
		return r;
	ntfs_close(edit->ntfs);
	edit->ntfs = ntfs;
	edit->writing = true;
	return 0;
}

/* "EFI/Boot/x" is "EFI/Boot" and "x"; what has no folder lies in "". */
static char *folder_of(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');

	*ret_name = slash ? slash + 1 : path;
	return strndup(path, slash ? (size_t)(slash - path) : 0);
}

static int write_ntfs(struct volume_edit *edit, const char *path, const void *bytes,
		      size_t length, struct err *err)
{
	const char *name;
	AUTO_FREE char *folder = folder_of(path, &name);
	AUTO(ntfs_file_freep) struct ntfs_file *file = NULL;
	struct err fault = { 0 };
	int r;

	if (!folder)
		return err_nomem(err);
	r = ntfs_file_open(edit->ntfs, path, &file, &fault);
	if (r < 0 && r != -ENOENT)
		return err_set(err, r, "%s", fault.text);
	ntfs_file_close(TAKE_PTR(file));
	if (r == -ENOENT)
		return ntfs_create_file(edit->ntfs, folder, name, bytes, length,
					edit->time, err);
	return ntfs_replace_file(edit->ntfs, path, bytes, length, edit->time, err);
}

int volume_edit_write(struct volume_edit *edit, const char *path, const void *bytes,
		      size_t length, struct err *err)
{
	int r = begin_writing(edit, err);

	if (r < 0)
		return r;
	if (edit->fat)
		return fat_edit_write(edit->fat, path, bytes, length, edit->time, err);
	return write_ntfs(edit, path, bytes, length, err);
}

static int make_one_ntfs(struct volume_edit *edit, const char *path, struct err *err)
{
	const char *name;
	AUTO_FREE char *folder = folder_of(path, &name);
	struct err fault = { 0 };
	int r;

	if (!folder)
		return err_nomem(err);
	r = ntfs_create_folder(edit->ntfs, folder, name, edit->time, &fault);
	return r < 0 && r != -EEXIST ? err_set(err, r, "%s", fault.text) : 0;
}

int volume_edit_make_folder(struct volume_edit *edit, const char *path, struct err *err)
{
	AUTO_FREE char *part = strdup(path);
	int r = part ? begin_writing(edit, err) : err_nomem(err);

	if (r < 0)
		return r;
	if (edit->fat)
		return fat_edit_make_folder(edit->fat, path, edit->time, err);
	for (char *slash = strchr(part, '/'); r == 0 && slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = make_one_ntfs(edit, part, err);
		*slash = '/';
	}
	return r < 0 ? r : make_one_ntfs(edit, part, err);
}
