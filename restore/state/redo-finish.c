/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A change is brought to its end by its log, at once or after a power cut. See redo.h. */
#include <base/checked.h>
#include <base/crc32c.h>

#include "redo-log.h"

struct finish {
	const struct redo_place *place;
	struct redo_pointer pointer;
	struct redo_record *records; /* owned */
	uint8_t *buffer;	     /* owned; of one record */
	uint8_t *boot;		     /* owned; of sector 0 */
};

static void finish_clear(struct finish *finish)
{
	free(finish->records);
	free(finish->buffer);
	free(finish->boot);
}

static int read_pointer(struct finish *finish, struct err *err)
{
	const struct redo_place *place = finish->place;
	int r;

	finish->buffer = redo_buffer(REDO_MAX_LENGTH);
	finish->boot = redo_buffer(place->sector_size);
	if (!finish->buffer || !finish->boot)
		return err_nomem(err);
	r = gate_read(place->gate, finish->boot, place->offset, place->sector_size, err);
	if (r == 0)
		r = redo_pointer_decode(finish->boot, &finish->pointer, err);
	if (r == 0 && (finish->pointer.volume_length != place->length ||
		       finish->pointer.sector_size != place->sector_size))
		r = err_set(err, -EBADMSG,
			    "the record of a change is one of another partition");
	return r;
}

static int read_index(struct finish *finish, struct redo_stream *stream, struct err *err)
{
	size_t length = redo_pages(finish->pointer.record_count *
				   sizeof(struct redo_record_disk));
	AUTO_FREE uint8_t *bytes = redo_buffer(length);
	int r = bytes ? redo_stream_read(stream, bytes, length, err) : err_nomem(err);

	if (r == 0)
		r = redo_index_decode(&finish->pointer, bytes, length, &finish->records,
				      err);
	return r;
}

static int open_gate(struct finish *finish, struct err *err)
{
	const struct redo_place *place = finish->place;
	int r = 0;

	for (uint32_t i = 0; i < finish->pointer.record_count && r == 0; i++)
		r = gate_allow(place->gate, place->offset + finish->records[i].offset,
			       finish->records[i].length, false, err);
	if (r == 0)
		gate_seal(place->gate);
	return r;
}

/* What is done with the bytes of one record, which are in the buffer. */
typedef int record_step(struct finish *finish, const struct redo_record *record,
			struct err *err);

/* The boot sector stays away until all else is there. */
static int put_bytes(struct finish *finish, const struct redo_record *record,
		     struct err *err)
{
	uint32_t skip = record->offset ? 0 : finish->place->sector_size;

	if (skip)
		memcpy(finish->boot, finish->buffer, skip);
	if (skip == record->length)
		return 0;
	if (skip) /* what is written begins where the memory is aligned */
		memmove(finish->buffer, finish->buffer + skip, record->length - skip);
	return gate_write(finish->place->gate, finish->buffer,
			  finish->place->offset + record->offset + skip,
			  record->length - skip, err);
}

static int compare_bytes(struct finish *finish, const struct redo_record *record,
			 struct err *err)
{
	AUTO_FREE uint8_t *found = redo_buffer(redo_pages(record->length));
	uint32_t skip = record->offset ? 0 : finish->place->sector_size;
	int r = found ? 0 : err_nomem(err);

	if (r < 0 || skip == record->length)
		return r;
	r = gate_read(finish->place->gate, found,
		      finish->place->offset + record->offset + skip,
		      record->length - skip, err);
	if (r == 0 && memcmp(found, finish->buffer + skip, record->length - skip) != 0)
		r = err_set(err, -EIO,
			    "the disk does not hold what was written, at byte %llu of "
			    "the volume",
			    (unsigned long long)record->offset);
	return r;
}

static int each_record(struct finish *finish, struct redo_stream stream,
		       record_step *step, struct err *err)
{
	int r = 0;

	for (uint32_t i = 0; i < finish->pointer.record_count && r == 0; i++) {
		const struct redo_record *record = &finish->records[i];

		r = redo_stream_read(&stream, finish->buffer, redo_pages(record->length),
				     err);
		if (r == 0 && crc32c(0, finish->buffer, record->length) != record->crc)
			r = err_set(err, -EBADMSG,
				    "the record of a change is damaged: checksum of "
				    "range %u",
				    i);
		if (r == 0)
			r = step(finish, record, err);
	}
	return r;
}

static int nothing(struct finish *finish, const struct redo_record *record,
		   struct err *err)
{
	return 0;
}

/* The volume is there again, or is not: one sector. */
static int put_boot_sector(struct finish *finish, struct err *err)
{
	const struct redo_place *place = finish->place;
	int r = gate_write(place->gate, finish->boot, place->offset, place->sector_size,
			   err);

	if (r == 0)
		r = gate_flush(place->gate, err);
	if (r == 0)
		r = gate_read(place->gate, finish->buffer, place->offset,
			      place->sector_size, err);
	if (r == 0 && memcmp(finish->buffer, finish->boot, place->sector_size) != 0)
		r = err_set(err, -EIO, "the disk does not hold its boot sector");
	return r;
}

static int apply(struct finish *finish, struct redo_stream log, struct err *err)
{
	int r = each_record(finish, log, put_bytes, err);

	if (r == 0)
		r = gate_flush(finish->place->gate, err);
	if (r == 0)
		r = each_record(finish, log, compare_bytes, err);
	return r < 0 ? r : put_boot_sector(finish, err);
}

static int finish_it(const struct redo_place *place, bool sealed, struct err *err)
{
	AUTO(finish_clear) struct finish finish = { .place = place };
	struct redo_stream log;
	int r = read_pointer(&finish, err);

	if (r < 0)
		return r;
	log = redo_stream_start(place, &finish.pointer);
	r = read_index(&finish, &log, err);
	if (r == 0) /* all of it is sound before any of it is used */
		r = each_record(&finish, log, nothing, err);
	if (r == 0 && !sealed)
		r = open_gate(&finish, err);
	return r < 0 ? r : apply(&finish, log, err);
}

int redo_finish(const struct redo_place *place, struct err *err)
{
	return finish_it(place, false, err);
}

int redo_finish_sealed(const struct redo_place *place, struct err *err)
{
	return finish_it(place, true, err);
}
