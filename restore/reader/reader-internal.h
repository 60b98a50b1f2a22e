/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's side of the reader processes, shared by
 *	reader.c		start and end
 *	reader-messages.c	what is sent and received, and its checks
 *	reader-calls.c		everything that goes through the control slot
 *	reader-item-calls.c	files and folders of volumes
 *	reader-blocks.c		blocks: the ring's slots, and which process reads which
 *	reader-helpers.c	more processes: start, end, how many, how much at once
 *	reader-heal.c		a connection that was lost
 *	reader-keeper.c		the process that starts fresh readers
 *
 * Process 0 is the reader itself: it opens the tree, scans, maps and reads. The others are
 * helpers, which it forks, with a connection each; they only read blocks. One that fails is
 * dropped, and others read what it was asked for.
 */
#pragma once

#include <stdatomic.h>

#include "reader-protocol.h"

enum slot_state {
	SLOT_FREE,
	SLOT_SPANNED, /* belongs to a slot before it, whose block is larger than one */
	SLOT_QUEUED,  /* no process has been asked yet, or for the first part only */
	SLOT_ASKED,   /* a process's */
	SLOT_DONE,    /* answered, reader_wait() has not told of it yet */
	SLOT_HELD,    /* the caller's until reader_release() */
};

struct reader_slot {
	enum slot_state state;
	struct reader_request request; /* the one that was sent last */
	uint64_t offset;	       /* of the block */
	uint32_t length;	       /* of the block */
	uint32_t done;		       /* bytes of the block that have come */
	uint64_t work_ns;	       /* for them */
	struct reader_reply reply;     /* from SLOT_DONE on; checked */
	uint64_t sequence;	       /* of the requests of blocks */
	uint64_t order;		       /* of the answers */
	unsigned owners;	       /* SLOT_HELD: who must release it */
	unsigned span;		       /* slots of its block */
	unsigned process;	       /* SLOT_ASKED: who was asked */
	bool only_reader;	       /* a helper could not read it */
	bool retried;		       /* by a fresh process, after an error */
};

struct reader_volume {
	bool open;
	uint64_t length; /* bytes */
	char *name;	 /* path of the image; owned */
	struct reader_image image;
	struct reader_request opening; /* it was opened by this */
	uint8_t *payload;	       /* and this in the control slot; owned */
};

struct reader_link {
	pid_t pid;	  /* 0: not known yet; -1: waited for */
	int pidfd;	  /* of a helper; -1: none */
	int socket;	  /* -1: there is no such process */
	bool ready;	  /* the tree is open */
	unsigned asked;	  /* blocks */
	bool answered;	  /* one at least */
	int64_t since_ms; /* it was asked, or has answered, last */
	uint64_t opened;  /* a helper's volumes, a bit each */
};

/* How fast blocks come, and what was tried to have them come faster (reader-helpers.c). */
struct reader_tuning {
	int64_t since_ms;
	uint64_t bytes;
	int64_t waited_us; /* by the caller */
	uint64_t rate;	   /* bytes per second before the last trial */
	unsigned trial;
	bool trying;
	int64_t settled_ms; /* 0: not yet */
};

/* What may be asked for at a time: the rest of the ring is on its way to the disk. */
#define READER_ASKED_OF(slots) ((slots)*2 / 3)

/* Since an answer that was of use came last; all 0 where the connection is fine. */
struct reader_outage {
	int64_t since_ms, tried_ms, settling_since_ms;
	unsigned tries, refusals;
	bool call_lost;
};

/* What engine and children tell each other of outages; readers do not see it. */
struct reader_shared {
	_Atomic int64_t lost_since_ms; /* 0: there is a connection */
	_Atomic unsigned tries;	       /* of this outage */
	_Atomic unsigned times;	       /* that it came back */
	_Atomic int64_t total_ms;
	_Atomic bool given_up;
	struct err why; /* given_up */
};

