/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blocks: the slots of the shared ring, and which process is asked for which. A block has one
 * slot or, where it is larger, several that follow each other; it is read into them, and written
 * to the disk from them. What no process has time for is queued here; where the ring is full
 * nothing more is asked for.
 */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "reader-internal.h"

/* Blocks that one process is asked for at a time: the next ones wait at its door while the
 * engine is busy with a flush. */
#define DEPTH_MAX 16

/* Queued blocks: enough that a process that becomes free has one. */
#define QUEUED_MAX READER_PROCESSES

int reader_check_range(const struct reader *reader, unsigned volume, uint64_t offset,
		       uint64_t length, struct err *err)
{
	if (volume >= READER_MAX_VOLUMES || !reader->volumes[volume].open)
		return err_set(err, -EINVAL, "volume %u is not open in the reader",
			       volume);
	if (!range_within(offset, length, reader->volumes[volume].length))
		return err_set(err, -EINVAL,
			       "'%s': range %" PRIu64 "+%" PRIu64
			       " leaves the volume of %" PRIu64 " bytes",
			       reader->volumes[volume].name, offset, length,
			       reader->volumes[volume].length);
	return 0;
}

/* -- slots ------------------------------------------------------------------------ */

static unsigned slots_of(const struct reader *reader, uint32_t length)
{
	return (unsigned)((length + (uint64_t)reader->slot_size - 1) / reader->slot_size);
}

/* The first of span free slots that follow each other; slots: there are none. */
static unsigned find_room(const struct reader *reader, unsigned span)
{
	unsigned free_slots = 0;

	for (unsigned i = 0; i < reader->slots; i++) {
		free_slots = reader->slot[i].state == SLOT_FREE ? free_slots + 1 : 0;
		if (free_slots == span)
			return i + 1 - span;
	}
	return reader->slots;
}

static void free_slots(struct reader *reader, struct reader_slot *slot)
{
	for (unsigned i = 0; i < slot->span; i++)
		slot[i].state = SLOT_FREE;
}

bool reader_can_submit(const struct reader *reader, uint32_t length)
{
	return reader->broken.code == 0 && reader->queued < QUEUED_MAX &&
	       find_room(reader, slots_of(reader, length)) < reader->slots;
}

uint32_t reader_request_size(const struct reader *reader)
{
	return reader->request_slots * reader->slot_size;
}

unsigned reader_processes(const struct reader *reader)
{
	return reader->processes;
}

void reader_set_ordered(struct reader *reader, bool ordered)
{
	reader->ordered = ordered;
}

unsigned reader_in_flight(const struct reader *reader)
{
	return reader->in_flight;
}

void reader_hold(struct reader *reader, unsigned slot)
{
	if (slot < reader->slots && reader->slot[slot].state == SLOT_HELD)
		reader->slot[slot].owners++;
}

void reader_release(struct reader *reader, unsigned slot)
{
	if (slot < reader->slots && reader->slot[slot].state == SLOT_HELD &&
	    --reader->slot[slot].owners == 0)
		free_slots(reader, &reader->slot[slot]);
}

void reader_memory_of_blocks(const struct reader *reader, void **ret, size_t *ret_length)
{
	*ret = reader->memory;
	*ret_length = (size_t)reader->slots * reader->slot_size;
}

/* -- who reads what --------------------------------------------------------------- */

static unsigned depth(const struct reader *reader)
{
	unsigned wanted = reader->processes * reader->request_slots;

	return (unsigned)min_u64(max_u64(READER_ASKED_OF(reader->slots) / wanted, 1),
				 DEPTH_MAX);
}

/* The one that was asked for first and that the process may read. NULL: none. */
static struct reader_slot *next_queued(const struct reader *reader, unsigned process)
{
	struct reader_slot *found = NULL;

