/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where an answer file is looked for (USERS.md section 4), which one counts, and a line for each
 * that was considered. The first place that has one for this machine wins; two of the same place
 * that differ are an error, and so is one that cannot be read or understood: a restore that runs
 * by itself must be sure of what it was told.
 */
#pragma once

#include <base/text.h>
#include <restore/answer-machine.h>

enum answer_place {
	ANSWER_NAMED,  /* on the command line of bmr */
	ANSWER_KERNEL, /* openbmr.answer= of the kernel's command line */
	ANSWER_BOOT,   /* handed over by what started the kernel, from the boot medium */
	ANSWER_SERVER, /* the same, from a server */
	ANSWER_FIRMWARE,  /* SMBIOS and fw_cfg of a virtual machine */
	ANSWER_REMOVABLE, /* root of a removable medium */
	ANSWER_MEDIUM,	  /* root of the boot medium */
	ANSWER_SHARE,	  /* below openbmr/ on the share that another file names */
};

struct answer_search_wishes {
	const char *root; /* "" or a folder that stands for this machine's root */
	const char *path; /* the one file that counts; NULL: all places are searched */
	const char *
		signed_by; /* key of those that come over a network; NULL: they are trusted */
	const char *ca;	  /* PEM of who may vouch for https servers; NULL: none */
	bool environment; /* media may be mounted, and the network set up */
	/* What must be fetched is not; *ret is empty where that would count. */
	bool local_only;
};

struct answer_found {
	enum answer_place place;
	char *name;   /* for messages: path or address */
	char *medium; /* folder that its medium is mounted at, or that of the file; NULL */
	char *address; /* of the folder of the share that it lies in; NULL */
	char *login;   /* path of a credentials file that lies beside; NULL */
	uint8_t *bytes;
	size_t length;
	char hash[65];
	struct answer answer;
};

/* *ret_log: a line for each candidate, also after an error; a new string. -ENOENT: there is none. */
int answer_search(const struct answer_search_wishes *wishes,
		  const struct answer_machine *machine, struct answer_found *ret,
		  char **ret_log, struct err *err) MUST_CHECK;
void answer_found_clear(struct answer_found *found);

/* -- for the places ---- */

#define CANDIDATES_MAX 64 /* more media are not plugged in */

struct answer_candidate {
	enum answer_place place;
	char *name, *medium, *address, *login;
	char *signature; /* path of a file; NULL: there is none */
	bool trusted;	 /* needs no signature */
	uint8_t *bytes;
	size_t length;
	char verdict[200];
};

struct answer_search {
	const struct answer_search_wishes *wishes;
	const struct answer_machine *machine;
	size_t count;
	struct answer_candidate candidates[CANDIDATES_MAX]; /* by place */
	char *login; /* the first that was found; for addresses; NULL */
	bool network_up;
	struct text notes; /* lines about places that were not looked at */
};

/* The name of a file in memory, which lives as long as this process. */
int answer_keep_in_memory(const void *bytes, size_t length, char **ret,
			  struct err *err) MUST_CHECK;
/* Takes the openbmr.cred that lies in a folder for addresses without a login of their own, unless
 * there is one already. */
int answer_take_login(struct answer_search *search, const char *folder,
		      struct err *err) MUST_CHECK;
/* A file of this machine: nothing is added where there is none. */
int answer_add_file(struct answer_search *search, enum answer_place place,
		    const char *folder, const char *file, struct err *err) MUST_CHECK;
/* bytes are taken over, also on failure. */
int answer_add_bytes(struct answer_search *search, struct answer_candidate *candidate,
		     struct err *err) MUST_CHECK;
/* What "file:…", "http[s]://…" or "smb://…" leads to, in front of all others. It must be there. */
int answer_add_reference(struct answer_search *search, enum answer_place place,
			 const char *reference, struct err *err) MUST_CHECK;
/* Below openbmr/ on the share of found, by its login; none is no error. */
int answer_add_share(struct answer_search *search, const struct answer_found *found,
		     struct err *err) MUST_CHECK;

/* All places of this machine. */
int answer_places_collect(struct answer_search *search, struct err *err) MUST_CHECK;
