/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What plan, restore, verify and auto have in common: a source that is open and scanned, a
 * machine and a version, the disks of this machine, a target, and the plan.
 */
#pragma once

#include <restore/boot-driver.h>
#include <restore/plan.h>
#include <restore/restore.h>

#include "command.h"
#include "progress.h"
#include "source.h"

#define SESSION_DISKS 64 /* of one machine; Windows servers have a few dozen */

struct session_options {
	struct source_options source;
	const char *machine, *version; /* NULL: the only one, the latest */
	/* As disk_find() takes them, a target with "N=" before it for source disk N. */
	size_t disk_count, exclude_count;
	const char *disks[SESSION_DISKS], *excludes[SESSION_DISKS];
	uint32_t sector_size;	       /* of an image file that is created; 0: the source disk's */
	const char *volumes;	       /* critical, all, or names; NULL: critical */
	const char *confirm;	       /* "erase" or NULL */
	const char *layout;	       /* path of a layout given by the user; NULL */
	const char *efivars;	       /* folder like efivarfs, of the machine that is to
					  start; NULL: this machine's, where real disks are
					  written */
	const char *report;	       /* file or folder for the report; NULL */
	/* Folder for a mirror of the journal, "none"; NULL: the boot medium, if there is one. */
	const char *journal_mirror;
	enum restore_prove prove;
	const char *controller; /* of the machine that will start from the disk; NULL: this one's */
	const char *drivers;	       /* folder of drivers for that machine; NULL */
	const char *grow;	       /* letter of a volume to extend; NULL */
	bool no_shrink; /* refuse a disk on which volumes would have to be made smaller */
	bool dynamic_plain; /* volumes of dynamic disks onto plain partitions */
	bool wipe, json, firmware_entry, new_ids;
	enum plan_firmware firmware; /* a wish */
	bool despite_forecast; /* restore even what will not start */
	bool no_estimate; /* of the time: nothing is read for it */
	bool resume; /* take up a restore that stopped half-way */
	bool delta, no_index; /* compare first, write what differs */
	bool qr; /* show a summary of the result as a QR code */
	int progress_fd; /* descriptor for progress as JSON; 0: none */
};

/* The options of these commands, without asking whether they are enough; then --from and --disk
 * checked for being there. EXIT_DONE, or EXIT_USAGE after telling. */
enum exit_status session_parse_some(const struct command *command, int argc, char **argv,
				    struct session_options *ret);
enum exit_status session_parse(const struct command *command, int argc, char **argv,
			       struct session_options *ret);
extern const char session_help[];

struct session {
	struct progress_display display;
	struct reader *reader;
	struct backup *backup;
	const struct backup_machine *machine;
	const struct backup_version *version;
	struct disk_list disks;
	struct plan_named named[SESSION_DISKS];
	const struct disk *excluded[SESSION_DISKS];
	size_t minimum_count;
	struct plan_minimum *minimums; /* owned, of the volumes that could be shrunk */
	char *no_conversion; /* owned: why other firmware is not possible; NULL */
	struct driver_folder *drivers; /* owned, given by the user; NULL */
	struct plan_driver *driver; /* owned, of the storage controller; NULL: not known */
	struct plan_set plans;
	const char *journal_mirror; /* folder; NULL: none, or not looked for yet */
	char *stick;		    /* owned: the boot medium is mounted there; NULL */
};

int session_open(const struct session_options *options, struct session *ret,
		 struct err *err) MUST_CHECK;
void session_close(struct session *session);

/* What the least advanced of the disks carries: a set is whole when all of them are. EXIT_DONE, or
 * how looking failed, after telling. */
enum exit_status session_look(const struct command *command, struct session *session,
			      const struct session_options *options,
			      enum restore_found_kind *ret);

/* Runs the plans, shows progress, prints and saves the report. */
enum exit_status session_restore(const struct command *command, struct session *session,
				 const struct session_options *options);
