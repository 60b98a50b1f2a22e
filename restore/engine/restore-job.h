/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of a restore: the state that its phases share. restore-run.c goes through the
 * phases in order: preflight.c, invalidate.c, copy.c, readback.c, commit.c. walk.c reads volumes.
 */
#pragma once

#include <base/text.h>
#include <restore/restore.h>

#include "checkpoint.h"
#include "fixups/fixup.h"
#include "gate.h"
#include "meter.h"

/* Bytes of a volume that are written last: its boot sectors, which make firmware and
 * operating systems recognise it. */
struct held_bytes {
	uint64_t offset; /* in the volume */
	uint32_t length;
	uint8_t *bytes; /* page-aligned */
};

#define HELD_MAX 2 /* the head and the last sector */

struct chunk;

struct chunk_list {
	size_t count, room;
	struct chunk *chunks; /* in the order of completion; the read-back sorts them */
};

struct job_volume {
	const struct backup_volume *volume;
	const struct disk_partition *partition;
	unsigned reader_volume;
	uint64_t image_length; /* bytes; the partition may have another length */
	bool remade; /* all of it is in the patches, nothing is copied from the image */
	uint64_t data, zero, unused; /* bytes to copy, to zero, free and not stored */
	struct held_bytes held[HELD_MAX];
	size_t held_count;
	struct patch_list patches;  /* by fix-ups */
	struct chunk_list proved;   /* offsets are in the volume; empty after a sample */
	struct block_source *index; /* its pages of the sidecar (delta.h); NULL: none */
};

/* Stored bytes of a volume: whole sectors, CHUNK_SIZE at most. They stay while the slot of the
 * reader is held. */
struct piece {
	const struct job_volume *volume;
	uint64_t offset; /* in the volume */
	const uint8_t *bytes;
	uint32_t length;
	unsigned slot;
};

/* The unit of hashes: pieces end at multiples of it, however much is read at once. */
#define CHUNK_SIZE (4u << 20)

/* In place: the boot sector of an EFI system partition that is on the disk and stays. It is
 * zeroed while volumes are written, so that nothing starts from the disk, and comes back last.
 * Its copy in sector 6 stays: from it a broken-off restore is repeated. */
struct kept_esp {
	const struct disk_partition *partition; /* NULL: none */
	uint8_t *boot_sector;			/* one sector */
};

/* What was written where, for the read-back: XXH3-128 of the bytes, or zeros. */
struct chunk {
	uint64_t offset; /* on the disk */
	uint64_t length;
	uint64_t hash_low, hash_high;
	bool zeros;
	bool unread; /* written by an earlier run: the hash is not known yet */
	bool proved; /* it was read back while later ones were written */
};

/* A write under way: the chunk counts when it is done, and the reader's slot is held until then. */
struct pending_write {
	struct chunk chunk;
	unsigned slot;
	bool used;
};

#define PENDING_MAX 32

/* A chunk that is being read back. */
struct pending_read {
	size_t index; /* in the list of what was written */
	bool used;
	uint8_t *buffer; /* CHUNK_SIZE bytes that no reader can change; NULL: not yet */
};

#define READS_MAX 4 /* what keeps a disk busy, at 4 MiB of memory each */

/* Of the chunk's length of bytes. */
void chunk_hash(struct chunk *chunk, const uint8_t *bytes);
bool chunk_hash_equals(const struct chunk *a, const struct chunk *b);
int chunk_compare_offsets(const void *a, const void *b); /* for qsort() and bsearch() */
uint64_t number_hash(uint64_t number, uint64_t seed);

int chunk_list_add(struct chunk_list *list, const struct chunk *chunk,
		   struct err *err) MUST_CHECK;

struct comparison;

/* delta.h */
struct job_delta {
	bool wanted, no_index;	 /* no_index: a sidecar is not looked at */
	bool differs;		 /* something was found that is not as it will be */
	bool whole;		 /* nothing was, and all was looked at */
	struct chunk_list equal; /* on the disk; ascending, apart from each other */
	uint64_t equal_data;	 /* bytes of data in it */
	uint64_t wiped_data;	 /* equal, too, but wiped before something is written */
	struct comparison *comparison; /* during the phase */
};

