/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See build.h. */
#include <stdlib.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/spawn.h>

#include "build.h"
#include "device.h"
#include "disk-image.h"

int stick_write(const struct stick *stick, const char *output, struct err *err)
{
	const char *copy[] = {
		"cp", "--sparse=always", "--", stick->image, output, NULL
	};
	const struct fat_volume volume = { .image = output,
					   .offset = DISK_IMAGE_FAT_OFFSET,
					   .mtime_s = stick->mtime_s };
	struct image_file files[2];
	size_t count = 0;
	int r = spawn_run(&(struct spawn){ .argv = copy }, NULL, err);

	if (stick->answer)
		files[count++] = (struct image_file){ stick->answer, "openbmr.ini" };
	if (stick->credentials)
		files[count++] =
			(struct image_file){ stick->credentials, "openbmr.cred" };
	if (r == 0)
		r = fat_add(&volume, files, count, err);
	if (r < 0)
		(void)unlink(output);
	return r;
}

int stick_write_to(const struct stick *stick, const char *which, build_report *report,
		   struct err *err)
{
	char path[] = "/tmp/bmr-image-XXXXXX";
	int fd, r;

	if (!stick->answer && !stick->credentials)
		return device_write(which, stick->image, report, err);
	fd = mkstemp(path); /* 0600: it holds the credentials */
	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", path);
	close(fd);
	r = stick_write(stick, path, err);
	if (r == 0)
		r = device_write(which, path, report, err);
	(void)unlink(path);
	return r;
}
