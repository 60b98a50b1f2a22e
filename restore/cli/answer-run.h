/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A restore as an answer file says: see cmd-auto.c. */
#pragma once

#include "answer-search.h"
#include "command.h"
#include "session.h"

struct answer_run {
	bool check; /* only say what would happen */
	bool environment, firmware_entry, qr;
	const char *report; /* instead of the file's; NULL */
	const char *ca;	    /* PEM of who may vouch for https servers; NULL: none */
	int progress_fd;    /* 0: none */
};

/* Follows it, tries again as on_fail says, tells the environment what comes then. */
enum exit_status answer_follow(const struct answer_run *run, struct answer_found *found,
			       const struct answer_machine *machine);
