/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process that works a change out: it has no privileges and no descriptor of a disk. */
#pragma once

#include "fixups/fixup-wire.h"
#include "state-parts.h"

/* What it is asked. */
struct state_question {
	const struct state_backup *backup;
	const struct state_target *target;
	const struct state_options *options;
	uint64_t limit; /* bytes that may change */
};

/* What it sends through out: notes, changes with the checksum of what they replace, ranges that are
 * free before and after (as moves to themselves), a struct state_sum as answer. */
void state_process(const void *question, pid_t engine, int out);
