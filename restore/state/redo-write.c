/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A change begins: its log, and the pointer to it. See redo.h. */
#include <inttypes.h>

#include <base/checked.h>
#include <base/crc32c.h>

#include "redo-log.h"

/* What is to be written, in the order of the volume, the boot sector's page first. */
struct plan {
	const struct redo_place *place;
	const struct patch_list *patches;
	uint8_t *first; /* the page of the boot sector, where no patch has it */
	size_t count;
	struct redo_record *records;
	struct redo_pointer pointer;
};

static void plan_clear(struct plan *plan)
{
	free(plan->first);
	free(plan->records);
}

static const uint8_t *record_bytes(const struct plan *plan, size_t index)
{
	if (plan->first)
		return index ? plan->patches->patches[index - 1].bytes : plan->first;
	return plan->patches->patches[index].bytes;
}

/* -- is the volume what the patches were made for? -------------------------------------- */

static int check_before(const struct redo_place *place, const struct patch *patch,
			uint8_t *buffer, struct err *err)
{
	int r = gate_read(place->gate, buffer, place->offset + patch->offset,
			  patch->length, err);

	if (r == 0 && crc32c(0, buffer, patch->length) != patch->before)
		r = err_set(err, -ESTALE,
			    "the volume has changed since this was worked out, at byte "
			    "%" PRIu64 ": nothing was written; begin again",
			    patch->offset);
	return r;
}

static int check_all_before(const struct redo_place *place,
			    const struct patch_list *patches, struct err *err)
{
	AUTO_FREE uint8_t *buffer = redo_buffer(REDO_MAX_LENGTH);
	int r = buffer ? 0 : err_nomem(err);

	for (size_t i = 0; i < patches->count && r == 0; i++) {
		const struct patch *patch = &patches->patches[i];

		if (patch->length > REDO_MAX_LENGTH ||
		    !range_within(patch->offset, patch->length, place->length))
			return err_set(err, -EINVAL, "a change of %" PRIu32 " bytes",
				       patch->length);
		r = check_before(place, patch, buffer, err);
	}
	return r;
}

/* -- the plan ------------------------------------------------------------------------ */

static int keep_first_page(struct plan *plan, struct err *err)
{
	if (patch_list_touches(plan->patches, 0, 1))
		return 0;
	plan->first = redo_buffer(REDO_PAGE);
	if (!plan->first)
		return err_nomem(err);
	return gate_read(plan->place->gate, plan->first, plan->place->offset, REDO_PAGE,
			 err);
}

static int make_records(struct plan *plan, struct err *err)
{
	const struct patch_list *patches = plan->patches;
	size_t count = 0;

	plan->count = patches->count + (plan->first != NULL);
	if (plan->count > REDO_MAX_RECORDS)
		return err_set(err, -EFBIG, "a change of %zu ranges, at most %u",
			       plan->count, REDO_MAX_RECORDS);
	plan->records = calloc(plan->count + 1, sizeof(*plan->records));
	if (!plan->records)
		return err_nomem(err);
	if (plan->first)
		plan->records[count++] =
			(struct redo_record){ 0, REDO_PAGE,
					      crc32c(0, plan->first, REDO_PAGE) };
	for (size_t i = 0; i < patches->count; i++)
		plan->records[count++] = (struct redo_record){
			patches->patches[i].offset, patches->patches[i].length,
			crc32c(0, patches->patches[i].bytes, patches->patches[i].length)
		};
	return 0;
}

static int by_length(const void *a, const void *b)
{
	const struct redo_range *x = a, *y = b;

	return x->length > y->length ? -1 : x->length < y->length;
}

