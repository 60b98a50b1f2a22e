/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the footer of a VHD and its copy, and chooses. See vhd-footers.h. */
#include "vhd-footers.h"

#include <base/cleanup.h>
#include <base/checked.h>

/* Where the footer can begin, in bytes before the end of the file: as specified, as old
 * Virtual PC wrote it, and before the one more sector of Windows' backups (FORMAT.md
 * section 2). */
static const uint32_t footer_places[] = { VHD_FOOTER_SIZE, VHD_FOOTER_SIZE_OLD,
					  VHD_FOOTER_SIZE + VHD_SECTOR };

struct footer_found {
	uint8_t bytes[VHD_FOOTER_SIZE];
	enum vhd_mark mark;
	uint64_t offset; /* in the file */
};

static int read_footer_at(struct block_source *file, uint64_t offset,
			  struct footer_found *ret, struct err *err)
{
	struct footer_found found = { .offset = offset };
	int r = source_read(file, found.bytes, offset,
			    (size_t)min_u64(VHD_FOOTER_SIZE, file->size - offset), err);

	if (r < 0)
		return r;
	found.mark = vhd_footer_mark(found.bytes);
	*ret = found;
	return 0;
}

/* The best of the places at the end: a good one before a damaged one before none. */
static int find_end_footer(struct block_source *file, struct footer_found *ret,
			   struct err *err)
{
	struct footer_found best = { .offset = file->size };

	for (size_t i = 0; i < ARRAY_SIZE(footer_places); i++) {
		struct footer_found found;
		int r;

		if (file->size < footer_places[i])
			continue;
		r = read_footer_at(file, file->size - footer_places[i], &found, err);
		if (r < 0)
			return r;
		if (found.mark > best.mark)
			best = found;
	}
	*ret = best;
	return 0;
}

static int find_start_footer(struct block_source *file, struct footer_found *ret,
			     struct err *err)
{
	if (file->size < VHD_FOOTER_SIZE) {
		*ret = (struct footer_found){ 0 };
		return 0;
	}
	return read_footer_at(file, 0, ret, err);
}

static int no_footer(const struct block_source *file, enum vhd_mark end,
		     enum vhd_mark start, struct err *err)
{
	if (end == VHD_MARK_NONE && start == VHD_MARK_NONE)
		return err_set(
			err, -EBADMSG,
			"'%s': no VHD footer at the end and no copy at the start: cut "
			"short or not a VHD",
			file->name);
	if (start == VHD_MARK_NONE)
		return err_set(
			err, -EBADMSG,
			"'%s': checksum of the VHD footer is wrong and there is no copy "
			"at the start",
			file->name);
	if (end == VHD_MARK_NONE)
		return err_set(
			err, -EBADMSG,
			"'%s': no VHD footer at the end, and the checksum of its copy at "
			"the start is wrong",
			file->name);
	return err_set(err, -EBADMSG,
		       "'%s': checksums of the VHD footer and of its copy are both wrong",
		       file->name);
}

/* The end's footer is gone: a write was interrupted while it moved, or the file was cut.
 * The blocks are checked against the file's size in any case. */
static int use_start_footer(struct block_source *file, const struct footer_found *start,
			    enum vhd_mark end_mark, struct image_info *info,
			    struct vhd_footer *ret, struct err *err)
{
	int r = vhd_footer_parse(file->name, start->bytes, ret, err);

	if (r < 0)
		return r;
	if (ret->type == VHD_FIXED)
		return err_set(err, -EBADMSG,
			       "'%s': no sound VHD footer at the end of a fixed image: "
			       "cut short",
			       file->name);
	image_note(info, "footer at the end is %s: its copy at the start is used",
		   end_mark == VHD_MARK_NONE ? "missing" : "damaged");
	return 0;
}

int vhd_footers_read(struct block_source *file, struct image_info *info,
		     struct vhd_footer *ret, uint64_t *ret_end, struct err *err)
{
	struct footer_found end, start;
	struct vhd_footer copy;
	int r = find_end_footer(file, &end, err);

	if (r == 0)
		r = find_start_footer(file, &start, err);
	if (r < 0)
		return r;
	if (end.mark != VHD_MARK_GOOD && start.mark != VHD_MARK_GOOD)
		return no_footer(file, end.mark, start.mark, err);
	*ret_end = end.mark == VHD_MARK_GOOD ? end.offset : file->size;
	if (end.mark != VHD_MARK_GOOD)
		return use_start_footer(file, &start, end.mark, info, ret, err);
	r = vhd_footer_parse(file->name, end.bytes, ret, err);
	if (r < 0 || ret->type == VHD_FIXED)
		return r;
	if (start.mark != VHD_MARK_GOOD) {
		image_note(info, "copy of the footer at the start is damaged: not used");
		return 0;
	}
	r = vhd_footer_parse(file->name, start.bytes, &copy, err);
	if (r < 0)
		return err_add(err, "copy of the footer");
	return vhd_footer_compare(file->name, ret, &copy, err);
}

int vhd_footers_probe(struct block_source *file, bool *ret_is, struct err *err)
{
	struct footer_found found;
	int r = find_start_footer(file, &found, err);

	if (r == 0 && found.mark == VHD_MARK_NONE)
		r = find_end_footer(file, &found, err);
	if (r == 0)
		*ret_is = found.mark != VHD_MARK_NONE;
	return r;
}
