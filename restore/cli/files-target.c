/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where files go: a folder; a share (files-share.c); or a partition of a disk of this machine, which
 * the kernel mounts, since it is the user's own and is to be written. It is mounted in a namespace of
 * this process alone, and so it is gone with it, however it ends.
 */
#include "files-target.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <base/spawn.h>
#include <base/text.h>
#include <net/smb.h>
#include <partition/boot-medium.h>
#include <partition/disks.h>
#include <restore/disk-tree.h>

#define DISK_PREFIX "disk:"

/* -- disk:WHICH/PARTITION/FOLDER -------------------------------------------------- */

struct named_partition {
	char *text;   /* owned; the others point into it */
	char *which;  /* serial:… */
	char *number; /* of the partition; NULL: none */
	char *folder; /* "" if none */
};

static int split_name(const char *to, struct named_partition *ret, struct err *err)
{
	char *rest;

	ret->text = strdup(to + strlen(DISK_PREFIX));
	if (!ret->text)
		return err_nomem(err);
	rest = ret->text;
	ret->which = strsep(&rest, "/");
	ret->number = strsep(&rest, "/");
	ret->folder = rest ? rest : (char *)"";
	if (ret->which[0] && ret->number && ret->number[0] &&
	    strspn(ret->number, "0123456789") == strlen(ret->number))
		return 0;
	return err_set(err, -EINVAL,
		       "'%s': must be disk:WHICH/PARTITION or "
		       "disk:WHICH/PARTITION/FOLDER, as in disk:serial:4C530001/1/saved; "
		       "'bmr disks' lists disks and partitions",
		       to);
}

/* "/dev/sda1", "/dev/nvme0n1p1": a digit at the end wants a p. */
static char *partition_device(const struct disk *disk, const char *number)
{
	size_t length = strlen(disk->path);
	char last = disk->path[length ? length - 1 : 0];

	return text_format("%s%s%s", disk->path, last >= '0' && last <= '9' ? "p" : "",
			   number);
}

static bool names_disk(const char *text)
{
	return strncmp(text, DISK_PREFIX, strlen(DISK_PREFIX)) == 0;
}

/* What is mounted elsewhere has a folder already; what the backup is read from is read behind the
 * kernel's back. */
static int check_disk(const struct files_cli *cli, const struct disk *disk,
		      struct err *err)
{
	static const unsigned refused = DISK_BOOT_MEDIUM | DISK_READ_ONLY | DISK_HELD |
					DISK_MOUNTED | DISK_HOLDS_SOURCE;

	if (disk->is_file)
		return err_set(err, -EINVAL, "'%s': no disk of this machine", disk->path);
	if (disk->protection & refused)
		return err_set(err, -EACCES, "'%s': nothing is written to it: %s",
			       disk->path, disk->protection_text);
	if (cli->source.text && names_disk(cli->source.text))
		return err_set(err, -EBUSY,
			       "'%s': files of a backup that is read from disks go to a "
			       "share, or to a folder that is mounted",
			       disk->path);
	return 0;
}

static int find_disk(const struct files_cli *cli, const struct named_partition *named,
		     char **ret_device, struct err *err)
{
	AUTO_FREE char *boot_medium = boot_medium_read();
	const char *sources[] = { cli->source.text, NULL };
	bool local = cli->source.text && !smb_is_location(cli->source.text) &&
		     !names_disk(cli->source.text);
	struct disk_list_wishes wishes = { .boot_medium = boot_medium,
					   .source_paths = local ? sources : NULL };
	struct disk_list list = { 0 };
	struct disk *disk = NULL;
	int r = disk_list_read(&wishes, &list, err);

	if (r == 0)
		r = disk_find(&list, named->which, 0, &disk, err);
	if (r == 0)
		r = check_disk(cli, disk, err);
	if (r == 0) {
		*ret_device = partition_device(disk, named->number);
		r = *ret_device ? 0 : err_nomem(err);
	}
	disk_list_clear(&list);
	return r;
}

/* -- mounting --------------------------------------------------------------------- */

struct mount_kind {
	enum file_system fs;
	const char *type, *options;
};

static const struct mount_kind mount_kinds[] = {
	{ FS_NTFS, NULL,
	  NULL }, /* by ntfs-3g: not every kernel writes it, and streams stay */
	{ FS_EXFAT, "exfat", "iocharset=utf8" },
	{ FS_FAT32, "vfat", "utf8=1,shortname=mixed" },
	{ FS_FAT16, "vfat", "utf8=1,shortname=mixed" },
	{ FS_FAT12, "vfat", "utf8=1,shortname=mixed" },
	{ FS_UNKNOWN, "ext4", "" },
};

static int find_kind(const char *device, const struct mount_kind **ret, struct err *err)
{
	AUTO(source_freep) struct block_source *volume = NULL;
	struct volume_info info = { 0 };
	uint8_t boot[4096] = { 0 };
	int r = source_file_open(device, &volume, err);

	if (r == 0 && volume->size >= sizeof(boot))
		r = source_read(volume, boot, 0, sizeof(boot), err);
	if (r == 0)
		r = volume_identify(boot, volume->size, &info, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(mount_kinds); i++) {
		if (mount_kinds[i].fs != info.fs)
			continue;
		*ret = &mount_kinds[i];
		return 0;
	}
	return r < 0 ? r
		     : err_set(err, -ENOTSUP, "'%s': nothing is written to %s", device,
			       file_system_text(info.fs));
}