static int by_offset(const void *a, const void *b)
{
	const struct redo_range *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The largest free ranges, as many as are needed. */
static int choose_extents(struct plan *plan, struct err *err)
{
	uint64_t wanted = redo_log_length(plan->records, plan->count), found = 0;
	const struct patch_list *patches = plan->patches;
	AUTO_FREE struct redo_range *ranges =
		calloc(patches->move_count + 1, sizeof(*ranges));
	struct redo_pointer *pointer = &plan->pointer;

	if (!ranges)
		return err_nomem(err);
	for (size_t i = 0; i < patches->move_count; i++)
		ranges[i] = (struct redo_range){ patches->moves[i].to,
						 patches->moves[i].length };
	qsort(ranges, patches->move_count, sizeof(*ranges), by_length);
	for (size_t i = 0; i < patches->move_count && i < REDO_EXTENTS && found < wanted;
	     i++) {
		ranges[i].length = min_u64(ranges[i].length, wanted - found);
		pointer->extents[pointer->extent_count++] = ranges[i];
		found += ranges[i].length;
	}
	if (found < wanted)
		return err_set(err, -ENOSPC,
			       "the volume has no room for the record of the change: its "
			       "%d largest free ranges have %" PRIu64 " bytes, %" PRIu64
			       " are needed",
			       REDO_EXTENTS, found, wanted);
	qsort(pointer->extents, pointer->extent_count, sizeof(*ranges), by_offset);
	return 0;
}

static int open_gate(const struct plan *plan, struct err *err)
{
	const struct redo_place *place = plan->place;
	int r = gate_allow(place->gate, place->offset, REDO_PAGE, false, err);

	for (uint32_t i = 0; i < plan->pointer.extent_count && r == 0; i++)
		r = gate_allow(place->gate,
			       place->offset + plan->pointer.extents[i].offset,
			       plan->pointer.extents[i].length, false, err);
	return r;
}

/* -- the log ------------------------------------------------------------------------- */

static uint8_t *make_index(struct plan *plan, size_t *ret_length)
{
	size_t length = plan->count * sizeof(struct redo_record_disk);
	uint8_t *bytes = redo_buffer(redo_pages(length));

	for (size_t i = 0; bytes && i < plan->count; i++) {
		struct redo_record_disk disk = { put_le64(plan->records[i].offset),
						 put_le32(plan->records[i].length),
						 put_le32(plan->records[i].crc) };

		memcpy(bytes + i * sizeof(disk), &disk, sizeof(disk));
	}
	if (bytes)
		plan->pointer.index_crc = crc32c(0, bytes, length);
	*ret_length = redo_pages(length);
	return bytes;
}

static int write_log(struct plan *plan, const uint8_t *index, size_t index_length,
		     struct err *err)
{
	AUTO_FREE uint8_t *buffer = redo_buffer(REDO_MAX_LENGTH);
	struct redo_stream stream = redo_stream_start(plan->place, &plan->pointer);
	int r = buffer ? redo_stream_write(&stream, index, index_length, err)
		       : err_nomem(err);

	for (size_t i = 0; i < plan->count && r == 0; i++) {
		size_t length = plan->records[i].length, whole = redo_pages(length);

		memcpy(buffer, record_bytes(plan, i), length);
		memset(buffer + length, 0, whole - length);
		r = redo_stream_write(&stream, buffer, whole, err);
	}
	return r < 0 ? r : gate_flush(plan->place->gate, err);
}

/* Before anything of the volume is given up, what was written is read from the disk. */
static int prove_log(struct plan *plan, const uint8_t *index, size_t index_length,
		     struct err *err)
{
	AUTO_FREE uint8_t *buffer = redo_buffer(
		index_length > REDO_MAX_LENGTH ? index_length : REDO_MAX_LENGTH);
	struct redo_stream stream = redo_stream_start(plan->place, &plan->pointer);
	int r = buffer ? redo_stream_read(&stream, buffer, index_length, err)
		       : err_nomem(err);
	bool equal = r == 0 && memcmp(buffer, index, index_length) == 0;

	for (size_t i = 0; equal && i < plan->count; i++) {
		r = redo_stream_read(&stream, buffer, redo_pages(plan->records[i].length),
				     err);
		equal = r == 0 && crc32c(0, buffer, plan->records[i].length) ==
					  plan->records[i].crc;
	}
	if (r == 0 && !equal)
		r = err_set(err, -EIO,
			    "the disk does not hold the record of the change as it was "
			    "written: nothing of the volume was changed");
	return r;
}

static int write_pointer(const struct plan *plan, struct err *err)
{
	const struct redo_place *place = plan->place;
	AUTO_FREE uint8_t *sector = redo_buffer(place->sector_size);
	int r = sector ? 0 : err_nomem(err);

	if (r < 0)
		return r;
	redo_pointer_encode(&plan->pointer, sector);
	r = gate_write(place->gate, sector, place->offset, place->sector_size, err);
	return r < 0 ? r : gate_flush(place->gate, err);
}

static int prepare(struct plan *plan, struct err *err)
{
	int r = check_all_before(plan->place, plan->patches, err);

	if (r == 0)
		r = keep_first_page(plan, err);
	if (r == 0)
		r = make_records(plan, err);
	if (r == 0)
		r = choose_extents(plan, err);
	plan->pointer.record_count = (uint32_t)plan->count;
	return r < 0 ? r : open_gate(plan, err);
}

/* All places are named before the first write: the gate is sealed by then. */
static int allow_places(const struct plan *plan, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < plan->count && r == 0; i++)
		r = gate_allow(plan->place->gate,
			       plan->place->offset + plan->records[i].offset,
			       plan->records[i].length, false, err);
	if (r == 0)
		gate_seal(plan->place->gate);
	return r;
}

/* What redo_finish() would refuse must not be begun: by then the boot sector is gone. */
static int check_record(const struct plan *plan, const uint8_t *index,
			size_t index_length, struct err *err)
{
	AUTO_FREE struct redo_record *records = NULL;
	struct redo_pointer pointer;
	uint8_t sector[512];
	int r;

	redo_pointer_encode(&plan->pointer, sector);
	r = redo_pointer_decode(sector, &pointer, err);
	if (r == 0)
		r = redo_index_decode(&pointer, index, index_length, &records, err);
	return r < 0 ? err_add(err, "nothing was written") : 0;
}

static int write_all(struct plan *plan, struct err *err)
{
	AUTO_FREE uint8_t *index = NULL;
	size_t length = 0;
	int r = allow_places(plan, err);

	if (r < 0)
		return r;
	index = make_index(plan, &length);
	r = index ? check_record(plan, index, length, err) : err_nomem(err);
	if (r == 0)
		r = write_log(plan, index, length, err);
	return r < 0 ? r : prove_log(plan, index, length, err);
}

int redo_write(const struct redo_place *place, const struct patch_list *patches,
	       int64_t time, struct err *err)
{
	AUTO(plan_clear)
	struct plan plan = {
		.place = place,
		.patches = patches,
		.pointer = { .sector_size = place->sector_size,
			     .volume_length = place->length,
			     .time = time },
	};
	struct err fault = { 0 };
	int r = prepare(&plan, err);

	if (r == 0)
		r = write_all(&plan, err);
	if (r < 0)
		return r;
	r = write_pointer(&plan, &fault);
	if (r == 0)
		r = redo_finish_sealed(place, &fault);
	if (r == 0)
		return 0;
	return err_set(err, -EINPROGRESS,
		       "%s; the volume may be between its old and its new state, where "
		       "nothing mounts it: 'bmr restore-systemstate --disk WHICH "
		       "--finish' brings it to its end",
		       fault.text);
}
