/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When the connection to a share is lost: a fresh reader process is started, again and again with
 * growing pauses, until the server is there and every image is the one that was open before, or
 * until there is no hope or no time left (SAFETY.md section 3). What was asked for and not
 * answered is then asked for again, at the same place of the ring; nothing that the old process said
 * counts, and it is dead before its successor starts.
 *
 * A process that the engine forked (fix-ups, measuring) heals for itself by the same functions: the
 * engine then finds its own connection ended, and gets one more.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

#include <base/checked.h>
#include <base/log.h>

#include "reader-internal.h"

/* From the start of one try to that of the next: the last one from then on. A try that hangs ends
 * after HELLO_TIMEOUT_MS, so that the server's return is seen within 30 s. */
static const unsigned pauses_ms[] = { 0, 1000, 2000, 4000, 8000 };

/* More than libsmbclient waits for one answer. */
#define HELLO_TIMEOUT_MS 22000
#define OPEN_TIMEOUT_MS	 60000

/* A server that has just started may share its folders some time later. */
#define SETTLE_MS 120000

/* A login that is refused may lock the account; a server that has just started may refuse it. */
#define REFUSALS_MAX 2

/* After a loss so much is asked for at once; twice as much each time that went well, less each
 * time it did not: lines that break after each MiB, or bring some KiB per second, get on, too. */
#define FIRST_PART (256u << 10)
#define LEAST_PART (64u << 10)

enum verdict {
	VERDICT_STOP,	/* it will not be better */
	VERDICT_WAIT,	/* nobody answers */
	VERDICT_SETTLE, /* the server answers, but what is wanted is not there */
	VERDICT_REFUSED,
};

static const struct {
	int code;
	enum verdict verdict;
} verdicts[] = {
	{ ECONNABORTED, VERDICT_WAIT }, { ECONNREFUSED, VERDICT_WAIT },
	{ ECONNRESET, VERDICT_WAIT },	{ EHOSTDOWN, VERDICT_WAIT },
	{ EHOSTUNREACH, VERDICT_WAIT }, { ENETUNREACH, VERDICT_WAIT },
	{ ENETDOWN, VERDICT_WAIT },	{ EADDRNOTAVAIL, VERDICT_WAIT },
	{ ENOTCONN, VERDICT_WAIT },	{ ETIMEDOUT, VERDICT_WAIT },
	{ ENOENT, VERDICT_SETTLE },	{ ENODEV, VERDICT_SETTLE },
	{ EBUSY, VERDICT_SETTLE },	{ EAGAIN, VERDICT_SETTLE },
	{ EIO, VERDICT_SETTLE },	{ EACCES, VERDICT_REFUSED },
};

static enum verdict judge(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (verdicts[i].code == -code)
			return verdicts[i].verdict;
	return VERDICT_STOP;
}

bool reader_heals(const struct reader *reader)
{
	return reader->shared && reader->retry_ms && !reader->healing &&
	       reader->broken.code == 0;
}

bool reader_is_loss(int code)
{
	return judge(code) == VERDICT_WAIT;
}

bool reader_may_heal(const struct reader_slot *slot, int code)
{
	return reader_is_loss(code) || (!slot->retried && judge(code) == VERDICT_SETTLE);
}

/* Killed by the keeper, for a child of the engine, or for want of memory; or it has ended because
 * its socket was closed. A process that died of what it parsed would die of it again. */
bool reader_end_heals(int status)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL
				   : WEXITSTATUS(status) == 0;
}

/* -- what others may know --------------------------------------------------------- */

void reader_trouble(const struct reader *reader, struct reader_trouble *ret)
{
	const struct reader_shared *shared = reader->shared;
	int64_t since = shared ? atomic_load(&shared->lost_since_ms) : 0;

	*ret = (struct reader_trouble){ 0 };
	if (!shared)
		return;
	ret->lost = since != 0;
	ret->lost_ms = since ? (uint64_t)(reader_now_ms() - since) : 0;
	ret->tries = atomic_load(&shared->tries);
	ret->times = atomic_load(&shared->times);
	ret->total_ms = (uint64_t)atomic_load(&shared->total_ms);
}