#define NTFS_OPTIONS                                                                     \
	"nosuid,nodev,noexec,windows_names,streams_interface=xattr,compression"

/* Volumes that Windows did not close, or hibernates on, are mounted read-only. */
static int mount_ntfs(const char *device, const char *point, struct err *err)
{
	const char *const argv[] = { "ntfs-3g", "-o", NTFS_OPTIONS, device, point, NULL };
	struct spawn spawn = { .argv = argv };
	struct statvfs fs = { 0 };
	int r = spawn_run(&spawn, NULL, err);

	if (r < 0)
		return r;
	if (statvfs(point, &fs) < 0)
		return err_errno(err, errno, "'%s': what was mounted", device);
	if (!(fs.f_flag & ST_RDONLY))
		return 0;
	umount2(point, MNT_DETACH);
	return err_set(err, -EROFS,
		       "'%s': NTFS was not closed by Windows: it is not written; let "
		       "Windows start and shut down once",
		       device);
}

static int mount_device(const char *device, const char *point, struct err *err)
{
	const struct mount_kind *kind = NULL;
	int r = find_kind(device, &kind, err);

	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_errno(err, errno, "'%s': a place to mount it", device);
	if (!kind->type)
		return mount_ntfs(device, point, err);
	if (mount(device, point, kind->type, MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  kind->options) == 0)
		return 0;
	if (errno == ENODEV)
		return err_set(err, -ENODEV,
			       "'%s': this kernel cannot write %s: use a disk with exFAT "
			       "or FAT, or a share",
			       device, kind->type);
	if (errno == EINVAL)
		return err_set(err, -EINVAL,
			       "'%s': the kernel finds no %s on it, or one that was not "
			       "closed: let Windows check it",
			       device, kind->type);
	return err_errno(err, errno, "'%s': mounting it as %s", device, kind->type);
}

/* Makes what is missing of the folder, and follows no link: one on the user's disk could lead
 * anywhere. */
static int make_folders(const char *point, const char *folder, struct err *err)
{
	AUTO_FREE char *copy = strdup(folder);
	AUTO_CLOSE int at = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *rest = copy;

	if (!copy)
		return err_nomem(err);
	if (at < 0)
		return err_errno(err, errno, "'%s': opening what was mounted", point);
	for (char *part = strsep(&rest, "/"); part; part = strsep(&rest, "/")) {
		int next;

		if (!part[0])
			continue;
		if (strcmp(part, "..") == 0)
			return err_set(err, -EINVAL, "'%s': '..' is no part of a folder",
				       folder);
		if (mkdirat(at, part, 0777) < 0 && errno != EEXIST)
			return err_errno(err, errno, "'%s': making folder '%s'", folder,
					 part);
		next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return err_errno(err, errno, "'%s': '%s' is no folder", folder,
					 part);
		close(at);
		at = next;
	}
	return 0;
}

static int open_folder(const char *point, const char *folder, struct file_target **ret,
		       struct err *err)
{
	AUTO_FREE char *path = tree_path_join(point, folder);
	int r = path ? make_folders(point, folder, err) : err_nomem(err);

	return r < 0 ? r : file_target_folder(folder[0] ? path : point, ret, err);
}

static int open_partition(const struct files_cli *cli, struct files_destination *ret,
			  struct err *err)
{
	struct named_partition named = { 0 };
	AUTO_FREE char *point = strdup("/tmp/openbmr-files-XXXXXX");
	AUTO_FREE char *device = NULL;
	int r = point ? split_name(cli->to, &named, err) : err_nomem(err);

	if (r == 0)
		r = find_disk(cli, &named, &device, err);
	if (r == 0 && !mkdtemp(point))
		r = err_errno(err, errno, "'%s': a place to mount it", device);
	if (r == 0) {
		r = mount_device(device, point, err);
		if (r == 0)
			ret->mount_point = TAKE_PTR(point);
		else
			rmdir(point);
	}
	if (r == 0)
		r = open_folder(ret->mount_point, named.folder, &ret->target, err);
	free(named.text);
	return r;
}

/* -- all kinds -------------------------------------------------------------------- */

int files_destination_open(const struct files_cli *cli, struct files_destination *ret,
			   struct err *err)
{
	struct files_destination destination = { 0 };
	int r;

	if (smb_is_location(cli->to))
		r = files_share_open(cli, &destination.target, err);
	else if (names_disk(cli->to))
		r = open_partition(cli, &destination, err);
	else
		r = file_target_folder(cli->to, &destination.target, err);
	if (r < 0)
		files_destination_close(&destination);
	else
		*ret = destination;
	return r;
}

void files_destination_close(struct files_destination *destination)
{
	file_target_close(destination->target);
	if (destination->mount_point) {
		umount2(destination->mount_point, 0);
		rmdir(destination->mount_point);
	}
	free(destination->mount_point);
	*destination = (struct files_destination){ 0 };
}
