/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What engine and reader process say to each other (restore/reader.h). Both are the same
 * program on the same machine, forked, so the structs have the host's byte order.
 *
 * Every message is one record of a SOCK_SEQPACKET socket. Larger things lie in a slot of
 * the shared memory: the blocks of a volume in slots 0 to N-1, everything else (paths,
 * parts of the JSON text, ranges, files) in slot N, the control slot, which has one owner
 * at a time: the engine until it sends a request, the reader until its reply. A block may be
 * larger than a slot and then fills the next ones, too. Slot N + i is the control slot of
 * helper i.
 *
 *	request READ	id slot volume offset length skip
 *							reply: length bytes in the slot, behind
 *							skip bytes, value = nanoseconds of work
 *	OPEN_VOLUME	struct reader_image and the path of the image in the slot
 *							reply: value = bytes of the volume
 *	MAP		volume offset, length = ranges	reply: struct reader_range[] in the slot
 *	READ_FILE	path in the slot, volume or READER_TREE
 *							reply: the file in the slot
 *	SCAN		reply: PROGRESS and PART, each to be answered by CONTINUE, then DONE:
 *							value = bytes of all parts together
 *	OPEN_TREE	never sent: id 0, answered by every process first
 *	FORK		a socket; length = the control slot of the new process
 *	LIST, FIND	volume, struct reader_item in the slot; offset = the first entry of LIST
 *							reply: items (item-wire.h) in the slot,
 *							value = entries of the folder
 *	OPEN_ITEM	the same; offset = the volume that it is in, volume = its number from now on
 *							reply: value = bytes of the item
 *	NEWER		the same; offset = where to go on
 *							reply: value = where to go on next
 *
 * A reply with a negative code has the text of the error in its slot, behind skip bytes. The reader is not
 * trusted: the engine copies out of the slot first and checks then.
 */
#pragma once

#include <base/sandbox.h>
#include <restore/reader.h>

/* Two for each volume letter there can be, and some for those without. */
#define READER_MAX_VOLUMES 64

/* The reader and its helpers, with a connection each, of which Windows 10 and 11 grant 20 to all
 * of its guests. Each costs memory; a round trip of 20 ms wants them all. */
#define READER_PROCESSES 8

/* Of one process, in one request: what libsmbclient keeps in memory once more. */
#define READER_MAX_REQUEST (32u << 20)

#define READER_MAX_SLOTS 64 /* both queues then fit into the socket's buffer */
#define READER_MAX_SLOT_SIZE                                                             \
	(64u << 20) /* bytes: the largest read that still gains speed */

/* What a set of thousands of machines would need; more is refused. */
#define READER_MAX_JSON (32u << 20)

#define READER_LOG_SIZE 1024 /* bytes of text in one line of the log */

enum reader_op {
	READER_OPEN_TREE,
	READER_SCAN,
	READER_OPEN_VOLUME,
	READER_CLOSE_VOLUME,
	READER_MAP,
	READER_READ,
	READER_READ_FILE,
	READER_CONTINUE,
	READER_FORK,
	READER_LIST,
	READER_FIND,
	READER_OPEN_ITEM,
	READER_NEWER,
	READER_OP_COUNT
};

struct reader_request {
	uint64_t id; /* one more than the request before; CONTINUE has its SCAN's */
	uint64_t offset;
	uint32_t op;
	uint32_t slot;
	uint32_t volume;
	uint32_t length; /* bytes wanted, or bytes in the slot; MAP: ranges wanted;
			    CONTINUE: 1 is "cancel" */
	uint32_t skip;	 /* READ: the bytes go behind so many of the slot */
	uint32_t reserved;
};
_Static_assert(sizeof(struct reader_request) == 40, "no padding");

enum reader_reply_kind {
	READER_DONE,
	READER_PROGRESS, /* struct reader_progress in the slot */
	READER_PART,	 /* of the JSON text, in the slot */
	READER_LOG,	 /* a line of the log follows the reply in the record */
	READER_KIND_COUNT
};

struct reader_reply {
	uint64_t id; /* of the request, as are op and slot */
	uint64_t value;
	uint32_t op;
	uint32_t slot;
	uint32_t kind;
	int32_t code;	   /* 0 or negative errno */
	uint32_t length;   /* bytes in the slot; LOG: bytes of text */
	uint32_t reserved; /* 0 */
};
_Static_assert(sizeof(struct reader_reply) == 40, "no padding");

struct reader_message {
	struct reader_reply reply;
	char log[READER_LOG_SIZE];
};

/* What the scan saw of an image; file_size 0: nothing is expected. The path follows. */
struct reader_image {
	uint64_t file_size; /* bytes */
	uint64_t mtime_ns;
	struct guid unique_id;
	uint64_t view; /* enum reader_view */
};

/* Which item of a volume. Path and stream follow. */
struct reader_item {
	uint64_t id;	/* 0: by path */
	int64_t since;	/* NEWER: 100 ns since 1970 */
	uint32_t path_length, stream_length; /* bytes */
};
_Static_assert(sizeof(struct reader_item) == 24, "no padding");

/* What of an image is opened as a volume. */
enum reader_view {
	READER_VIEW_VOLUME,
	READER_VIEW_FILE, /* its file, unpacked */
	READER_VIEW_INDEX, /* what the sidecar beside it says of it (formats/block-index.h) */
	READER_VIEW_PLAIN, /* the file is the volume itself */
	READER_VIEW_COUNT
};

/* Two texts follow, without NUL. */
struct reader_progress {
	uint64_t folders, files;
	uint32_t folder_length; /* bytes */
	uint32_t found_length;	/* bytes; READER_NOTHING_FOUND */
};
#define READER_NOTHING_FOUND UINT32_MAX

struct reader_range {
	uint64_t offset, length; /* bytes in the volume */
	uint64_t kind;		 /* enum range_kind */
};

/* What the new process starts with. */
struct reader_process {
	const struct reader_options *options; /* slots and slot_size are filled in */
	int socket;
	uint8_t *memory; /* slots and the control slot behind them */
	pid_t engine;
};

/* The whole life of the process: never returns. */
typedef void reader_main(const struct reader_process *start);
__attribute__((noreturn)) reader_main reader_process_main;

/* Namespaces of its own, where the process is root: of the network, in which there is nothing, and of
 * mounts, of which nobody else sees a change. */
int reader_isolate(struct err *err) MUST_CHECK;

/* Gives up for good what the process does not need (reader-jail.c): see there.
 * keep_search: it keeps CAP_DAC_READ_SEARCH, the right to read what belongs to others.
 */
int reader_jail(pid_t engine, bool keep_search, const struct sandbox *sandbox,
		struct err *err) MUST_CHECK;
