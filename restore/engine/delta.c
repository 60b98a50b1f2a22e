/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compares the disk with the backup before it is written: see delta.h. */
#include "delta.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "formats/block-index.h"
#include "restore-job.h"

_Static_assert(CHUNK_SIZE == INDEX_CHUNK, "a piece lies in one chunk of the sidecar");

struct comparison {
	const struct job_volume *volume;
	struct block_source *source; /* of the volume, for single blocks; with an index */
	struct block_source *holes;  /* the disk, if it is a file */
	uint8_t *local, *other;	     /* CHUNK_SIZE each, aligned */
	/* Data of the chunk that is being collected; with an index. */
	uint64_t chunk;
	size_t count, room;
	struct index_range *ranges;
};

/* -- what is equal ---- */

static struct comparison *comparison_of(const struct restore_job *job)
{
	return job->delta.comparison;
}

static uint64_t on_disk(const struct job_volume *volume, uint64_t offset)
{
	return volume->partition->offset + offset;
}

/* What is wiped with the old table is written again. local: the bytes on the disk. */
static int keep_bytes(struct restore_job *job, uint64_t offset, const uint8_t *local,
		      uint64_t length, struct err *err)
{
	struct chunk chunk = {
		.offset = on_disk(comparison_of(job)->volume, offset),
		.length = length,
	};

	if (job_is_wiped(job, chunk.offset, length))
		return 0;
	chunk_hash(&chunk, local);
	return chunk_list_add(&job->delta.equal, &chunk, err);
}

/* The same of what the backup has as data. */
static int keep_data(struct restore_job *job, uint64_t offset, const uint8_t *local,
		     uint64_t length, struct err *err)
{
	uint64_t place = on_disk(comparison_of(job)->volume, offset);

	if (job_is_wiped(job, place, length))
		job->delta.wiped_data += length;
	else
		job->delta.equal_data += length;
	return keep_bytes(job, offset, local, length, err);
}

static int keep_zeros(struct restore_job *job, uint64_t disk_offset, uint64_t length,
		      struct err *err)
{
	const struct chunk chunk = { .offset = disk_offset,
				     .length = length,
				     .zeros = true };

	return chunk_list_add(&job->delta.equal, &chunk, err);
}

/* -- blocks ---- */

/* A sidecar knows the block as the backup has it: with the boot sectors, which are no part of
 * what is compared here, and without what fix-ups change. */
static bool is_special(const struct job_volume *volume, uint64_t offset)
{
	uint64_t last = volume->held[volume->held_count - 1].offset;

	return offset < volume->held[0].length || offset + INDEX_BLOCK > last ||
	       offset + INDEX_BLOCK > align_down(volume->image_length, 4096) ||
	       patch_list_touches(&volume->patches, offset, INDEX_BLOCK);
}

/* The next piece of the collected data that lies in one block; false: no more. */
struct piece_walk {
	size_t range;
	uint32_t offset; /* in the chunk; where the next piece begins */
	uint32_t length; /* of the piece */
};

static bool next_piece(const struct comparison *c, struct piece_walk *walk)
{
	const struct index_range *range;

	walk->offset += walk->length;
	walk->length = 0;
	if (walk->range < c->count &&
	    walk->offset >= c->ranges[walk->range].offset + c->ranges[walk->range].length)
		walk->range++;
	if (walk->range >= c->count)
		return false;
	range = &c->ranges[walk->range];
	walk->offset = (uint32_t)max_u64(walk->offset, range->offset);
	walk->length = (uint32_t)min_u64(range->offset + range->length - walk->offset,
					 INDEX_BLOCK - walk->offset % INDEX_BLOCK);
	return true;
}

