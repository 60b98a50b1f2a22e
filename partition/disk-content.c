/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads table and file systems of a disk and says in one line what they are. */
#include "disk-content.h"

#include <fcntl.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#include "probe.h"

#define SHOWN_PARTITIONS 6	     /* more make no better line */
#define BLANK_SAMPLE	 (256 * KiB) /* of either end: tables and superblocks lie there */

static void add_kind(struct text *text, const struct probe_result *probe)
{
	text_add(text, "%s", probe->kind);
	if (probe->label[0])
		text_add(text, " \"%s\"", probe->label);
}

static int add_partitions(struct text *text, int fd, const struct disk_layout *layout,
			  struct err *err)
{
	size_t shown = 0;

	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *p = &layout->partitions[i];
		struct probe_result probe;
		int r = 0;

		if (p->mbr_kind == MBR_EXTENDED)
			continue;
		r = probe_range(fd, p->offset, p->length, &probe, err);
		if (r < 0)
			return r;
		if (!probe.kind[0])
			continue;
		if (shown++ == SHOWN_PARTITIONS) {
			text_add(text, ", …");
			return 0;
		}
		text_add(text, shown == 1 ? ": " : ", ");
		add_kind(text, &probe);
	}
	return 0;
}

static int describe_table(struct text *text, int fd, const struct disk_layout *layout,
			  struct err *err)
{
	size_t count = 0;

	for (size_t i = 0; i < layout->count; i++)
		count += layout->partitions[i].mbr_kind != MBR_EXTENDED;
	text_add(text, "%s, %zu partition%s", layout->style == TABLE_GPT ? "GPT" : "MBR",
		 count, count == 1 ? "" : "s");
	return add_partitions(text, fd, layout, err);
}

static int is_zero(struct block_source *source, uint64_t offset, uint64_t length,
		   bool *ret, struct err *err)
{
	AUTO_FREE uint8_t *bytes = malloc(length + 1);
	int r;

	if (!bytes)
		return err_nomem(err);
	r = source_read(source, bytes, offset, length, err);
	if (r < 0)
		return r;
	*ret = true;
	for (uint64_t i = 0; i < length && *ret; i++)
		*ret = bytes[i] == 0;
	return 0;
}

static int describe_rest(struct text *text, int fd, struct block_source *source,
			 struct err *err)
{
	uint64_t sample = min_u64(source->size, BLANK_SAMPLE);
	bool start_zero = false, end_zero = false;
	struct probe_result probe;
	int r;

	r = probe_range(fd, 0, source->size, &probe, err);
	if (r == 0 && probe.kind[0]) {
		add_kind(text, &probe);
		text_add(text, ", no partition table");
		return 0;
	}
	if (r == 0)
		r = is_zero(source, 0, sample, &start_zero, err);
	if (r == 0)
		r = is_zero(source, source->size - sample, sample, &end_zero, err);
	if (r == 0)
		text_add(text, start_zero && end_zero ? "blank" : "no partition table");
	return r;
}

/* -EBADMSG and read errors become content; only a lack of memory is passed on. */
static int examine_open(struct disk *disk, int fd, struct block_source *source,
			struct text *text)
{
	struct err reason = { 0 };
	int r = layout_read(source, disk->sector_size, &disk->layout, NULL, &reason);

	if (r == 0 && !disk->sector_size)
		disk->sector_size = disk->layout->sector_size;
	if (r == 0)
		r = disk->layout->style == TABLE_NONE
			    ? describe_rest(text, fd, source, &reason)
			    : describe_table(text, fd, disk->layout, &reason);
	if (r == -EBADMSG)
		text_add(text, "damaged partition table: %s", reason.text);
	else if (r < 0 && r != -ENOMEM)
		text_add(text, "%scannot be read: %s", text->length ? "; " : "",
			 reason.text);
	return r == -ENOMEM ? r : 0;
}

/* Opens the disk; -errno with its reason where that fails. */
static int open_source(const struct disk *disk, int *ret_fd, struct block_source **ret,
		       struct err *reason)
{
	AUTO_CLOSE int fd = open(disk->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	AUTO_CLOSE int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int r;

	if (copy < 0)
		return err_errno(reason, errno, "'%s'", disk->path);
	r = source_file_from_fd(TAKE_FD(copy), disk->path, ret, reason);
	if (r == 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

int disk_examine(struct disk *disk, struct err *err)
{
	AUTO(source_freep) struct block_source *source = NULL;
	AUTO(text_clear) struct text text = { 0 };
	AUTO_CLOSE int fd = -1;
	struct err reason = { 0 };
	int r = open_source(disk, &fd, &source, &reason);

	if (r == 0)
		r = examine_open(disk, fd, source, &text);
	else if (r != -ENOMEM)
		text_add(&text, "cannot be read: %s", reason.text);
	if (r == -ENOMEM)
		return err_nomem(err);
	if (!disk->sector_size)
		disk->sector_size = 512;
	if (!disk->physical_sector_size)
		disk->physical_sector_size = disk->sector_size;
	free(disk->content);
	disk->content = text_take(&text);
	return disk->content ? 0 : err_nomem(err);
}
