/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's side of the reader without a process behind it: the same functions over images in
 * memory, so that a restore costs a millisecond and thousands of them can be made. The real one
 * has tests of its own. Requests wait in a queue, as with the real one, and come back last first.
 */
#include "crash-reader.h"

#include <stdlib.h>
#include <string.h>

#include <base/checked.h>

#define SLOTS 6

struct reader {
	unsigned waiting, used;
	unsigned owners[SLOTS];
	struct reader_block slot[SLOTS]; /* those that wait */
};

static struct reader the_reader;
static const struct crash_image *images;
static size_t image_count;

struct reader *crash_reader(const struct crash_image *all, size_t count)
{
	images = all;
	image_count = count;
	the_reader = (struct reader){ 0 };
	return &the_reader;
}

int reader_open_volume(struct reader *reader, const struct backup_volume *volume,
		       unsigned *ret_volume, uint64_t *ret_length, struct err *err)
{
	for (size_t i = 0; i < image_count; i++) {
		if (strcmp(images[i].path, volume->image_path) == 0) {
			*ret_volume = (unsigned)i;
			*ret_length = images[i].length;
			return 0;
		}
	}
	return err_set(err, -ENOENT, "'%s': no such image", volume->image_path);
}

/* No sidecars here: delta restores read what they compare with. */
int reader_open_index(struct reader *reader, const struct backup_volume *volume,
		      unsigned *ret_volume, uint64_t *ret_length, struct err *err)
{
	return err_set(err, -ENOENT, "no index");
}

int reader_close_volume(struct reader *reader, unsigned volume, struct err *err)
{
	return 0;
}

/* Pieces of PIECE bytes: of eight, one zeros, one free, the rest stored. */
enum range_kind crash_image_kind(uint64_t offset)
{
	uint64_t number = offset / CRASH_PIECE;

	return number % 8 == 3 ? RANGE_ZERO : number % 8 == 6 ? RANGE_FREE : RANGE_DATA;
}

int reader_map(struct reader *reader, unsigned volume, uint64_t offset,
	       struct volume_range *ranges, size_t max, size_t *ret_count,
	       struct err *err)
{
	size_t count = 0;

	/* One range at a time is joined with no other: many small pieces. */
	while (count < 1 && offset < images[volume].length) {
		uint64_t end = min_u64(align_down(offset, CRASH_PIECE) + CRASH_PIECE,
				       images[volume].length);

		ranges[count++] = (struct volume_range){ offset, end - offset,
							 crash_image_kind(offset) };
		offset = end;
	}
	*ret_count = count;
	return 0;
}

void reader_on_wait(struct reader *reader, reader_tick *tick, void *context)
{
}

uint32_t reader_request_size(const struct reader *reader)
{
	return READER_SLOT_SIZE;
}

unsigned reader_processes(const struct reader *reader)
{
	return 1;
}

void reader_trouble(const struct reader *reader, struct reader_trouble *ret)
{
	*ret = (struct reader_trouble){ 0 };
}

int reader_check_given_up(const struct reader *reader, struct err *err)
{
	return 0;
}

int reader_expect_blocks(struct reader *reader, struct err *err)
{
	return 0;
}

void reader_set_ordered(struct reader *reader, bool ordered)
{
}

void reader_memory_of_blocks(const struct reader *reader, void **ret, size_t *ret_length)
{
	*ret = NULL;
	*ret_length = 0;
}

bool reader_can_submit(const struct reader *reader, uint32_t length)
{
	return reader->used < SLOTS;
}

unsigned reader_in_flight(const struct reader *reader)
{
	return reader->waiting;
}

bool reader_has_block(const struct reader *reader)
{
	return false;
}

int reader_submit(struct reader *reader, unsigned volume, uint64_t offset,
		  uint32_t length, struct err *err)
{
	unsigned slot = 0;

	while (reader->owners[slot])
		slot++;
	reader->slot[reader->waiting++] = (struct reader_block){
		.volume = volume,
		.offset = offset,
		.length = length,
		.bytes = images[volume].bytes + offset,
		.slot = slot,
	};
	reader->owners[slot] = 1;
	reader->used++;
	return 0;
}

int reader_wait(struct reader *reader, unsigned timeout_ms, struct reader_block *ret,
		struct err *err)
{
	*ret = reader->slot[--reader->waiting];
	return 0;
}

void reader_hold(struct reader *reader, unsigned slot)
{
	reader->owners[slot]++;
}

void reader_release(struct reader *reader, unsigned slot)
{
	if (--reader->owners[slot] == 0)
		reader->used--;
}

int reader_source(struct reader *reader, unsigned volume, struct block_source **ret,
		  struct err *err)
{
	*ret = NULL; /* the fix-ups of the harness look at nothing */
	return 0;
}
