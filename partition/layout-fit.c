/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fitting a layout onto a disk of another size or sector size: see layout-fit.h. Everything
 * is placed closely from the first partition that changes; what then stays free goes to those
 * that were shrunk or shall grow; recovery partitions behind them go to the end.
 */
#include <partition/layout-fit.h>

#include <inttypes.h>

#include <base/checked.h>

#define FIT_MAX 256 /* layout_check() allows no GPT with more slots */

#define MBR_TYPE_RECOVERY 0x27 /* "hidden NTFS": WinRE on MBR disks */

struct fit {
	const struct disk_layout *before;
	struct disk_layout *after; /* being made */
	const struct fit_wish *wishes;
	size_t order[FIT_MAX]; /* indices of partitions, as they will lie on the disk */
	size_t first;	     /* in order: the first that may move or change its length */
	size_t end_group;    /* in order: from here on they go to the end of the disk */
	uint64_t start, end; /* where partitions may lie */
};

bool layout_fits(const struct disk_layout *layout, uint64_t disk_size,
		 uint32_t sector_size)
{
	struct disk_layout there = *layout;

	there.sector_size = sector_size;
	for (size_t i = 0; i < layout->count; i++)
		if (layout->partitions[i].offset % sector_size ||
		    layout->partitions[i].length % sector_size)
			return false;
	return layout_minimum_size(&there) <= disk_size;
}

static bool is_recovery(const struct fit *fit, size_t index)
{
	const struct disk_partition *partition = &fit->before->partitions[index];

	if (fit->before->style == TABLE_GPT)
		return guid_equal(&partition->type, &partition_type_recovery);
	return partition->mbr_type == MBR_TYPE_RECOVERY;
}

static bool can_shrink(const struct fit *fit, size_t index)
{
	uint64_t minimum = fit->wishes[index].minimum;

	return minimum && minimum < fit->before->partitions[index].length;
}

static void move_in_order(struct fit *fit, size_t from, size_t to)
{
	size_t index = fit->order[from];

	for (; from > to; from--)
		fit->order[from] = fit->order[from - 1];
	for (; from < to; from++)
		fit->order[from] = fit->order[from + 1];
	fit->order[to] = index;
}

static void sort_by_offset(struct fit *fit)
{
	const struct disk_partition *p = fit->before->partitions;

	for (size_t i = 0; i < fit->before->count; i++) {
		size_t at = i;

		while (at > 0 && p[fit->order[at - 1]].offset > p[i].offset)
			at--;
		fit->order[i] = i;
		move_in_order(fit, i, at);
	}
}

/* What lies before the first that changes stays; recovery partitions behind it go last. */
static void choose_order(struct fit *fit)
{
	const struct disk_layout *before = fit->before;
	uint32_t sector = fit->after->sector_size;
	bool sized = false;

	sort_by_offset(fit);
	fit->first = fit->end_group = before->count;
	for (size_t i = 0; i < fit->end_group;) {
		size_t index = fit->order[i];
		const struct disk_partition *p = &before->partitions[index];
		bool is_sized = can_shrink(fit, index) || fit->wishes[index].grow ||
				fit->wishes[index].length;

		if (fit->first > i && (is_sized || p->offset % sector ||
				       p->length % sector || p->offset < fit->start))
			fit->first = i;
		if (sized && is_recovery(fit, index)) {
			move_in_order(fit, i, before->count - 1);
			fit->end_group--;
			continue;
		}
		sized |= is_sized;
		i++;
	}
}

static int check_grow(const struct fit *fit, struct err *err)
{
	const struct fit_wish *growing = NULL;

	for (size_t i = 0; i < fit->end_group; i++) {
		size_t index = fit->order[i];

		if (growing)
			return err_set(
				err, -EINVAL,
				"'%s' cannot grow: partition %u (%s) lies behind it, and "
				"only a recovery partition is moved out of the way",
				growing->name, fit->before->partitions[index].slot,
				fit->wishes[index].name);
		if (fit->wishes[index].grow)
			growing = &fit->wishes[index];
	}
	return 0;
}

/* As small as they can be, whole MiB; the others rounded up to sectors. */
static int take_minimums(struct fit *fit, struct err *err)
{
	for (size_t i = 0; i < fit->before->count; i++) {
		struct disk_partition *p = &fit->after->partitions[i];
		uint64_t length = p->length, minimum = p->length;

		if (!checked_align_up(p->length, fit->after->sector_size, &length))
			return err_set(err, -EINVAL,
				       "partition %u is %" PRIu64 " bytes long", p->slot,
				       p->length);
		if (can_shrink(fit, i) &&
		    checked_align_up(fit->wishes[i].minimum, FIT_ALIGNMENT, &minimum))
			length = min_u64(length, minimum);
		p->length = length;
	}
	return 0;
}

/* Places all from the first on, one behind the other; keeps_gaps: none before the offset
 * that it had. Returns the bytes behind the last one, negative: that are missing. */
static int64_t place(struct fit *fit, bool keeps_gaps)
{
	struct disk_partition *p = fit->after->partitions;
	const struct disk_partition *old = fit->before->partitions;
	uint64_t low = fit->start;

	if (fit->first > 0)
		low = p[fit->order[fit->first - 1]].offset +
		      p[fit->order[fit->first - 1]].length;
	for (size_t i = fit->first; i < fit->before->count; i++) {
		size_t index = fit->order[i];

		if (keeps_gaps || i == 0)
			low = max_u64(low, old[index].offset);
		(void)checked_align_up(
			low, i == 0 ? fit->after->sector_size : FIT_ALIGNMENT, &low);
		p[index].offset = low;
		low += p[index].length;
	}
	return (int64_t)(fit->end - low);
}