struct reader {
	struct reader_link links[READER_PROCESSES];
	unsigned processes; /* that blocks are asked of */
	uint8_t *memory;    /* slots + READER_PROCESSES times slot_size, MAP_SHARED */
	unsigned slots;	    /* from this index on: control slots */
	uint32_t slot_size;
	struct reader_slot *slot; /* slots + READER_PROCESSES */
	unsigned in_flight; /* blocks asked for that reader_wait() has not told of */
	unsigned queued;    /* of them: not asked of any process yet */
	unsigned patience_ms;
	unsigned request_slots; /* of a large request */
	uint64_t shortest_ns;	/* of all reads so far, as the processes say; 0: none */
	bool ordered, remote;
	/* How a lost connection is healed (reader-heal.c). */
	struct reader_shared *shared; /* NULL: it is not */
	int keeper;		      /* socket */
	pid_t keeper_pid;
	unsigned keeper_calls;
	uint64_t retry_ms;
	struct reader_outage outage;
	uint32_t part; /* so much is asked for at once; 0: no limit */
	bool alone;    /* helpers were lost with the connection */
	bool healing;  /* what fails now is a try that failed */
	int64_t healing_since_ms;
	bool call_lost; /* what went through the control slot must be sent again */
	unsigned call_timeout_ms;
	pid_t engine;
	uint64_t last_id, last_order, last_sequence;
	struct reader_volume volumes[READER_MAX_VOLUMES];
	reader_tick *tick; /* may be NULL */
	void *tick_context;
	struct reader_tuning tuning;
	struct err broken; /* code 0 as long as the reader can be talked to */
};

/* reader_start() with a process of the caller's; for tests. */
int reader_start_main(const struct reader_options *options, reader_main *main,
		      struct reader **ret, struct err *err) MUST_CHECK;

/* The memory of a slot. */
static inline uint8_t *reader_memory(const struct reader *reader, unsigned slot)
{
	return reader->memory + (size_t)slot * reader->slot_size;
}

static inline uint8_t *reader_control(const struct reader *reader)
{
	return reader_memory(reader, reader->slots);
}

/* The share's own timeouts (20 s per request) end what hangs; this is the net below them. */
#define READER_CALL_TIMEOUT_MS 300000

/* The call was lost with the connection, which is there again: ask once more. */
#define READER_AGAIN (-ERESTART)

int64_t reader_now_ms(void);
int64_t reader_now_us(void);

/* -- messages --------------------------------------------------------------------- */

/* Receives answers of any process until one that the caller can use is there: *ret is in its
 * slot. Errors of helpers end with the helper. deadline in reader_now_ms(); -1: for ever. */
int reader_receive(struct reader *reader, int64_t deadline, struct reader_reply *ret,
		   struct err *err) MUST_CHECK;
/* Sends a request, and a descriptor with it unless that is -1. */
int reader_send(struct reader *reader, unsigned process,
		const struct reader_request *request, int descriptor,
		struct err *err) MUST_CHECK;

/* One request through the control slot, and its answer. request's id and slot are filled
 * in. For SCAN: *ret_reply may be PROGRESS or PART; reader_continue() asks for the next.
 * A negative code in the answer is returned as the error with its text. */
int reader_call(struct reader *reader, struct reader_request *request,
		struct reader_reply *ret_reply, struct err *err) MUST_CHECK;
int reader_call_with(struct reader *reader, struct reader_request *request,
		     int descriptor, struct reader_reply *ret_reply,
		     struct err *err) MUST_CHECK;
/* The same for what opens a volume; *ret_payload: what was in the slot, to be kept with it. */
int reader_call_opening(struct reader *reader, struct reader_request *request,
			uint8_t **ret_payload, struct reader_reply *ret_reply,
			struct err *err) MUST_CHECK;
int reader_continue(struct reader *reader, bool cancel, struct reader_reply *ret_reply,
		    struct err *err) MUST_CHECK;
/* The answer to what the control slot was sent for. READER_AGAIN. */
int reader_wait_control(struct reader *reader, struct reader_reply *ret,
			struct err *err) MUST_CHECK;

/* Replaces control characters: a text of the reader's must not drive a terminal. */
void reader_clean_text(char *text);
/* The text of a failed request, as the process gave it, as an error of ours. */
int reader_answer_error(const struct reader *reader, const struct reader_reply *reply,
			struct err *err);

/* -- the end of the reader -------------------------------------------------------- */

/* Kills the process, which broke the protocol: all later calls fail. Returns -EPROTO. */
int reader_distrust(struct reader *reader, struct err *err, const char *format, ...)
	PRINTF(3, 4);