/* Reads a special block of the backup and compares it as it will be. */
static int settle_block(struct restore_job *job, unsigned block, uint32_t base,
			bool *ret_equal, struct err *err)
{
	struct comparison *c = comparison_of(job);
	struct piece_walk walk = { 0 };
	int r = 0;

	*ret_equal = true;
	while (r == 0 && *ret_equal && next_piece(c, &walk)) {
		uint64_t offset = c->chunk * INDEX_CHUNK + walk.offset;

		if (walk.offset / INDEX_BLOCK != block)
			continue;
		r = source_read(c->source, c->other, offset, walk.length, err);
		if (r < 0)
			break;
		patch_list_apply(&c->volume->patches, offset, c->other, walk.length);
		*ret_equal = memcmp(c->other, c->local + (walk.offset - base),
				    walk.length) == 0;
	}
	return r;
}

static int compare_hashes(struct restore_job *job, uint32_t base, bool *equal,
			  struct err *err)
{
	struct comparison *c = comparison_of(job);
	struct index_hash ours[INDEX_BLOCKS], theirs[INDEX_BLOCKS];
	uint64_t mask;
	int r = source_read(c->volume->index, theirs, c->chunk * INDEX_PAGE, INDEX_PAGE,
			    err);

	if (r < 0)
		return r;
	index_hash_chunk(c->local, base, c->ranges, c->count, ours);
	mask = index_mask(ours);
	for (unsigned i = 0; r == 0 && i < INDEX_BLOCKS; i++) {
		if (!(mask >> i & 1))
			continue;
		equal[i] = memcmp(&ours[i], &theirs[i], sizeof(ours[i])) == 0;
		if (!equal[i] &&
		    is_special(c->volume, c->chunk * INDEX_CHUNK + i * INDEX_BLOCK))
			r = settle_block(job, i, base, &equal[i], err);
	}
	return r;
}

/* Neighbouring pieces that are equal become one chunk of the read-back. */
static int keep_runs(struct restore_job *job, uint32_t base, const bool *equal,
		     struct err *err)
{
	struct comparison *c = comparison_of(job);
	struct piece_walk walk = { 0 };
	uint32_t from = 0, to = 0;
	int r = 0;

	while (r == 0 && next_piece(c, &walk)) {
		bool is_equal = equal[walk.offset / INDEX_BLOCK];

		job->delta.differs |= !is_equal;
		if (is_equal && walk.offset == to) {
			to += walk.length;
			continue;
		}
		if (to > from)
			r = keep_data(job, c->chunk * INDEX_CHUNK + from,
				      c->local + (from - base), to - from, err);
		from = walk.offset;
		to = is_equal ? walk.offset + walk.length : from;
	}
	if (r == 0 && to > from)
		r = keep_data(job, c->chunk * INDEX_CHUNK + from,
			      c->local + (from - base), to - from, err);
	return r;
}

/* The chunk's data is known: reads it from the disk. */
static int finish_chunk(struct restore_job *job, struct err *err)
{
	struct comparison *c = comparison_of(job);
	const struct index_range *last;
	bool equal[INDEX_BLOCKS] = { 0 };
	uint32_t base, length;
	int r;

	if (!c->count)
		return 0;
	last = &c->ranges[c->count - 1];
	base = c->ranges[0].offset;
	length = last->offset + last->length - base;
	r = gate_read(job->gate, c->local,
		      on_disk(c->volume, c->chunk * INDEX_CHUNK + base), length, err);
	if (r == 0)
		r = compare_hashes(job, base, equal, err);
	if (r == 0)
		r = keep_runs(job, base, equal, err);
	c->count = 0;
	return r < 0 ? r : job_volume_done(job, c->volume, length, err);
}

/* -- with an index: nothing is read of the backup ---- */