static void move_end_group(struct fit *fit, uint64_t spare)
{
	for (size_t i = fit->end_group; i < fit->before->count; i++)
		fit->after->partitions[fit->order[i]].offset +=
			align_down(spare, FIT_ALIGNMENT);
}

/* What one loses by being shrunk, with the alignment of what follows. */
static uint64_t loss(const struct fit *fit, size_t index)
{
	uint64_t full = fit->before->partitions[index].length;
	uint64_t now = fit->after->partitions[index].length;

	if (fit->wishes[index].length || full <= now ||
	    !checked_align_up(full, FIT_ALIGNMENT, &full))
		return 0;
	return full - now;
}

static void give_back(struct fit *fit, uint64_t spare)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < fit->before->count; i++)
		lost += loss(fit, i);
	for (size_t i = 0; i < fit->before->count; i++) {
		struct disk_partition *p = &fit->after->partitions[i];
		uint64_t own = loss(fit, i);

		if (own == 0)
			continue;
		if (spare >= lost) {
			p->length = fit->before->partitions[i].length;
			(void)checked_align_up(p->length, fit->after->sector_size,
					       &p->length);
		} else {
			p->length += align_down(
				(uint64_t)((unsigned __int128)spare * own / lost),
				FIT_ALIGNMENT);
		}
	}
}

static int too_small(const struct fit *fit, uint64_t needed, struct err *err)
{
	uint64_t size = fit->after->disk_size;
	int r = err_set(err, -ENOSPC,
			"the disk has %" PRIu64 " bytes, this layout needs %" PRIu64
			", %" PRIu64 " more",
			size, needed, needed - size);

	for (size_t i = 0; i < fit->before->count; i++)
		if (can_shrink(fit, i))
			r = err_add(err, "'%s' can be shrunk to %" PRIu64 " bytes",
				    fit->wishes[i].name, fit->wishes[i].minimum);
	return r;
}

static int fit_sizes(struct fit *fit, bool grows, uint64_t *ret_needed, struct err *err)
{
	int64_t spare;
	int r = take_minimums(fit, err);

	if (r < 0)
		return r;
	spare = place(fit, false);
	if (ret_needed)
		*ret_needed = fit->after->disk_size - (uint64_t)spare;
	if (spare < 0)
		return too_small(fit, fit->after->disk_size - (uint64_t)spare, err);
	give_back(fit, (uint64_t)spare);
	spare = place(fit, false);
	for (size_t i = 0; grows && i < fit->before->count; i++)
		if (fit->wishes[i].grow)
			fit->after->partitions[i].length +=
				align_down((uint64_t)spare, FIT_ALIGNMENT);
	spare = place(fit, false);
	move_end_group(fit, (uint64_t)spare);
	return 0;
}

/* Only sectors differ: every length is rounded up and every gap stays. */
static bool fit_in_place(struct fit *fit)
{
	struct disk_partition *p = fit->after->partitions;
	size_t end_group = fit->end_group;
	int64_t spare;

	for (size_t i = 0; i < fit->before->count; i++)
		if (!checked_align_up(p[i].length, fit->after->sector_size, &p[i].length))
			return false;
	sort_by_offset(fit);
	spare = place(fit, true);
	fit->end_group = end_group;
	if (spare >= 0)
		return true;
	for (size_t i = 0; i < fit->before->count; i++)
		p[i].offset = fit->before->partitions[i].offset;
	choose_order(fit);
	return false;
}

static int check_movable(const struct disk_layout *layout, struct err *err)
{
	if (layout->count > FIT_MAX)
		return err_set(err, -EINVAL, "%zu partitions, at most %d", layout->count,
			       FIT_MAX);
	for (size_t i = 0; i < layout->count; i++)
		if (layout->style == TABLE_MBR &&
		    layout->partitions[i].mbr_kind != MBR_PRIMARY)
			return err_set(err, -ENOTSUP,
				       "logical partitions of an MBR disk are not moved: "
				       "this layout needs %" PRIu64
				       " bytes in sectors of %" PRIu32,
				       layout_minimum_size(layout), layout->sector_size);
	return 0;
}

int layout_fit(const struct disk_layout *layout, const struct fit_wish *wishes,
	       uint64_t disk_size, uint32_t sector_size, struct disk_layout **ret,
	       uint64_t *ret_needed, struct err *err)
{
	AUTO(layout_freep) struct disk_layout *after = layout_copy(layout);
	struct fit fit = { .before = layout, .after = after, .wishes = wishes };
	bool grows = false, sized = false;
	int r;

	if (!after)
		return err_nomem(err);
	after->disk_size = disk_size;
	after->sector_size = sector_size;
	for (size_t i = 0; i < layout->count; i++) {
		grows |= wishes[i].grow;
		sized |= wishes[i].length != 0;
		if (wishes[i].length)
			after->partitions[i].length = wishes[i].length;
	}
	if (ret_needed)
		*ret_needed = layout_minimum_size(after);
	if (!grows && !sized && layout_fits(layout, disk_size, sector_size)) {
		*ret = TAKE_PTR(after);
		return 0;
	}
	r = check_movable(layout, err);
	if (r < 0)
		return r;
	layout_usable(after, &fit.start, &fit.end);
	choose_order(&fit);
	r = check_grow(&fit, err);
	if (r == 0 && (grows || !fit_in_place(&fit)))
		r = fit_sizes(&fit, grows, ret_needed, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(after);
	return 0;
}
