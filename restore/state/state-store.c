/* SPDX-License-Identifier: GPL-3.0-or-later */
/* May the boot store of a backup replace the one of a disk? See state-parts.h. */
#include "state-parts.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>

#include "evidence/bcd.h"
#include "hives/hive-load.h"

#define STORE "Boot/BCD"

static int read_store(struct block_source *volume, struct bcd_store *ret, struct err *err)
{
	const struct volume_info info = { .fs = FS_NTFS };
	struct hive_image image = { 0 };
	int r = hive_load(volume, &info, STORE, &image, err);

	if (r == 0)
		r = bcd_store_read(image.bytes, image.length, STORE, ret, err);
	hive_image_clear(&image);
	return r;
}

/* The store itself, or a log of it. */
static bool is_store(const char *path)
{
	size_t length = strlen(STORE);

	return strncasecmp(path, STORE, length) == 0 &&
	       (!path[length] || path[length] == '.');
}

/* How many there were. */
static size_t leave_out(struct state_files *files)
{
	size_t count = 0, before = files->count;

	for (size_t i = 0; i < before; i++) {
		if (is_store(files->files[i].path))
			free(files->files[i].path);
		else
			files->files[count++] = files->files[i];
	}
	files->count = count;
	return before - count;
}

/* What cannot be compared is left as it is. */
int state_check_store(struct block_source *from, struct block_source *to,
		      struct state_files *files, char **ret_why, struct err *err)
{
	struct bcd_store of_backup = { 0 }, of_disk = { 0 };
	struct err fault = { 0 };
	int r = read_store(from, &of_backup, &fault);

	if (r == 0)
		r = read_store(to, &of_disk, &fault);
	if (r == 0 && bcd_device_equal(&of_backup.boot_manager, &of_disk.boot_manager) &&
	    bcd_device_equal(&of_backup.windows, &of_disk.windows))
		return 0;
	if (!leave_out(files))
		return 0;
	*ret_why = text_format(
		"the boot store /" STORE " stays as it is on the disk: %s",
		r < 0 ? fault.text
		      : "that of the backup names other partitions, from which this "
			"Windows would not start");
	return *ret_why ? 0 : err_nomem(err);
}
