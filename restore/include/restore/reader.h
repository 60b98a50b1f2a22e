/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader process: everything that parses bytes from outside runs in it, unprivileged and
 * without a writable descriptor of a disk (ARCHITECTURE.md section 5, invariant 3). It opens
 * the tree, scans it, opens images and volumes, and hands blocks over through shared memory.
 *
 *	engine ── requests (seqpacket socket) ──► reader
 *	engine ◄── replies ────────────────────── reader
 *	          ◄═══ slots of one memfd ═══════
 *
 * The engine names slot and length of each read, and checks every reply against its request;
 * it never takes an offset from the reader. Local folders and shares use the same protocol.
 *
 * Where that is faster the reader forks helpers, with a connection each, that read blocks too. One
 * that dies, hangs, lies or cannot read is ended, and others read what it was asked for.
 */
#pragma once

#include <restore/backup.h>
#include <restore/items.h>

struct reader;

/* Opens the tree inside the new process, after it has given up its privileges; the program
 * gives it, since it knows the network (restore does not). context is what reader_start got. */
typedef int reader_open_tree(void *context, struct tree **ret, struct err *err);

/* Called inside the new process before it gives up its privileges and descriptors, in the
 * network namespace that it will keep. May be NULL. */
typedef int reader_prepare(void *context, struct err *err);

struct reader_options {
	/* Called first, still with all rights: whatever reaches the source. May be NULL. */
	reader_prepare *connect;
	reader_prepare *prepare;
	reader_open_tree *open_tree;
	void *context; /* of these three */
	const char *const
		*readable; /* the files and folders of this machine that hold the
					source, NULL-terminated; it sees no others. NULL:
					none */
	bool local; /* a folder of this machine: the reader keeps the right to read files of
		       others (CAP_DAC_READ_SEARCH) and loses all else */
	unsigned slots;	    /* 0: READER_SLOTS */
	uint32_t slot_size; /* bytes, multiple of 4096; 0: READER_SLOT_SIZE */
	unsigned
		patience_ms; /* a helper that takes longer is dropped; 0: READER_PATIENCE_MS */
	uint64_t
		retry_ms; /* how long a lost connection is tried to be had again, in fresh
			      processes; 0: it ends all */
};

/* 96 MiB for blocks, whatever the image claims. A request takes one slot, or more where that
 * is faster (SMB reads of 1-8 MiB are the fast ones; a long round trip wants more). */
#define READER_SLOTS	   24
#define READER_SLOT_SIZE   (4 << 20) /* bytes */
#define READER_PATIENCE_MS 30000     /* more than libsmbclient waits itself */

#define READER_RETRY_SECONDS                                                             \
	1800 /* for a server that starts anew (SAFETY.md section 3) */

#define READER_TIMEOUT_MS                                                                \
	60000 /* for one reply: three times what libsmbclient waits itself */

/* Forks the process and waits until the tree is open; its error is passed on. Call it from the
 * main thread (the reader dies with the thread that started it) and before others are started.
 * All of the reader's functions belong to one thread.
 *
 * With retry_ms a process that lost its connection (errors of the network, no answer) or was killed
 * is replaced: calls wait until the server is there and every volume that is open is the one that
 * it was, and then go on as if nothing had been. -ENOLINK: that took too long, or is hopeless
 * (login refused, another image); -ECANCELED: whoever watches (reader_on_wait) ended it.
 *
 * After -EPIPE (the process is gone) and -EPROTO (it gave an impossible answer and was killed)
 * every later call fails with the same error: stop it, start another; after these two as well. */
int reader_start(const struct reader_options *options, struct reader **ret,
		 struct err *err) MUST_CHECK;
/* Ends the process and waits for it. NULL is fine. */
void reader_stop(struct reader *reader);
DEFINE_FREEP(struct reader, reader, reader_stop)

/* backup_scan() in the reader. -EBUSY while reads are in flight. */
int reader_scan(struct reader *reader, scan_report *report, void *context,
		struct backup **ret, struct err *err) MUST_CHECK;

/* Opens the volume of an image; *ret_volume is a small number for the calls below.
 * *ret_length: bytes. As backup_volume_open() it compares the image with what the scan saw.
 * -EMFILE: 64 are open. */
int reader_open_volume(struct reader *reader, const struct backup_volume *volume,
		       unsigned *ret_volume, uint64_t *ret_length,
		       struct err *err) MUST_CHECK;
/* The same for the image's file as it is, unpacked if it is packed, and for the sidecar of block
 * hashes beside it (formats/block-index.h: pages of hashes). Both are read through reader_source()
 * alone. -ENOENT: there is no sidecar; -ESTALE: it does not fit the image. */
int reader_open_file(struct reader *reader, const struct backup_volume *volume,
		     unsigned *ret_volume, uint64_t *ret_length,
		     struct err *err) MUST_CHECK;
int reader_open_index(struct reader *reader, const struct backup_volume *volume,
		      unsigned *ret_volume, uint64_t *ret_length, struct err *err) MUST_CHECK;
/* A file of the tree that is a volume by itself, as those of partition-tree.h are. */
int reader_open_plain(struct reader *reader, const char *path, unsigned *ret_volume,
		      uint64_t *ret_length, struct err *err) MUST_CHECK;