struct restore_job {
	const struct restore_plan *plan;
	struct reader *reader;
	struct restore_result *result;
	/* Opens the disk for writing; tests give a target of their own. */
	int (*open_target)(const struct restore_plan *plan, struct block_target **ret,
			   struct err *err);
	/* Opens the copy of the journal; NULL: none is kept. */
	int (*open_mirror)(const struct restore_job *job, struct block_target **ret,
			   struct err *err);
	enum restore_prove prove;
	struct gate *gate; /* NULL before the disk is opened */
	bool disk_failed;  /* what it read back is not what was written */
	struct meter meter;
	struct table_image table;
	size_t volume_count;
	struct job_volume *volumes;			 /* by offset on the disk */
	struct restore_volume_progress *volume_progress; /* of each of them */
	struct kept_esp kept_esp;
	uint64_t copied; /* bytes of data written to this disk */
	struct chunk_list written;
	struct pending_write pending[PENDING_MAX];
	struct pending_read reads[READS_MAX];
	size_t flushed;	  /* of the chunks in written: those a flush has covered */
	size_t looked_at; /* of these: where the read-back behind the copy has come to */
	struct job_journal journal;
	struct job_delta delta;
};

/* Adds a line to the result. -ENOMEM only. */
int job_note(struct restore_job *job, enum plan_severity severity, struct err *err,
	     const char *format, ...) PRINTF(4, 5) MUST_CHECK;

/* The name of a volume for messages: "C:", "ESP", … */
const char *job_volume_name(const struct job_volume *volume);

/* What is done of each volume (volume-progress.c); called once a phase has begun. It is to take
 * their data, but at most so much of each; what of it is not equal on the disk already; or the
 * written chunks of which is_left says so. */
void job_expect_data(struct restore_job *job, uint64_t most);
void job_expect_rest(struct restore_job *job);
void job_expect_chunks(struct restore_job *job,
		       bool (*is_left)(const struct restore_job *job, size_t chunk));
/* meter_add(), for a volume or for the one at a place of the disk. */
int job_volume_done(struct restore_job *job, const struct job_volume *volume,
		    uint64_t bytes, struct err *err) MUST_CHECK;
int job_place_done(struct restore_job *job, uint64_t offset, uint64_t bytes,
		   struct err *err) MUST_CHECK;

/* Opens and maps every volume, reads what is held back, works out the fix-ups and the table.
 * Nothing is opened for writing: whatever fails here leaves the disk as it was. */
int job_prepare(struct restore_job *job, struct err *err) MUST_CHECK;

/* Bytes of an image as the copy would read them: from where they are stored, never from memory. At most
 * what one block has room for. */
int job_read_image(struct restore_job *job, const struct job_volume *volume,
		   uint64_t offset, uint32_t length, uint8_t *bytes,
		   struct err *err) MUST_CHECK;
void job_clear(struct restore_job *job);

/* Reads the backup, all of it or a sample, before the disk is opened. */
int job_prove(struct restore_job *job, struct err *err) MUST_CHECK;
/* -ESTALE where a piece is not the one that job_prove() read. */
int job_check_proved(struct restore_job *job, const struct piece *piece,
		     struct err *err) MUST_CHECK;
/* After the copy: -ESTALE where an image is no longer the one that was scanned. */
int job_check_unchanged(struct restore_job *job, struct err *err) MUST_CHECK;
/* Once the fix-ups are worked out: what is held back becomes what will be written. */
int job_settle_boot_sectors(struct restore_job *job, struct job_volume *volume,
			    struct err *err) MUST_CHECK;

/* Opens the disk and names in the gate what the plan lets be written. */
int job_open_gate(struct restore_job *job, struct err *err) MUST_CHECK;

/* In place: reads what must come back, names it in the gate; the first writes. */
int job_keep_esp(struct restore_job *job, struct err *err) MUST_CHECK;
int job_invalidate_in_place(struct restore_job *job, struct err *err) MUST_CHECK;
/* -EIO where the disk does not read as zeros. */
int job_check_zero(struct restore_job *job, uint64_t offset, uint64_t length,
		   struct err *err) MUST_CHECK;

/* Zeros over all that makes the old content recognisable: LBA 0 first, then the first and
 * last MiB and every place where a boot sector will be; flushed and read back. */
