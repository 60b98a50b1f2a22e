/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Composes the bytes of a partition table. libfdisk (2.38; the only file that uses it)
 * works on a sparse scratch file in memory as large as the disk; what it wrote there is
 * read back with our own reader, compared with what was asked for and cut into the pieces
 * of the commit.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include <libfdisk/libfdisk.h>

#include <base/checked.h>

#include "table-format.h"

struct composer {
	const struct disk_layout *layout;
	struct fdisk_context *context;
	int fd;		   /* the scratch file */
	char message[256]; /* libfdisk's last warning, with ": " before it, or "" */
};

static void composer_clear(struct composer *composer)
{
	fdisk_unref_context(composer->context);
	if (composer->fd >= 0)
		close(composer->fd);
}

static void parttype_unrefp(struct fdisk_parttype **type)
{
	fdisk_unref_parttype(*type);
}

static void partition_unrefp(struct fdisk_partition **partition)
{
	fdisk_unref_partition(*partition);
}

/* libfdisk asks, warns and informs through here. */
static int keep_message(struct fdisk_context *context, struct fdisk_ask *ask, void *data)
{
	struct composer *composer = data;

	switch (fdisk_ask_get_type(ask)) {
	case FDISK_ASKTYPE_INFO:
		return 0;
	case FDISK_ASKTYPE_WARN:
	case FDISK_ASKTYPE_WARNX:
		snprintf(composer->message, sizeof(composer->message), ": %s",
			 fdisk_ask_print_get_mesg(ask));
		return 0;
	default:
		return -EINVAL; /* a question: everything was said already */
	}
}

/* code is libfdisk's: a negative errno. */
static int fdisk_failed(const struct composer *composer, int code, const char *what,
			struct err *err)
{
	return err_errno(err, code < 0 ? -code : EIO, "partition table: %s%s", what,
			 composer->message);
}

static int composer_open(struct composer *composer, struct err *err)
{
	const struct disk_layout *layout = composer->layout;
	int r;

	composer->fd = memfd_create("partition-table", MFD_CLOEXEC);
	if (composer->fd < 0)
		return err_errno(err, errno, "partition table: scratch file");
	if (layout->disk_size > INT64_MAX ||
	    ftruncate(composer->fd, (off_t)layout->disk_size) < 0)
		return err_errno(err, errno ? errno : EFBIG,
				 "partition table: scratch file of %" PRIu64 " bytes",
				 layout->disk_size);
	composer->context = fdisk_new_context();
	if (!composer->context)
		return err_nomem(err);
	fdisk_set_ask(composer->context, keep_message, composer);
	fdisk_disable_dialogs(composer->context, 1);
	r = fdisk_save_user_sector_size(composer->context, layout->sector_size,
					layout->sector_size);
	if (r == 0)
		r = fdisk_assign_device_by_fd(composer->context, composer->fd,
					      "partition table", 0);
	return r < 0 ? fdisk_failed(composer, r, "opening the scratch file", err) : 0;
}

static int composer_create_table(struct composer *composer, struct err *err)
{
	const struct disk_layout *layout = composer->layout;
	bool gpt = layout->style == TABLE_GPT;
	char id[GUID_TEXT_SIZE];
	uint64_t start, end;
	int r;

	/* Else the header would say 2048, where the first partition of today's disks
	 * starts. */
	layout_usable(layout, &start, &end);
	fdisk_set_first_lba(composer->context, start / layout->sector_size);
	r = fdisk_create_disklabel(composer->context, gpt ? "gpt" : "dos");
	if (r == 0 && gpt && layout->slots && layout->slots != GPT_SLOTS_DEFAULT)
		r = fdisk_gpt_set_npartitions(composer->context, layout->slots);
	if (gpt)
		guid_format(&layout->disk_id, id);
	else
		snprintf(id, sizeof(id), "0x%08" PRIx32, layout->mbr_signature);
	if (r == 0)
		r = fdisk_set_disklabel_id_from_string(composer->context, id);
	return r < 0 ? fdisk_failed(composer, r, "creating the table", err) : 0;
}

static struct fdisk_parttype *new_type(struct composer *composer,
				       const struct disk_partition *p)
{
	struct fdisk_parttype *type = fdisk_new_parttype();
	char text[GUID_TEXT_SIZE];

	if (!type)
		return NULL;
	if (composer->layout->style == TABLE_MBR)
		fdisk_parttype_set_code(type, p->mbr_type);
	else
		fdisk_parttype_set_typestr(type, guid_format(&p->type, text));
	return type;
}

