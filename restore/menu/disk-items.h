/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disks of this machine as `bmr disks --json` tells of them. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

/* A restore that stopped half-way, on this disk. */
struct half_restore {
	char *machine, *plan;
	char *source; /* as --from takes it; "" where the journal does not tell */
	int64_t backup_time, written; /* seconds since 1970 */
	uint64_t done, total;	      /* bytes */
};

struct disk_item {
	char *which; /* as --disk takes it: "serial:…", "wwn:…", a file's path; "" if it has none */
	char *line; /* for a list: path, size, bus, model, serial */
	char *content;
	char *table_id; /* GPT: disk id as guid_format() writes it, MBR: signature; "": none */
	bool removable;
	char *reason;		   /* why it cannot be a target; NULL: it can */
	struct half_restore *half; /* NULL: none */
};

struct disk_items {
	size_t count;
	struct disk_item *items; /* possible ones first, as the command listed them */
};

int disk_items_parse(const char *json, struct disk_items *ret,
		     struct err *err) MUST_CHECK;
void disk_items_clear(struct disk_items *disks);

/* The first that is half restored and can be resumed; NULL: none. */
const struct disk_item *disk_items_half(const struct disk_items *disks);

/* NULL: none of them. */
const struct disk_item *disk_items_find(const struct disk_items *disks,
					const char *which);