	for (unsigned i = 0; i < reader->slots && reader->queued; i++) {
		struct reader_slot *slot = &reader->slot[i];

		if (slot->state == SLOT_QUEUED && !(process && slot->only_reader) &&
		    (!found || slot->sequence < found->sequence))
			found = slot;
	}
	return found;
}

/* The process with the least to do, of those that have something to do next. */
static struct reader_slot *choose(struct reader *reader, unsigned *ret_process)
{
	struct reader_slot *found = NULL;
	unsigned least = depth(reader);

	for (unsigned i = 0; i < READER_PROCESSES; i++) {
		const struct reader_link *link = &reader->links[i];
		struct reader_slot *slot;

		if (!link->ready || link->asked >= least)
			continue;
		slot = next_queued(reader, i);
		if (!slot || (i && !reader_helper_opens(reader, i, slot->request.volume)))
			continue;
		found = slot;
		least = link->asked;
		*ret_process = i;
	}
	return found;
}

/* All of the block, or what is asked for at once of what is still missing. */
static void next_request(struct reader *reader, const struct reader_slot *slot,
			 unsigned process, struct reader_request *ret)
{
	uint32_t length = slot->length - slot->done;

	*ret = slot->request;
	if (process == 0 && reader->part)
		length = (uint32_t)min_u64(length, reader->part);
	ret->offset = slot->offset + slot->done;
	ret->length = length;
	ret->skip = slot->done;
	ret->id = ++reader->last_id;
}

int reader_part_came(struct reader *reader, struct reader_slot *slot, struct err *err)
{
	int r;

	if (slot->reply.code == 0) {
		slot->done += slot->request.length;
		slot->work_ns += slot->reply.value;
		if (reader->part) /* a whole one: the line is as good as ever */
			reader->part =
				reader->part < READER_MAX_REQUEST ? reader->part * 2 : 0;
		if (slot->done < slot->length) {
			slot->state = SLOT_QUEUED;
			reader->queued++;
		}
	}
	r = reader_dispatch(reader, err);
	return r < 0 ? r : slot->state == SLOT_DONE;
}

int reader_dispatch(struct reader *reader, struct err *err)
{
	struct reader_request request;
	struct reader_slot *slot;
	unsigned process = 0;

	while ((slot = choose(reader, &process))) {
		struct reader_link *link = &reader->links[process];
		int r;

		next_request(reader, slot, process, &request);
		r = reader_send(reader, process, &request, -1, err);
		if (r < 0)
			return r;
		/* a helper that is no more; or it was asked for anew and counted meanwhile */
		if (slot->state != SLOT_ASKED || slot->process != process ||
		    slot->request.id != request.id)
			continue;
		if (link->asked++ == 0)
			link->since_ms = reader_now_ms();
		reader->queued--;
	}
	return 0;
}

void reader_requeue(struct reader *reader, unsigned process)
{
	for (unsigned i = 0; i < reader->slots; i++) {
		struct reader_slot *slot = &reader->slot[i];

		if (slot->state != SLOT_ASKED || slot->process != process)
			continue;
		slot->state = SLOT_QUEUED;
		reader->queued++;
	}
	reader->links[process].asked = 0;
}

void reader_requeue_all(struct reader *reader)
{
	for (unsigned i = 0; i < READER_PROCESSES; i++)
		reader_requeue(reader, i);
	for (unsigned i = 0; i < reader->slots; i++)
		reader->slot[i].only_reader = false;
}

