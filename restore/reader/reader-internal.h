/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's side of the reader processes, shared by
 *	reader.c		start and end
 *	reader-messages.c	what is sent and received, and its checks
 *	reader-calls.c		everything that goes through the control slot
 *	reader-item-calls.c	files and folders of volumes
 *	reader-blocks.c		blocks: the ring's slots, and which process reads which
 *	reader-helpers.c	more processes: start, end, how many, how much at once
 *
 * Process 0 is the reader itself: it opens the tree, scans, maps and reads. The others are
 * helpers, which it forks, with a connection each; they only read blocks. One that fails is
 * dropped, and others read what it was asked for.
 */
#pragma once

#include "reader-protocol.h"

enum slot_state {
	SLOT_FREE,
	SLOT_SPANNED, /* belongs to a slot before it, whose block is larger than one */
	SLOT_QUEUED,  /* no process has been asked yet */
	SLOT_ASKED,   /* a process's */
	SLOT_DONE,    /* answered, reader_wait() has not told of it yet */
	SLOT_HELD,    /* the caller's until reader_release() */
};

struct reader_slot {
	enum slot_state state;
	struct reader_request request;
	struct reader_reply reply; /* from SLOT_DONE on; checked */
	uint64_t sequence;	   /* of the requests of blocks */
	uint64_t order;		   /* of the answers */
	unsigned owners;	   /* SLOT_HELD: who must release it */
	unsigned span;		   /* slots of its block */
	unsigned process;	   /* SLOT_ASKED: who was asked */
	bool only_reader;	   /* a helper could not read it */
};

struct reader_volume {
	bool open;
	uint64_t length; /* bytes */
	char *name;	 /* path of the image; owned */
	struct reader_image image;
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
#define READER_ASKED_OF(slots) ((slots) * 2 / 3)

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
int reader_continue(struct reader *reader, bool cancel, struct reader_reply *ret_reply,
		    struct err *err) MUST_CHECK;
/* The answer to what the control slot was sent for. */
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
/* The process ended by itself. Returns -EPIPE. */
int reader_gone(struct reader *reader, struct err *err);
int reader_check_usable(const struct reader *reader, struct err *err) MUST_CHECK;

/* A number for a volume that is to be opened. -EMFILE. */
int reader_free_volume(const struct reader *reader, unsigned *ret, struct err *err) MUST_CHECK;

/* -- blocks ----------------------------------------------------------------------- */

/* Is volume open and the range within it? */
int reader_check_range(const struct reader *reader, unsigned volume, uint64_t offset,
		       uint64_t length, struct err *err) MUST_CHECK;
/* Asks the processes that have time for blocks that are queued. */
int reader_dispatch(struct reader *reader, struct err *err) MUST_CHECK;
/* What process was asked for is queued again. */
void reader_requeue(struct reader *reader, unsigned process);

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
