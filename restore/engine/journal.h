/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal of a restore as it lies in the gap between the table and the first partition of
 * the target (SAFETY.md section 1): two slots, written in turn, each with a sequence number
 * and a CRC-32C over all of it. A write that is torn or lost leaves the other slot.
 *
 * Pure: bytes in, struct out, and back. What is claimed here must have been flushed before
 * the slot is written; checkpoint.c sees to that. A new slot:
 *
 *	0      header, identities, counts		512 bytes
 *	512    one record of 48 bytes for each image	at most 64
 *	3584   one record of 16 bytes for each range	what is written and flushed
 *	       words, each with a NUL behind it		how the restore was asked for
 */
#pragma once

#include "range-map.h"

#define JOURNAL_SLOTS 2

/* More volumes than any Windows machine has drive letters, and what the reader opens at most. */
#define JOURNAL_IMAGES_MAX 64

#define JOURNAL_SLOT_LENGTH (64u << 10)

/* Options of a command line; paths and names of Windows' length fit several times. */
#define JOURNAL_WORDS_MAX 8192

/* What fits a slot beside the words; of more ranges only the first are claimed. */
#define JOURNAL_RANGES_MAX 3360

/* Names in it, cut off where they are longer: a machine has 63 bytes at most, a version's folder 24. */
#define JOURNAL_NAME_SIZE 64

enum journal_state {
	JOURNAL_COPYING = 1,
	JOURNAL_VERIFIED = 2,	/* all was read back; the fix-ups' bytes may be on the disk */
	JOURNAL_COMMITTING = 3, /* boot sectors and tables may be on the disk */
	JOURNAL_DONE = 4,
};

/* What must be the same when the restore is taken up again. */
struct journal_image {
	uint8_t unique_id[16];
	uint64_t file_size, virtual_size, volume_size; /* bytes */
};

struct journal_identity {
	uint8_t plan_hash[32]; /* SHA-256 of what the plan writes and where */
	uint8_t disk_hash[32]; /* SHA-256 of the target's identity */
	uint64_t backup_time;  /* seconds since 1970 */
	size_t image_count;
	struct journal_image images[JOURNAL_IMAGES_MAX]; /* in the order of the disk */
};

/* For people who find it; nothing is decided by it. */
struct journal_about {
	char machine[JOURNAL_NAME_SIZE]; /* UTF-8 without control characters */
	char version[JOURNAL_NAME_SIZE];
	uint64_t
		written; /* seconds since 1970, by the clock of the machine that wrote it */
	uint64_t total; /* bytes that will be done in the end */
};

struct journal {
	uint64_t sequence; /* slot = sequence % 2 */
	uint8_t job_id[16];
	enum journal_state state;
	struct journal_identity identity;
	struct journal_about about;
	/* The options that the restore was asked for with, NUL-terminated words of UTF-8 one after the
	 * other, without secrets; owned, NULL: not known. */
	char *words;
	size_t words_length; /* bytes, NULs included; at most JOURNAL_WORDS_MAX */
	uint64_t high_water; /* end of the last range */
	/* Sum of the hashes of all data chunks inside the ranges: proves on the way back that
	 * what was claimed is what was written. */
	uint64_t sum_low, sum_high;
	struct range_map done;
};

void journal_clear(struct journal *journal);

/* slot is length bytes, JOURNAL_SLOT_LENGTH at least, all of which are set. Claims the first
 * JOURNAL_RANGES_MAX ranges. Returns the bytes that carry something. */
size_t journal_encode(const struct journal *journal, uint8_t *slot, size_t length);

/* -ENOEXEC: no journal; -EBADMSG: torn or damaged, with the fact. */
int journal_decode(const uint8_t *slot, size_t length, struct journal *ret,
		   struct err *err) MUST_CHECK;

/* The newer of two slots that lie one after the other. -ENOEXEC: none is valid. */
int journal_choose(const uint8_t *slots, size_t slot_length, struct journal *ret,
		   struct err *err) MUST_CHECK;

/* 0, or -ESTALE with the first thing that is not the same. */
int journal_compare(const struct journal_identity *found,
		    const struct journal_identity *wanted, struct err *err) MUST_CHECK;

/* Which of the two is taken: the slots in the target's gap, or their copy on the boot medium. */
enum journal_pick {
	JOURNAL_PICK_GAP,	    /* the copy is as old, or older, or there is none */
	JOURNAL_PICK_GAP_DISAGREES, /* the copy is of another restore: it is left alone */
	JOURNAL_PICK_MIRROR,	    /* the gap has none that is valid */
	JOURNAL_PICK_MIRROR_NEWER,  /* the gap's newest slot is lost */
};

/* gap, mirror: JOURNAL_SLOTS slots each; NULL: cannot be read. The copy counts only where all of
 * wanted is the same in it: it lies on a medium that goes from machine to machine. -ENOEXEC: none is
 * valid. */
int journal_pick(const uint8_t *gap, const uint8_t *mirror, size_t slot_length,
		 const struct journal_identity *wanted, struct journal *ret,
		 enum journal_pick *ret_pick, struct err *err) MUST_CHECK;