int reader_check_given_up(const struct reader *reader, struct err *err)
{
	if (!reader->shared || !atomic_load(&reader->shared->given_up))
		return 0;
	return err_set(err, reader->shared->why.code, "%.*s",
		       (int)sizeof(reader->shared->why.text) - 1,
		       reader->shared->why.text);
}

void reader_useful(struct reader *reader)
{
	if (reader->shared && !reader->healing)
		reader->outage = (struct reader_outage){ 0 };
}

/* -- one try ---------------------------------------------------------------------- */

int reader_hello(struct reader *reader, unsigned timeout_ms, struct err *err)
{
	struct reader_slot *control = &reader->slot[reader->slots];
	struct reader_reply reply = { 0 };
	int r;

	/* The first answer is to a request that nobody sends: OPEN_TREE, id 0. */
	*control = (struct reader_slot){ .state = SLOT_ASKED };
	control->request.slot = reader->slots;
	reader->call_timeout_ms = timeout_ms;
	r = reader_wait_control(reader, &reply, err);
	reader->call_timeout_ms = READER_CALL_TIMEOUT_MS;
	return r;
}

static int reopen(struct reader *reader, unsigned number, struct err *err)
{
	const struct reader_volume *volume = &reader->volumes[number];
	struct reader_request request = volume->opening;
	struct reader_reply reply = { 0 };
	int r;

	memcpy(reader_control(reader), volume->payload, request.length);
	r = reader_call(reader, &request, &reply, err);
	if (r < 0)
		return r;
	if (reply.value == volume->length)
		return 0;
	return err_set(err, -ESTALE,
		       "'%s': holds %" PRIu64 " bytes now, %" PRIu64 " before",
		       volume->name, reply.value, volume->length);
}

static int reopen_all(struct reader *reader, enum reader_op op, struct err *err)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < READER_MAX_VOLUMES; i++)
		if (reader->volumes[i].open && reader->volumes[i].opening.op == op)
			r = reopen(reader, i, err);
	return r;
}

static int try_once(struct reader *reader, struct err *err)
{
	int r = keeper_start_reader(reader, err);

	if (r == 0)
		r = reader_hello(reader, HELLO_TIMEOUT_MS, err);
	reader->call_timeout_ms = OPEN_TIMEOUT_MS;
	if (r == 0)
		r = reopen_all(reader, READER_OPEN_VOLUME, err);
	if (r == 0) /* files in them */
		r = reopen_all(reader, READER_OPEN_ITEM, err);
	reader->call_timeout_ms = READER_CALL_TIMEOUT_MS;
	return r;
}

/* -- trying ----------------------------------------------------------------------- */

/* Somebody who watches may end it. */
static int pause_until(struct reader *reader, int64_t until, struct err *err)
{
	int64_t now;
	int r = 0;

	while (r == 0 && (now = reader_now_ms()) < until) {
		(void)!poll(NULL, 0, (int)min_u64((uint64_t)(until - now), 250));
		if (reader->tick && getpid() == reader->engine)
			r = reader->tick(reader->tick_context, err);
	}
	return r;
}

/* May it be tried again? */
static bool has_hope(struct reader *reader, int code)
{
	struct reader_outage *outage = &reader->outage;
	enum verdict verdict = judge(code);
	int64_t now = reader_now_ms();

	if (verdict == VERDICT_SETTLE) {
		if (!outage->settling_since_ms)
			outage->settling_since_ms = now;
		return (uint64_t)(now - outage->settling_since_ms) <
		       min_u64(reader->retry_ms, SETTLE_MS);
	}
	outage->settling_since_ms = 0;
	if (verdict == VERDICT_REFUSED)
		return ++outage->refusals < REFUSALS_MAX;
	return verdict == VERDICT_WAIT &&
	       (uint64_t)(now - outage->since_ms) < reader->retry_ms;
}