/* Kills the process because of the error in err, which stays the one of all later calls.
 */
int reader_break(struct reader *reader, const struct err *err);
/* The process has ended. 0: it has a successor; -ECONNRESET: it could have one, but healing is under
 * way already; -EPIPE: it died of what it read. */
int reader_gone(struct reader *reader, struct err *err);
int reader_check_usable(const struct reader *reader, struct err *err) MUST_CHECK;

/* A number for a volume that is to be opened. -EMFILE. */
int reader_free_volume(const struct reader *reader, unsigned *ret, struct err *err) MUST_CHECK;

/* -- its successor (reader-heal.c, reader-keeper.c) ------------------------------- */

/* Would reader_heal() try? */
bool reader_heals(const struct reader *reader);
/* Is it an error of the connection? */
bool reader_is_loss(int code);
/* The error of a block: may a fresh connection help? */
bool reader_may_heal(const struct reader_slot *slot, int code);
/* The same for how the process ended; status: wait(2)'s. */
bool reader_end_heals(int status);
/* Starts fresh processes until one has all volumes open again; what was asked for is queued
 * again, and reader->call_lost says whether the control slot's request was lost. -ENOLINK,
 * -ECANCELED: given up, and all later calls fail. */
int reader_heal(struct reader *reader, const struct err *cause,
		struct err *err) MUST_CHECK;
/* An answer of use has come: what is lost next is another outage. */
void reader_useful(struct reader *reader);
/* The process's first word. */
int reader_hello(struct reader *reader, unsigned timeout_ms, struct err *err) MUST_CHECK;
/* A copy of what lies in the control slot for a request, and its length: healing uses the slot, too.
 * NULL: no memory. */
uint8_t *reader_copy_payload(const struct reader *reader,
			     const struct reader_request *request, size_t *ret_length);

/* Forks the keeper; options and main are what its readers start with. */
int keeper_fork(struct reader *reader, const struct reader_options *options,
		reader_main *main, struct err *err) MUST_CHECK;
/* Kills the reader there is, if any, and starts another one as process 0. */
int keeper_start_reader(struct reader *reader, struct err *err) MUST_CHECK;
/* *ret_status: how it ended, as wait(2) says it. */
void keeper_stop_reader(struct reader *reader, unsigned grace_ms, int *ret_status);
/* Reader and keeper have ended when this returns. */
void keeper_end(struct reader *reader);

/* -- blocks ----------------------------------------------------------------------- */

/* Is volume open and the range within it? */
int reader_check_range(const struct reader *reader, unsigned volume, uint64_t offset,
		       uint64_t length, struct err *err) MUST_CHECK;
/* Asks the processes that have time for blocks that are queued. */
int reader_dispatch(struct reader *reader, struct err *err) MUST_CHECK;
/* What process was asked for is queued again. */
void reader_requeue(struct reader *reader, unsigned process);
void reader_requeue_all(struct reader *reader);
/* Process 0 has read a part of a block, or all of it: 1. */
int reader_part_came(struct reader *reader, struct reader_slot *slot,
		     struct err *err) MUST_CHECK;

/* -- helpers ---------------------------------------------------------------------- */

/* Kills it, waits for its end, and queues again what it was asked for. */
int reader_drop(struct reader *reader, unsigned process, const struct err *why,
		struct err *err) MUST_CHECK;
/* Takes in an answer through a helper's control slot; -EPROTO, …: it must be dropped. */
int reader_helper_answer(struct reader *reader, unsigned process,
			 const struct reader_reply *reply, struct err *err) MUST_CHECK;
/* The ones that took too long. *ret_deadline: when the next one will have. */
int reader_drop_silent(struct reader *reader, int64_t *ret_deadline,
		       struct err *err) MUST_CHECK;
/* It is closed: the number's next volume takes its place in the helpers. */
void reader_forget_volume(struct reader *reader, unsigned volume);
/* Has a helper opened a volume? Where it has not it is asked to. */
bool reader_helper_opens(struct reader *reader, unsigned process, unsigned volume);
/* A block has come, for which the caller waited. Starts helpers, or has requests grow, where
 * that may be of use. */
int reader_tune(struct reader *reader, uint64_t bytes, int64_t waited_us,
		struct err *err) MUST_CHECK;
void reader_stop_helpers(struct reader *reader);
