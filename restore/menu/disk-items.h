/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disks of this machine as `bmr disks --json` tells of them. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

struct disk_item {
	char *which; /* as --disk takes it: "serial:…" or "wwn:…"; "" if it has neither */
	char *line;  /* for a list: path, size, bus, model, serial */
	char *content;
	char *reason; /* why it cannot be a target; NULL: it can */
};

struct disk_items {
	size_t count;
	struct disk_item *items; /* possible ones first, as the command listed them */
};

int disk_items_parse(const char *json, struct disk_items *ret, struct err *err) MUST_CHECK;
void disk_items_clear(struct disk_items *disks);

/* NULL: none of them. */
const struct disk_item *disk_items_find(const struct disk_items *disks, const char *which);
