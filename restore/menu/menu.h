/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The menu: seven screens (USERS.md section 3) over bmr's own commands. The screens share this
 * state and are listed, in their order, in menu.c. The menu opens no source and no disk: every
 * step is a command in a process of its own, which a person could type as well.
 */
#pragma once

#include <restore/backup.h>

#include "choices.h"
#include "disk-items.h"
#include "page.h"
#include "task.h"

/* How a menu ends: exit statuses of `bmr menu`, which the environment acts on. */
enum menu_end { MENU_LEFT = 0, MENU_REBOOT = 100, MENU_POWER_OFF = 101 };

struct menu_options {
	bool plain, ascii;
	const char *shell;	 /* program behind F3; NULL: none */
	const char *log_path;	 /* what commands say is appended */
	const char *lock_path;	 /* locked while a restore runs; NULL: none */
	const char *answer_path; /* an answer file that is there; NULL: none */
	const char *result_path; /* how what ran before ended, one line; NULL: none */
	const char *remote_path; /* how to come here by ssh, one line; NULL: none */
	const char *save_path;	 /* proposed for the answer file */
	const char *image; /* image file that is listed beside the disks; NULL: none */
	const char *ready_path; /* there once all disks are; NULL: they are */
	bool environment; /* in the recovery environment: network, keyboard, firmware entry, end */
};

/* Where a screen leads to. */
enum step {
	STEP_NEXT,
	STEP_BACK,
	STEP_START, /* to the first screen */
	STEP_RESULT,
	STEP_RESUME, /* the restore that stopped goes on */
	STEP_LEAVE,  /* menu.end says how */
};

struct menu {
	const struct menu_options *options;
	struct ui ui;
	const char *program; /* path of bmr */
	struct choices choices;
	char keyboard[64]; /* name of the layout; empty: the kernel's */
	struct backup *backup;
	const struct backup_machine *machine; /* of backup; NULL until one is chosen */
	const struct backup_version *version;
	char searched[CHOICE_SIZE]; /* the source that the keys in choices are for */
	struct disk_items disks;
	size_t start_item; /* of the first screen, while that is drawn again */
	bool looked; /* for a half-restored disk, since the start or the last restore */
	struct disk_items halves; /* what was found then */
	char resume_disk
		[CHOICE_SIZE]; /* the one to resume, by its journal; "": by the choices */
	bool refused;	       /* the plan */
	bool resume;	       /* the restore that runs goes on where one stopped */
	bool follow_answer;    /* the restore that runs is that of the answer file */
	/* The answer file: what it lacks, or why it is of no use; owned, NULL: nothing. */
	char *answer_missing, *answer_wrong;
	char *result;	   /* what the last restore said; owned */
	int result_status; /* its exit status */
	enum menu_end end;
	char clock
		[256]; /* what was found out about this machine's clock; empty: nothing */
	long start_s;  /* when the menu began, for the footer */
};

int menu_run(const struct menu_options *options, enum menu_end *ret,
	     struct err *err) MUST_CHECK;

enum step screen_start(struct menu *menu);
enum step screen_source(struct menu *menu);
enum step screen_backup(struct menu *menu);
enum step screen_target(struct menu *menu);
enum step screen_plan(struct menu *menu);
enum step screen_progress(struct menu *menu);
enum step screen_result(struct menu *menu);

/* The disk on which a restore stopped half-way: it is resumed, begun again, or left. */
const struct disk_item *menu_half(const struct menu *menu);
enum step page_half(struct menu *menu, const struct disk_item *disk);

/* Lists the disks of this machine anew. False: it could not, which has been said. */
bool menu_read_disks(struct menu *menu);
/* A disk for each of count; what: the text above the list, NULL: that of a restore. STEP_NEXT,
 * STEP_BACK, STEP_LEAVE. */
enum step menu_choose_disks(struct menu *menu, size_t count, const char *what);
/* The end of a disk's name is typed; more: text below the disk. */
bool menu_confirm_disk(struct menu *menu, enum text_id title, const char *which,
		       const char *more);

/* The system state of the version that is chosen onto a Windows that is there: STEP_RESULT,
 * STEP_BACK, STEP_LEAVE. */
enum step page_state(struct menu *menu);

/* True: there is a network, or none is needed for what was chosen. */
bool menu_network_up(struct menu *menu);

/* Side rooms, from which one comes back to where one was. */
void page_keyboard(struct menu *menu);
void page_language(struct menu *menu);
/* Saves the log with all that belongs to it; the context is the menu. */
void page_log(void *context);
void page_browse(struct menu *menu);
void page_network(struct menu *menu);
/* Files out of the version that is chosen. */
void page_files(struct menu *menu);
/* Files on the chosen disks that are newer than it. */
void page_newer(struct menu *menu);

/* Where files go, as it was typed last. */
struct destination {
	char place[CHOICE_SIZE];
	char user[CHOICE_SIZE],
		password[CHOICE_SIZE]; /* of a share that is not the source */
};

/* Asks for the key of BitLocker volumes; locked: what a command said of them. What is typed goes
 * into the choices. may_go_on: there is something to be had without it. */
enum unlock_answer { UNLOCK_GIVEN, UNLOCK_WITHOUT, UNLOCK_BACK, UNLOCK_GONE };
enum unlock_answer page_unlock(struct menu *menu, const char *locked, bool may_go_on);
/* The lines of errors that tell of such volumes, a new string; NULL: none. */
char *unlock_lines(const char *errors);

/* Asks for a destination of what, and runs a command that takes it as --to. */
void page_take(struct menu *menu, struct destination *to, const char *what,
	       struct arguments *arguments);
void page_probe(struct menu *menu);
void page_options(struct menu *menu);
void page_save(struct menu *menu);

/* Runs a command to its end behind a page that says what; Esc cancels it. *ret_output and
 * *ret_errors are new strings (may be NULL pointers). Returns the exit status; -1: it did not
 * run or was cancelled, the person has been told. */
int menu_command(struct menu *menu, enum text_id title, const struct arguments *arguments,
		 char **ret_output, char **ret_errors);

/* The address that was given by hand, or by an answer file. */
void menu_add_network(const struct menu *menu, struct arguments *arguments);
/* "--clock-from SHARE": this machine's clock is set by the server's unless a restore runs. */
void menu_add_clock(const struct menu *menu, struct arguments *arguments);

/* What the menu itself hands to commands. */
extern const struct choices_secrets menu_secrets;

/* What menu_command() and the restore have in common. */
struct task_wishes menu_task(const struct menu *menu, const struct arguments *arguments);

/* Shows what a command wrote to standard error, or that it could not be run. */
void menu_show_failure(struct menu *menu, const char *errors);
/* The same where a share was asked for, with the offer to test the way to it. */
void menu_show_share_failure(struct menu *menu, const char *errors);
