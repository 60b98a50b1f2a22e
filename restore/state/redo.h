/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A change of a volume that a power cut cannot tear. All bytes that will differ are written first
 * into clusters that are free before and after the change: the log. Then one sector changes the
 * state: the volume's boot sector gives way to a pointer to the log, so that nothing mounts or starts
 * the volume while it is neither the old nor the new one. Then the bytes go to their places, and
 * last of all the boot sector comes back.
 *
 *	cut before the pointer is written	the old volume (free clusters have other bytes)
 *	cut after it				redo_finish() does the rest, as often as it takes
 *	boot sector written			the new volume
 *
 * FAT32 has a copy of its boot sector, in sector 6 as a rule. It stays, and makes nothing of a
 * half-changed EFI system partition: who reads FAT asks sector 0 alone, and goes away where that is
 * none. UEFI's driver in FatOpenDevice() (edk2, FatPkg/EnhancedFatDxe/Init.c; bytes 11 and 12 of the
 * magic are no sector size), Windows' in FatMountVolume() (Windows-driver-samples,
 * filesys/fastfat/fsctrl.c; byte 0 is no jump), Linux' in fat_fill_super() (fs/fat/inode.c). The copy
 * is for programs that repair and are told to use it.
 *
 *	pointer (sector 0 of the partition)
 *	  └► extents, one behind the other, are the log:
 *	       index: a record for each range: place, length, CRC-32C     (whole 4096 bytes)
 *	       bytes of record 0, of record 1, …                         (each whole 4096 bytes)
 */
#pragma once

#include <base/bytes.h>

#include "engine/gate.h"
#include "fixups/fixup.h"

#define REDO_PAGE    4096u
#define REDO_EXTENTS 26 /* what a sector of 512 bytes has room for */
/* Records are at most 1 MiB long and half a dozen pages at least apart: of one GiB. */
#define REDO_MAX_RECORDS (1u << 18)
#define REDO_MAX_LENGTH	 MiB

struct redo_range_disk {
	le64 offset; /* 0x00 in the partition */
	le64 length; /* 0x08 */
};

struct redo_pointer_disk {
	uint8_t magic[16];    /* 0x00 */
	le32 crc;	      /* 0x10 CRC-32C of the 512 bytes, this as 0 */
	le32 sector_size;     /* 0x14 bytes */
	le64 volume_length;   /* 0x18 bytes */
	le64 time;	      /* 0x20 seconds since 1970 */
	le32 record_count;    /* 0x28 */
	le32 index_crc;	      /* 0x2c CRC-32C of the records */
	le32 extent_count;    /* 0x30 */
	uint8_t reserved[12]; /* 0x34 zero */
	struct redo_range_disk extents[REDO_EXTENTS]; /* 0x40 */
	uint8_t end[32]; /* 0x1e0 zero: no signature of a boot sector */
};
_Static_assert(sizeof(struct redo_pointer_disk) == 512, "one sector");

struct redo_record_disk {
	le64 offset; /* 0x00 in the partition */
	le32 length; /* 0x08 bytes */
	le32 crc;    /* 0x0c CRC-32C of the bytes */
};
_Static_assert(sizeof(struct redo_record_disk) == 16, "records are packed");

struct redo_range {
	uint64_t offset, length; /* in the partition */
};

struct redo_pointer {
	uint32_t sector_size, record_count, index_crc, extent_count;
	uint64_t volume_length;
	int64_t time;
	struct redo_range extents[REDO_EXTENTS];
};

struct redo_record {
	uint64_t offset; /* in the partition */
	uint32_t length, crc;
};

/* Pure. -ENOEXEC: no pointer; -EBADMSG: one that is damaged or impossible. */
int redo_pointer_decode(const uint8_t sector[512], struct redo_pointer *ret,
			struct err *err) MUST_CHECK;
void redo_pointer_encode(const struct redo_pointer *pointer, uint8_t sector[512]);
/* The index of a pointer, record_count records. Records ascend, lie apart from each other and from
 * the extents, begin with sector 0. -EBADMSG. */
int redo_index_decode(const struct redo_pointer *pointer, const uint8_t *bytes,
		      size_t length, struct redo_record **ret,
		      struct err *err) MUST_CHECK;
/* Bytes of the log that so many records of so many bytes need; records are padded to pages. */
uint64_t redo_log_length(const struct redo_record *records, size_t count);

/* The partition that is written, through a gate that is not sealed yet. */
struct redo_place {
	struct gate *gate;
	uint64_t offset, length; /* of the partition on the disk */
	uint32_t sector_size;
};

/* patches->moves are the ranges that are free before and after, each to itself. Nothing of the
 * volume changes before the log is proved. -ESTALE: the volume is not what the patches were made
 * for; -ENOSPC: the free ranges are too small; -EBADMSG: redo_finish() would refuse it (patches out of
 * order, free ranges that are not made of pages); -EINPROGRESS: the pointer is written and the rest
 * failed, err says how. */
int redo_write(const struct redo_place *place, const struct patch_list *patches,
	       int64_t time, struct err *err) MUST_CHECK;
/* -ENOEXEC: there is nothing to finish. */
int redo_finish(const struct redo_place *place, struct err *err) MUST_CHECK;
