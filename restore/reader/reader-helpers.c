/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * More processes that read blocks (ARCHITECTURE.md section 4): libsmbclient waits for each
 * answer of a share, so that one process fills a link only where the round trip is short.
 * Process 0 forks them when it is told to; they inherit its jail, its network namespace and the
 * shared memory, and open the tree again: a connection each.
 *
 * How many there are, and how much one request asks for, is found out: while the caller waits
 * for blocks, one or the other is doubled and stays so if that made it faster.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

#include <base/checked.h>
#include <base/log.h>

#include "reader-internal.h"

#define END_TIMEOUT_MS                                                                   \
	5000 /* of a process that was killed: longer only where the kernel hangs */

/* A trial is judged by what comes in this time, and by so many requests of each process. */
#define WINDOW_MS	100
#define WINDOW_REQUESTS 3

/* 10 %: less is chance. */
#define GAIN_OF(rate) ((rate) + (rate) / 10)

/* A link that was slow may not be for ever. */
#define SETTLED_MS 10000

/* A share's first ones: two processors of a server are kept busy by four connections. */
#define REMOTE_PROCESSES 4

/* Where the shortest read took so long all processes and requests of two slots are needed to
 * fill the link; to find that out by trials takes seconds. */
#define LONG_ROUND_TRIP_NS 5000000
#define LONG_REQUEST_SLOTS 2

/* -- start ------------------------------------------------------------------------ */

static unsigned find_place(const struct reader *reader)
{
	unsigned place = 1;

	while (place < READER_PROCESSES && reader->links[place].socket >= 0)
		place++;
	return place;
}

/* Its first answer, that the tree is open, comes by itself. */
static int start_one(struct reader *reader, unsigned place, struct err *err)
{
	struct reader_request request = { .op = READER_FORK,
					  .length = reader->slots + place };
	struct reader_slot *control = &reader->slot[reader->slots + place];
	struct reader_reply reply = { 0 };
	int sockets[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return err_errno(err, errno, "a socket for a reader process");
	if (setsockopt(sockets[0], SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)) < 0)
		r = err_errno(err, errno, "a socket for a reader process");
	else
		r = reader_call_with(reader, &request, sockets[1], &reply, err);
	close(sockets[1]);
	if (r < 0) {
		close(sockets[0]);
		return r;
	}
	reader->links[place] = (struct reader_link){ .pidfd = -1,
						     .socket = sockets[0],
						     .since_ms = reader_now_ms() };
	*control = (struct reader_slot){ .state = SLOT_ASKED, .process = place };
	control->request.slot = reader->slots + place;
	return 0;
}

/* As many as wanted, or as can be had: more are no condition. */
static int start_helpers(struct reader *reader, unsigned wanted, struct err *err)
{
	struct err why = { 0 };
	unsigned place;
	int r = 0;

	while (r == 0 && reader->processes < wanted &&
	       (place = find_place(reader)) < READER_PROCESSES) {
		r = start_one(reader, place, &why);
		if (r == 0)
			reader->processes++;
	}
	if (r == 0)
		return 0;
	if (reader->broken.code)
		return err_set(err, reader->broken.code, "%s", reader->broken.text);
	log_debug("one more reader process: %s, ignoring", why.text);
	reader->tuning.settled_ms = reader_now_ms();
	return 0;
}

/* -- what goes through their control slots ---------------------------------------- */

static int take_hello(struct reader_link *link, struct err *err)
{
	link->pidfd = link->pid > 0 ? pidfd_open(link->pid, 0) : -1;
	if (link->pidfd < 0)
		return err_set(err, -EPROTO, "has no process");
	link->ready = true;
	return 0;
}

int reader_helper_answer(struct reader *reader, unsigned process,
			 const struct reader_reply *reply, struct err *err)
{
	const struct reader_request *request = &reader->slot[reply->slot].request;

	if (reply->code < 0)
		return reader_answer_error(reader, reply, err);
	if (reply->op == READER_OPEN_TREE)
		return take_hello(&reader->links[process], err);
	if (request->volume == READER_MAX_VOLUMES) /* closed meanwhile */
		return 0;
	if (reply->value != reader->volumes[request->volume].length)
		return err_set(err, -ESTALE,
			       "'%s': opened as a volume of %" PRIu64
			       " bytes, expected %" PRIu64,
			       reader->volumes[request->volume].name, reply->value,
			       reader->volumes[request->volume].length);
	reader->links[process].opened |= UINT64_C(1) << request->volume;
	return 0;
}

