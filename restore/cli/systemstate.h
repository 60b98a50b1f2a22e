/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What 'bmr restore-systemstate' works with: the disk and its partition, found first and under the
 * rules of a target; then the backup, and the partition as a volume that is read (systemstate.c). What
 * is done with them and told of it: systemstate-run.c, systemstate-report.c.
 */
#pragma once

#include <base/text.h>
#include <restore/restore.h>
#include <restore/system-state.h>

#include "files.h"
#include "source-backup.h"

struct systemstate_cli {
	struct source_options source; /* text NULL: --finish */
	const char *machine, *version, *disk, *volume, *confirm, *report;
	unsigned classes;
	bool other_machine, domain_controller, plan, finish, json;
	bool once; /* nobody asks for it: not where it was done before */
	int progress_fd;
};

struct systemstate_place {
	struct disk_list disks;
	struct disk *disk;			/* of the list */
	const struct disk_partition *partition; /* of the disk's layout */
	struct source_backup backup;
	const struct backup_volume *windows;
	unsigned windows_number; /* of backup.reader */
	struct reader *target;	 /* of the disk's partitions */
	unsigned target_number;
	/* Boot files on a partition of their own: NULL and NULL, or both; the numbers as above. */
	const struct backup_volume *boot;
	const struct disk_partition *boot_partition;
	unsigned boot_number, boot_target_number;
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
/* The partition that Windows is started from, and the volume of the backup for it, opened. *ret_why:
 * why boot files of the backup stay as they are, owned; NULL: they do not, or there are none. */
int systemstate_open_boot(struct systemstate_place *place, char **ret_why,
			  struct err *err) MUST_CHECK;
/* Closes what is read; disk, partition and what is known of the backup stay. */
void systemstate_release(struct systemstate_place *place);
void systemstate_clear(struct systemstate_place *place);

/* What was worked out and done, for people and for machines. */
struct systemstate_report {
	const struct systemstate_cli *cli;
	const struct systemstate_place *place;
	struct restore_result result;
	struct state_sum sum;
	int64_t time; /* of the change, seconds since 1970 */
	uint64_t start_ms;
	bool finished;	  /* it was one that had stopped half-way */
	struct text text; /* all lines so far, as they were told */
};

void systemstate_report_start(struct systemstate_report *report);
/* A line about a file, at once. */
int systemstate_report_note(struct systemstate_report *report,
			    enum plan_severity severity, const char *text,
			    struct err *err) MUST_CHECK;
/* The sum and what to do next, or of error why not; saves it where --report says. */
void systemstate_report_end(struct systemstate_report *report, const struct err *error);
void systemstate_report_clear(struct systemstate_report *report);

/* The command whose options are complete; tells under the name of command. */
enum exit_status systemstate_run(const struct command *command,
				 const struct systemstate_cli *cli);
