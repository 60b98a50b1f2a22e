/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See media.h. */
#include "media.h"

#include <dirent.h>
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

int media_mount(const char *device, bool writable, char **ret_folder, struct err *err)
{
	static const struct {
		const char *type, *options;
	} types[] = {
		{ "vfat", "umask=0077,utf8" },
		{ "exfat", "umask=0077" },
	};
	unsigned long flags = FLAGS | (writable ? 0 : MS_RDONLY);
	AUTO_FREE char *folder = strdup(PLACE);
	int code = EINVAL;

	if (!folder)
		return err_nomem(err);
	if (!mkdtemp(folder))
		return err_errno(err, errno, "'%s': making it", folder);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (mount(device, folder, types[i].type, flags, types[i].options) == 0) {
			*ret_folder = TAKE_PTR(folder);
			return 0;
		}
		if (errno != EINVAL && errno != ENODEV)
			code = errno;
	}
	(void)rmdir(folder);
	if (code == EINVAL)
		return err_set(err, -ENOEXEC, "'%s': neither FAT nor exFAT is on it",
			       device);
	return err_errno(err, code, "'%s': mounting it", device);
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
