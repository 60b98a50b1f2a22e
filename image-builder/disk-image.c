/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GPT and what lies within: see disk-image.h. */
#include "disk-image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <base/crc32c.h>
#include <partition/layout.h>

#include "sysroot.h"

#define SECTOR_SIZE 512
#define BACKUP_ROOM MiB /* the backup table; whole MiB for the partition's end */

/* Room for an answer file, the journal's mirror and reports beside the EFI file. */
#define IMAGE_SIZE_MIN (128 * MiB)
#define FREE_SPACE_MIN (36 * MiB) /* the allocation tables take some of it */

/* GRUB's manual, "BIOS installation" */
static const struct guid type_bios_boot = GUID_INIT(
	0x21686148, 0x6449, 0x6e6f, 0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49);

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

static int add_bios_partition(struct disk_layout *layout, const struct plan *plan,
			      struct err *err)
{
	struct disk_partition *partition = layout_add(layout);

	if (!partition)
		return err_nomem(err);
	partition->slot = 2;
	partition->offset = BIOS_CORE_OFFSET;
	partition->length = DISK_IMAGE_FAT_OFFSET - BIOS_CORE_OFFSET;
	partition->type = type_bios_boot;
	partition->id = plan_guid(plan, 2);
	strcpy(partition->name, "BIOS boot");
	return 0;
}

static int compose(const struct disk_image *image, const struct plan *plan,
		   struct table_image *ret, struct err *err)
{
	AUTO(layout_freep) struct disk_layout *layout = layout_new();
	struct disk_partition *partition = layout ? layout_add(layout) : NULL;
	int r = 0;

	if (!partition)
		return err_nomem(err);
	layout->style = TABLE_GPT;
	layout->sector_size = SECTOR_SIZE;
	layout->disk_size = plan->size;
	layout->disk_id = plan_guid(plan, 0);
	layout->slots = 128;
	partition->slot = 1;
	partition->offset = DISK_IMAGE_FAT_OFFSET;
	partition->length = plan->partition_end - DISK_IMAGE_FAT_OFFSET;
	partition->type = partition_type_basic_data;
	partition->id = plan_guid(plan, 1);
	strcpy(partition->name, "OPENBMR");
	if (image->bios)
		r = add_bios_partition(layout, plan, err);
	if (r < 0)
		return r;
	return layout_compose(layout, image->bios ? image->bios->boot_code : NULL, ret,
			      err);
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
			return err_errno(err, errno, "'%s': writing", output);
		done += (size_t)n;
	}
	return 0;
}

static int write_table(const struct disk_image *image, const struct plan *plan,
		       const char *output, struct err *err)
{
	AUTO_CLOSE int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	AUTO(table_image_clear) struct table_image table = { 0 };
	int r;

	if (fd < 0 || ftruncate(fd, (off_t)plan->size) < 0)
		return err_errno(err, errno, "'%s': creating", output);
	r = compose(image, plan, &table, err);
	for (size_t i = 0; i < table.count && r == 0; i++)
		r = write_piece(fd, &table.pieces[i], output, err);
	if (r == 0 && image->bios)
		r = write_piece(fd,
				&(struct table_piece){ .offset = BIOS_CORE_OFFSET,
						       .length = image->bios->core_length,
						       .bytes = image->bios->core },
				output, err);
	if (r == 0 && close(TAKE_FD(fd)) < 0)
		r = err_errno(err, errno, "'%s': closing", output);
	return r;
}

/* -- the whole ----------------------------------------------------------------------- */

static int fill(const struct disk_image *image, const struct plan *plan,
		const char *output, struct err *err)
{
	const struct fat_volume volume = {
		.image = output,
		.offset = DISK_IMAGE_FAT_OFFSET,
		.length = plan->partition_end - DISK_IMAGE_FAT_OFFSET,
		.bits = 32,
		.id = plan->fingerprint,
		.mtime_s = image->mtime_s,
	};

	return fat_write(&volume, image->files, image->count, err);
}

int disk_image_write(const struct disk_image *image, const char *output, struct err *err)
{
	struct plan plan;
	int r = plan_image(image, &plan, err);

	if (r < 0)
		return r;
	r = write_table(image, &plan, output, err);
	if (r == 0)
		r = fill(image, &plan, output, err);
	if (r < 0)
		(void)unlink(output); /* half an image must not look like one */
	return r;
}
