/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answer file openbmr.ini (USERS.md section 4): strict, and told with file, line, column and
 * the nearest known name what is wrong. Encodings as Notepad writes them: UTF-8 or UTF-16LE, with
 * byte-order mark or without, LF or CRLF. A comment starts a line or follows two blanks, with
 * ';' or '#'. A section and a key stand at most once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>
#include <restore/plan.h>

enum after_action { AFTER_HOLD, AFTER_REBOOT, AFTER_POWEROFF, AFTER_SHELL };

#define ANSWER_DISKS	   16 /* keys disk0 to disk15 */
#define ANSWER_RETRIES_MAX 99

/* Globs that say for which machines a file is; NULL: for all. */
struct answer_match {
	char *uuid, *serial, *mac, *host, *vendor, *model;
};

/* As `bmr net up` takes them; NULL and 0: by DHCP, on all cards. */
struct answer_network {
	char *interface; /* name or MAC */
	char *address;	 /* "192.0.2.10/24" */
	char *gateway;
	char *dns; /* with commas */
	unsigned vlan;
};

struct answer {
	struct answer_match match;
	char *source_url; /* smb://…, \\host\share\… or a folder */
	char *credentials; /* path of the file, or http[s]://…; NULL: prompt, or none needed */
	bool credentials_url; /* it is a URL, which is asked once */
	char *unlock; /* path of a file of keys for BitLocker; NULL: prompt, or none needed */
	bool require_encryption; /* encrypt = required; else if-offered */
	bool gives_retry; /* retry_for = …: how long a server that is lost is waited for */
	uint64_t retry_seconds;
	char *machine;	  /* NULL: the only one */
	char *version;	  /* NULL: latest */
	char *volumes;	  /* critical, all, or names; NULL: critical */
	char *controller; /* for = …: of the machine that will start; NULL: this one's */
	char *drivers;	  /* path of a folder of drivers; NULL */
	char *grow;	  /* letter of a volume to extend to the end of its disk; NULL */
	/* disk0, disk1, … as --disk takes them: "0=serial:…", "1=wwn:…", "2=size:900G..1100G" */
	size_t disk_count;
	char *disks[ANSWER_DISKS];
	size_t exclude_count;
	char *excludes[ANSWER_DISKS]; /* "serial:…", "wwn:…" */
	char *plan;	 /* SHA-256 in hexadecimal of the only plan that may run; NULL */
	char *partition; /* of disk0's Windows, a number; NULL: the only one */
	bool wipe;	 /* zeros where the backup's file systems are free */
	bool no_shrink;	 /* shrink = never */
	bool new_ids;	 /* ids = new */
	enum plan_firmware firmware; /* firmware = match, convert, uefi, bios */
	bool ignore_forecast; /* forecast = ignore; else what will not start stops it */
	bool dynamic_plain;   /* dynamic = plain; else refuse */
	char *report;	      /* path, smb://… or "stick:NAME" for the report; NULL */
	char *log; /* the same for the bundle of logs, which is saved however it ends */
	char *status;	      /* http[s]://… that is told how far it is; NULL */
	char *layout;	      /* path of a layout file, or backup:PATH; NULL */
	bool prove_full;      /* read all of the backup before the disk is opened */
	bool delta;	      /* compare the disk first, write what differs */
	bool confirm_erase;   /* confirm = erase */
	bool confirm_replace; /* confirm = replace, with state */
	/* state = …: files of the system state onto the Windows of disk0, and nothing else. */
	bool system_state;
	bool other_machine, domain_controller; /* as in struct state_options */
	enum after_action action;	       /* AFTER_HOLD where not said */
	enum after_action on_fail;
	unsigned state_classes; /* bits, as in struct state_options; 0: all */
	unsigned retries;	/* on_fail = retry:N, then hold */
	struct answer_network network;

	/* Nothing is said of backup, target and layout: the file leads to a share, where others
	 * are looked for. */
	bool leads_to_share;
	char *missing; /* "'a.ini': 'confirm' is missing in [target]": the menu may ask; NULL: none */
};

#define ANSWER_MAX_BYTES (64 << 10) /* as the boot application hands over at most */

const char *after_action_text(enum after_action action); /* "hold", "reboot", … */

/* Pure: understands length bytes; name is for messages. A path of credentials, layout or drivers that
 * does not start with '/' is taken as below folder (may be NULL). -EINVAL with the place. What is
 * missing is no error yet. */
int answer_parse(const void *bytes, size_t length, const char *name, const char *folder,
		 struct answer *ret, struct err *err) MUST_CHECK;

/* Can it be followed without a question? -EINVAL: what is missing. */
int answer_check_whole(const struct answer *answer, struct err *err) MUST_CHECK;

/* Reads a file. signed_by: a public key; the file at path with ".sig" behind it must then be a
 * signature by it, see signature.h, of the very bytes that are understood; NULL: none is
 * needed. */
int answer_read(const char *path, const char *signed_by, struct answer *ret,
		struct err *err) MUST_CHECK;

void answer_clear(struct answer *answer);
