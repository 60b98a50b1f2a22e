/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recovery of hives: see hive-log.h. The rules are those of "Windows registry file format
 * specification" (msuhanov/regf), "Format of transaction log files" and "Multiple transaction
 * log files".
 */
#include "hive-log.h"

#include <base/checked.h>
#include <base/cleanup.h>

#include "hive-check.h"
#include "hive-log-parts.h"

void hive_image_clear(struct hive_image *image)
{
	free(image->bytes);
	*image = (struct hive_image){ 0 };
}

int hive_image_grow(struct hive_image *image, size_t length, struct err *err)
{
	uint8_t *bytes;

	if (length <= image->length)
		return 0;
	if (length > HIVE_MAX_SIZE)
		return err_set(err, -EBADMSG, "log of a hive of %zu bytes, limit %u",
			       length, HIVE_MAX_SIZE);
	bytes = realloc(image->bytes, length);
	if (!bytes)
		return err_nomem(err);
	memset(bytes + image->length, 0, length - image->length);
	image->bytes = bytes;
	image->length = length;
	return 0;
}

/* Is it a log that was written to its end? */
static bool log_read(const struct hive_file *file, struct hive_log *ret)
{
	struct hive_base_disk *base = &ret->base;

	ret->file = *file;
	return file->length > HIVE_SECTOR && hive_base_read(file, "", base, NULL) == 0 &&
	       !hive_base_is_dirty(base) && get_le32(base->type) != HIVE_PRIMARY;
}

static bool primary_is_sound(const struct hive_files *files)
{
	struct hive_base_disk base;

	return hive_base_read(&files->primary, files->what, &base, NULL) == 0 &&
	       hive_base_checksum_is_right(&base);
}

static int copy_primary(const struct hive_file *primary, struct hive_image *image,
			struct err *err)
{
	size_t length = max_u64(primary->length, HIVE_BASE_SIZE);

	image->bytes = calloc(1, length);
	if (!image->bytes)
		return err_nomem(err);
	memcpy(image->bytes, primary->bytes, primary->length);
	image->length = length;
	return 0;
}

/* Both kinds of log in turn: a machine that was upgraded may have an old one left. */
static int replay(const struct hive_files *files, struct hive_image *image,
		  struct err *err)
{
	struct hive_replay job = { .image = image,
				   .base_is_sound = primary_is_sound(files) };
	int r;

	memcpy(&job.primary, files->primary.bytes, sizeof(job.primary));
	for (size_t i = 0; i < ARRAY_SIZE(files->logs); i++)
		if (log_read(&files->logs[i], &job.logs[job.log_count]))
			job.log_count++;
	r = hive_replay_new(&job, err);
	if (r == 0 && !image->replayed)
		r = hive_replay_old(&job, err);
	return r < 0 ? err_add(err, "'%s'", files->what) : 0;
}

static int check_image(const struct hive_files *files, const struct hive_image *image,
		       struct err *err)
{
	const struct hive_file file = { image->bytes, image->length };
	int r = hive_check(&file, files->what, err);

	if (r < 0 && image->how == HIVE_WAS_REPLAYED)
		return err_add(err, "after its logs were replayed");
	if (r < 0 && image->how == HIVE_WAS_UNLOGGED)
		return err_add(err, "not written to its end, and no log of it fits");
	return r;
}

static int recover(const struct hive_files *files, struct hive_image *image,
		   struct err *err)
{
	struct hive_base_disk base;
	int r = hive_base_read(&files->primary, files->what, &base, err);

	if (r == 0)
		r = copy_primary(&files->primary, image, err);
	if (r < 0)
		return r;
	if (hive_base_is_dirty(&base)) {
		r = replay(files, image, err);
		image->how = image->replayed ? HIVE_WAS_REPLAYED : HIVE_WAS_UNLOGGED;
	}
	if (r == 0)
		r = check_image(files, image, err);
	if (r < 0 || image->how == HIVE_WAS_CLEAN)
		return r;
	/* Above all numbers that are known, as a new write would be */
	memcpy(&base, image->bytes, sizeof(base));
	hive_base_seal(image->bytes, (uint32_t)max_u64(get_le32(base.sequence1),
						       get_le32(base.sequence2)) +
					     1);
	return 0;
}

int hive_recover(const struct hive_files *files, struct hive_image *ret, struct err *err)
{
	struct hive_image image = { 0 };
	int r = recover(files, &image, err);

	if (r < 0)
		hive_image_clear(&image);
	else
		*ret = image;
	return r;
}