static int collect_piece(struct restore_job *job, const struct job_volume *volume,
			 uint64_t offset, uint32_t *length, struct err *err)
{
	struct comparison *c = comparison_of(job);
	int r = 0;

	if (c->chunk != offset / INDEX_CHUNK)
		r = finish_chunk(job, err);
	if (r < 0)
		return r;
	c->chunk = offset / INDEX_CHUNK;
	if (c->count == c->room) {
		size_t room = c->room ? c->room * 2 : 64;
		struct index_range *grown = reallocarray(c->ranges, room, sizeof(*grown));

		if (!grown)
			return err_nomem(err);
		c->ranges = grown;
		c->room = room;
	}
	c->ranges[c->count++] =
		(struct index_range){ (uint32_t)(offset % INDEX_CHUNK), *length };
	return 1;
}

/* -- without: all of it is read ---- */

static int compare_piece(struct restore_job *job, const struct piece *piece,
			 struct err *err)
{
	struct comparison *c = comparison_of(job);
	const uint8_t *wanted = piece->bytes;
	uint32_t from = 0, at = 0;
	int r = gate_read(job->gate, c->local, on_disk(c->volume, piece->offset),
			  piece->length, err);

	if (r < 0)
		return r;
	if (patch_list_touches(&c->volume->patches, piece->offset, piece->length)) {
		memcpy(c->other, piece->bytes, piece->length);
		patch_list_apply(&c->volume->patches, piece->offset, c->other,
				 piece->length);
		wanted = c->other;
	}
	while (r == 0 && at < piece->length) {
		uint64_t place = piece->offset + at;
		uint32_t part = (uint32_t)min_u64(piece->length - at,
						  INDEX_BLOCK - place % INDEX_BLOCK);

		if (memcmp(wanted + at, c->local + at, part) != 0) {
			job->delta.differs = true;
			if (at > from)
				r = keep_data(job, piece->offset + from, c->local + from,
					      at - from, err);
			from = at + part;
		}
		at += part;
	}
	if (r == 0 && at > from)
		r = keep_data(job, piece->offset + from, c->local + from, at - from, err);
	return r < 0 ? r : job_volume_done(job, c->volume, piece->length, err);
}

/* -- zeros ---- */

static int compare_extent(const struct extent *extent, void *context, struct err *err)
{
	struct restore_job *job = context;
	struct comparison *c = comparison_of(job);
	uint64_t offset = extent->offset, end = extent->offset + extent->length;
	int r = 0;

	if (extent->kind != EXTENT_DATA)
		return keep_zeros(job, offset, extent->length, err);
	while (r == 0 && offset < end) {
		size_t length = (size_t)min_u64(CHUNK_SIZE, end - offset);

		r = gate_read(job->gate, c->local, offset, length, err);
		if (r == 0 && job_all_zero(c->local, length))
			r = keep_zeros(job, offset, length, err);
		else
			job->delta.differs = true;
		if (r == 0)
			r = meter_add(&job->meter, 0, err);
		offset += length;
	}
	return r;
}

/* What fix-ups put where the backup has zeros. */
static int compare_patch(struct restore_job *job, uint64_t offset, const uint8_t *bytes,
			 uint64_t length, struct err *err)
{
	struct comparison *c = comparison_of(job);
	int r = 0;

	for (uint64_t done = 0; r == 0 && done < length;) {
		size_t part = (size_t)min_u64(CHUNK_SIZE, length - done);

		r = gate_read(job->gate, c->local, on_disk(c->volume, offset + done),
			      part, err);
		if (r == 0 && memcmp(c->local, bytes + done, part) == 0)
			r = keep_bytes(job, offset + done, c->local, part, err);
		else
			job->delta.differs = true;
		done += part;
	}
	return r;
}

static int compare_plain_zeros(struct restore_job *job, uint64_t offset, uint64_t length,
			       struct err *err)
{
	struct comparison *c = comparison_of(job);
	const struct extent all = { on_disk(c->volume, offset), length, EXTENT_DATA };

	if (!length)
		return 0;
	if (!c->holes)
		return compare_extent(&all, job, err);
	return source_walk(c->holes, all.offset, length, compare_extent, job, err);
}

