/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * AsrSif, the ASR writer's description of the source's disks (FORMAT.md 4.1): MBR disks
 * by their documented names, GPT disks, whose names no public source tells, by shape.
 * Pure.
 */
#pragma once

#include <restore/backup.h>

struct asrsif_partition {
	struct source_partition values; /* origin ORIGIN_ASRSIF; .volume is -1 */
	struct value_u64 critical;	/* 1 or 0 */
	unsigned id_candidates; /* GUIDs that could be its id; with more than one it has
				   none */
	bool has_volume;
	struct guid volume; /* of its \??\Volume{…} */
	char *dos_path;	    /* "C:", or NULL */
};

struct asrsif_disk {
	struct source_disk values; /* without partitions; origin ORIGIN_ASRSIF */
	bool has_number;
	unsigned number; /* Windows' number of the disk */
	size_t partition_count;
	struct asrsif_partition *partitions; /* by offset */
};

struct asrsif_volume {
	struct guid guid;
	char *file_system; /* "NTFS", "FAT32", … ; NULL unknown */
	char *label;	   /* NULL unknown */
	char *dos_path;	   /* "C:", or NULL */
};

enum asrsif_firmware { ASRSIF_FIRMWARE_UNKNOWN, ASRSIF_BIOS, ASRSIF_UEFI };

struct asrsif {
	char *machine; /* NULL unknown */
	enum asrsif_firmware firmware;
	bool has_dynamic_disks; /* the logical disk manager's packs */
	size_t disk_count;
	struct asrsif_disk *disks;
	size_t volume_count;
	struct asrsif_volume *volumes;
};

void asrsif_free(struct asrsif *asrsif); /* NULL is fine */
DEFINE_FREEP(struct asrsif, asrsif, asrsif_free)

/* The text of the AsrSif element in a document: as an element, or as text that is escaped
 * once or twice. The result is new. -ENOENT: there is none; -EBADMSG: it is cut off. */
int asrsif_find(const char *document, char **ret, struct err *err) MUST_CHECK;

/* what names the document in messages. -EBADMSG: not XML, a number that is none, a
 * partition beyond its disk. */
int asrsif_read(const char *text, const char *what, struct asrsif **ret,
		struct err *err) MUST_CHECK;
