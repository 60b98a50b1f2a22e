/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See media.h. */
#include "media.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>

#define PLACE "/run/openbmr/media-XXXXXX"
#define FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME)

static bool is_one(const char *path)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");

	return file && fgetc(file) == '1';
}

static void add(struct media *media, const char *name)
{
	size_t room = sizeof(media->devices[0]);

	if (media->count < MEDIA_MAX && strlen(name) + strlen("/dev/") < room)
		snprintf(media->devices[media->count++], room, "/dev/%s", name);
}

/* Its partitions; a disk without any is looked at as a whole. */
static void add_disk(struct media *media, const char *folder, const char *disk)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, NULL, versionsort);
	size_t before = media->count;

	for (int i = 0; i < count; i++) {
		AUTO_FREE char *mark =
			text_format("%s/%s/partition", folder, entries[i]->d_name);

		if (mark && access(mark, F_OK) == 0)
			add(media, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (media->count == before)
		add(media, disk);
}

static bool is_removable(const char *folder)
{
	AUTO_FREE char *mark = text_format("%s/removable", folder);
	AUTO_FREE char *real = realpath(folder, NULL);

	/* hard disks on USB do not call themselves removable */
	return (mark && is_one(mark)) || (real && strstr(real, "/usb"));
}

void media_find(const char *root, struct media *ret)
{
	/* what a stick or a card reader can be; no CD, no floppy disk, nothing virtual */
	static const char *const disks[] = { "sd", "mmcblk", "vd" };
	AUTO_FREE char *all = text_format("%s/sys/block", root);
	struct dirent **entries = NULL;
	int count = all ? scandir(all, &entries, NULL, versionsort) : 0;

	*ret = (struct media){ 0 };
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		AUTO_FREE char *folder = text_format("%s/%s", all, name);

		for (size_t j = 0; folder && j < ARRAY_SIZE(disks); j++)
			if (strncmp(name, disks[j], strlen(disks[j])) == 0 &&
			    is_removable(folder))
				add_disk(ret, folder, name);
		free(entries[i]);
	}
	free(entries);
}

/* What first sectors say; the kernel would complain on the console of what is not on a medium. */
static const struct medium_type {
	const char *type, *options;
	size_t offset;
	const char *mark;
} types[] = {
	{ "vfat", "umask=0077,utf8", 82, "FAT32   " },
	{ "vfat", "umask=0077,utf8", 54, "FAT" },
	{ "exfat", "umask=0077", 3, "EXFAT   " },
};

static int find_type(const char *device, const struct medium_type **ret, struct err *err)
{
	AUTO_CLOSE int fd = open(device, O_RDONLY | O_CLOEXEC);
	char sector[512];
	ssize_t n = fd < 0 ? -1 : pread(fd, sector, sizeof(sector), 0);

	/* a card reader without a card */
	if (n < 0 && (errno == ENOMEDIUM || errno == ENXIO))
		return err_set(err, -ENOEXEC, "'%s': no medium", device);
	if (n < 0)
		return err_errno(err, errno, "'%s': reading its first sector", device);
	for (size_t i = 0; n == (ssize_t)sizeof(sector) && i < ARRAY_SIZE(types); i++)
		if (memcmp(sector + types[i].offset, types[i].mark,
			   strlen(types[i].mark)) == 0) {
			*ret = &types[i];
			return 0;
		}
	return err_set(err, -ENOEXEC, "'%s': neither FAT nor exFAT is on it", device);
}

int media_mount(const char *device, bool writable, char **ret_folder, struct err *err)
{
	unsigned long flags = FLAGS | (writable ? 0 : MS_RDONLY);
	const struct medium_type *type = NULL;
	AUTO_FREE char *folder = strdup(PLACE);
	int r = find_type(device, &type, err);

	if (r < 0)
		return r;
	if (!folder)
		return err_nomem(err);
	if (!mkdtemp(folder))
		return err_errno(err, errno, "'%s': making it", folder);
	if (mount(device, folder, type->type, flags, type->options) < 0) {
		r = err_errno(err, errno, "'%s': mounting it", device);
		(void)rmdir(folder);
		return r;
	}
	*ret_folder = TAKE_PTR(folder);
	return 0;
}

void media_release(char *folder)
{
	if (!folder)
		return;
	if (strncmp(folder, PLACE, strlen(PLACE) - strlen("XXXXXX")) == 0) {
		if (umount2(folder, 0) < 0)
			(void)umount2(folder, MNT_DETACH);
		(void)rmdir(folder);
	}
	free(folder);
}