int reader_submit(struct reader *reader, unsigned volume, uint64_t offset,
		  uint32_t length, struct err *err)
{
	uint64_t max = (uint64_t)reader->slots * reader->slot_size;
	unsigned span = slots_of(reader, length), number;
	struct reader_slot *slot;
	int r = reader_check_usable(reader, err);

	if (r == 0)
		r = reader_check_range(reader, volume, offset, length, err);
	if (r < 0)
		return r;
	if (length == 0 || length > max)
		return err_set(err, -EINVAL,
			       "a read of %" PRIu32 " bytes, must be from 1 to %" PRIu64,
			       length, max);
	number = find_room(reader, span);
	if (number == reader->slots)
		return err_set(err, -EBUSY, "all %u slots of the reader are in use",
			       reader->slots);
	slot = &reader->slot[number];
	*slot = (struct reader_slot){ .state = SLOT_QUEUED,
				      .sequence = ++reader->last_sequence,
				      .span = span,
				      .offset = offset,
				      .length = length };
	slot->request = (struct reader_request){ .op = READER_READ,
						 .slot = number,
						 .volume = volume };
	for (unsigned i = 1; i < span; i++)
		slot[i].state = SLOT_SPANNED;
	reader->in_flight++;
	reader->queued++;
	return reader_dispatch(reader, err);
}

/* -- blocks that have come -------------------------------------------------------- */

/* In the order of their answers or, ordered, of their requests. NULL: wait. */
static struct reader_slot *find_done(const struct reader *reader)
{
	struct reader_slot *found = NULL;
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < reader->slots; i++) {
		struct reader_slot *slot = &reader->slot[i];
		bool done = slot->state == SLOT_DONE;

		if (done || slot->state == SLOT_ASKED || slot->state == SLOT_QUEUED)
			first = min_u64(first, slot->sequence);
		if (done && (!found || (reader->ordered ? slot->sequence < found->sequence
							: slot->order < found->order)))
			found = slot;
	}
	return found && reader->ordered && found->sequence != first ? NULL : found;
}

bool reader_has_block(const struct reader *reader)
{
	return find_done(reader);
}

/* No block in time. Parts of one may come all the while. */
static int handle_silence(struct reader *reader, unsigned timeout_ms, int64_t *deadline,
			  struct err *err)
{
	const struct reader_link *link = &reader->links[0];
	int r;

	err_add(err, "after %u ms, %u reads in flight", timeout_ms, reader->in_flight);
	if (!reader_heals(reader))
		return -ETIMEDOUT;
	r = reader_now_ms() < link->since_ms + timeout_ms ? 0
							  : reader_heal(reader, err, err);
	*deadline = link->since_ms + timeout_ms;
	return r;
}

static int wait_for_block(struct reader *reader, unsigned timeout_ms,
			  struct reader_slot **ret, struct err *err)
{
	int64_t deadline = timeout_ms ? reader_now_ms() + timeout_ms : -1;
	struct reader_reply reply = { 0 };

	while (!(*ret = find_done(reader))) {
		int r = reader_check_usable(reader, err);

		if (r == 0)
			r = reader_receive(reader, deadline, &reply, err);
		if (r == -ETIMEDOUT)
			r = handle_silence(reader, timeout_ms, &deadline, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int reader_wait(struct reader *reader, unsigned timeout_ms, struct reader_block *ret,
		struct err *err)
{
	int64_t started = reader_now_us();
	struct reader_slot *slot = NULL;
	int r;

	if (reader->in_flight == 0)
		return err_set(err, -EINVAL, "no read is in flight");
	r = wait_for_block(reader, timeout_ms, &slot, err);
	if (r < 0)
		return r;
	reader->in_flight--;
	if (slot->reply.code < 0) {
		r = reader_answer_error(reader, &slot->reply, err);
		free_slots(reader, slot);
		return r;
	}
	slot->state = SLOT_HELD;
	slot->owners = 1;
	if (!reader->shortest_ns || slot->reply.value < reader->shortest_ns)
		reader->shortest_ns = slot->reply.value;
	*ret = (struct reader_block){
		.volume = slot->request.volume,
		.offset = slot->offset,
		.length = slot->length,
		.bytes = reader_memory(reader, slot->request.slot),
		.slot = slot->request.slot,
		.work_ns = slot->work_ns,
	};
	if (reader->part) /* first all must be well again */
		return 0;
	if (reader->alone) {
		reader->alone = false;
		return reader_expect_blocks(reader, err);
	}
	return reader_tune(reader, ret->length, reader_now_us() - started, err);
}
