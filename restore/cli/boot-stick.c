/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mounting the boot medium: see boot-stick.h. */
#include "boot-stick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <partition/boot-medium.h>

#define PLACE "/run/openbmr/stick-XXXXXX"

/* Its own times are not worth a write. */
#define FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME)

static int mount_at(const char *device, const char *folder, struct err *err)
{
	/* what Windows formats, and what bmr-image writes */
	if (mount(device, folder, "vfat", FLAGS, "umask=0077,utf8") == 0)
		return 0;
	if (errno == EINVAL) /* a CD */
		return err_set(err, -EROFS,
			       "'%s': the boot medium has no FAT file system", device);
	return err_errno(err, errno, "'%s': mounting the boot medium", device);
}

static int find_device(char **ret, struct err *err)
{
	AUTO(disk_list_clear) struct disk_list list = { 0 };
	AUTO_FREE char *medium = boot_medium_read();
	struct disk_list_wishes wishes = { .boot_medium = medium };
	int r;

	if (!medium)
		return err_set(err, -ENODEV, "this machine was not started from a stick");
	r = disk_list_read(&wishes, &list, err);
	return r < 0 ? r : boot_medium_partition(&list, medium, ret, err);
}

int boot_stick_mount(char **ret_folder, struct err *err)
{
	AUTO_FREE char *device = NULL;
	AUTO_FREE char *folder = strdup(PLACE);
	int r = find_device(&device, err);

	if (r < 0)
		return r;
	if (!folder)
		return err_nomem(err);
	if (!mkdtemp(folder))
		return err_errno(err, errno, "'%s': making it", folder);
	r = mount_at(device, folder, err);
	if (r < 0)
		(void)rmdir(folder);
	else
		*ret_folder = TAKE_PTR(folder);
	return r;
}

void boot_stick_release(char *folder)
{
	if (!folder)
		return;
	if (umount2(folder, 0) < 0)
		(void)umount2(folder, MNT_DETACH);
	(void)rmdir(folder);
	free(folder);
}