/* An extended boot record lies this far before its logical partition: as Windows does it
 * where the gap is wide enough, else as DOS did, else right before it. */
static uint64_t record_distance(const struct disk_layout *layout,
				const struct disk_partition *logical)
{
	static const uint64_t distances[] = { 2048, 63, 1 };
	uint64_t gap = UINT64_MAX;

	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *p = &layout->partitions[i];
		uint64_t end = p->offset + p->length;

		/* The first record is always there. */
		if (p->mbr_kind == MBR_EXTENDED)
			end = p->offset + layout->sector_size;
		if (p->mbr_kind != MBR_PRIMARY && end <= logical->offset)
			gap = min_u64(gap, (logical->offset - end) / layout->sector_size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(distances); i++)
		if (distances[i] <= gap)
			return distances[i];
	return 1;
}

static int describe_partition(struct composer *composer, struct fdisk_partition *target,
			      const struct disk_partition *p)
{
	AUTO(parttype_unrefp) struct fdisk_parttype *type = new_type(composer, p);
	uint32_t sector = composer->layout->sector_size;
	char id[GUID_TEXT_SIZE];
	int r;

	if (!type)
		return -ENOMEM;
	r = fdisk_partition_set_type(target, type);
	if (r == 0)
		r = fdisk_partition_set_partno(target, p->slot - 1);
	if (r == 0)
		r = fdisk_partition_set_start(target, p->offset / sector);
	if (r == 0)
		r = fdisk_partition_set_size(target, p->length / sector);
	if (r == 0)
		r = fdisk_partition_size_explicit(target, 1);
	if (r == 0 && composer->layout->style == TABLE_GPT)
		r = fdisk_partition_set_uuid(target, guid_format(&p->id, id));
	if (r == 0 && p->name[0])
		r = fdisk_partition_set_name(target, p->name);
	return r;
}

static int add_partition(struct composer *composer, const struct disk_partition *p,
			 struct err *err)
{
	AUTO(partition_unrefp) struct fdisk_partition *target = fdisk_new_partition();
	size_t number = 0;
	char what[48];
	int r;

	if (!target)
		return err_nomem(err);
	if (p->mbr_kind == MBR_LOGICAL)
		fdisk_set_first_lba(composer->context,
				    record_distance(composer->layout, p));
	r = describe_partition(composer, target, p);
	if (r == 0)
		r = fdisk_add_partition(composer->context, target, &number);
	if (r == 0 && composer->layout->style == TABLE_GPT && p->attributes)
		r = fdisk_gpt_set_partition_attrs(composer->context, number,
						  p->attributes);
	if (r == 0 && p->mbr_active)
		r = fdisk_toggle_partition_flag(composer->context, number,
						DOS_FLAG_ACTIVE);
	snprintf(what, sizeof(what), "adding partition %u", p->slot);
	return r < 0 ? fdisk_failed(composer, r, what, err) : 0;
}

static int composer_write(struct composer *composer, struct err *err)
{
	const struct disk_layout *layout = composer->layout;
	int r = composer_open(composer, err);

	if (r == 0)
		r = composer_create_table(composer, err);
	for (size_t i = 0; i < layout->count && r == 0; i++)
		r = add_partition(composer, &layout->partitions[i], err);
	if (r < 0)
		return r;
	r = fdisk_write_disklabel(composer->context);
	return r < 0 ? fdisk_failed(composer, r, "writing it to the scratch file", err)
		     : 0;
}

/* -- reading back ---- */

static int scratch_check(struct block_source *scratch, const struct disk_layout *layout,
			 struct err *err)
{
	AUTO(layout_freep) struct disk_layout *written = NULL;
	AUTO_FREE char *notes = NULL;
	char why[256];
	int r = layout_read(scratch, layout->sector_size, &written, &notes, err);

	if (r < 0)
		return err_add(err, "partition table: reading it back");
	if (!layout_equal(layout, written, why, sizeof(why)))
		return err_set(
			err, -EIO,
			"partition table: differs from the layout when read back: %s",
			why);
	if (notes[0])
		return err_set(err, -EIO, "partition table: odd when read back: %s",
			       notes);
	return 0;
}

