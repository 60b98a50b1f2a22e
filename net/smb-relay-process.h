/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The relay process itself (net/smb-relay.h), as the file that starts it sees it. */
#pragma once

#include <stdatomic.h>

#include <net/smb-relay.h>

#include "host.h"
#include "smb-frames.h"

#define RELAY_CONNECTIONS 16 /* that wait to be taken: twice as many as there are readers */

/* Shared memory: written by the relay, read by the engine and the reader. */
struct relay_report {
	atomic_bool seen_clear, seen_encrypted; /* since a login */
	atomic_uint failed[SMB_MATTERS];	/* NT statuses, see smb-frames.h */
	atomic_llong login_ns; /* CLOCK_MONOTONIC when a login was good first; 0: never */
	atomic_bool cut;       /* text is set, once */
	char text[sizeof(((struct err *)0)->text)]; /* why */
};

struct relay_process {
	bool require_encryption;
	int control; /* to those who started it */
	struct relay_report *report;
	const struct credentials *login; /* what the process inherits, and wipes; NULL: nothing */
	struct host host;
};

/* Leaves /dev/null as 0 to 2 and the control socket, which is moved. */
void relay_isolate(int *control);

/* No user, no capability, no core, and the connections to come are all it may still make. */
int relay_drop_rights(struct err *err) MUST_CHECK;

/* listener, and a pidfd of the process with which the relay ends. */
int relay_send_descriptors(int control, int listener, int process,
			   struct err *err) MUST_CHECK;

__attribute__((noreturn)) void relay_serve(struct relay_process *relay);
