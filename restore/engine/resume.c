/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is what lies on a disk a restore of this plan, half or whole? The identity that the journal
 * carries, and a look at the disk that opens it read-only.
 */
#include "restore-job.h"

#include <inttypes.h>
#include <nettle/sha2.h>
#include <string.h>

#include <base/checked.h>

#include "disk-open.h"
#include "journal-mirror.h"

static int hash_text(struct text *text, uint8_t ret[32], struct err *err)
{
	AUTO_FREE char *string = text_take(text);
	struct sha256_ctx ctx;

	if (!string)
		return err_nomem(err);
	sha256_init(&ctx);
	sha256_update(&ctx, strlen(string), (const uint8_t *)string);
	sha256_digest(&ctx, 32, ret);
	return 0;
}

/* What is written and where. Not what the plan says about it, nor by which name the backup was
 * reached: those may differ when the restore is taken up again. */
static int hash_plan(const struct restore_plan *plan, uint8_t ret[32], struct err *err)
{
	const struct disk_layout *after = plan->after;
	char id[GUID_TEXT_SIZE], type[GUID_TEXT_SIZE];
	struct text text = { 0 };

	text_add(&text, "%s\n%s\nwipe %d\n", plan->machine->name, plan->version->id,
		 plan->wishes.wipe);
	text_add(&text, "table %d %" PRIu64 " %" PRIu32 " %s %08" PRIx32 "\n",
		 (int)after->style, plan->target_size, after->sector_size,
		 guid_format(&after->disk_id, id), after->mbr_signature);
	for (size_t i = 0; i < after->count; i++) {
		const struct disk_partition *p = &after->partitions[i];
		const struct backup_volume *volume = plan->partitions[i].volume;

		text_add(&text, "%u %" PRIu64 "+%" PRIu64 " %s %s %" PRIx64 " %s %d %d\n",
			 p->slot, p->offset, p->length, guid_format(&p->type, type),
			 guid_format(&p->id, id), p->attributes, p->name,
			 (int)p->mbr_type, (int)p->mbr_active);
		text_add(&text, "image %s\n", volume ? volume->image_path : "");
	}
	return hash_text(&text, ret, err);
}

int journal_identify_disk(const struct disk *disk, uint64_t size, uint8_t ret[32],
			  struct err *err)
{
	struct text text = { 0 };

	if (disk->is_file)
		text_add(&text, "file %s\n", disk->path);
	else
		text_add(&text, "wwn %s\nserial %s\n", disk->wwn, disk->serial);
	text_add(&text, "%" PRIu64 " %" PRIu32 "\n", size, disk->sector_size);
	return hash_text(&text, ret, err);
}

int journal_identify(const struct restore_plan *plan, struct journal_identity *ret,
		     struct err *err)
{
	int r;

	*ret = (struct journal_identity){ .backup_time = plan->version->time.value };
	for (size_t i = 0; i < plan->after->count; i++) {
		const struct backup_volume *volume = plan->partitions[i].volume;
		struct journal_image *image = &ret->images[ret->image_count];

		if (!volume)
			continue;
		if (ret->image_count == JOURNAL_IMAGES_MAX)
			return err_set(err, -EINVAL,
				       "more than %d images on one disk; the journal "
				       "holds no more",
				       JOURNAL_IMAGES_MAX);
		memcpy(image->unique_id, volume->image.unique_id.b,
		       sizeof(image->unique_id));
		image->file_size = volume->image.file_size;
		image->virtual_size = volume->image.virtual_size;
		image->volume_size = volume->length;
		ret->image_count++;
	}
	r = hash_plan(plan, ret->plan_hash, err);
	if (r == 0)
		r = journal_identify_disk(plan->disk, plan->target_size, ret->disk_hash,
					  err);
	return r;
}

/* The table that the plan would write is there, whole: then the commit reached its end. */
static bool has_the_table(struct block_source *disk, const struct restore_plan *plan)
{
	AUTO(layout_freep) struct disk_layout *found = NULL;

	return layout_read(disk, plan->after->sector_size, &found, NULL, NULL) == 0 &&
	       layout_equal(found, plan->after, NULL, 0);
}

/* Where there is none, or it cannot be read, the disk's own journal stands alone. */
static int read_mirror(const char *folder, const struct journal_identity *identity,
		       uint8_t **ret, struct err *err)
{
	AUTO_FREE char *path =
		folder ? journal_mirror_path(folder, identity->disk_hash) : NULL;
	AUTO_FREE uint8_t *slots = NULL;

	*ret = NULL;
	if (!folder)
		return 0;
	slots = malloc(JOURNAL_MIRROR_SIZE);
	if (!path || !slots)
		return err_nomem(err);
	if (journal_mirror_read(path, slots, NULL) == 0)
		*ret = TAKE_PTR(slots);
	return 0;
}

static void judge(struct block_source *disk, const struct restore_plan *plan,
		  const struct journal *journal, const struct journal_identity *wanted,
		  struct restore_found *ret)
{
	struct err why = { 0 };

	ret->kind = RESTORE_FOUND_OTHER;
	if (journal_compare(&journal->identity, wanted, &why) < 0)
		snprintf(ret->why, sizeof(ret->why), "%s", why.text);
	else if (journal->state != JOURNAL_DONE)
		ret->kind = RESTORE_FOUND_HALF;
	else if (has_the_table(disk, plan))
		ret->kind = RESTORE_FOUND_WHOLE;
	else
		snprintf(ret->why, sizeof(ret->why),
			 "it was finished, and the disk's table is another now");
	for (size_t i = 0; i < journal->done.count; i++)
		ret->done += journal->done.ranges[i].length;
}

static int look_at(struct block_source *disk, const struct restore_plan *plan,
		   const char *mirror_folder, struct restore_found *ret, struct err *err)
{
	size_t length = JOURNAL_SLOTS * plan->journal_slot_length;
	AUTO_FREE uint8_t *slots = malloc(length), *mirror = NULL;
	struct journal_identity wanted;
	enum journal_pick pick;
	struct journal journal = { 0 };
	int r;

	if (!slots)
		return err_nomem(err);
	r = source_read(disk, slots, plan->journal_offset, length, err);
	if (r == 0)
		r = journal_identify(plan, &wanted, err);
	if (r == 0)
		r = read_mirror(mirror_folder, &wanted, &mirror, err);
	if (r < 0)
		return r;
	r = journal_pick(slots, mirror, plan->journal_slot_length, &wanted, &journal,
			 &pick, err);
	if (r < 0)
		return r == -ENOEXEC ? 0 : r;
	judge(disk, plan, &journal, &wanted, ret);
	journal_clear(&journal);
	return 0;
}

int restore_look(const struct restore_plan *plan, const char *mirror_folder,
		 struct restore_found *ret, struct err *err)
{
	AUTO(source_freep) struct block_source *disk = NULL;
	struct restore_found found = { .kind = RESTORE_FOUND_NONE };
	int r = 0;

	if (plan->after && plan->journal_slot_length && plan->disk->exists) {
		r = disk_open_for_reading(plan->disk, &disk, err);
		if (r == 0)
			r = look_at(disk, plan, mirror_folder, &found, err);
	}
	if (r < 0)
		return r;
	/* The table came before the record that the commit is done: nothing is missing but the
	 * proof, and a restore in place gives it. */
	if (plan->in_place && found.kind != RESTORE_FOUND_WHOLE)
		found = (struct restore_found){ .kind = RESTORE_FOUND_NONE };
	*ret = found;
	return 0;
}
