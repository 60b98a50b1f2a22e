/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an MBR needs beside its entries: which partitions are logical, the extended partition
 * around them where no document names it, and slots without gaps. Windows' own index of a
 * logical partition counts four entries for each extended boot record, so only their order is
 * taken over.
 */
#include "plan-rules.h"

#include <base/checked.h>

#define FIRST_LOGICAL 5
#define PRIMARIES     4
#define TYPE_EXTENDED 0x0f /* with LBA addresses, as Windows writes it */

/* The distance of the first logical partition from the start of the extended one, in sectors:
 * as Windows has had it since Vista, as DOS had it, and the least. */
static const uint64_t record_gaps[] = { 2048, 63, 1 };

static const struct source_partition by_convention = {
	.offset = { 0, ORIGIN_CONVENTION },
	.length = { 0, ORIGIN_CONVENTION },
	.mbr_type = { TYPE_EXTENDED, ORIGIN_CONVENTION },
	.volume = -1,
};

static bool is_extended(const struct disk_partition *p)
{
	return p->mbr_type == 0x05 || p->mbr_type == TYPE_EXTENDED || p->mbr_type == 0x85;
}

static bool is_within(const struct disk_partition *inner,
		      const struct disk_partition *outer)
{
	return inner->offset >= outer->offset &&
	       range_within(inner->offset - outer->offset, inner->length, outer->length);
}

static enum mbr_kind kind_of(const struct disk_layout *layout,
			     const struct disk_partition *p)
{
	if (is_extended(p))
		return MBR_EXTENDED;
	for (size_t i = 0; i < layout->count; i++)
		if (is_extended(&layout->partitions[i]) &&
		    is_within(p, &layout->partitions[i]))
			return MBR_LOGICAL;
	return p->slot >= FIRST_LOGICAL ? MBR_LOGICAL : MBR_PRIMARY;
}

struct logical_span {
	uint64_t start, end; /* bytes; of all logical partitions together */
	uint64_t before;     /* where the last primary before them ends */
	unsigned logical, extended;
	unsigned slot; /* the first free one of a primary; 0: none */
};

static struct logical_span find_span(const struct disk_layout *layout)
{
	struct logical_span span = { .start = UINT64_MAX, .before = layout->sector_size };

	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *p = &layout->partitions[i];

		span.extended += p->mbr_kind == MBR_EXTENDED;
		if (p->mbr_kind != MBR_LOGICAL)
			continue;
		span.logical++;
		span.start = min_u64(span.start, p->offset);
		span.end = max_u64(span.end, p->offset + p->length);
	}
	for (unsigned slot = PRIMARIES; slot >= 1; slot--) {
		bool taken = false;

		for (size_t i = 0; i < layout->count; i++) {
			const struct disk_partition *p = &layout->partitions[i];

			taken |= p->slot == slot;
			if (p->mbr_kind == MBR_PRIMARY && p->offset < span.start)
				span.before = max_u64(span.before, p->offset + p->length);
		}
		if (!taken)
			span.slot = slot;
	}
	return span;
}

static int add_extended(struct restore_plan *plan, struct disk_layout *layout,
			const struct logical_span *span, struct err *err)
{
	struct disk_partition *p;
	uint64_t gap = 0;

	for (size_t i = 0; gap == 0 && i < ARRAY_SIZE(record_gaps); i++) {
		uint64_t bytes = record_gaps[i] * layout->sector_size;

		if (span->start > bytes && span->start - bytes >= span->before)
			gap = bytes;
	}
	if (!gap || !span->slot)
		return plan_find(
			plan, PLAN_REFUSAL, "layout", err,
			"the source disk has %u logical partitions, and there is "
			"no %s for the extended partition around them",
			span->logical, gap ? "free entry" : "room");
	p = layout_add(layout);
	if (!p)
		return err_nomem(err);
	p->slot = span->slot;
	p->offset = span->start - gap;
	p->length = span->end - p->offset;
	p->mbr_type = TYPE_EXTENDED;
	p->mbr_kind = MBR_EXTENDED;
	plan->partitions[layout->count - 1] =
		(struct plan_partition){ .source = &by_convention };
	return 0;
}

/* Documents may give two the same slot: then the place decides. */
static bool is_logical_before(const struct disk_partition *a,
			      const struct disk_partition *b)
{
	if (a->mbr_kind != MBR_LOGICAL)
		return false;
	return a->slot < b->slot || (a->slot == b->slot && a->offset < b->offset);
}

/* 5, 6, 7, … in the order that they had. */
static int renumber(struct disk_layout *layout, struct err *err)
{
	AUTO_FREE unsigned *slots = calloc(layout->count + 1, sizeof(*slots));

	if (!slots)
		return err_nomem(err);
	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *p = &layout->partitions[i];

		slots[i] = p->mbr_kind == MBR_LOGICAL ? FIRST_LOGICAL : p->slot;
		for (size_t j = 0; p->mbr_kind == MBR_LOGICAL && j < layout->count; j++)
			slots[i] += is_logical_before(&layout->partitions[j], p);
	}
	for (size_t i = 0; i < layout->count; i++)
		layout->partitions[i].slot = slots[i];
	return 0;
}

int plan_arrange_mbr(struct restore_plan *plan, struct disk_layout *layout,
		     struct err *err)
{
	struct logical_span span;
	int r;

	for (size_t i = 0; i < layout->count; i++)
		layout->partitions[i].mbr_kind = kind_of(layout, &layout->partitions[i]);
	r = renumber(layout, err);
	if (r < 0)
		return r;
	span = find_span(layout);
	if (!span.logical || span.extended)
		return 0;
	return add_extended(plan, layout, &span, err);
}
