/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which clusters of a FAT volume are free, by its tables (Microsoft's fatgen103). */
#pragma once

#include <restore/volume.h>

struct fat_table {
	uint64_t heap;	       /* bytes: where the first cluster lies */
	uint32_t cluster_size; /* bytes */
	uint32_t clusters;
	uint8_t *used; /* owned; a bit for each cluster: one of the tables has it in use */
};

/* volume_identify() found info. -EBADMSG: tables that are too short for the clusters. */
int fat_table_read(struct block_source *volume, const struct volume_info *info,
		   struct fat_table *ret, struct err *err) MUST_CHECK;
void fat_table_clear(struct fat_table *table);
