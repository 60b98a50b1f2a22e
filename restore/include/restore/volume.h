/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a volume is and which of its bytes matter: the file system by its boot sector, and
 * for NTFS the clusters that $Bitmap calls used (libntfs-3g, in ntfs.c).
 */
#pragma once

#include <base/block-source.h>
#include <base/guid.h>

enum file_system { FS_UNKNOWN, FS_NTFS, FS_FAT32, FS_FAT16, FS_FAT12, FS_EXFAT, FS_REFS };

const char *file_system_text(enum file_system fs); /* "NTFS", "FAT32", …, "unknown" */

struct volume_info {
	enum file_system fs;
	uint32_t sector_size;	 /* as the boot sector says; 0 unknown */
	uint32_t cluster_size;	 /* bytes; 0 unknown */
	uint64_t fs_size;	 /* bytes that the file system claims */
	uint64_t hidden_bytes;	 /* HiddenSectors x sector size: start on the source disk */
	uint64_t serial;	 /* volume serial number */
};

/* Pure: understands a boot sector (the first 4096 bytes of a volume of size bytes).
 * -EBADMSG: a known file system with impossible values. An unknown one is FS_UNKNOWN, not an
 * error. */
int volume_identify(const uint8_t boot[4096], uint64_t size, struct volume_info *ret,
		    struct err *err) MUST_CHECK;

/* Kinds of range that a restore tells apart. */
enum range_kind {
	RANGE_DATA, /* used, stored: copy it */
	RANGE_ZERO, /* used, but absent or marked zero in the image: must read as zeros */
	RANGE_FREE, /* the file system calls it free: need not be written */
};

struct volume_range {
	uint64_t offset; /* bytes in the volume */
	uint64_t length;
	enum range_kind kind;
};

/* Walks the ranges of a volume in order: image extents combined with the file system's
 * bitmap. Everything outside the file system (behind its last cluster, the backup boot
 * sector) and everything in a volume without a known bitmap counts as used. Cost grows with
 * stored data, not with size. */
struct volume_map;
int volume_map_open(struct block_source *volume, const struct volume_info *info,
		    struct volume_map **ret, struct err *err) MUST_CHECK;
/* Up to max ranges from offset on, adjacent; *ret_count 0 at the end of the volume. */
int volume_map_next(struct volume_map *map, uint64_t offset, struct volume_range *ranges,
		    size_t max, size_t *ret_count, struct err *err) MUST_CHECK;
void volume_map_free(struct volume_map *map); /* NULL is fine; does not close the volume */
DEFINE_FREEP(struct volume_map, volume_map, volume_map_free)

/* Reads a whole file of an NTFS or FAT volume by its path ("Windows/System32/config/SYSTEM",
 * no case). -ENOENT; -EFBIG beyond limit. */
int volume_read_file(struct block_source *volume, const struct volume_info *info,
		     const char *path, size_t limit, uint8_t **ret, size_t *ret_length,
		     struct err *err) MUST_CHECK;

/* Each file of a FAT volume costs a copy of the volume: for several files *volume, which is
 * closed, becomes a copy in memory. Other kinds, and what cannot be copied, stay as they are. */
int volume_keep(struct block_source **volume, const struct volume_info *info,
		struct err *err) MUST_CHECK;
