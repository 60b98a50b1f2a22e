/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What 'bmr restore-systemstate' works with: the disk and its partition, found first and under the
 * rules of a target; then the backup, and the partition as a volume that is read.
 */
#pragma once

#include <restore/system-state.h>

#include "files.h"

struct systemstate_cli {
	struct source_options source; /* text NULL: --finish */
	const char *machine, *version, *disk, *volume, *only, *confirm;
	unsigned classes;
	bool other_machine, domain_controller, plan, finish;
};

struct systemstate_place {
	struct disk_list disks;
	struct disk *disk;			/* of the list */
	const struct disk_partition *partition; /* of the disk's layout */
	struct reader *reader;			/* of the backup */
	struct backup *backup;
	const struct backup_version *version;
	const struct backup_volume *windows;
	unsigned windows_number; /* of reader */
	struct reader *target;	 /* of the disk's partitions */
	unsigned target_number;
	struct progress_display display;
};

/* *ret_half: a change of a partition of it has stopped half-way; that is then the partition. Else
 * it is the one of --volume, or open. -EACCES: it may not be written. */
int systemstate_find_disk(const struct systemstate_cli *cli,
			  struct systemstate_place *place, bool *ret_half,
			  struct err *err) MUST_CHECK;
/* Opens backup and partition. */
int systemstate_open(const struct systemstate_cli *cli, struct systemstate_place *place,
		     struct err *err) MUST_CHECK;
/* Closes both; disk and partition stay. */
void systemstate_release(struct systemstate_place *place);
void systemstate_clear(struct systemstate_place *place);