/* -EBUSY while reads of it are in flight. */
int reader_close_volume(struct reader *reader, unsigned volume,
			struct err *err) MUST_CHECK;

/* volume_map_next() in the reader. The result is checked: adjacent, from offset on, within
 * the volume. */
int reader_map(struct reader *reader, unsigned volume, uint64_t offset,
	       struct volume_range *ranges, size_t max, size_t *ret_count,
	       struct err *err) MUST_CHECK;

/* Reads are asked for and come back in order of completion. A slot belongs to the engine from
 * reader_wait() until reader_release(). */
struct reader_block {
	uint64_t offset; /* bytes in the volume */
	const uint8_t
		*bytes;	 /* page-aligned, in shared memory: the reader could change it
				 while it is looked at, so hash what was written, from the
				 disk, not only what is here */
	uint32_t length; /* bytes */
	unsigned volume;
	unsigned slot;
	uint64_t
		work_ns; /* how long the process says it worked on it: for the eye only */
};

/* While the engine waits for the process this is called some times a second; non-zero ends the
 * wait with that value. After that only blocks can be asked for. NULL: nothing is called. */
typedef int reader_tick(void *context, struct err *err);
void reader_on_wait(struct reader *reader, reader_tick *tick, void *context);

/* Many blocks will be asked for, now or soon: more connections to a share are opened meanwhile.
 * May be called again when more is known of how long a read takes. */
int reader_expect_blocks(struct reader *reader, struct err *err) MUST_CHECK;

/* The connection to the source. */
struct reader_trouble {
	bool lost;	   /* there is none at the moment */
	uint64_t lost_ms;  /* for so long */
	unsigned tries;	   /* to have it again */
	unsigned times;	   /* that it was had again */
	uint64_t total_ms; /* without one, in all these times */
};
void reader_trouble(const struct reader *reader, struct reader_trouble *ret);
/* Was it given up, here or in a child? Its error, which then counts more than the one that followed
 * from it. 0: no. */
int reader_check_given_up(const struct reader *reader, struct err *err) MUST_CHECK;

/* Is there room for so much? Slots are in use from reader_submit() to reader_release(). */
bool reader_can_submit(const struct reader *reader, uint32_t length);
/* How much a request should ask for where there is so much: a multiple of the slot's size that
 * changes with what turns out to be fast. */
uint32_t reader_request_size(const struct reader *reader);
/* How many processes read blocks now. */
unsigned reader_processes(const struct reader *reader);
/* Blocks come in the order of their requests, not of their answers. */
void reader_set_ordered(struct reader *reader, bool ordered);
/* All slots: where every block lies. */
void reader_memory_of_blocks(const struct reader *reader, void **ret, size_t *ret_length);
/* Reads that were asked for and that reader_wait() has not told of. */
unsigned reader_in_flight(const struct reader *reader);
/* Would reader_wait() return at once? */
bool reader_has_block(const struct reader *reader);
int reader_submit(struct reader *reader, unsigned volume, uint64_t offset,
		  uint32_t length, struct err *err) MUST_CHECK;
/* Waits for one. -ETIMEDOUT after timeout_ms without any reply (0: for ever); -EPIPE when the
 * process is gone, with how it ended; else the error of the read, whose slot is then free. */
int reader_wait(struct reader *reader, unsigned timeout_ms, struct reader_block *ret,
		struct err *err) MUST_CHECK;
/* One more owner of a slot: it is free when all have released it. */
void reader_hold(struct reader *reader, unsigned slot);
void reader_release(struct reader *reader, unsigned slot);

/* A file of a volume, through volume_read_file() in the reader. At most slot_size bytes.
 * READER_TREE as volume: of the tree, what lies beside the backup. */
#define READER_TREE UINT32_MAX
int reader_read_file(struct reader *reader, unsigned volume, const char *path,
		     uint8_t **ret, size_t *ret_length, struct err *err) MUST_CHECK;

/* A volume of the reader as a block source, for what wants one (fix-ups). Read-only, one
 * read at a time; takes nothing over. */
int reader_source(struct reader *reader, unsigned volume, struct block_source **ret,
		  struct err *err) MUST_CHECK;

/* -- files and folders of a volume: items.h ----------------------------------------------- */

/* items_list(), items_find() in the reader. What it answers is checked: names, kinds, lengths. */
int reader_list(struct reader *reader, unsigned volume, const struct item_address *folder,
		struct item_list *ret, struct err *err) MUST_CHECK;
int reader_find(struct reader *reader, unsigned volume, const struct item_address *address,
		struct item *ret, struct err *err) MUST_CHECK;

/* items_read(): the content, or a stream, as one more volume, of length 0 maybe, that is read
 * through reader_source() alone and closed by reader_close_volume(), before the volume that it is
 * in. reader_map() of it says what is stored (RANGE_DATA), what is a hole (RANGE_ZERO), and what the
 * image does not hold although the file does (RANGE_FREE). */
int reader_open_item(struct reader *reader, unsigned volume, const struct item_address *file,
		     const char *stream, unsigned *ret_volume, uint64_t *ret_length,
		     struct err *err) MUST_CHECK;

/* items_newer() of the whole volume; non-zero of visit ends it with that value. */
int reader_newer(struct reader *reader, unsigned volume, int64_t since, items_visit *visit,
		 void *context, struct err *err) MUST_CHECK;
