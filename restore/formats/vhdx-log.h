/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of a VHDX ([MS-VHDX] 2.3): which changes it holds that are not yet in their place.
 *
 * The log is a ring of entries, each of whole sectors of 4096 bytes:
 *
 *	+----------+--------+--------+-----+---------+---------+
 *	| header   | desc 1 | desc 2 | ... | sector  | sector  |
 *	| 64 bytes | 32     | 32     |     | data    | data    |   one per data descriptor
 *	+----------+--------+--------+-----+---------+---------+
 *	`------ whole sectors -------------'
 *
 * The active sequence is the run of valid entries with consecutive numbers that ends in the
 * highest one; its last entry's tail says from which entry on it must be replayed.
 *
 * A data descriptor replaces one sector of the file. So that a sector in the log shows by
 * its own bytes whether it was written whole, its first 8 and last 4 bytes are signature and
 * sequence number; what belongs there stands in the descriptor.
 *
 * Everything here is pure: the ring is in memory and nothing is written.
 */
#pragma once

#include "vhdx-format.h"

#define VHDX_LOG_SECTOR 4096u

/* 2.3.1.1 */
struct vhdx_log_entry_disk {
	char signature[4];  /* 0: "loge" */
	le32 checksum;	    /* 4: CRC-32C of the whole entry, itself being 0 */
	le32 length;	    /* 8: bytes, whole sectors */
	le32 tail;	    /* 12: byte in the log: first entry of the sequence */
	le64 sequence;	    /* 16: not 0 */
	le32 descriptors;   /* 24: how many */
	le32 reserved;	    /* 28 */
	struct guid log;    /* 32: as in the header, else it belongs to the past */
	le64 flushed_size;  /* 48: bytes of the file that were stored for certain */
	le64 last_size;	    /* 56: bytes that the file must have after the replay */
};
_Static_assert(sizeof(struct vhdx_log_entry_disk) == 64, "log entry header");

/* 2.3.1.2, 2.3.1.3 */
struct vhdx_log_descriptor_disk {
	char signature[4]; /* 0: "desc" or "zero" */
	uint8_t trailing[4]; /* 4: data: last bytes of the sector */
	union {
		uint8_t leading[8]; /* 8: data: first bytes of the sector */
		le64 zero_length;   /* 8: zero: bytes, whole sectors */
	};
	le64 offset;   /* 16: bytes in the file, whole sectors */
	le64 sequence; /* 24: the entry's */
};
_Static_assert(sizeof(struct vhdx_log_descriptor_disk) == 32, "log descriptor");

/* 2.3.1.4 */
struct vhdx_log_sector_disk {
	char signature[4];   /* 0: "data" */
	le32 sequence_high;  /* 4 */
	uint8_t data[4084];  /* 8: the middle of the sector */
	le32 sequence_low;   /* 4092 */
};
_Static_assert(sizeof(struct vhdx_log_sector_disk) == VHDX_LOG_SECTOR, "log data sector");

struct vhdx_log {
	const char *name;     /* the file's */
	const uint8_t *bytes; /* the ring; borrowed */
	uint32_t length;      /* bytes, whole MiB */
	uint64_t offset;      /* of the ring in the file */
	struct guid id;
	uint64_t file_size; /* bytes, before the replay */
};

#define VHDX_CHANGE_ZEROS UINT32_MAX

struct vhdx_change {
	uint64_t offset, length; /* bytes in the file */
	uint32_t descriptor;	 /* where it lies in the ring */
	uint32_t sector;	 /* where its data lies in the ring, or VHDX_CHANGE_ZEROS */
};

struct vhdx_changes {
	size_t count, room;
	struct vhdx_change *items; /* in the order of the log; owned */

	/* The same, flat: between points[i] and points[i + 1] the file has what
	 * items[owners[i]] says, or, with NO_OWNER, what it had. */
	size_t point_count;
	uint64_t *points; /* ascending; owned */
	uint32_t *owners; /* owned */

	uint64_t entries;   /* of the log that were replayed */
	uint64_t bytes;	    /* that changed */
	uint64_t file_size; /* bytes, after the replay */
};

/* -EBADMSG: no sequence to replay, a file that is shorter than the log says, an entry that
 * is whole but means nothing. The ring must live as long as *ret. */
int vhdx_log_replay(const struct vhdx_log *log, struct vhdx_changes *ret,
		    struct err *err) MUST_CHECK;
void vhdx_changes_clear(struct vhdx_changes *changes);

/* What holds at offset; NULL: the file itself. *ret_end: up to which offset that is so. */
const struct vhdx_change *vhdx_changes_find(const struct vhdx_changes *changes,
					    uint64_t offset, uint64_t *ret_end);

/* The sector that a data change puts in its place. */
void vhdx_change_sector(const struct vhdx_log *log, const struct vhdx_change *change,
			uint8_t ret[VHDX_LOG_SECTOR]);

/* vhdx-changes.c: flattens items into points and owners. */
int vhdx_changes_flatten(struct vhdx_changes *changes, struct err *err) MUST_CHECK;
int vhdx_changes_add(struct vhdx_changes *changes, const struct vhdx_change *change,
		     struct err *err) MUST_CHECK;
