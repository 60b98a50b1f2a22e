/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GPT and FAT32, with mkfs.fat and mtools on the image itself: see disk-image.h. */
#include "disk-image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <base/crc32c.h>
#include <base/spawn.h>
#include <base/text.h>
#include <partition/layout.h>

#include "sysroot.h"

#define SECTOR_SIZE	 512
#define PARTITION_OFFSET MiB
#define BACKUP_ROOM	 MiB /* the backup table; whole MiB for the partition's end */

/* Room for an answer file, the journal's mirror and reports beside the EFI file. */
#define IMAGE_SIZE_MIN (128 * MiB)
#define FREE_SPACE_MIN (32 * MiB)

/* -- the plan ------------------------------------------------------------------------ */

struct plan {
	uint64_t size;		/* of the image, bytes */
	uint64_t partition_end; /* bytes */
	uint32_t fingerprint; /* of the contents: ids differ between images that differ */
};

static int plan_image(const struct disk_image *image, struct plan *ret, struct err *err)
{
	struct plan plan = { 0 };
	uint64_t bytes = 0;

	for (size_t i = 0; i < image->count; i++) {
		AUTO(content_clear) struct content content = { 0 };
		int r = content_map(image->files[i].source, &content, NULL, err);

		if (r < 0)
			return r;
		bytes += content.length;
		plan.fingerprint =
			crc32c(plan.fingerprint, content.bytes, content.length);
	}
	plan.size = max_u64(IMAGE_SIZE_MIN,
			    align_down(bytes + FREE_SPACE_MIN, MiB) + 2 * MiB);
	plan.partition_end = plan.size - BACKUP_ROOM;
	*ret = plan;
	return 0;
}

/* Ids from the contents: two different sticks in one machine are told apart. */
static struct guid plan_guid(const struct plan *plan, uint8_t which)
{
	struct guid guid = GUID_INIT(0, 0x6f62, 0x4d72, 0x8d, 0x01, 0x6f, 0x70, 0x65,
				     0x6e, 0x62, 0x6d);

	memcpy(guid.b, &plan->fingerprint, sizeof(plan->fingerprint));
	guid.b[15] = which;
	return guid;
}

/* -- the table ----------------------------------------------------------------------- */

static int compose(const struct plan *plan, struct table_image *ret, struct err *err)
{
	AUTO(layout_freep) struct disk_layout *layout = layout_new();
	struct disk_partition *partition = layout ? layout_add(layout) : NULL;

	if (!partition)
		return err_nomem(err);
	layout->style = TABLE_GPT;
	layout->sector_size = SECTOR_SIZE;
	layout->disk_size = plan->size;
	layout->disk_id = plan_guid(plan, 0);
	layout->slots = 128;
	partition->slot = 1;
	partition->offset = PARTITION_OFFSET;
	partition->length = plan->partition_end - PARTITION_OFFSET;
	partition->type = partition_type_basic_data;
	partition->id = plan_guid(plan, 1);
	strcpy(partition->name, "OPENBMR");
	return layout_compose(layout, NULL, ret, err);
}

static int write_piece(int fd, const struct table_piece *piece, const char *output,
		       struct err *err)
{
	for (size_t done = 0; done < piece->length;) {
		ssize_t n = pwrite(fd, piece->bytes + done, piece->length - done,
				   (off_t)(piece->offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "'%s': writing the partition table",
					 output);
		done += (size_t)n;
	}
	return 0;
}

static int write_table(const struct plan *plan, const char *output, struct err *err)
{
	AUTO_CLOSE int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	AUTO(table_image_clear) struct table_image table = { 0 };
	int r;

	if (fd < 0 || ftruncate(fd, (off_t)plan->size) < 0)
		return err_errno(err, errno, "'%s': creating", output);
	r = compose(plan, &table, err);
	for (size_t i = 0; i < table.count && r == 0; i++)
		r = write_piece(fd, &table.pieces[i], output, err);
	if (r == 0 && close(TAKE_FD(fd)) < 0)
		r = err_errno(err, errno, "'%s': closing", output);
	return r;
}

/* -- the file system ----------------------------------------------------------------- */

static int make_fat(const struct plan *plan, const char *output, struct err *err)
{
	AUTO_FREE char *offset =
		text_format("--offset=%ju", (uintmax_t)(PARTITION_OFFSET / SECTOR_SIZE));
	AUTO_FREE char *hidden =
		text_format("-h%ju", (uintmax_t)(PARTITION_OFFSET / SECTOR_SIZE));
	AUTO_FREE char *id = text_format("-i%08x", plan->fingerprint);
	AUTO_FREE char *blocks = text_format(
		"%ju", (uintmax_t)((plan->partition_end - PARTITION_OFFSET) / KiB));
	const char *argv[] = { "mkfs.fat", "-F32", "-s2",  "--invariant", "-nOPENBMR", id,
			       hidden,	   offset, output, blocks,	  NULL };

	if (!offset || !hidden || !id || !blocks)
		return err_nomem(err);
	return spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
}

struct mtools {
	char *drive; /* -iFILE@@OFFSET */
	char *epoch; /* the time that mtools puts on files */
};

static void mtools_clear(struct mtools *mtools)
{
	free(mtools->drive);
	free(mtools->epoch);
}

static int mtools_run(const struct mtools *mtools, const char *tool, const char *source,
		      const char *target, struct err *err)
{
	const char *env[] = { mtools->epoch, "TZ=UTC", "MTOOLS_SKIP_CHECK=1", NULL };
	const char *argv[] = { tool, mtools->drive, source ? source : target,
			       source ? target : NULL, NULL };

	return spawn_run(&(struct spawn){ .argv = argv, .env = env }, NULL, err);
}

static int copy_in(const struct mtools *mtools, const struct image_file *file,
		   struct err *err)
{
	AUTO_FREE char *target = text_format("::/%s", file->name);

	if (!target)
		return err_nomem(err);
	return mtools_run(mtools, "mcopy", file->source, target, err);
}

static int make_folders(const struct mtools *mtools, const struct image_file *file,
			struct err *err)
{
	for (const char *end = strchr(file->name, '/'); end; end = strchr(end + 1, '/')) {
		AUTO_FREE char *folder =
			text_format("::/%.*s", (int)(end - file->name), file->name);
		int r;

		if (!folder)
			return err_nomem(err);
		r = mtools_run(mtools, "mmd", NULL, folder, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int fill_fat(const struct disk_image *image, const char *output, struct err *err)
{
	AUTO(mtools_clear)
	struct mtools mtools = {
		.drive = text_format("-i%s@@%ju", output, (uintmax_t)PARTITION_OFFSET),
		.epoch = text_format("SOURCE_DATE_EPOCH=%u", image->mtime_s),
	};
	int r = 0;

	if (!mtools.drive || !mtools.epoch)
		return err_nomem(err);
	for (size_t i = 0; i < image->count && r == 0; i++) {
		r = make_folders(&mtools, &image->files[i], err);
		if (r == 0)
			r = copy_in(&mtools, &image->files[i], err);
	}
	return r;
}

int disk_image_write(const struct disk_image *image, const char *output, struct err *err)
{
	struct plan plan;
	int r = plan_image(image, &plan, err);

	if (r < 0)
		return r;
	r = write_table(&plan, output, err);
	if (r == 0)
		r = make_fat(&plan, output, err);
	if (r == 0)
		r = fill_fat(image, output, err);
	if (r < 0)
		(void)unlink(output); /* half an image must not look like one */
	return r;
}