static int add_piece(struct table_image *image, struct block_source *scratch,
		     uint64_t offset, size_t length, struct err *err)
{
	struct table_piece *piece = &image->pieces[image->count];

	if (image->count >= ARRAY_SIZE(image->pieces))
		return err_set(
			err, -ENOTSUP,
			"partition table: too many logical partitions, at most %zu",
			ARRAY_SIZE(image->pieces) - 1);
	*piece = (struct table_piece){ .offset = offset, .length = length };
	piece->bytes = malloc(length);
	if (!piece->bytes)
		return err_nomem(err);
	image->count++;
	return source_read(scratch, piece->bytes, offset, length, err);
}

static int cut_gpt(struct table_image *image, struct block_source *scratch,
		   const struct disk_layout *layout, struct err *err)
{
	uint64_t sector = layout->sector_size, start, end;
	int r;

	layout_usable(layout, &start, &end);
	/* The table is as long behind the usable area as it is before it without LBA 0.
	 */
	r = add_piece(image, scratch, end, start - sector, err);
	return r < 0 ? r : add_piece(image, scratch, sector, start - sector, err);
}

static int cut_mbr(struct table_image *image, struct block_source *scratch,
		   const struct disk_layout *layout, struct err *err)
{
	AUTO(layout_freep) struct disk_layout *logical = layout_new();
	struct mbr_chain chain;
	int r = 0;

	if (!logical)
		return err_nomem(err);
	logical->sector_size = layout->sector_size;
	for (size_t i = 0; i < layout->count && r == 0; i++) {
		if (layout->partitions[i].mbr_kind != MBR_EXTENDED)
			continue;
		r = mbr_chain_read(scratch, &layout->partitions[i], logical, &chain, NULL,
				   err);
		for (size_t j = 0; j < chain.count && r == 0; j++)
			r = add_piece(image, scratch, chain.seen[j] * layout->sector_size,
				      layout->sector_size, err);
	}
	return r;
}

static int compose(const struct disk_layout *layout, const uint8_t *boot_code,
		   struct table_image *image, struct err *err)
{
	AUTO(composer_clear) struct composer composer = { .layout = layout, .fd = -1 };
	AUTO(source_freep) struct block_source *scratch = NULL;
	int r = composer_write(&composer, err);

	if (r < 0)
		return r;
	r = source_file_from_fd(TAKE_FD(composer.fd), "scratch file", &scratch, err);
	if (r == 0)
		r = scratch_check(scratch, layout, err);
	if (r == 0)
		r = layout->style == TABLE_GPT ? cut_gpt(image, scratch, layout, err)
					       : cut_mbr(image, scratch, layout, err);
	if (r == 0)
		r = add_piece(image, scratch, 0, layout->sector_size, err);
	if (r == 0 && boot_code)
		memcpy(image->pieces[image->count - 1].bytes, boot_code,
		       MBR_BOOT_CODE_SIZE);
	return r;
}

/* libfdisk 2.38 turns such characters into question marks. */
static int check_names(const struct disk_layout *layout, struct err *err)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *p = &layout->partitions[i];

		for (const char *c = p->name; *c; c++)
			if ((uint8_t)*c >= 0xf0)
				return err_set(
					err, -ENOTSUP,
					"partition %u: name '%s' has a character beyond "
					"U+FFFF, which cannot be written",
					p->slot, p->name);
	}
	return 0;
}

int layout_compose(const struct disk_layout *layout, const uint8_t *boot_code,
		   struct table_image *ret, struct err *err)
{
	AUTO(layout_freep) struct disk_layout *sorted = NULL;
	AUTO(table_image_clear) struct table_image image = { 0 };
	int r = layout_check(layout, err);

	if (r == 0)
		r = check_names(layout, err);
	if (r < 0)
		return r;
	/* libfdisk wants the extended partition before the logical ones and these in
	 * order. */
	sorted = layout_copy(layout);
	if (!sorted)
		return err_nomem(err);
	layout_sort(sorted);
	r = compose(sorted, boot_code, &image, err);
	if (r < 0)
		return r;
	*ret = image;
	image = (struct table_image){ 0 };
	return 0;
}

void table_image_clear(struct table_image *image)
{
	for (size_t i = 0; i < image->count; i++)
		free(image->pieces[i].bytes);
	*image = (struct table_image){ 0 };
}
