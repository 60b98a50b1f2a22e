/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's side of the reader process: shared by reader.c (process, messages, blocks)
 * and reader-calls.c (everything that goes through the control slot).
 */
#pragma once

#include "reader-protocol.h"

enum slot_state {
	SLOT_FREE,
	SLOT_ASKED, /* the reader's */
	SLOT_DONE,  /* answered, reader_wait() has not told of it yet */
	SLOT_HELD,  /* the caller's until reader_release() */
};

struct reader_slot {
	enum slot_state state;
	struct reader_request request;
	struct reader_reply reply; /* from SLOT_DONE on; checked */
	uint64_t order;		   /* of the answers */
	unsigned owners;	   /* SLOT_HELD: who must release it */
};

struct reader_volume {
	bool open;
	uint64_t length; /* bytes */
	char *name;	 /* path of the image; owned */
};

struct reader {
	pid_t pid; /* -1: waited for */
	int socket;
	uint8_t *memory; /* slots + 1 times slot_size, MAP_SHARED */
	unsigned slots;	 /* index of the control slot, too */
	uint32_t slot_size;
	struct reader_slot *slot; /* slots + 1 */
	unsigned in_flight; /* blocks asked for that reader_wait() has not told of */
	uint64_t last_id, last_order;
	struct reader_volume volumes[READER_MAX_VOLUMES];
	reader_tick *tick; /* may be NULL */
	void *tick_context;
	pid_t tick_pid; /* whose it is */
	struct err broken; /* code 0 as long as the process can be talked to */
};

/* reader_start() with a process of the caller's; for tests. */
int reader_start_main(const struct reader_options *options, reader_main *main,
		      struct reader **ret, struct err *err) MUST_CHECK;

/* The memory of the control slot. */
static inline uint8_t *reader_control(const struct reader *reader)
{
	return reader->memory + (size_t)reader->slots * reader->slot_size;
}

/* One request through the control slot, and its answer. request's id and slot are filled
 * in. For SCAN: *ret_reply may be PROGRESS or PART; reader_continue() asks for the next.
 * A negative code in the answer is returned as the error with its text. */
int reader_call(struct reader *reader, struct reader_request *request,
		struct reader_reply *ret_reply, struct err *err) MUST_CHECK;
int reader_continue(struct reader *reader, bool cancel, struct reader_reply *ret_reply,
		    struct err *err) MUST_CHECK;

/* Replaces control characters: a text of the reader's must not drive a terminal. */
void reader_clean_text(char *text);

/* Kills the process, which broke the protocol: all later calls fail. Returns -EPROTO. */
int reader_distrust(struct reader *reader, struct err *err, const char *format, ...)
	PRINTF(3, 4);

/* Kills the process because of the error in err, which stays the one of all later calls.
 */
int reader_break(struct reader *reader, const struct err *err);

/* Is volume open and the range within it? */
int reader_check_range(const struct reader *reader, unsigned volume, uint64_t offset,
		       uint64_t length, struct err *err) MUST_CHECK;