void reader_forget_volume(struct reader *reader, unsigned volume)
{
	for (unsigned i = 1; i < READER_PROCESSES; i++) {
		struct reader_slot *control = &reader->slot[reader->slots + i];

		reader->links[i].opened &= ~(UINT64_C(1) << volume);
		if (control->state == SLOT_ASKED &&
		    control->request.op == READER_OPEN_VOLUME &&
		    control->request.volume == volume)
			control->request.volume = READER_MAX_VOLUMES;
	}
}

bool reader_helper_opens(struct reader *reader, unsigned process, unsigned volume)
{
	const struct reader_volume *open = &reader->volumes[volume];
	struct reader_link *link = &reader->links[process];
	unsigned control = reader->slots + process;
	uint8_t *memory = reader_memory(reader, control);
	size_t length = strlen(open->name);
	struct reader_request request = { .op = READER_OPEN_VOLUME,
					  .slot = control,
					  .volume = volume,
					  .length = (uint32_t)(sizeof(open->image) +
							       length) };
	struct err ignored = { 0 };

	if (link->opened & UINT64_C(1) << volume)
		return true;
	if (reader->slot[control].state != SLOT_FREE ||
	    length > reader->slot_size - sizeof(open->image))
		return false;
	memcpy(memory, &open->image, sizeof(open->image));
	memcpy(memory + sizeof(open->image), open->name, length);
	request.id = ++reader->last_id;
	link->since_ms = reader_now_ms();
	/* Where it cannot be sent the helper is no more. */
	(void)!reader_send(reader, process, &request, -1, &ignored);
	return false; /* a block would wait as long as the opening takes */
}

/* -- end -------------------------------------------------------------------------- */

/* false: it cannot be ended, and may write to the ring at any time. */
static bool kill_and_wait(const struct reader_link *link)
{
	struct pollfd ended = { .fd = link->pidfd, .events = POLLIN };

	if (link->pidfd < 0)
		return true; /* it has not said anything yet, nor been asked for a block */
	pidfd_send_signal(link->pidfd, SIGKILL, NULL, 0);
	return poll(&ended, 1, END_TIMEOUT_MS) == 1;
}

static void forget(struct reader *reader, unsigned process)
{
	struct reader_link *link = &reader->links[process];

	if (link->socket >= 0)
		close(link->socket);
	if (link->pidfd >= 0)
		close(link->pidfd);
	*link = (struct reader_link){ .socket = -1, .pidfd = -1 };
	if (reader->slot)
		reader->slot[reader->slots + process].state = SLOT_FREE;
}

int reader_drop(struct reader *reader, unsigned process, const struct err *why,
		struct err *err)
{
	bool ended = kill_and_wait(&reader->links[process]);

	log_warning("reader process %u: %s; it is dropped, others read on", process,
		    why->text);
	reader_requeue(reader, process);
	forget(reader, process);
	reader->processes--;
	reader->tuning = (struct reader_tuning){ .settled_ms = reader_now_ms() };
	if (ended)
		return reader_dispatch(reader, err);
	err_set(err, -ETIMEDOUT, "reader process %u cannot be ended: %s", process,
		why->text);
	return reader_break(reader, err);
}

/* Its answer may have come while the engine had other things to do. */
static bool has_answered(const struct reader_link *link)
{
	struct pollfd readable = { .fd = link->socket, .events = POLLIN };

	return poll(&readable, 1, 0) == 1;
}

int reader_drop_silent(struct reader *reader, int64_t *ret_deadline, struct err *err)
{
	int r = 0;

	*ret_deadline = -1;
	for (unsigned i = 1; r == 0 && i < READER_PROCESSES; i++) {
		const struct reader_link *link = &reader->links[i];
		bool busy = link->asked ||
			    reader->slot[reader->slots + i].state == SLOT_ASKED;
		int64_t limit = link->since_ms + reader->patience_ms;
		struct err why = { 0 };

		if (link->socket < 0 || !busy || has_answered(link))
			continue;
		if (reader_now_ms() < limit) {
			if (*ret_deadline < 0 || limit < *ret_deadline)
				*ret_deadline = limit;
			continue;
		}
		err_set(&why, -ETIMEDOUT, "no answer for %u ms", reader->patience_ms);
		r = reader_drop(reader, i, &why, err);
	}
	return r;
}

