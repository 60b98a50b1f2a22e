/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Will it boot? Looks at everything between the firmware and Windows' kernel that can be
 * decided without starting it: before a restore in the backup, after one on the disk, by the
 * same checks. And what an administrator has to do next, by the roles that the machine had.
 *
 * Bytes from outside are parsed in a child process in the jail of the fix-ups.
 */
#pragma once

#include <restore/plan.h>
#include <restore/reader.h>

enum forecast_colour { FORECAST_GREEN, FORECAST_AMBER, FORECAST_RED };

const char *forecast_colour_text(enum forecast_colour colour); /* "green", … */

struct forecast_item {
	enum forecast_colour colour;
	char *name; /* "boot manager" */
	char *fact;
};

/* What to do after the restore, because of a role that the machine had. */
struct forecast_advice {
	char *role; /* "domain controller" */
	char *text;
};

struct forecast {
	size_t item_count;
	struct forecast_item *items;
	size_t advice_count;
	struct forecast_advice *advice;
};

void forecast_clear(struct forecast *forecast);
bool forecast_is_red(const struct forecast *forecast);

/* The machine whose firmware is to start the disk. */
struct forecast_machine {
	bool known; /* else nothing is said about its firmware */
	bool uefi;
	bool secure_boot;
	uint8_t *db, *dbx; /* owned; NULL: there is none */
	size_t db_length, dbx_length;
};

#define FORECAST_EFIVARS "/sys/firmware/efi/efivars"

/* folder: a folder like efivarfs, with a file for each variable; one that does not exist: a
 * machine that was started by its BIOS. */
int forecast_machine_read(const char *folder, struct forecast_machine *ret,
			  struct err *err) MUST_CHECK;
void forecast_machine_clear(struct forecast_machine *machine);

/* Of what the plans would restore; volumes that stay on a disk are read there. What cannot be
 * looked at is an item, not an error. */
int forecast_backup(const struct plan_set *set, struct reader *reader,
		    const struct forecast_machine *machine, struct forecast *ret,
		    struct err *err) MUST_CHECK;

/* Of the disks, after the plans were carried out. Opens them read-only. */
int forecast_disks(const struct plan_set *set, const struct forecast_machine *machine,
		   struct forecast *ret, struct err *err) MUST_CHECK;

/* For people, at most 80 columns as a rule; NULL: no memory. The caller frees. */
char *forecast_text(const struct forecast *forecast);
/* Has such a text a red item? */
bool forecast_text_is_red(const char *text);
/* {"forecast": [{"item", "colour", "fact"}], "advice": [{"role", "text"}]} added to a JSON object;
 * NULL: no memory, or json is none. The caller frees. */
char *forecast_add_json(const struct forecast *forecast, const char *json);