int job_invalidate(struct restore_job *job, struct err *err) MUST_CHECK;
/* Does that zero some of the range, whatever lies there? */
bool job_is_wiped(const struct restore_job *job, uint64_t offset, uint64_t length);

/* What to do with each piece of a volume, in about the order of the disk. */
struct piece_visitor {
	/* May be NULL. 1: the piece need not be read, there is no call of data. It may cut the piece:
	 * the answer is of its first *length bytes, and the rest is asked for next. */
	int (*known)(struct restore_job *job, const struct job_volume *volume,
		     uint64_t offset, uint32_t *length, struct err *err);
	int (*data)(struct restore_job *job, const struct piece *piece, struct err *err);
	/* Nothing can be read before slots are given back: waits until one is. May be NULL where
	 * data() holds none. */
	int (*make_room)(struct restore_job *job, struct err *err);
	/* Must read as zeros. */
	int (*zero)(struct restore_job *job, const struct job_volume *volume,
		    uint64_t offset, uint64_t length, struct err *err);
	/* Free and not stored. May be NULL. */
	int (*unused)(struct restore_job *job, const struct job_volume *volume,
		      uint64_t offset, uint64_t length, struct err *err);
	/* There is nothing to do before the next block comes. May be NULL. */
	int (*idle)(struct restore_job *job, struct err *err);
	bool joins_gaps; /* short free pieces between stored ones may come as data */
};

/* Reads a volume, without what is held back, through the reader with as many requests under
 * way as it has slots. */
int job_walk_volume(struct restore_job *job, const struct job_volume *volume,
		    const struct piece_visitor *visitor, struct err *err) MUST_CHECK;

/* Takes and drops what the reader still has under way. */
int job_drain_reader(struct restore_job *job, struct err *err) MUST_CHECK;

/* Writes under way (pending.c). The piece's slot is held until its write is done; what is done
 * is taken in: the chunk is in the list, and due for the journal. */
int job_start_write(struct restore_job *job, const struct piece *piece,
		    const struct chunk *chunk, struct err *err) MUST_CHECK;
int job_chunk_written(struct restore_job *job, const struct chunk *chunk,
		      struct err *err) MUST_CHECK;
/* Waits for one. -EINVAL: there is none. */
int job_finish_write(struct restore_job *job, struct err *err) MUST_CHECK;
int job_finish_writes(struct restore_job *job, struct err *err) MUST_CHECK;
/* Waits for all, reads too, and forgets them: what they wrote does not count. */
void job_drop_writes(struct restore_job *job);

bool job_all_zero(const uint8_t *bytes, size_t length);
/* Reads back (readback.c). Starts one of a chunk of the list; 0: not now, all are in use. */
int job_start_read_back(struct restore_job *job, size_t index,
			struct err *err) MUST_CHECK;
/* One is done: compares. */
int job_check_read(struct restore_job *job, struct pending_read *read,
		   struct err *err) MUST_CHECK;
/* While the copy waits for the source: what was flushed is read back. Not on a disk with heads,
 * which would jump. */
int job_read_back_behind(struct restore_job *job, struct err *err) MUST_CHECK;
/* Writes or reads that are done; wait: one at least. 1: there was one. */
int job_finish_some(struct restore_job *job, bool wait, struct err *err) MUST_CHECK;

int job_copy(struct restore_job *job, struct err *err) MUST_CHECK;
int job_read_back(struct restore_job *job, struct err *err) MUST_CHECK;
/* Fix-ups' patches, boot sectors, backup GPT, primary GPT, LBA 0; each flushed before the
 * next, all of it read back. */
int job_commit(struct restore_job *job, struct err *err) MUST_CHECK;

/* Called some times a second while the reader is waited for, here or in a child. */
int job_wait_tick(struct restore_job *job, struct err *err) MUST_CHECK;

/* A phase with a sign of life while it waits for the reader. */
int job_run_watched(struct restore_job *job,
		    int (*phase)(struct restore_job *, struct err *),
		    struct err *err) MUST_CHECK;

/* All of these in their order, each for all disks before the next; what the gates counted
 * goes into the result. */
int jobs_run(struct restore_job *jobs, size_t count, struct err *err) MUST_CHECK;
