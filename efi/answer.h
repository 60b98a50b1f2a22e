/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answer file: looked for once, at the start. On a boot medium it is openbmr.ini in the
 * root or beside this program; on a server, in the folder that this program came from, a file
 * named after the machine, or openbmr.ini (machine-ids.h). "openbmr.answer=" names another.
 * Beside it may lie credentials (.cred in place of .ini, or openbmr.cred) and, on a server,
 * its signature (.ini.sig); both are handed over without being judged.
 */
#pragma once

#include "load-options.h"
#include "machine-ids.h"
#include "medium.h"

struct answer {
	struct medium_file file; /* content.data NULL: none, state says why */
	struct medium_file credentials, signature;
	bool from_network; /* from somewhere that nobody vouches for */
	const char *state;
};

/* What was there and cannot be used was shown on the console. */
void answer_find(const struct medium *medium, const struct load_options *options,
		 const struct machine_ids *ids, struct answer *ret);