static int compare_zeros(struct restore_job *job, const struct job_volume *volume,
			 uint64_t offset, uint64_t length, struct err *err)
{
	uint64_t end = offset + length;
	int r = 0;

	for (size_t i = 0; r == 0 && i < volume->patches.count; i++) {
		const struct patch *patch = &volume->patches.patches[i];
		uint64_t from = max_u64(offset, patch->offset);
		uint64_t to = min_u64(end, patch->offset + patch->length);

		if (from >= to)
			continue;
		r = compare_plain_zeros(job, offset, from - offset, err);
		if (r == 0)
			r = compare_patch(job, from,
					  patch->bytes + (from - patch->offset),
					  to - from, err);
		offset = to;
	}
	return r < 0 ? r : compare_plain_zeros(job, offset, end - offset, err);
}

/* -- tables, boot sectors, fix-ups ---- */

static int compare_bytes(struct restore_job *job, uint64_t offset, const void *bytes,
			 uint64_t length, struct err *err)
{
	struct comparison *c = comparison_of(job);
	uint32_t sector = job->plan->after->sector_size;
	uint64_t from = align_down(offset, sector), end = offset + length;

	while (from < end && !job->delta.differs) {
		uint64_t until =
			min_u64(from + CHUNK_SIZE, align_down(end + sector - 1, sector));
		uint64_t first = max_u64(from, offset), last = min_u64(until, end);
		int r = gate_read(job->gate, c->local, from, until - from, err);

		if (r < 0)
			return r;
		job->delta.differs = memcmp(c->local + (first - from),
					    (const uint8_t *)bytes + (first - offset),
					    last - first) != 0;
		from = until;
	}
	return 0;
}

static int compare_volume_ends(struct restore_job *job, const struct job_volume *volume,
			       struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < volume->held_count; i++)
		r = compare_bytes(job, on_disk(volume, volume->held[i].offset),
				  volume->held[i].bytes, volume->held[i].length, err);
	for (size_t i = 0; r == 0 && i < volume->patches.count; i++) {
		const struct patch *patch = &volume->patches.patches[i];
		uint64_t head = volume->held[0].length;
		uint64_t from = max_u64(patch->offset, head);
		uint64_t to = min_u64(patch->offset + patch->length,
				      volume->held[volume->held_count - 1].offset);

		/* what of it lies in a boot sector was compared as that */
		if (from < to)
			r = compare_bytes(job, on_disk(volume, from),
					  patch->bytes + (from - patch->offset),
					  to - from, err);
	}
	return r;
}

/* Partitions that are created empty have nothing at their edges that would be recognised. */
static int compare_empty(struct restore_job *job, const struct disk_partition *p,
			 struct err *err)
{
	struct comparison *c = comparison_of(job);
	uint64_t edge = min_u64(MiB, p->length);
	const uint64_t places[] = { p->offset, p->offset + p->length - edge };

	for (size_t i = 0; i < ARRAY_SIZE(places) && !job->delta.differs; i++) {
		int r = gate_read(job->gate, c->local, places[i], edge, err);

		if (r < 0)
			return r;
		job->delta.differs = !job_all_zero(c->local, edge);
	}
	return 0;
}

static int compare_frame(struct restore_job *job, struct err *err)
{
	const struct restore_plan *plan = job->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->volume_count; i++)
		r = compare_volume_ends(job, &job->volumes[i], err);
	for (size_t i = 0; r == 0 && i < job->table.count; i++)
		r = compare_bytes(job, job->table.pieces[i].offset,
				  job->table.pieces[i].bytes, job->table.pieces[i].length,
				  err);
	for (size_t i = 0; r == 0 && !plan->in_place && i < plan->after->count; i++)
		if (!plan->partitions[i].volume)
			r = compare_empty(job, &plan->after->partitions[i], err);
	if (r == 0 && job->kept_esp.boot_sector)
		r = compare_bytes(job, job->kept_esp.partition->offset,
				  job->kept_esp.boot_sector, plan->after->sector_size,
				  err);
	return r;
}