void reader_stop_helpers(struct reader *reader)
{
	if (getpid() != reader->engine) /* they are the engine's */
		return;
	for (unsigned i = 1; i < READER_PROCESSES; i++) {
		(void)kill_and_wait(&reader->links[i]);
		forget(reader, i);
	}
}

/* -- how many, and how much at once ----------------------------------------------- */

static void begin_window(struct reader_tuning *tuning)
{
	tuning->since_ms = reader_now_ms();
	tuning->bytes = 0;
	tuning->waited_us = 0;
}

static bool still_starting(const struct reader *reader)
{
	for (unsigned i = 1; i < READER_PROCESSES; i++)
		if (reader->links[i].socket >= 0 && !reader->links[i].answered)
			return true;
	return false;
}

static bool has_larger_requests(const struct reader *reader)
{
	unsigned slots = 2 * reader->request_slots;

	return slots * (uint64_t)reader->slot_size <= READER_MAX_REQUEST &&
	       slots * reader->processes <= READER_ASKED_OF(reader->slots);
}

/* The even trials are of processes, the odd ones of requests. */
static int try_more(struct reader *reader, struct err *err)
{
	struct reader_tuning *tuning = &reader->tuning;
	bool more = reader->processes < READER_PROCESSES;
	bool larger = has_larger_requests(reader);

	tuning->trying = more || larger;
	if (!tuning->trying)
		tuning->settled_ms = reader_now_ms();
	else if (more && (tuning->trial % 2 == 0 || !larger))
		return start_helpers(reader, 2 * reader->processes, err);
	else
		reader->request_slots *= 2;
	return 0;
}

static void judge(struct reader *reader, uint64_t rate)
{
	struct reader_tuning *tuning = &reader->tuning;

	if (!tuning->trying || rate >= GAIN_OF(tuning->rate))
		return;
	if (++tuning->trial % 2 == 0) {
		tuning->settled_ms = reader_now_ms();
		reader->request_slots = max_u64(reader->request_slots / 2, 1);
	}
	tuning->trying = false;
}

int reader_expect_blocks(struct reader *reader, struct err *err)
{
	bool long_way = reader->shortest_ns > LONG_ROUND_TRIP_NS;

	begin_window(&reader->tuning);
	if (!reader->remote)
		return 0;
	if (long_way)
		reader->request_slots =
			max_u64(reader->request_slots, LONG_REQUEST_SLOTS);
	return start_helpers(reader, long_way ? READER_PROCESSES : REMOTE_PROCESSES, err);
}

int reader_tune(struct reader *reader, uint64_t bytes, int64_t waited_us, struct err *err)
{
	struct reader_tuning *tuning = &reader->tuning;
	int64_t now = reader_now_ms(), elapsed = now - tuning->since_ms;
	bool starved;
	uint64_t rate;

	if (!tuning->since_ms) {
		begin_window(tuning);
		return 0;
	}
	tuning->bytes += bytes;
	tuning->waited_us += waited_us;
	if (elapsed < WINDOW_MS || tuning->bytes < (uint64_t)WINDOW_REQUESTS *
							   reader->processes *
							   reader_request_size(reader))
		return 0;
	rate = tuning->bytes * 1000 / (uint64_t)elapsed;
	starved = tuning->waited_us / 1000 * 4 > elapsed;
	begin_window(tuning);
	if (still_starting(reader))
		return 0;
	if (tuning->settled_ms && now - tuning->settled_ms < SETTLED_MS)
		return 0;
	judge(reader, rate);
	if (!starved || (tuning->settled_ms && now - tuning->settled_ms < SETTLED_MS))
		return 0;
	log_debug("reader: %" PRIu64 " MiB/s with %u processes, requests of %" PRIu32
		  " KiB",
		  rate >> 20, reader->processes, reader_request_size(reader) >> 10);
	tuning->settled_ms = 0;
	tuning->rate = rate;
	return try_more(reader, err);
}
