/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows' own boot files: see boot-files.h. */
#include "boot-files.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#include "boot-store-new.h"
#include "hives/hive-load.h"

/* Windows 11 has some 250 files of 40 MiB, in folders of folders. */
#define FILES_MAX 2000
#define BYTES_MAX (128 * MiB)
#define DEPTH_MAX 4

int boot_file_read(struct ntfs *windows, const char *path, uint8_t **ret,
		   size_t *ret_length, struct err *err)
{
	return ntfs_file_read_all(windows, path, BYTES_MAX, ret, ret_length, err);
}

static int copy_file(struct boot_copy *copy, const char *from, const char *to,
		     struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r = boot_file_read(copy->windows, from, &bytes, &length, err);

	if (r < 0)
		return r;
	copy->bytes += length;
	if (++copy->files > FILES_MAX || copy->bytes > BYTES_MAX)
		return err_set(err, -EFBIG,
			       "'%s': more than %d boot files or %" PRIu64 " bytes", from,
			       FILES_MAX, (uint64_t)BYTES_MAX);
	return volume_edit_write(copy->to, to, bytes, length, err);
}

static int copy_folder(struct boot_copy *copy, const char *from, const char *to,
		       unsigned depth, struct err *err);

static int copy_entry(struct boot_copy *copy, const struct tree_entry *entry,
		      const char *folder, const char *to_folder, unsigned depth,
		      struct err *err)
{
	AUTO_FREE char *from = text_format("%s/%s", folder, entry->name);
	AUTO_FREE char *to =
		text_format("%s%s%s", to_folder, to_folder[0] ? "/" : "", entry->name);

	if (!from || !to)
		return err_nomem(err);
	return entry->is_folder ? copy_folder(copy, from, to, depth + 1, err)
				: copy_file(copy, from, to, err);
}

static int copy_folder(struct boot_copy *copy, const char *from, const char *to,
		       unsigned depth, struct err *err)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	int r;

	if (depth > DEPTH_MAX)
		return err_set(err, -EFBIG, "'%s': folders deeper than %d", from,
			       DEPTH_MAX);
	r = ntfs_list(copy->windows, from, &listing, err);
	if (r == 0 && to[0])
		r = volume_edit_make_folder(copy->to, to, err);
	for (size_t i = 0; r == 0 && i < listing.count; i++)
		if (strcmp(listing.entries[i].name, ".") != 0 &&
		    strcmp(listing.entries[i].name, "..") != 0)
			r = copy_entry(copy, &listing.entries[i], from, to, depth, err);
	return r;
}

int boot_files_copy(struct boot_copy *copy, const struct boot_folder *folders,
		    size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		struct err fault = { 0 };
		int r = copy_folder(copy, folders[i].from, folders[i].to, 1, &fault);

		if (r < 0 && !(r == -ENOENT && folders[i].optional))
			return err_set(err, r, "%s", fault.text);
	}
	return 0;
}

/* "de-DE", "sr-Latn-RS" */
static bool is_locale(const struct tree_entry *entry)
{
	const char *name = entry->name;

	return entry->is_folder && strlen(name) < BOOT_LOCALE_SIZE &&
	       isalpha((unsigned char)name[0]) && isalpha((unsigned char)name[1]) &&
	       name[2] == '-';
}

int boot_files_locale(struct ntfs *windows, const char *folder, char *ret,
		      struct err *err)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	const char *found = NULL;
	int r = ntfs_list(windows, folder, &listing, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < listing.count; i++) {
		const char *name = listing.entries[i].name;

		if (!is_locale(&listing.entries[i]))
			continue;
		if (!found || strcasecmp(name, "en-US") == 0 ||
		    (strcasecmp(found, "en-US") != 0 && strcasecmp(name, found) < 0))
			found = name;
	}
	snprintf(ret, BOOT_LOCALE_SIZE, "%s", found ? found : "en-US");
	return 0;
}

/* -- the boot store ---- */

/* What is named by the plan: the partition of that role. */
static int find_device(const struct restore_plan *plan, enum volume_role role,
		       struct bcd_device *ret, struct err *err)
{
	const struct disk_layout *after = plan->after;

	for (size_t i = 0; i < after->count; i++) {
		const struct disk_partition *p = &after->partitions[i];

		if (!plan->partitions[i].volume ||
		    plan->partitions[i].volume->role != role)
			continue;
		*ret = (struct bcd_device){
			.kind = after->style == TABLE_GPT ? BCD_DEVICE_GPT
							  : BCD_DEVICE_MBR,
			.partition_id = p->id,
			.disk_id = after->disk_id,
			.mbr_signature = after->mbr_signature,
			.offset = p->offset,
		};
		return 0;
	}
	return err_set(err, -ENOENT, "the new disk has no partition for %s",
		       volume_role_text(role));
}

int boot_files_add_store(const struct fixup_job *job,
			 const struct boot_store_place *place, struct volume_edit *to,
			 struct err *err)
{
	const struct volume_info ntfs = { .fs = FS_NTFS };
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	char locale[BOOT_LOCALE_SIZE];
	struct boot_store_new wanted = { .uefi = job->plan->uefi, .locale = locale };
	struct hive_image template = { 0 };
	size_t length = 0;
	int r = find_device(job->plan, ROLE_WINDOWS, &wanted.windows, err);

	if (r == 0)
		r = find_device(job->plan, job->plan->uefi ? ROLE_ESP : ROLE_WINDOWS,
				&wanted.system, err);
	if (r == 0)
		r = boot_files_locale(place->windows, place->folder, locale, err);
	if (r == 0)
		r = hive_load(place->volume, &ntfs, BCD_TEMPLATE_PATH, &template, err);
	if (r == 0)
		r = hive_editor_new(&template, BCD_TEMPLATE_PATH, &editor, err);
	if (r == 0)
		r = boot_store_grow(&wanted, editor, err);
	if (r == 0)
		r = hive_editor_commit(editor, &bytes, &length, err);
	return r < 0 ? r : volume_edit_write(to, place->path, bytes, length, err);
}

int boot_files_fill(struct fixup_job *job, const struct volume_info *fs,
		    struct ntfs *windows, boot_fill *fill, unsigned *ret_files,
		    struct err *err)
{
	AUTO(volume_edit_freep) struct volume_edit *edit = NULL;
	struct boot_copy copy = { .windows = windows };
	int r = volume_edit_open(job->overlay, fs, fixup_time(job), &edit, err);

	if (r < 0)
		return r;
	copy.to = edit;
	r = fill(job, &copy, err);
	if (r == 0)
		r = volume_edit_close(&edit, err);
	if (r == 0)
		*ret_files = copy.files;
	return r;
}