/* -- the phase ---- */

/* A volume that gets another shape is written. */
static bool can_compare(const struct job_volume *volume)
{
	return !volume->remade && !volume->patches.move_count;
}

static int compare_volume(struct restore_job *job, const struct job_volume *volume,
			  struct err *err)
{
	struct comparison *c = comparison_of(job);
	const struct piece_visitor by_index = {
		.known = collect_piece,
		.zero = compare_zeros,
		.unused = job->plan->wishes.wipe ? compare_zeros : NULL,
	};
	const struct piece_visitor by_bytes = {
		.data = compare_piece,
		.zero = compare_zeros,
		.unused = job->plan->wishes.wipe ? compare_zeros : NULL,
	};
	int r = 0;

	c->volume = volume;
	if (!can_compare(volume)) {
		job->delta.differs = true;
		return 0;
	}
	if (volume->index)
		r = reader_source(job->reader, volume->reader_volume, &c->source, err);
	if (r == 0)
		r = job_walk_volume(job, volume, volume->index ? &by_index : &by_bytes,
				    err);
	if (r == 0)
		r = finish_chunk(job, err);
	source_close(TAKE_PTR(c->source));
	return r;
}

static int compare_all(struct restore_job *job, struct err *err)
{
	struct comparison *c = comparison_of(job);
	size_t alignment = gate_alignment(job->gate);
	uint64_t total = 0;
	int r = 0;

	if (posix_memalign((void **)&c->local, alignment, CHUNK_SIZE) ||
	    posix_memalign((void **)&c->other, alignment, CHUNK_SIZE))
		return err_nomem(err);
	if (job->plan->disk->is_file)
		r = source_file_open(job->plan->disk->path, &c->holes, err);
	for (size_t i = 0; i < job->volume_count; i++)
		total += job->volumes[i].data;
	if (r == 0)
		r = meter_start(&job->meter, PHASE_COMPARE, total, err);
	job_expect_data(job, UINT64_MAX);
	for (size_t i = 0; r == 0 && i < job->volume_count; i++)
		r = compare_volume(job, &job->volumes[i], err);
	if (r == 0 && !job->delta.differs)
		r = compare_frame(job, err);
	return r;
}

/* What the journal of an earlier run claims was counted in other pieces. */
static void forget_claims(struct job_journal *journal)
{
	range_map_clear(&journal->claimed);
	range_map_clear(&journal->done);
	range_map_clear(&journal->durable);
	journal->claimed_sum_low = journal->claimed_sum_high = 0;
	journal->sum_low = journal->sum_high = 0;
	journal->durable_sum_low = journal->durable_sum_high = 0;
	journal->claims_nothing = true;
}

int job_compare_disk(struct restore_job *job, struct err *err)
{
	struct job_delta *delta = &job->delta;
	struct comparison comparison = { 0 };
	char equal[SIZE_TEXT_SIZE];
	int r;

	if (!delta->wanted)
		return 0;
	forget_claims(&job->journal);
	delta->comparison = &comparison;
	r = compare_all(job, err);
	delta->comparison = NULL;
	free(comparison.local);
	free(comparison.other);
	free(comparison.ranges);
	source_close(comparison.holes);
	if (r < 0)
		return r;
	qsort(delta->equal.chunks, delta->equal.count, sizeof(*delta->equal.chunks),
	      chunk_compare_offsets);
	if (!delta->differs)
		delta->equal_data += delta->wiped_data;
	job->result->unchanged += delta->equal_data;
	if (delta->differs)
		return 0;
	delta->whole = true;
	job->result->verified += delta->equal_data;
	return job_note(job, PLAN_NOTE, err,
			"'%s' holds the backup already: %s were compared, nothing was "
			"written",
			job->plan->disk->path, size_format(delta->equal_data, equal));
}
