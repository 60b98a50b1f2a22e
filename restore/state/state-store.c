/* SPDX-License-Identifier: GPL-3.0-or-later */
/* May the boot stores of a backup replace those of a disk? See state-parts.h. */
#include "state-parts.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>

#include "evidence/bcd.h"
#include "hives/hive-load.h"

/* Of System Reserved, and of an EFI system partition. */
static const char *const stores[] = {
	"Boot/BCD",
	"EFI/Microsoft/Boot/BCD",
	"EFI/Microsoft/Recovery/BCD",
};

static int read_store(const struct state_side *side, const char *path,
		      struct bcd_store *ret, struct err *err)
{
	struct hive_image image = { 0 };
	int r = hive_load(side->volume, side->info, path, &image, err);

	if (r == 0)
		r = bcd_store_read(image.bytes, image.length, path, ret, err);
	hive_image_clear(&image);
	return r;
}

/* The store itself, or a log of it. */
static bool is_store(const char *store, const char *path)
{
	size_t length = strlen(store);

	return strncasecmp(path, store, length) == 0 &&
	       (!path[length] || path[length] == '.');
}

static void leave_out(struct state_files *files, const char *store)
{
	size_t count = 0, before = files->count;

	for (size_t i = 0; i < before; i++) {
		if (is_store(store, files->files[i].path))
			free(files->files[i].path);
		else
			files->files[count++] = files->files[i];
	}
	files->count = count;
}

static bool names_equal(const struct bcd_store *a, const struct bcd_store *b)
{
	return bcd_device_equal(&a->boot_manager, &b->boot_manager) &&
	       bcd_device_equal(&a->windows, &b->windows) &&
	       bcd_device_equal(&a->recovery, &b->recovery);
}

static bool has_store(const struct state_files *files, const char *store)
{
	for (size_t i = 0; i < files->count; i++)
		if (is_store(store, files->files[i].path))
			return true;
	return false;
}

/* What cannot be compared is left as it is. */
static void check_store(const struct state_side *from, const struct state_side *to,
			const char *store, struct state_files *files, struct text *why)
{
	struct bcd_store of_backup = { 0 }, of_disk = { 0 };
	struct err fault = { 0 };
	int r = read_store(from, store, &of_backup, &fault);

	if (r == 0)
		r = read_store(to, store, &of_disk, &fault);
	if (r == 0 && names_equal(&of_backup, &of_disk))
		return;
	leave_out(files, store);
	text_add(why, "%sthe boot store /%s stays as it is on the disk: %s",
		 why->length ? "; " : "", store,
		 r < 0 ? fault.text
		       : "that of the backup names other partitions, from which this "
			 "Windows would not start");
}

int state_check_stores(const struct state_side *from, const struct state_side *to,
		       struct state_files *files, char **ret_why, struct err *err)
{
	struct text why = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(stores); i++)
		if (has_store(files, stores[i]))
			check_store(from, to, stores[i], files, &why);
	if (!why.length && !why.failed)
		return 0;
	*ret_why = text_take(&why);
	return *ret_why ? 0 : err_nomem(err);
}
