/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the mapping of source disks to the disks of this machine: plan-map.c fills
 * it, plan-windows.c looks at it.
 */
#pragma once

#include <restore/plan.h>

struct map_source {
	size_t number; /* in backup_version.disks */
	const struct source_disk *source;
	uint64_t size;		   /* bytes of the source disk; 0: not known */
	uint64_t needed;	   /* bytes: the end of its last partition */
	bool system;		   /* the machine starts from it */
	const struct disk *target; /* NULL: none */
	bool named, named_twice;   /* by the user */
};

struct plan_map {
	const char *source; /* the tree's name */
	const struct backup_version *version;
	const struct disk_list *disks;
	const struct plan_choices *choices;
	size_t source_count;
	struct map_source *sources;
};

bool plan_map_excludes(const struct plan_map *map, const struct disk *disk);
/* Has the disk the GPT disk GUID or MBR signature of the source disk? */
bool plan_map_carries_ids(const struct disk *disk, const struct source_disk *source);

/* What Windows' own recovery "would have stopped with 0x80042412: …", or "" where it would have
 * gone on. The caller frees; NULL: no memory. */
char *plan_windows_verdict(const struct plan_map *map);
