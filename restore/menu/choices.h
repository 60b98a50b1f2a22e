/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a person has chosen in the menu, and the two other forms of the same: a command line of
 * bmr, and an answer file. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>

#define CHOICE_SIZE   512
#define CHOICES_DISKS 16 /* as in an answer file */
#define ARGUMENTS_MAX (64 + 4 * CHOICES_DISKS)

/* Typed keys of BitLocker volumes: lines as a file of --unlock has them; 16 are what bmr takes. */
#define CHOICE_KEYS_SIZE 2048

struct choices {
	char source[CHOICE_SIZE];    /* source.url */
	char user[CHOICE_SIZE];	     /* of a share; empty: none */
	char password[CHOICE_SIZE];  /* never in either form */
	char keys[CHOICE_KEYS_SIZE]; /* neither are these */
	bool require_encryption;
	/* [network], as `bmr net up` takes them; empty: not given */
	char interface[32], address[64], gateway[64], dns[160], vlan[8];
	char machine[CHOICE_SIZE];
	char version[CHOICE_SIZE]; /* "2026-08-31T21:00Z"; empty: latest */
	char volumes[CHOICE_SIZE]; /* "critical", "all", or names; empty: critical */
	/* target.diskN: "serial:…", "wwn:…", or a path; empty: not named */
	char disks[CHOICES_DISKS][CHOICE_SIZE];
	char excludes[CHOICES_DISKS][CHOICE_SIZE]; /* "serial:…", "wwn:…"; "" ends them */
	bool new_ids, no_shrink, prove_full;
	/* bmr restore-systemstate instead of bmr restore; the others are its options. */
	bool system_state;
	char state[40];	   /* "registry,boot"; empty: all */
	char partition[8]; /* number; empty: the only one with Windows */
	bool other_machine, domain_controller;
	bool ignore_forecast; /* what will not start may be restored all the same */
	char grow[8];	      /* "C:"; empty: none */
	/* What no screen asks for, out of an answer file; as options take it. */
	char unlock[CHOICE_SIZE], retry_for[24], controller[CHOICE_SIZE],
		drivers[CHOICE_SIZE], firmware[16], dynamic[16], layout[CHOICE_SIZE],
		report[CHOICE_SIZE], delta[8], wipe[8];
};

/* Is the source on a server, so that network and login are needed? */
bool choices_from_share(const struct choices *choices);

/* What is typed to confirm that a disk is erased: the last four characters of its serial number,
 * WWN or path. */
const char *choices_proof(const char *which);

struct arguments {
	char *words[ARGUMENTS_MAX + 1]; /* owned, NULL-terminated */
	size_t count;
	bool failed; /* no memory */
};

/* A word, or an option and its value, which is left out where it is empty. */
void arguments_add(struct arguments *arguments, const char *option, const char *value);
void arguments_clear(struct arguments *arguments);

/* Where a command finds what is in neither form. */
struct choices_secrets {
	const char *credentials, *keys; /* paths */
};

/* How the source is read: "--credentials" where a share needs a login, "--unlock" where keys were
 * typed or a file of them is named. */
void choices_add_source(const struct choices *choices,
			const struct choices_secrets *secrets,
			struct arguments *arguments);

/* "bmr COMMAND" with all that was chosen. What is not chosen yet is left out. */
int choices_arguments(const struct choices *choices, const char *command,
		      const struct choices_secrets *secrets, struct arguments *ret,
		      struct err *err) MUST_CHECK;

/* "bmr restore-systemstate" in the same way. */
int choices_state_arguments(const struct choices *choices,
			    const struct choices_secrets *secrets, struct arguments *ret,
			    struct err *err) MUST_CHECK;

/* The same as a person would type it, broken into lines; a new string, NULL: no memory. */
char *choices_command_line(const struct choices *choices);

/* openbmr.ini; a new string, NULL: no memory. Login names are not in it: the key credentials
 * names a file that the user makes. */
char *choices_answer_file(const struct choices *choices);