/* For good: engine and children know. */
static int give_up(struct reader *reader, const struct err *why, struct err *err)
{
	const struct reader_outage *outage = &reader->outage;
	uint64_t seconds = (uint64_t)(reader_now_ms() - outage->since_ms) / 1000;
	struct reader_shared *shared = reader->shared;
	struct err fault = { 0 };

	if (why->code == -ECANCELED)
		fault = *why;
	else if (judge(why->code) == VERDICT_STOP)
		err_set(&fault, -ENOLINK,
			"%s (seen when the server was there again, %" PRIu64
			" s after the connection was lost)",
			why->text, seconds);
	else
		err_set(&fault, -ENOLINK,
			"%s (the connection was lost, %u tries in %" PRIu64
			" s did not bring it back)",
			why->text, outage->tries, seconds);
	if (!atomic_load(&shared->given_up)) {
		shared->why = fault;
		atomic_store(&shared->given_up, true);
	}
	atomic_store(&shared->lost_since_ms, 0);
	reader->healing = false;
	reader_break(reader, &fault);
	return err_set(err, fault.code, "%s", fault.text);
}

static void begin_outage(struct reader *reader, const struct err *cause)
{
	struct reader_outage *outage = &reader->outage;
	uint32_t part = FIRST_PART;
	unsigned slot = reader->slots;

	if (reader->part)
		part = (uint32_t)max_u64(reader->part / (outage->since_ms ? 4 : 2),
					 LEAST_PART);
	reader->part = part;
	if (!outage->since_ms) {
		outage->since_ms = reader_now_ms();
		log_warning("the connection was lost: %s", cause->text);
	}
	reader->healing = true;
	reader->healing_since_ms = reader_now_ms();
	/* The tries go through the same slot. */
	outage->call_lost = reader->slot[slot].state == SLOT_ASKED;
	reader->slot[slot].state = SLOT_FREE;
	reader->links[0].ready = false;
	atomic_store(&reader->shared->lost_since_ms, outage->since_ms);
}

static int end_outage(struct reader *reader, struct err *err)
{
	struct reader_shared *shared = reader->shared;
	int64_t took = reader_now_ms() - reader->healing_since_ms;

	reader->healing = false;
	reader->call_lost = reader->outage.call_lost;
	reader->links[0].ready = true;
	reader->links[0].since_ms = reader_now_ms();
	reader->alone = reader->processes > 1;
	reader->processes = 1;
	reader->tuning = (struct reader_tuning){ 0 };
	atomic_store(&shared->lost_since_ms, 0);
	atomic_fetch_add(&shared->times, 1);
	atomic_fetch_add(&shared->total_ms, took);
	log_warning("connected again after %" PRId64
		    " ms and %u tries, the images are the "
		    "same",
		    took, reader->outage.tries);
	return reader_dispatch(reader, err);
}

/* Until one of the tries succeeds; *why: of the last one. */
static int keep_trying(struct reader *reader, struct err *why)
{
	struct reader_outage *outage = &reader->outage;
	int r;

	do {
		unsigned place =
			(unsigned)min_u64(outage->tries, ARRAY_SIZE(pauses_ms) - 1);

		r = pause_until(reader, outage->tried_ms + pauses_ms[place], why);
		if (r < 0)
			return r;
		outage->tried_ms = reader_now_ms();
		atomic_store(&reader->shared->tries, ++outage->tries);
		r = try_once(reader, why);
		if (r < 0 && reader->broken.code) /* it lied */
			return r;
		if (r < 0)
			log_debug("try %u: %s", outage->tries, why->text);
	} while (r < 0 && has_hope(reader, r));
	return r;
}

int reader_heal(struct reader *reader, const struct err *cause, struct err *err)
{
	struct err why = *cause;
	int status;

	if (getpid() == reader->engine)
		reader_stop_helpers(reader);
	keeper_stop_reader(reader, 0, &status);
	reader_requeue_all(reader);
	begin_outage(reader, cause);
	/* Connected again and again, and no byte came. */
	if ((uint64_t)(reader_now_ms() - reader->outage.since_ms) >= reader->retry_ms ||
	    keep_trying(reader, &why) < 0)
		return give_up(reader, &why, err);
	return end_outage(reader, err);
}
